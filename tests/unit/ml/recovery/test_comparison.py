"""Equal owners have no winner, a better one is found, and who gets the easy cases is not called good."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from ml.recovery.comparison import MIN_CASES, Comparison, compare
from ml.recovery.funnel import holm
from tests.unit.ml.recovery.offices import Office, office

EQUAL = [40] * 20


def compared(there: Office, *, is_share: bool = True, seed: int = 0) -> Comparison:
    return compare(
        there.outcome, there.covariates, there.owner, there.customer, is_share=is_share, draws=500, seed=seed
    )


def is_flagged(found: Comparison) -> np.ndarray:
    return holm(found.p) <= 0.05


@pytest.mark.parametrize(("is_share", "mix"), [(True, 0.0), (True, 1.0), (False, 0.5)])
def test_among_equal_owners_nobody_is_called_out_in_at_least_95_of_100_groups(is_share: bool, mix: float) -> None:
    groups = [compared(office(k, cases=EQUAL, mix=mix, is_share=is_share), is_share=is_share) for k in range(100)]
    assert sum(is_flagged(found).any() for found in groups) <= 5


def test_raw_rates_of_equal_owners_look_far_apart_and_shrunken_ones_do_not() -> None:
    groups = [compared(office(k, cases=EQUAL, mix=1.0)) for k in range(20)]
    assert np.mean([np.ptp(found.naive) for found in groups]) > 0.4
    assert np.mean([np.ptp(found.standing.shrunken) for found in groups]) < 0.08


def test_nearly_every_rank_is_possible_for_equal_owners_and_nobody_is_likely_the_best() -> None:
    groups = [compared(office(k, cases=EQUAL)) for k in range(20)]
    assert np.mean([found.standing.rank_high - found.standing.rank_low for found in groups]) > 15
    assert np.mean([found.standing.p_best.max() for found in groups]) < 0.25
    assert all(found.standing.p_best.sum() == pytest.approx(1) for found in groups)


def test_a_truly_better_owner_is_found_with_enough_cases_and_alone() -> None:
    skill = np.zeros(20)
    skill[3] = 1.2
    flags = np.array([is_flagged(compared(office(k, cases=[150] * 20, skill=skill, mix=1.0))) for k in range(20)])
    assert flags[:, 3].mean() >= 0.9
    assert np.delete(flags, 3, axis=1).any(axis=1).mean() <= 0.1


def test_who_gets_the_easy_cases_is_not_called_good() -> None:
    there = office(5, cases=[200] * 10)
    easy = np.where(there.owner == "E00", 1.5, 0.0)
    rng = np.random.default_rng(5)
    covariates = there.covariates + np.column_stack([easy, np.zeros_like(easy)])
    outcome = (rng.random(len(easy)) < 1 / (1 + np.exp(-0.4 - 0.8 * covariates[:, 0]))).astype(float)
    found = compared(Office(outcome, covariates, there.owner, there.customer, there.skill))
    assert found.naive[0] - np.delete(found.naive, 0).mean() > 0.15
    assert abs(found.adjusted[0] - np.delete(found.adjusted, 0).mean()) < 0.08
    assert not is_flagged(found).any()


def test_adjusting_and_then_shrinking_bring_the_order_nearer_to_true_skill() -> None:
    rng = np.random.default_rng(0)
    near = []
    for k in range(12):
        there = office(k, cases=rng.integers(10, 160, 60).tolist(), skill=rng.normal(0, 0.4, 60), mix=0.8)
        found = compared(there)
        near.append([spearmanr(v, there.skill)[0] for v in (found.naive, found.adjusted, found.standing.shrunken)])
    raw, adjusted, shrunken = np.mean(near, axis=0)
    assert adjusted > raw + 0.1
    assert shrunken > adjusted


def test_intervals_of_the_adjusted_rate_and_of_the_shrunken_one_hold_what_they_promise() -> None:
    rng = np.random.default_rng(1)
    plain, shrunken = [], []
    for k in range(40):
        skill = rng.normal(0, 0.3, 20)
        there = office(k, cases=[80] * 20, skill=skill)
        found = compared(there)
        # What every owner would reach with everybody's cases: the planted line averaged over all of them.
        line = 0.4 + 0.8 * rng.normal(size=2000)
        truth = (1 / (1 + np.exp(-line[:, None] - skill))).mean(axis=0)
        plain.append((found.low <= truth) & (truth <= found.high))
        low, high = found.group + found.standing.low, found.group + found.standing.high
        shrunken.append((low <= truth) & (truth <= high))
    assert np.mean(plain) == pytest.approx(0.96, abs=0.03)
    assert np.mean(shrunken) == pytest.approx(0.95, abs=0.03)


def test_unknown_outcomes_stay_unknown() -> None:
    there = office(2, cases=[60] * 10)
    seen = there.outcome.copy()
    seen[::3] = np.nan
    found = compared(Office(seen, there.covariates, there.owner, there.customer, there.skill))
    assert found.cases.tolist() == [60] * 10
    assert found.known.tolist() == [40] * 10
    assert found.naive[0] == pytest.approx(np.nanmean(seen[there.owner == "E00"]))


def test_an_owner_with_few_known_cases_is_neither_judged_nor_ranked() -> None:
    found = compared(office(3, cases=[MIN_CASES - 1, *[60] * 9]))
    assert np.isnan(found.p[0]) and np.isnan(found.standing.p_best[0])
    assert np.nanmax(found.standing.rank_high) <= 9
    assert not np.isnan(found.standing.shrunken[0])


def test_an_owner_without_any_known_outcome_is_counted_and_nothing_else() -> None:
    there = office(4, cases=[30] * 6)
    seen = np.where(there.owner == "E05", np.nan, there.outcome)
    found = compared(Office(seen, there.covariates, there.owner, there.customer, there.skill))
    assert (found.cases[5], found.known[5]) == (30, 0)
    assert np.isnan(found.adjusted[5]) and np.isnan(found.standing.shrunken[5]) and np.isnan(found.p[5])


@pytest.mark.parametrize("outcome", [np.ones(120), np.full(120, np.nan)])
def test_where_all_outcomes_are_the_same_or_none_is_known_nobody_stands_out(outcome: np.ndarray) -> None:
    there = office(6, cases=[30] * 4)
    found = compared(Office(outcome, there.covariates, there.owner, there.customer, there.skill))
    assert not is_flagged(found).any()
    assert np.isnan(found.standing.p_best).all()


def test_one_customer_many_times_widens_what_chance_may_do() -> None:
    rng = np.random.default_rng(7)
    customer = np.arange(800) // 8
    owner = np.array([f"E{k:02d}" for k in np.arange(800) // 80])
    outcome = (rng.random(100) < 0.5).astype(float)[customer]
    found = compare(outcome, rng.normal(size=(800, 2)), owner, customer, is_share=True, draws=200)
    assert 5 < found.design < 11
    assert not is_flagged(found).any()


@pytest.mark.parametrize("is_share", [True, False])
def test_cases_of_one_customer_alone_say_nothing_about_owners(is_share: bool) -> None:
    there = office(9, cases=[60] * 4, is_share=is_share)
    found = compare(
        there.outcome, there.covariates, there.owner, np.zeros(240, dtype=np.int64), is_share=is_share, draws=100
    )
    assert not is_flagged(found).any()


def test_a_share_that_is_no_yes_or_no_is_refused() -> None:
    with pytest.raises(ValueError, match="must be 0 or 1"):
        compare(np.array([0.5, 1.0]), np.zeros((2, 1)), np.array(["a", "b"]), np.array([0, 1]), is_share=True)


def test_the_same_seed_gives_the_same_comparison() -> None:
    there = office(8, cases=EQUAL, mix=1.0)
    one, two = compared(there, seed=3), compared(there, seed=3)
    assert np.array_equal(one.p, two.p)
    assert np.array_equal(one.standing.p_best, two.standing.p_best)
