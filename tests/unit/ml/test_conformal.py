"""Sets of causes keep the promise made for them."""

from __future__ import annotations

import numpy as np
import pytest

from ml.root_cause.conformal import coverage, members, thresholds, unsure


def drawn(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of four causes, the last one hard to see, and truths that only partly follow them."""
    rng = np.random.default_rng(seed)
    target = rng.choice(4, size=rows, p=[0.4, 0.3, 0.2, 0.1])
    evidence = rng.normal(size=(rows, 4))
    evidence[np.arange(rows), target] += np.array([3.0, 2.5, 2.0, 0.5])[target]
    shares = np.exp(evidence)
    return shares / shares.sum(axis=1, keepdims=True), target


@pytest.mark.parametrize("miss", [0.05, 0.1, 0.2])
def test_sets_hold_the_truth_as_often_as_promised_on_fresh_texts(miss: float) -> None:
    held = []
    for seed in range(40):
        shares, target = drawn(600, seed)
        inside = members(shares[300:], thresholds(shares[:300], target[:300], miss))
        held.append(coverage(inside, target[300:])["set_coverage"])
    assert np.mean(held) == pytest.approx(1 - miss, abs=0.012)


def test_per_cause_the_promise_holds_for_the_hard_cause_too_at_the_price_of_larger_sets() -> None:
    shares, target = drawn(6000, 1)
    fresh, truth = drawn(6000, 2)
    whole = coverage(members(fresh, thresholds(shares, target, 0.1)), truth)
    each = coverage(members(fresh, thresholds(shares, target, 0.1, per_cause=True)), truth)
    assert whole["set_coverage_worst_cause"] < 0.7
    assert each["set_coverage_worst_cause"] > 0.86
    assert each["set_size"] > whole["set_size"]


def test_too_few_texts_promise_nothing_so_every_cause_fits() -> None:
    shares, target = drawn(5, 0)
    assert (thresholds(shares, target, 0.1) == 0).all()
    assert (thresholds(*drawn(300, 0), 0.1, per_cause=True)[target[0]]) > 0


def test_a_set_of_two_none_or_a_doubtful_one_goes_to_a_person() -> None:
    inside = np.array([[True, True], [False, False], [True, False], [True, False]])
    assert unsure(inside, np.array([0.6, 0.4, 0.55, 0.9]), 0.6) == ["several", "none", "low_confidence", None]


def test_a_cause_the_model_does_not_know_is_never_held() -> None:
    assert coverage(np.ones((4, 2), dtype=bool), np.array([0, -1, 1, -1]))["set_coverage"] == 0.5


@pytest.mark.parametrize("miss", [0, 1, -0.1])
def test_a_promise_of_never_or_always_is_refused(miss: float) -> None:
    with pytest.raises(ValueError, match="misses"):
        thresholds(*drawn(10, 0), miss)
