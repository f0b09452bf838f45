"""Effects of groups, tests of heterogeneity, rankings, and time until churn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.multitest import multipletests

from ml.recovery.attempts import Attempts
from ml.recovery.heterogeneity import GroupEffect, false_discovery, group_effects, homogeneity, linear_predictor
from ml.recovery.nuisance import nuisances
from ml.recovery.pairs import make_pair
from ml.recovery.ranking import curves, curves_of
from ml.recovery.survival import pseudo_observations, stay, survival
from tests.unit.ml.recovery.worlds import planted


@pytest.fixture(scope="module")
def groups() -> tuple[GroupEffect, ...]:
    """Effects of refunds on margin by every grouping, in a world of 6,000."""
    attempts, _ = planted(6000, 1)
    return group_effects(attempts, "margin_90d", "refund", nuisances(attempts, "margin_90d"))


def test_every_group_of_every_level_has_a_row(groups: tuple[GroupEffect, ...]) -> None:
    assert [one.subject for one in groups if one.level == "severity"] == ["1", "2", "3", "4"]
    assert len([one for one in groups if one.level == "severity x segment x cause"]) == 4 * 2 * 3


def test_a_group_too_small_has_no_number_but_a_reason(groups: tuple[GroupEffect, ...]) -> None:
    attempts, _ = planted(800, 1)
    found = group_effects(attempts, "recovered", "refund", nuisances(attempts, "recovered"))
    small = [one for one in found if one.reason is not None]
    assert small and all("not enough data" in (one.reason or "") for one in small)
    assert all(np.isnan([one.point, one.low, one.q_value, one.shrunk]).all() for one in small)
    assert all(one.n_treated >= 30 and one.effective_reference >= 30 for one in found if one.reason is None)


def test_group_intervals_cover_their_own_truth() -> None:
    covered = tested = 0
    for seed in range(12):
        attempts, truth = planted(3000, seed)
        fitted = nuisances(attempts, "margin_90d", arms=("none", "callback"))
        for one in group_effects(attempts, "margin_90d", "callback", fitted, by=[("severity", "segment")]):
            severity, segment = one.subject.split(" x ")
            kept = (attempts.groups["severity"] == severity) & (attempts.groups["segment"] == segment)
            if one.reason is None:
                tested += 1
                covered += one.low <= truth.att(attempts, "margin_90d", "callback", kept) <= one.high
    assert tested > 80
    assert covered / tested > 0.89


def test_groups_that_differ_are_told_apart_and_equal_ones_are_not() -> None:
    said = []
    for size in (0.0, 2.5):
        attempts, _ = planted(6000, 4, effect=size)
        found = group_effects(attempts, "margin_90d", "refund", nuisances(attempts, "margin_90d"), by=[("segment",)])
        said.append(homogeneity(found)[0].p_value)
    assert said[0] > 0.05 and said[1] < 0.001


def test_one_group_cannot_differ() -> None:
    attempts, _ = planted(300, 1)
    alone = replace(attempts, groups={"segment": np.full(300, "all")})
    found = group_effects(alone, "recovered", "refund", nuisances(alone, "recovered"), by=[("segment",)])
    assert np.isnan(homogeneity(found)[0].q)


def test_shrunken_effects_lie_nearer_to_each_other(groups: tuple[GroupEffect, ...]) -> None:
    found = [one for one in groups if one.level == "severity x segment x cause" and one.reason is None]
    assert np.std([one.shrunk for one in found]) < np.std([one.point for one in found])
    assert all(one.shrunk_low < one.shrunk < one.shrunk_high for one in found)


def test_unknown_groups_are_refused_by_name() -> None:
    attempts, _ = planted(100, 1)
    with pytest.raises(ValueError, match="unknown groups \\['mood'\\]"):
        group_effects(attempts, "recovered", "refund", nuisances(attempts, "recovered"), by=[("mood",)])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_false_discovery_equals_the_standard_implementation(values: list[float]) -> None:
    p_values = np.array(values)
    assert np.allclose(false_discovery(p_values), multipletests(p_values, method="fdr_bh")[1])


def test_a_group_without_a_test_does_not_count_as_one() -> None:
    adjusted = false_discovery(np.array([0.01, np.nan, 0.04]))
    assert adjusted[0] == pytest.approx(0.02) and np.isnan(adjusted[1])


def test_predicted_differences_are_real_where_effects_differ_and_noise_where_not() -> None:
    slopes = []
    for size in (2.0, 0.0):
        attempts, _ = planted(8000, 2, effect=size)
        slopes.append(linear_predictor(attempts, "margin_90d", "refund", nuisances(attempts, "margin_90d")))
    assert slopes[0].low > 0 and slopes[0].high > 1 > slopes[0].low - 0.3 and slopes[0].p_value < 0.001
    assert slopes[1].p_value > 0.01


def test_a_ranking_by_the_true_effect_is_worth_something_and_a_random_one_nothing() -> None:
    attempts, truth = planted(8000, 3, effect=2.0)
    pair = make_pair(attempts, "margin_90d", nuisances(attempts, "margin_90d"), arm="refund", reference="none")
    true = (truth.potential["margin_90d"][:, 1] - truth.potential["margin_90d"][:, 0])[pair.rows]
    best, luck = curves(pair, true), curves(pair, np.random.default_rng(0).random(len(true)))
    assert best.autoc_low > 0 and best.coefficient_low > 0
    assert luck.autoc_low < 0 < luck.autoc_high
    assert best.qini[-1] == pytest.approx(best.qini_random[-1])
    assert best.toc[0] > best.toc[-1] == pytest.approx(0.0, abs=1e-9)


def test_equal_predictions_gain_nothing_whatever_the_order_of_rows() -> None:
    scores = np.array([5.0, -1.0, 3.0, 1.0])
    found = curves_of(scores, np.ones(4), np.arange(4), points=4)
    assert found.autoc == pytest.approx(0.0) and found.coefficient == pytest.approx(0.0)
    assert np.allclose(found.qini, found.qini_random)


def test_a_perfect_ranking_has_the_area_it_should() -> None:
    found = curves_of(np.array([1.0, 0.0]), np.array([2.0, 1.0]), np.arange(2), points=2)
    assert found.toc.tolist() == [0.5, 0.0] and found.autoc == pytest.approx(0.25)


def timed(attempts: Attempts, seed: int, *, until: float, pull: float = 0.0) -> tuple[Attempts, np.ndarray]:
    """Times to churn that get longer with value, and by `pull` for a callback; watched for at least `until` days."""
    random = np.random.default_rng(seed)
    scale = 80 * np.exp(0.5 * attempts.covariates[:, 4])
    luck = random.exponential(size=len(attempts))
    times = np.floor(luck * scale * np.exp(pull * (attempts.arm == 2)))
    without = np.floor(luck * scale)
    seen = random.integers(int(until), 91, len(attempts)).astype(float)
    lost = np.where((times <= seen) & (times <= 90), times, np.nan)
    gained = np.minimum(np.floor(luck * scale * np.exp(pull)), 90) - np.minimum(without, 90)
    return replace(attempts, outcomes={**attempts.outcomes, "days_to_churn": lost, "days_observed": seen}), gained


def test_customers_still_under_watch_count_with_the_days_they_were_seen() -> None:
    off, naive = [], []
    for seed in range(15):
        attempts, gained = timed(planted(2500, seed)[0], seed, until=20, pull=0.5)
        found = stay(attempts, "callback")
        true = gained[~np.isnan(found.effect.per_case)].mean()
        off.append((found.effect.point - true) / found.effect.se)
        naive.append(found.effect.naive - true)
    assert abs(np.mean(off)) < 0.8 and np.mean(np.abs(off) < 2) >= 0.8
    assert np.mean(naive) > 3


def test_the_area_between_the_curves_is_near_the_effect() -> None:
    attempts, _ = timed(planted(5000, 1)[0], 1, until=20, pull=0.5)
    found = stay(attempts, "callback")
    assert found.days[0] == 0 and found.days[-1] == 90
    assert (np.diff(found.treated) <= 1e-12).all()
    assert np.sum(found.treated[:-1] - found.reference[:-1]) == pytest.approx(found.effect.point, abs=2.0)


def test_without_estimate_there_are_no_curves() -> None:
    attempts, _ = timed(planted(60, 1)[0], 1, until=20)
    found = stay(attempts, "escalate")
    assert found.effect.reason is not None and len(found.days) == 0


def test_negative_days_are_refused() -> None:
    attempts, _ = timed(planted(60, 1)[0], 1, until=20)
    wrong = {**attempts.outcomes, "days_to_churn": np.full(60, -1.0)}
    with pytest.raises(ValueError, match="must not be negative"):
        stay(replace(attempts, outcomes=wrong), "refund")


@given(st.lists(st.integers(0, 120), min_size=1, max_size=40))
def test_without_censoring_a_pseudo_observation_is_the_time_itself(days: list[int]) -> None:
    times = np.minimum(np.array(days, dtype=float), 90)
    assert np.allclose(pseudo_observations(times, np.array(days) <= 90, 90.0), times)


def test_pseudo_observations_are_those_of_leaving_one_out() -> None:
    random = np.random.default_rng(2)
    times, churned = np.minimum(random.exponential(70, 300), random.uniform(10, 90, 300)), random.random(300) < 0.7

    def mean(kept: np.ndarray) -> float:
        curve = SurvfuncRight(times[kept], churned[kept])
        steps = np.diff(np.concatenate([[0.0], curve.surv_times[curve.surv_times < 90], [90.0]]))
        return float(steps @ np.concatenate([[1.0], curve.surv_prob[curve.surv_times < 90]]))

    whole = mean(np.ones(300, dtype=bool))
    left_out = [300 * whole - 299 * mean(np.arange(300) != place) for place in range(0, 300, 10)]
    found = pseudo_observations(times, churned, 90.0)
    assert found.mean() == pytest.approx(whole)
    assert np.allclose(found[::10], left_out, atol=0.5)


def test_the_curve_without_weights_is_that_of_kaplan_and_meier() -> None:
    random = np.random.default_rng(3)
    times, churned = random.integers(1, 90, 200).astype(float), random.random(200) < 0.6
    curve = SurvfuncRight(times, churned)
    assert np.allclose(survival(times, churned, curve.surv_times, np.ones(200)), curve.surv_prob)
