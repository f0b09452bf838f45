"""Effects against planted truth: bias, coverage, unknown outcomes, and what must not change them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.recovery.attempts import Attempts
from ml.recovery.effect import Effect, effect, scores
from ml.recovery.nuisance import grouped_folds, nuisances
from tests.unit.ml.recovery.worlds import Truth, planted

WORLDS = 40


def truth_of(found: Effect, attempts: Attempts, truth: Truth) -> float:
    """Mean effect on exactly the attempts the estimate is about."""
    return truth.att(attempts, found.outcome, found.arm, ~np.isnan(found.per_case))


@pytest.fixture(scope="module")
def forty_worlds() -> list[tuple[Effect, float, float]]:
    """Estimate, truth on those it is about and truth on all treated, in forty worlds of 1,500 attempts."""
    found = []
    for seed in range(WORLDS):
        attempts, truth = planted(1500, seed)
        one = effect(attempts, "net_margin_90d", "callback")
        found.append((one, truth_of(one, attempts, truth), truth.att(attempts, "net_margin_90d", "callback")))
    return found


def test_the_estimate_is_at_most_a_tenth_as_biased_as_the_naive_difference(
    forty_worlds: list[tuple[Effect, float, float]],
) -> None:
    ours = np.mean([one.point - true for one, true, _ in forty_worlds])
    naive = np.mean([one.naive - true for one, _, true in forty_worlds])
    assert abs(ours) < 0.1 * abs(naive)


def test_intervals_cover_the_truth_and_naive_ones_do_not(forty_worlds: list[tuple[Effect, float, float]]) -> None:
    covered = sum(one.low <= true <= one.high for one, true, _ in forty_worlds)
    by_naive = sum(one.naive_low <= true <= one.naive_high for one, _, true in forty_worlds)
    # Of 40 intervals at 95 % fewer than 35 cover in one of 70 runs; the naive ones are off by several errors.
    assert covered >= 35
    assert by_naive <= 8


def test_standard_errors_tell_how_far_estimates_are_off(forty_worlds: list[tuple[Effect, float, float]]) -> None:
    spread = np.std([one.point - true for one, true, _ in forty_worlds])
    assert np.mean([one.se for one, _, _ in forty_worlds]) == pytest.approx(spread, rel=0.3)


def test_the_average_effect_is_found_as_well() -> None:
    off, covered = [], 0
    for seed in range(20):
        attempts, truth = planted(1500, seed)
        one = effect(attempts, "margin_90d", "refund", estimand="ate")
        kept = ~np.isnan(one.per_case)
        true = float((truth.potential["margin_90d"][kept, 1] - truth.potential["margin_90d"][kept, 0]).mean())
        off.append(one.point - true)
        covered += one.low <= true <= one.high
    assert abs(np.mean(off)) < 2.5
    assert covered >= 16


def test_no_effect_is_not_made_up() -> None:
    found = [effect(planted(1200, seed, effect=0.0)[0], "recovered", "escalate") for seed in range(20)]
    assert sum(one.low > 0 or one.high < 0 for one in found) <= 4
    assert sum(one.naive_high < 0 for one in found) >= 15


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    outcome=st.sampled_from(["recovered", "net_margin_90d"]),
    estimand=st.sampled_from(["att", "ate"]),
    answer_rate=st.sampled_from([None, 0.6]),
)
def test_expected_effects_of_cases_sum_to_the_total(
    seed: int, outcome: str, estimand: str, answer_rate: float | None
) -> None:
    attempts, _ = planted(500, seed, answer_rate=answer_rate)
    one = effect(attempts, outcome, "refund", estimand=estimand, folds=3)
    counted = ~np.isnan(one.per_case)
    assert one.per_case[counted].sum() == pytest.approx(one.total, abs=1e-6)
    assert counted.sum() == one.size
    assert one.low <= one.point <= one.high


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_swapping_the_arms_turns_the_sign_of_the_average_effect(seed: int) -> None:
    attempts, _ = planted(600, seed)
    ahead = effect(attempts, "recovered", "callback", reference="refund", estimand="ate")
    back = effect(attempts, "recovered", "refund", reference="callback", estimand="ate")
    assert ahead.point == pytest.approx(-back.point, abs=1e-3)
    assert ahead.naive == pytest.approx(-back.naive)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_shuffling_the_rows_changes_nothing_when_folds_are_kept(seed: int) -> None:
    attempts, _ = planted(400, seed)
    fitted = nuisances(attempts, "recovered", folds=3)
    order = np.random.default_rng(seed).permutation(len(attempts))
    straight = effect(attempts, "recovered", "refund", fitted=fitted)
    shuffled = effect(attempts.take(order), "recovered", "refund", fitted=fitted.take(order))
    assert (shuffled.point, shuffled.se) == pytest.approx((straight.point, straight.se))
    assert np.allclose(shuffled.per_case, straight.per_case[order], equal_nan=True)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), folds=st.integers(2, 6))
def test_a_customer_is_in_one_fold_only(seed: int, folds: int) -> None:
    attempts, _ = planted(200, seed, per_customer=3)
    fold = grouped_folds(attempts.cluster, attempts.arm, folds, seed)
    assert all(len(set(fold[attempts.cluster == code])) == 1 for code in np.unique(attempts.cluster))
    assert set(fold) == set(range(folds))


def test_silent_customers_are_not_counted_as_failures() -> None:
    off, as_failures = [], []
    for seed in range(20):
        attempts, truth = planted(2000, seed, answer_rate=0.5)
        one = effect(attempts, "recovered", "refund")
        zeroed = dict(attempts.outcomes) | {"recovered": np.nan_to_num(attempts.outcomes["recovered"])}
        wrong = effect(replace(attempts, outcomes=zeroed), "recovered", "refund")
        true = truth_of(one, attempts, truth)
        off.append(one.point - true)
        as_failures.append(wrong.point - true)
        assert one.n_unknown > 200
    assert abs(np.mean(off)) < 0.02
    assert abs(np.mean(as_failures)) > 2 * abs(np.mean(off))


def test_an_attempt_too_young_is_left_out_and_counted() -> None:
    attempts, _ = planted(1500, 3)
    young = attempts.anchored_at > np.datetime64("2026-05-01")
    wild = dict(attempts.outcomes) | {"recovered": np.where(young, 1e6, attempts.outcomes["recovered"])}
    one = effect(replace(attempts, outcomes=wild, mature={"recovered": ~young}), "recovered", "refund")
    pair = np.isin(attempts.arm, (0, 1))
    assert one.n_immature == (young & pair).sum()
    assert one.n == (~young & pair).sum()
    assert abs(one.point) < 1 and np.isnan(one.per_case[young]).all()


def test_attempts_that_could_not_have_got_the_other_arm_are_trimmed_and_named() -> None:
    attempts, _ = planted(3000, 5)
    severe = attempts.covariates[:, 0] == 1
    arm = np.where(severe & (attempts.arm == 0), 1, attempts.arm)
    one = effect(replace(attempts, arm=arm), "recovered", "refund")
    assert one.n_trimmed_treated >= 0.95 * (severe & (arm == 1)).sum()
    assert np.isnan(one.per_case[severe]).mean() > 0.95
    assert f"{one.n_trimmed} of {one.n} could not" in one.population


def test_whoever_a_rule_covers_has_nobody_to_be_compared_with() -> None:
    attempts, _ = planted(3000, 5)
    vulnerable = np.random.default_rng(1).random(3000) < 0.02
    covered = replace(
        attempts,
        arm=np.where(vulnerable & (attempts.arm == 0), 2, attempts.arm),
        covariates=np.column_stack([attempts.covariates, vulnerable]),
        names=(*attempts.names, "is_vulnerable"),
    )
    one = effect(covered, "recovered", "callback")
    assert np.isnan(one.per_case[vulnerable]).all()
    assert one.n_trimmed_treated == (vulnerable & (covered.arm == 2)).sum()


def test_a_level_that_one_arm_lacks_by_accident_is_kept() -> None:
    attempts, _ = planted(1000, 5)
    rare = np.isin(np.arange(1000), np.flatnonzero(attempts.arm == 1)[:2])
    with_rare = replace(
        attempts, covariates=np.column_stack([attempts.covariates, rare]), names=(*attempts.names, "region=island")
    )
    assert effect(with_rare, "recovered", "refund").n_trimmed == 0


def test_too_few_attempts_give_no_number_but_a_reason() -> None:
    attempts, _ = planted(60, 1)
    one = effect(attempts, "recovered", "escalate")
    assert np.isnan([one.point, one.low, one.high, one.se, one.total]).all()
    assert one.reason is not None and "not enough data" in one.reason


def test_a_population_interval_is_wider_than_that_of_the_sample() -> None:
    attempts, _ = planted(3000, 2)
    sample = effect(attempts, "net_margin_90d", "refund")
    population = effect(attempts, "net_margin_90d", "refund", target="population")
    assert population.point == sample.point
    assert population.se > sample.se


def test_attempts_of_one_customer_do_not_count_as_so_many_witnesses() -> None:
    attempts, _ = planted(1000, 4, per_customer=1)
    tenfold = attempts.take(np.repeat(np.arange(1000), 10))
    fitted = nuisances(attempts, "margin_90d")
    once = effect(attempts, "margin_90d", "refund", fitted=fitted)
    ten = effect(tenfold, "margin_90d", "refund", fitted=fitted.take(np.repeat(np.arange(1000), 10)))
    assert ten.se == pytest.approx(once.se, rel=0.01)


def test_scores_of_an_arm_average_to_what_all_would_have_had() -> None:
    attempts, truth = planted(20_000, 1)
    found = scores(attempts, "recovered", nuisances(attempts, "recovered"))
    assert np.allclose(found.mean(axis=0), truth.potential["recovered"].mean(axis=0), atol=0.02)


def test_scores_are_predictions_wherever_the_arm_was_not_used_or_nothing_is_known() -> None:
    attempts, _ = planted(600, 1, answer_rate=0.5)
    fitted = nuisances(attempts, "recovered")
    found, arms = scores(attempts, "recovered", fitted), np.arange(4)
    unseen = (attempts.arm[:, None] != arms) | np.isnan(attempts.outcomes["recovered"])[:, None]
    assert np.array_equal(found[unseen], fitted.mu[unseen])


def test_logged_propensities_are_used_as_they_are() -> None:
    attempts, truth = planted(800, 1)
    fitted = nuisances(replace(attempts, propensity=truth.propensity), "recovered", arms=("none", "refund"))
    assert np.array_equal(fitted.propensity[:, :2], truth.propensity[:, :2])


def test_several_splits_give_their_median_and_an_error_no_smaller() -> None:
    attempts, _ = planted(800, 1)
    single = [effect(attempts, "recovered", "refund", seed=seed) for seed in range(3)]
    several = effect(attempts, "recovered", "refund", repeats=3)
    assert several.point == np.median([one.point for one in single])
    assert several.se >= min(one.se for one in single)
    assert np.nansum(several.per_case) == pytest.approx(several.total)


def test_a_playbook_is_not_compared_with_itself() -> None:
    attempts, _ = planted(100, 1)
    with pytest.raises(ValueError, match="'none' cannot be compared with itself"):
        effect(attempts, "recovered", "none")
    with pytest.raises(ValueError, match="odd number of repeats"):
        effect(attempts, "recovered", "refund", repeats=2)
    with pytest.raises(ValueError, match="at least two folds"):
        nuisances(attempts, "recovered", folds=1)
