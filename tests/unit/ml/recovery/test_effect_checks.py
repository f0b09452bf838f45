"""Overlap, placebos, sensitivity, and estimators side by side: each must speak when it should."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.recovery.attempts import Attempts
from ml.recovery.effect import effect
from ml.recovery.estimators import compare
from ml.recovery.nuisance import nuisances
from ml.recovery.overlap import overlap
from ml.recovery.pairs import make_pair
from ml.recovery.partial import Moments
from ml.recovery.placebo import placebo_outcome, placebo_treatment
from ml.recovery.sensitivity import _extreme, confounding_bias, e_value, hidden_odds, robustness_value, sensitivity
from tests.unit.ml.recovery.worlds import planted


def without(attempts: Attempts, *origins: str) -> Attempts:
    """The attempts as somebody sees them who was not told some covariates."""
    kept = [place for place, name in enumerate(attempts.names) if name.partition("=")[0] not in origins]
    names = tuple(attempts.names[place] for place in kept)
    return replace(attempts, covariates=attempts.covariates[:, kept], names=names)


def test_weighting_brings_every_covariate_within_a_tenth_of_a_deviation() -> None:
    attempts, _ = planted(4000, 1)
    found = overlap(attempts, "recovered", "escalate", nuisances(attempts, "recovered"))
    assert found.worst_before > 0.5
    assert found.worst_after < 0.1 and found.unbalanced == ()
    assert found.grade == "good"


def test_the_histogram_counts_every_attempt_of_the_two_arms() -> None:
    attempts, _ = planted(1000, 1)
    found = overlap(attempts, "recovered", "refund", nuisances(attempts, "recovered"))
    assert found.treated.sum() == (attempts.arm == 1).sum()
    assert found.reference.sum() == (attempts.arm == 0).sum()
    assert 0 < found.effective_reference <= found.reference.sum()


def test_overlap_is_poor_when_nearly_everybody_treated_had_to_be() -> None:
    attempts, _ = planted(3000, 2)
    poor = attempts.covariates[:, 4] < 0
    forced = replace(attempts, arm=np.where(poor, 1, np.where(attempts.arm == 1, 0, attempts.arm)))
    found = overlap(forced, "recovered", "refund", nuisances(forced, "recovered"))
    assert found.grade == "poor"
    assert found.share_outside > 0.3


def test_margin_before_the_action_shows_no_effect_when_all_is_told() -> None:
    found = [placebo_outcome(planted(2000, seed)[0], "callback") for seed in range(15)]
    assert sum(one.passes is False for one in found) <= 3


def test_margin_before_the_action_betrays_a_hidden_reason() -> None:
    found = [placebo_outcome(without(planted(2000, seed)[0], "annual_value_usd"), "callback") for seed in range(5)]
    assert all(one.passes is False and one.point > 10 and one.p_value < 0.001 for one in found)


def test_random_labels_have_no_effect_and_the_real_one_stands_out() -> None:
    attempts, _ = planted(2000, 1)
    found = placebo_treatment(attempts, "net_margin_90d", "callback", draws=25)
    assert found.passes and found.low < 0 < found.high
    assert found.p_value == pytest.approx(1 / 26)


def test_without_an_effect_the_real_estimate_is_one_among_the_random_ones() -> None:
    attempts, _ = planted(2000, 3, effect=0.0)
    assert placebo_treatment(attempts, "recovered", "callback", draws=25).p_value > 0.05


def test_a_placebo_without_data_passes_nothing() -> None:
    attempts, _ = planted(50, 1)
    for found in (placebo_outcome(attempts, "refund"), placebo_treatment(attempts, "recovered", "refund", draws=2)):
        assert found.passes is None and found.reason is not None


def test_estimators_agree_with_each_other_and_not_with_the_naive_difference() -> None:
    attempts, truth = planted(4000, 1)
    naive, *ours = compare(attempts, "net_margin_90d", "escalate")
    assert [one.method for one in ours] == ["g-computation", "weighting", "doubly robust", "doubly robust, boosted"]
    true = truth.att(attempts, "net_margin_90d", "escalate")
    assert all(one.low <= true <= one.high for one in ours)
    assert naive.high < true - 20


def test_regression_and_weighting_have_honest_intervals_too() -> None:
    covered = np.zeros(3)
    for seed in range(40):
        attempts, truth = planted(1200, seed)
        true = truth.att(attempts, "margin_90d", "refund")
        covered += [
            one.low <= true <= one.high for one in compare(attempts, "margin_90d", "refund", learners=["logistic"])[1:]
        ]
    assert (covered >= 35).all()


def test_omitting_a_confounder_moves_a_regression_by_exactly_the_bias_it_allows() -> None:
    random = np.random.default_rng(1)
    seen, hidden = random.normal(size=(500, 3)), random.normal(size=500)
    treated = seen @ [0.5, 0.0, 1.0] + hidden + random.normal(size=500) > 0
    values = 2.0 * treated + seen @ [1.0, 1.0, 0.0] + 1.5 * hidden + random.normal(size=500)
    short, long = (np.column_stack([treated, np.ones(500), seen, *more]) for more in ([], [hidden]))
    moved = np.linalg.lstsq(short, values, rcond=None)[0][0] - np.linalg.lstsq(long, values, rcond=None)[0][0]
    with_hidden = Moments.of(np.column_stack([seen, hidden]), treated, values)
    shares = with_hidden.explained_by([3])
    assert confounding_bias(Moments.of(seen, treated, values).leverage, *shares) == pytest.approx(moved)


@pytest.mark.parametrize(
    ("t", "degrees", "published"),
    # Cinelli & Hazlett 2020, table 1: violence and attitudes in Darfur.
    [(4.184, 783, 0.139)],
)
def test_the_robustness_value_is_the_published_one(t: float, degrees: int, published: float) -> None:
    assert robustness_value(t / np.sqrt(degrees)) == pytest.approx(published, abs=5e-4)


@given(strength=st.floats(1e-3, 1e3))
def test_a_confounder_as_strong_as_the_robustness_value_brings_the_estimate_to_zero(strength: float) -> None:
    share = robustness_value(strength)
    if share < 1 - 1e-5:
        assert confounding_bias(1.0, share, share) == pytest.approx(strength, rel=1e-3)


def test_the_e_value_is_the_published_one() -> None:
    # VanderWeele & Ding 2017: breast feeding and respiratory death, RR 3.9 (1.8 to 8.7).
    assert e_value(3.9) == pytest.approx(7.26, abs=0.01)
    assert e_value(1.8) == pytest.approx(3.0, abs=0.01)
    assert e_value(1 / 3.9) == pytest.approx(7.26, abs=0.01)
    assert e_value(1.0) == 1.0


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 3)), min_size=1, max_size=7), odds=st.floats(1.0, 6.0))
def test_the_worst_distortion_of_weights_is_found(rows: list[tuple[float, float]], odds: float) -> None:
    values, weights = (np.array(column) for column in zip(*rows, strict=True))
    tried = [weights * np.array(factors) for factors in product([odds, 1 / odds], repeat=len(rows))]
    assert _extreme(values, weights, odds) == pytest.approx(max(one @ values / one.sum() for one in tried), abs=1e-9)


def test_a_stronger_effect_withstands_more() -> None:
    found = []
    for size in (0.5, 2.0):
        attempts, _ = planted(3000, 1, effect=size)
        fitted = nuisances(attempts, "recovered")
        found.append(sensitivity(attempts, effect(attempts, "recovered", "refund", fitted=fitted), fitted))
    weak, strong = found
    assert strong.robustness > weak.robustness and strong.odds > weak.odds and strong.e_value > weak.e_value
    assert 0 <= strong.robustness_interval < strong.robustness < 1
    assert 1 <= strong.e_value_interval < strong.e_value


def test_an_interval_with_zero_needs_nothing_unseen_to_be_explained_away() -> None:
    attempts, _ = planted(800, 2, effect=0.0)
    fitted = nuisances(attempts, "recovered")
    found = effect(attempts, "recovered", "callback", fitted=fitted)
    told = sensitivity(attempts, found, fitted)
    assert found.low <= 0 <= found.high
    assert (told.robustness_interval, told.e_value_interval) == (0.0, 1.0)
    assert all(one.explains_away for one in told.benchmarks)


def test_strengths_are_told_in_terms_of_covariates_people_know() -> None:
    attempts, _ = planted(4000, 1)
    fitted = nuisances(attempts, "recovered")
    told = sensitivity(attempts, effect(attempts, "recovered", "refund", fitted=fitted), fitted, times=(1.0, 2.0))
    assert {one.covariate for one in told.benchmarks} == {"severity", "annual_value_usd", "cause"}
    assert told.strongest is not None and (told.strongest.covariate, told.strongest.times) == ("severity", 2.0)


def test_no_effect_of_either_arm_can_be_hidden_by_nothing() -> None:
    attempts, _ = planted(1500, 1)
    pair = make_pair(attempts, "recovered", nuisances(attempts, "recovered"), arm="refund", reference="none")
    flat = replace(pair, values=np.ones_like(pair.values), mu1=np.ones_like(pair.mu1), mu0=np.ones_like(pair.mu0))
    assert hidden_odds(flat, "att") == pytest.approx(1.0, abs=2e-3)


def test_without_an_estimate_there_is_nothing_to_be_sensitive() -> None:
    attempts, _ = planted(50, 1)
    fitted = nuisances(attempts, "recovered")
    told = sensitivity(attempts, effect(attempts, "recovered", "refund", fitted=fitted), fitted)
    assert np.isnan(told.robustness) and told.reason is not None and told.strongest is None
