"""Recovery rates when most customers are silent: what they hold against planted truth, and what no answer can move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.recovery.effect import effect
from ml.recovery.nuisance import nuisances
from ml.recovery.response import FEWEST_ANSWERS, RecoveryRate, recovery_rate, response_chances
from tests.unit.ml.recovery.worlds import planted

Floats = NDArray[np.float64]


def world(n: int, seed: int, *, pull: float) -> tuple[Floats, NDArray[np.bool_], Floats, NDArray[np.int64], Floats]:
    """Outcomes as seen, which are sure, covariates, customers and the truth. `pull` makes the recovered answer more."""
    random = np.random.default_rng(seed)
    customer = random.integers(0, n // 2, n)
    severity, wealth = random.normal(size=n), random.normal(size=n // 2)[customer]
    truth = (random.random(n) < 1 / (1 + np.exp(-(0.3 - 0.9 * severity + 0.4 * wealth)))).astype(np.float64)
    back = (truth == 0) & (random.random(n) < 0.3)
    odds = -1.2 - 0.8 * severity + 0.5 * wealth + pull * (truth - 0.5)
    answered = random.random(n) < 1 / (1 + np.exp(-odds))
    seen = np.where(answered | back, truth, np.nan)
    return seen, back, np.column_stack([severity, wealth]), customer, truth


def rate_of(n: int, seed: int, *, pull: float) -> tuple[RecoveryRate, float]:
    seen, sure, covariates, customer, truth = world(n, seed, pull=pull)
    chances = response_chances(covariates, customer, ~np.isnan(seen) & ~sure, sure, seed=seed)
    return recovery_rate(seen, sure, chances, customer), float(truth.mean())


def test_where_silence_follows_from_what_is_known_the_adjusted_interval_covers_the_truth_and_the_raw_one_does_not() -> (
    None
):
    # The general rate: 60,000 attempts drawn the same way.
    true = world(60_000, 999, pull=0.0)[4].mean()
    found = [rate_of(1500, seed, pull=0.0)[0] for seed in range(60)]
    covered = np.mean([one.adjusted_low <= true <= one.adjusted_high for one in found])
    assert covered >= 0.88
    assert abs(np.mean([one.adjusted for one in found]) - true) < 0.02
    raw = np.mean([one.raw for one in found])
    assert abs(raw - true) > 0.05
    assert np.mean([one.raw_low <= true <= one.raw_high for one in found]) < 0.5
    assert np.mean([one.adjusted_high - one.adjusted_low for one in found]) < 0.12


def test_where_the_happy_answer_more_only_the_bounds_hold_and_they_always_do() -> None:
    true = world(60_000, 998, pull=1.5)[4].mean()
    found = [rate_of(1500, seed, pull=1.5) for seed in range(40)]
    assert all(one.worst <= truth <= one.best for one, truth in found)
    assert all(one.bounds_low <= true <= one.bounds_high for one, _ in found)
    assert np.mean([one.adjusted_low <= true <= one.adjusted_high for one, _ in found]) < 0.9


@given(st.integers(0, 2**32), st.integers(40, 300), st.floats(0.0, 1.0), st.floats(0.0, 0.3), st.floats(0.1, 3.0))
def test_raw_and_adjusted_lie_between_worst_and_best(
    seed: int, n: int, known: float, back: float, spread: float
) -> None:
    """However the weights fall, and also where they have nothing to do with the outcome."""
    random = np.random.default_rng(seed)
    outcome = np.where(random.random(n) < known, random.integers(0, 2, n), np.nan).astype(np.float64)
    sure = (random.random(n) < back) & ~np.isnan(outcome)
    chances = np.clip(random.random(n) ** spread, 0.05, 1.0)
    found = recovery_rate(outcome, sure, chances, random.integers(0, n, n))
    tiny = 1e-9
    assert found.bounds_low <= found.worst <= found.best <= found.bounds_high
    if found.n_known:
        assert found.worst - tiny <= found.raw <= found.best + tiny
    if found.reason is None:
        assert found.worst - tiny <= found.adjusted <= found.best + tiny
        assert found.adjusted_low <= found.adjusted <= found.adjusted_high
    else:
        assert np.isnan([found.adjusted, found.adjusted_low, found.adjusted_high]).all()


def test_too_few_answers_give_bounds_and_a_reason_but_no_adjusted_rate() -> None:
    outcome = np.full(400, np.nan)
    outcome[: FEWEST_ANSWERS - 1] = 1.0
    found = recovery_rate(outcome, np.zeros(400, dtype=bool), np.full(400, 0.07), np.arange(400))
    assert np.isnan(found.adjusted)
    assert found.reason == "29 customers who answered cannot speak for 371 silent attempts: 30 are needed"
    assert (found.worst, found.best) == (29 / 400, 1.0)


def test_a_few_answers_that_carry_all_the_weight_are_refused() -> None:
    outcome = np.full(400, np.nan)
    outcome[:60] = 1.0
    chances = np.full(400, 0.9)
    chances[:3] = 0.05
    found = recovery_rate(outcome, np.zeros(400, dtype=bool), chances, np.arange(400))
    assert found.reason is not None and "weigh as much as" in found.reason


def test_with_nobody_silent_all_four_rates_are_one() -> None:
    outcome = np.array([1.0, 0.0, 1.0, 1.0])
    found = recovery_rate(outcome, np.zeros(4, dtype=bool), np.full(4, 0.5), np.arange(4))
    assert found.raw == found.adjusted == found.worst == found.best == 0.75
    assert found.reason is None


def test_who_is_known_without_asking_counts_once_and_speaks_for_nobody() -> None:
    """Those who came back failed for sure; letting them speak for the silent would call the silent failed, too."""
    outcome = np.concatenate([np.zeros(100), np.ones(50), np.full(50, np.nan)])
    sure = np.arange(200) < 100
    found = recovery_rate(outcome, sure, np.where(sure, 1.0, 0.5), np.arange(200))
    assert found.adjusted == pytest.approx(0.5)
    assert found.raw == pytest.approx(1 / 3)


def test_the_same_customer_in_many_attempts_widens_the_interval() -> None:
    seen, sure, _, _, _ = world(1500, 1, pull=0.0)
    alone, together = np.arange(1500), np.arange(1500) // 15
    chances = np.full(1500, 0.3)
    order = np.argsort(np.nan_to_num(seen, nan=0.5))
    one = recovery_rate(seen[order], sure[order], chances, alone)
    many = recovery_rate(seen[order], sure[order], chances, together)
    assert many.adjusted_high - many.adjusted_low > 2 * (one.adjusted_high - one.adjusted_low)


@pytest.mark.parametrize(
    ("outcome", "sure", "sentence"),
    [
        (np.array([]), np.array([], dtype=bool), "no rate of no attempts"),
        (np.array([0.5, 1.0]), np.zeros(2, dtype=bool), "1 for recovered, 0 for not"),
        (np.array([np.nan, 1.0]), np.ones(2, dtype=bool), "1 outcomes are called sure and are unknown"),
    ],
)
def test_what_cannot_be_is_refused(outcome: Floats, sure: NDArray[np.bool_], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        recovery_rate(outcome, sure, np.full(len(outcome), 0.5), np.arange(len(outcome)))


def test_chances_of_an_answer_are_learnt_from_other_customers_and_sure_outcomes_need_none() -> None:
    seen, sure, covariates, customer, _ = world(2000, 3, pull=0.0)
    answered = ~np.isnan(seen) & ~sure
    chances = response_chances(covariates, customer, answered, sure)
    assert (chances[sure] == 1.0).all()
    assert chances.min() >= 0.05
    honest = 1 / (1 + np.exp(1.2 + 0.8 * covariates[:, 0] - 0.5 * covariates[:, 1]))
    assert np.corrcoef(chances[~sure], honest[~sure])[0, 1] > 0.95
    with pytest.raises(ValueError, match="one entry for each attempt"):
        response_chances(covariates, customer[:-1], answered, sure)


def test_an_effect_on_recovery_is_bent_by_failures_known_without_asking_unless_they_are_told_apart() -> None:
    """A third of the unrecovered come back, one in seven customers answers, and silence follows from nothing."""
    found = []
    for seed in range(12):
        attempts, truth = planted(4000, seed, arms=2)
        values, random = attempts.outcome("recovered"), np.random.default_rng(1000 + seed)
        back, answered = (values == 0) & (random.random(4000) < 0.34), random.random(4000) < 0.15
        seen = replace(attempts, outcomes={"recovered": np.where(back | answered, values, np.nan)})
        fitted = nuisances(seen, "recovered", seed=seed)
        told = nuisances(replace(seen, sure={"recovered": back}), "recovered", seed=seed)
        assert (told.known[back] == 1.0).all() and told.known[~back].max() < 0.5
        points = [effect(seen, "recovered", "refund", fitted=one).point for one in (fitted, told)]
        found.append([truth.att(attempts, "recovered", "refund"), *points])
    true, bent, straight = np.mean(found, axis=0)
    assert bent < true - 0.03
    assert straight == pytest.approx(true, abs=0.02)
