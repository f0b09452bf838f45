"""What another policy would have earned: right on the formulas, honest about its interval, silent without support."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.recovery.off_policy import (
    ESTIMATORS,
    Estimator,
    Log,
    clustered_interval,
    contributions,
    difference,
    evaluate,
    support_of,
    switch_point,
)  # fmt: skip
from tests.unit.ml.recovery import off_policy_oracle as oracle

Floats = NDArray[np.float64]
FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "off_policy_obp.json"
ARMS = 4


def softmax(scores: Floats) -> Floats:
    """Rows that sum to 1."""
    weight = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def world(n: int, seed: int, *, per_customer: int = 1, sharp: float = 1.0) -> tuple[Log, Floats, Floats]:
    """A log, a policy that prefers the better arms, and the expected reward (n, arms) of every arm."""
    rng = np.random.default_rng(seed)
    customer = np.arange(n) // per_customer
    x = rng.normal(size=(customer[-1] + 1, 3))[customer]
    weights = rng.normal(size=(3, ARMS))
    truth = x @ weights + 3.0
    shared = rng.normal(size=customer[-1] + 1)[customer]
    propensity = 0.9 * softmax(sharp * (x @ rng.normal(size=(3, ARMS)))) + 0.1 / ARMS
    action = (propensity.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, ARMS - 1)
    reward = truth[np.arange(n), action] + shared + rng.normal(size=n)
    mu = truth + rng.normal(0, 0.2, size=truth.shape) + 0.3
    return Log(action, reward, propensity, customer, mu), softmax(2 * truth), truth


def fixture() -> tuple[Log, Floats, dict[str, Any]]:
    """Inputs and the results another implementation gave for them."""
    kept = json.loads(FIXTURE.read_text(encoding="utf-8"))
    action = np.array(kept["action"])
    log = Log(
        action, np.array(kept["reward"]), np.array(kept["propensity"]), np.arange(len(action)), np.array(kept["mu"])
    )
    return log, np.array(kept["target"]), kept


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_equals_open_bandit_pipeline_to_the_last_digits(estimator: Estimator) -> None:
    log, target, kept = fixture()
    ours = contributions(log, target, estimator, switch_at=kept["switch_at"]).mean()
    assert ours == pytest.approx(kept["values"][estimator], rel=0, abs=1e-12)


@given(st.integers(0, 10_000), st.integers(5, 60), st.floats(0.3, 5))
@settings(max_examples=40)
def test_every_estimator_equals_its_formula_row_by_row(seed: int, n: int, at: float) -> None:
    log, target, _ = world(n, seed)
    assert log.mu is not None
    rows: tuple[Any, ...] = (log.action.tolist(), log.reward.tolist(), log.propensity.tolist(), target.tolist())
    model = log.mu.tolist()
    expected = {
        "ips": oracle.ips(*rows),
        "snips": oracle.snips(*rows),
        "dm": oracle.direct(rows[3], model),
        "dr": oracle.doubly_robust(*rows, model),
        "switch_dr": oracle.doubly_robust(*rows, model, at),
    }
    for estimator in ESTIMATORS:
        ours = contributions(log, target, estimator, switch_at=at).mean()
        assert ours == pytest.approx(expected[estimator], abs=1e-9)
    assert support_of(log, target).ess == pytest.approx(oracle.effective_size(rows[0], rows[2], rows[3]))


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_a_policy_that_does_what_the_log_did_has_weights_of_one_and_earns_the_mean_reward(seed: int) -> None:
    log, _, _ = world(300, seed)
    result = evaluate(log, log.propensity, draws=20)
    for estimator in ("ips", "snips"):
        assert result.of(estimator).value == pytest.approx(log.reward.mean())
    assert result.support.ess == pytest.approx(300)
    assert result.support.largest_weight == pytest.approx(1)


@given(st.integers(0, 10_000), st.floats(-100, 100))
@settings(max_examples=20)
def test_a_reward_that_never_varies_is_the_value_of_every_policy_by_snips(seed: int, reward: float) -> None:
    log, target, _ = world(200, seed)
    flat = Log(log.action, np.full(200, reward), log.propensity, log.cluster)
    assert contributions(flat, target, "snips").mean() == pytest.approx(reward)


def covered(run: Callable[[int], tuple[float, float | None, float | None]], runs: int) -> float:
    """Share of runs whose interval holds the truth."""
    found = [run(seed) for seed in range(runs)]
    return sum(low is not None and high is not None and low <= truth <= high for truth, low, high in found) / runs


def test_the_doubly_robust_interval_holds_the_value_about_as_often_as_it_says() -> None:
    def run(seed: int) -> tuple[float, float | None, float | None]:
        log, target, truth = world(3000, seed, per_customer=3)
        gain = difference(log, target, log.propensity, draws=200, seed=seed).of("dr")
        return float(((target - log.propensity) * truth).sum(axis=1).mean()), gain.low, gain.high

    assert 0.9 <= covered(run, 80) < 1


def test_an_interval_over_customers_is_wider_than_one_that_takes_their_rows_for_strangers() -> None:
    values = np.repeat(np.random.default_rng(1).normal(size=300), 10)
    mean, low, high = clustered_interval(values, np.arange(3000) // 10)
    _, naive_low, naive_high = clustered_interval(values, np.arange(3000))
    assert mean == pytest.approx(values.mean())
    assert (high - low) > 2.5 * (naive_high - naive_low)


def test_the_doubly_robust_estimate_survives_a_wrong_model_and_the_direct_one_does_not() -> None:
    log, target, truth = world(20_000, 3)
    assert log.mu is not None
    wrong = Log(log.action, log.reward, log.propensity, log.cluster, log.mu + 2.0)
    value = float((target * truth).sum(axis=1).mean())
    result = evaluate(wrong, target, draws=50)
    assert abs((result.of("dr").value or 0) - value) < 0.1
    assert abs((result.of("dm").value or 0) - value) > 1.5


def test_the_difference_of_two_policies_is_known_better_than_either() -> None:
    log, target, truth = world(4000, 5, per_customer=2)
    current = 0.5 * target + 0.5 * log.propensity
    paired, alone = difference(log, target, current).of("dr"), evaluate(log, target).of("dr")
    assert paired.low is not None and paired.high is not None and alone.low is not None and alone.high is not None
    assert paired.high - paired.low < 0.7 * (alone.high - alone.low)
    assert paired.low <= float(((target - current) * truth).sum(axis=1).mean()) <= paired.high


def test_a_policy_compared_with_itself_differs_by_nothing() -> None:
    log, target, _ = world(2000, 2)
    for estimate in difference(log, target, target, draws=30).estimates:
        assert (estimate.value, estimate.low, estimate.high) == (0.0, 0.0, 0.0)


def test_below_an_effective_size_of_a_hundred_there_is_no_number_but_a_reason() -> None:
    log, target, _ = world(90, 1)
    result = evaluate(log, target)
    assert result.support.ess < 100
    for estimate in result.estimates:
        assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
        assert estimate.refused is not None and "at least 100 are needed" in estimate.refused


def test_many_rounds_are_no_support_when_one_action_carries_all_the_weight() -> None:
    rng = np.random.default_rng(0)
    propensity = np.tile([0.997, 0.003], (9000, 1))
    action = (rng.random(9000) < 0.003).astype(np.int64)
    log = Log(action, rng.normal(size=9000), propensity, np.arange(9000))
    result = evaluate(log, np.tile([0.0, 1.0], (9000, 1)))
    assert result.of("ips").refused is not None
    assert result.support.thin_share == pytest.approx(1.0)


def test_a_difference_is_refused_when_the_policy_compared_with_lacks_support() -> None:
    log, _, _ = world(160, 4)
    rare = np.zeros((160, ARMS))
    rare[np.arange(160), log.propensity.argmin(axis=1)] = 1.0
    refused = difference(log, log.propensity, rare, draws=20).of("dr").refused
    assert refused is not None and refused.startswith("the policy it is compared with")


def test_without_a_model_of_the_reward_only_the_estimators_that_need_none_answer() -> None:
    log, target, _ = world(3000, 6)
    result = evaluate(Log(log.action, log.reward, log.propensity, log.cluster), target, draws=20)
    answered = {estimate.estimator for estimate in result.estimates if estimate.value is not None}
    assert answered == {"ips", "snips"}
    assert result.switch_at is None


def test_switching_gives_up_no_correction_where_all_weights_are_small_and_some_where_they_are_huge() -> None:
    even = world(2000, 7, sharp=0.0)
    assert switch_point(even[0], np.full((2000, ARMS), 1 / ARMS)) is not None
    skewed, target, _ = world(2000, 8, sharp=6.0)
    at = switch_point(skewed, target)
    assert at is not None
    lost = contributions(skewed, target, "switch_dr", switch_at=at).var() / contributions(skewed, target, "dr").var()
    assert lost <= 1.0


def test_the_same_seed_gives_the_same_interval() -> None:
    log, target, _ = world(400, 9)
    assert evaluate(log, target, seed=3, draws=50) == evaluate(log, target, seed=3, draws=50)


GOOD: dict[str, Any] = {
    "action": np.array([0, 1]), "reward": np.array([1.0, 2.0]), "propensity": np.array([[0.5, 0.5], [0.2, 0.8]]),
    "cluster": np.array([0, 1]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"action": np.array([0, 2])}, "places 0 to 1"),
        ({"reward": np.array([1.0, np.nan])}, "reward is unknown"),
        ({"reward": np.array([1.0])}, "reward has shape"),
        ({"propensity": np.array([[0.5, 0.6], [0.2, 0.8]])}, "sum to 1"),
        ({"propensity": np.array([[0.0, 1.0], [0.2, 0.8]])}, "gives no chance"),
        ({"propensity": np.array([0.5, 0.5])}, "one row per round"),
        ({"mu": np.zeros((2, 3))}, "mu must be"),
    ],
)
def test_a_log_that_does_not_fit_together_is_refused_with_the_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Log(**(GOOD | change))


def test_a_policy_that_is_no_table_of_probabilities_is_refused() -> None:
    log = Log(**GOOD)
    with pytest.raises(ValueError, match="sum to 1"):
        evaluate(log, np.array([[1.0, 1.0], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="shape"):
        evaluate(log, np.ones((2, 1)))
