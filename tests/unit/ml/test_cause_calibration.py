"""Probabilities mean what they say, and saying so changes no decision."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.root_cause.calibration import Calibration, calibrate, curved, softmax
from ml.root_cause.judge import calibration_error


def drawn(rows: int, *, bend: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose truth is drawn from softmax(3 * scores) with probability `bend`, else by chance."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(rows, 5))
    shares = bend * softmax(3 * scores) + (1 - bend) / 5
    return scores, np.array([rng.choice(5, p=share) for share in shares])


def error(calibration: Calibration, scores: np.ndarray, target: np.ndarray) -> float:
    shares = calibration.probabilities(scores)
    return calibration_error(shares.max(axis=1), shares.argmax(axis=1) == target)[0]


def test_the_slope_that_made_the_truth_is_found_again() -> None:
    scores, target = drawn(4000, bend=1.0)
    calibration = calibrate(scores, target, np.arange(4000) % 4)
    assert 2.8 < calibration.slope < 3.2
    assert error(calibration, *drawn(4000, bend=1.0, seed=1)) < 0.03


def test_the_curve_mends_what_no_slope_can() -> None:
    scores, target = drawn(6000, bend=0.7)
    calibration = calibrate(scores, target, np.arange(6000) % 4)
    fresh = drawn(6000, bend=0.7, seed=1)
    assert calibration.curve is not None
    assert error(calibration, *fresh) < 0.03 < error(Calibration(calibration.slope), *fresh)


@settings(max_examples=60, deadline=None)
@given(
    curve=st.tuples(st.floats(0.1, 4), st.floats(0.1, 4), st.floats(-2, 2)),
    slope=st.floats(0.1, 20),
    seed=st.integers(0, 1000),
)
def test_calibration_keeps_the_order_of_causes_and_sums_to_one(
    curve: tuple[float, float, float], slope: float, seed: int
) -> None:
    scores = np.round(np.random.default_rng(seed).normal(size=(20, 6)), 1)
    shares = Calibration(slope, curve).probabilities(scores)
    assert np.allclose(shares.sum(axis=1), 1)
    rows = np.arange(20)
    assert (shares.max(axis=1) - shares[rows, scores.argmax(axis=1)] < 1e-12).all()
    for row, share in zip(scores, shares, strict=True):
        assert (np.diff(share[np.argsort(row, kind="stable")]) >= -1e-12).all()


def test_a_surer_score_is_never_told_as_less_sure() -> None:
    confidence = np.linspace(0, 1, 200)
    assert (np.diff(curved(confidence, (0.5, 2.0, -0.3))) >= 0).all()


def test_the_likeliest_cause_gets_the_probability_that_the_curve_says() -> None:
    scores, _ = drawn(200, bend=1.0)
    plain = softmax(3 * scores).max(axis=1)
    wanted = curved(plain, (0.8, 0.8, 0.0))
    got = Calibration(3.0, (0.8, 0.8, 0.0)).probabilities(scores).max(axis=1)
    reachable = wanted > 0.5
    assert np.allclose(got[reachable], wanted[reachable], atol=1e-6)
