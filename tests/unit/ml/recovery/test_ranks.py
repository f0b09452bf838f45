"""Shrinkage and ranks: pulled in by as much as the data are loose, and sure of nothing they cannot know."""

from __future__ import annotations

import numpy as np
import pytest

from ml.recovery.ranks import Standing, standing


def placed(difference: list[float], se: list[float], *, ranked: list[bool] | None = None, seed: int = 0) -> Standing:
    shown = np.array(ranked if ranked is not None else [True] * len(se))
    return standing(np.array(difference), np.array(se), shown, scale=0.5, draws=4000, seed=seed)


def test_the_looser_a_result_the_nearer_it_comes_to_the_mean() -> None:
    found = placed([0.2, 0.2, -0.1, -0.1, -0.2], [0.02, 0.1, 0.02, 0.05, 0.02])
    assert 0.1 < found.shrunken[1] < found.shrunken[0] < 0.2
    assert found.high[1] - found.low[1] > found.high[0] - found.low[0]


def test_a_small_unit_with_the_best_raw_result_need_not_be_the_likely_best() -> None:
    found = placed([0.25, 0.15, -0.1, -0.1, -0.1, 0.0], [0.2, 0.02, 0.02, 0.02, 0.02, 0.02])
    assert found.p_best[1] > found.p_best[0]
    assert found.rank_low[0] == 1 and found.rank_high[0] >= 4


def test_how_much_units_differ_is_found_where_there_are_many() -> None:
    rng = np.random.default_rng(3)
    true = rng.normal(0, 0.1, 200)
    found = placed((true + rng.normal(0, 0.05, 200)).tolist(), [0.05] * 200)
    assert found.tau == pytest.approx(0.1, abs=0.015)
    assert np.mean((found.low <= true) & (true <= found.high)) == pytest.approx(0.95, abs=0.04)


def test_ranks_count_only_those_who_are_ranked_and_chances_sum_to_one() -> None:
    found = placed([0.5, 0.1, 0.0, -0.1], [0.05] * 4, ranked=[False, True, True, True])
    assert np.isnan([found.rank[0], found.rank_low[0], found.p_best[0]]).all()
    assert found.p_best[1:].sum() == pytest.approx(1)
    assert found.rank[1:].sum() == pytest.approx(6)


def test_a_unit_alone_is_the_best_of_one() -> None:
    assert placed([0.1], [0.1]).p_best.tolist() == [1.0]


@pytest.mark.parametrize(("difference", "se"), [([], []), ([0.1], [0.0])])
def test_nothing_to_rank_is_refused(difference: list[float], se: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one unit"):
        placed(difference, se)
