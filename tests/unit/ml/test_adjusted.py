"""Adjusted differences: equal to the textbook where a textbook has them, and their intervals keep their promise."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ml.root_cause.adjusted import Compared, adjusted_effects, dummies

EFFECTS = np.array([-2.0, -0.5, 0.0, 1.0])


def made(seed: int, *, answers: int = 900, customers: int | None = None, noise: float = 1.5) -> Compared:
    """Scores with known effects of four indicators, confounded by a covariate that raises both."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, answers)
    chance = np.array([0.05, 0.10, 0.20, 0.30])[group][:, None]
    indicators = (rng.random((answers, 4)) < chance).astype(float)
    people = (
        np.arange(answers)
        if customers is None
        else np.unique(rng.integers(0, customers, answers), return_inverse=True)[1]
    )
    mood = rng.normal(0, 1.0, int(people.max()) + 1)[people] if customers else 0.0
    score = 6 - 1.2 * group + indicators @ EFFECTS + mood + rng.normal(0, noise, answers)
    names = np.array([f"g{number}" for number in group], dtype=object)
    return Compared(score, indicators, dummies(names, at_least=5), np.asarray(people, dtype=np.int64))


def refitted(data: Compared, number: int, keep: np.ndarray) -> float:
    design = np.column_stack([data.indicators[keep, number], np.ones(int(keep.sum())), data.covariates[keep]])
    return float(np.linalg.lstsq(design, data.score[keep], rcond=None)[0][0])


def test_effect_and_error_are_those_of_ordinary_least_squares_with_hc3_where_nobody_repeats() -> None:
    data = made(1)
    found = adjusted_effects(data, replicates=50)
    for number in range(4):
        design = sm.add_constant(np.column_stack([data.indicators[:, number], data.covariates]))
        stock = sm.OLS(data.score, design).fit(cov_type="HC3", use_t=True)
        assert found.effect[number] == pytest.approx(stock.params[1])
        with_it = int(data.indicators[:, number].sum())
        half = stock.bse[1] * stats.t.ppf(0.975, with_it - 1)
        assert found.high[number] - found.effect[number] == pytest.approx(half)


def test_with_repeated_customers_the_error_is_the_jackknife_that_leaves_each_of_them_out() -> None:
    data = made(2, answers=240, customers=110)
    found = adjusted_effects(data, replicates=50)
    number, people = 0, np.unique(data.customers)
    whole = refitted(data, number, np.ones(240, dtype=bool))
    moves = [whole - refitted(data, number, data.customers != one) for one in people]
    ever = len(np.unique(data.customers[data.indicators[:, number] > 0]))

    half = float(np.sqrt(np.sum(np.square(moves)))) * stats.t.ppf(0.975, ever - 1)
    assert found.high[number] - found.effect[number] == pytest.approx(half, rel=1e-6)


def test_an_effect_is_found_behind_a_covariate_that_hides_it() -> None:
    data = made(3, answers=4_000)
    plain = [
        data.score[data.indicators[:, k] > 0].mean() - data.score[data.indicators[:, k] == 0].mean() for k in range(4)
    ]
    found = adjusted_effects(data, replicates=50)
    # Unadjusted, the indicator without any effect looks like one.
    assert plain[2] < -0.5
    assert np.all((found.low < EFFECTS) & (found.high > EFFECTS))


@pytest.mark.parametrize("customers", [None, 200])
def test_nineteen_of_twenty_intervals_hold_the_truth(customers: int | None) -> None:
    inside, impact_inside, rounds = 0, 0, 150
    shares = np.mean(
        [made(seed, customers=customers, answers=20_000).indicators.mean(axis=0) for seed in (900, 901)], axis=0
    )
    for seed in range(rounds):
        found = adjusted_effects(made(seed, answers=400, customers=customers), replicates=300, seed=seed)
        inside += int(np.sum((found.low <= EFFECTS) & (found.high >= EFFECTS)))
        truth = EFFECTS * shares
        impact_inside += int(np.sum((found.impact_low <= truth) & (found.impact_high >= truth)))
    # 600 intervals at 95 %: two standard deviations of the count are 1.8 points.
    assert 0.93 <= inside / (rounds * 4) <= 0.985
    assert 0.92 <= impact_inside / (rounds * 4) <= 0.98


def test_what_the_covariates_say_already_has_no_effect_to_tell() -> None:
    data = made(4)
    same = Compared(data.score, data.covariates[:, :1], data.covariates, data.customers)
    assert np.isnan(adjusted_effects(same, replicates=20).effect).all()


def test_a_customer_with_all_the_mentions_leaves_the_interval_unknown() -> None:
    data = made(5, answers=200)
    only = np.zeros((200, 1))
    only[:3] = 1
    people = np.maximum(np.arange(200) - 2, 0)
    assert np.isnan(adjusted_effects(Compared(data.score, only, data.covariates, people), replicates=20).low).all()


def test_missing_is_a_level_and_rare_levels_join() -> None:
    values = np.array(["a"] * 10 + ["b"] * 8 + [None] * 6 + ["c", "d"], dtype=object)
    found = dummies(values, at_least=5)
    assert found.shape == (26, 3)
    assert sorted(found.sum(axis=0).tolist()) == [2, 6, 8]


@settings(max_examples=25, deadline=None)
@given(st.floats(-5, 5), st.floats(0.1, 10), st.integers(0, 10_000))
def test_shifting_all_scores_changes_nothing_and_stretching_them_stretches_the_effect(
    shift: float, factor: float, seed: int
) -> None:
    data = made(seed, answers=120, customers=60)
    moved = Compared(data.score * factor + shift, data.indicators, data.covariates, data.customers)
    before, after = adjusted_effects(data, replicates=20), adjusted_effects(moved, replicates=20)
    known = ~np.isnan(before.low)
    assert after.effect[known] == pytest.approx(before.effect[known] * factor, abs=1e-6)
    assert after.impact_high[known] == pytest.approx(before.impact_high[known] * factor, abs=1e-6)
    assert after.p[known] == pytest.approx(before.p[known], abs=1e-6)


def test_parts_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one row per answer"):
        Compared(np.zeros(3), np.zeros((2, 1)), np.zeros((3, 0)), np.zeros(3, dtype=np.int64))
