"""A log whose counts do not fit its chances is found, a sound one left alone, and no barred case is tried on unseen."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.recovery.assignment_checks import guardrails, propensity_faults, sample_ratio

ARMS = ("none", "apology", "callback")


def drawn(n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Choices drawn as their chances say; chances differ by case, and half of the cases are certain."""
    rng = np.random.default_rng(seed)
    propensity = rng.dirichlet([0.5, 4, 1], n)
    propensity[: n // 2] = [0.0, 1.0, 0.0]
    action = (propensity.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, 2)
    return action, propensity


def test_a_sound_log_is_called_a_mismatch_as_seldom_as_the_test_promises() -> None:
    p_values = [sample_ratio(*drawn(400, seed), ARMS)[0].p_value for seed in range(400)]
    known = np.array([p for p in p_values if p is not None])
    assert len(known) == 400
    assert 0.02 < (known < 0.05).mean() < 0.09
    assert 0.4 < (known < 0.5).mean() < 0.6


def test_a_filter_after_the_draw_is_found_and_the_arm_named() -> None:
    action, propensity = drawn(4000, 1)
    lost = (action == 2) & (np.random.default_rng(2).random(4000) < 0.3)
    action[lost] = 1
    propensity[lost, 1] = np.maximum(propensity[lost, 1], 1e-6)
    propensity /= propensity.sum(axis=1, keepdims=True)
    check = sample_ratio(action, propensity, ARMS)[0]
    assert check.is_mismatch
    assert check.most_off in ("apology", "callback")


def test_a_mismatch_of_one_day_is_found_on_that_day() -> None:
    action, propensity = drawn(6000, 3)
    day = np.repeat(["2026-06-01", "2026-06-02", "2026-06-03"], 2000)
    broken = (day == "2026-06-02") & (action == 2)
    action[broken] = propensity[broken, :2].argmax(axis=1)
    checks = {check.stratum: check.is_mismatch for check in sample_ratio(action, propensity, ARMS, day)}
    assert checks["2026-06-02"]
    assert not checks["2026-06-01"] and not checks["2026-06-03"]


def test_where_nothing_was_drawn_there_is_nothing_to_test() -> None:
    propensity = np.tile([0.0, 1.0, 0.0], (50, 1))
    check = sample_ratio(np.ones(50, dtype=np.int64), propensity, ARMS)[0]
    assert (check.p_value, check.is_mismatch, check.freedom) == (None, False, 0)


def test_impossible_chances_are_named() -> None:
    faults = propensity_faults(np.array([0, 1, 2]), np.array([[0.0, 1, 0], [0.2, 0.2, 0.2], [1.5, -0.5, 0]]))
    assert faults == [
        "the chances of 1 choices do not sum to 1",
        "1 choices have a chance outside 0 to 1",
        "2 choices had no chance of being made",
    ]
    with pytest.raises(ValueError, match="do not sum to 1"):
        sample_ratio(np.array([1]), np.array([[0.2, 0.2, 0.2]]), ARMS)


IDS = np.array([f"C{place}" for place in range(4)])
SURE = np.tile([0.0, 1.0, 0.0], (4, 1))
TRIED = np.tile([0.0, 0.9, 0.1], (4, 1))
NOBODY = {"vulnerable": np.zeros(4, dtype=bool)}


def test_nothing_is_found_where_barred_cases_were_certain() -> None:
    assert guardrails(IDS, np.ones(4, int), SURE, severity=np.array([1, np.nan, 2, 3.0]), barred=NOBODY) == ()


def test_trying_on_a_grave_an_unknown_or_a_vulnerable_case_is_a_breach_with_its_case() -> None:
    severity, vulnerable = np.array([1, np.nan, 2, 3.0]), np.array([False, False, True, False])
    found = guardrails(IDS, np.ones(4, int), TRIED, severity=severity, barred={"vulnerable": vulnerable})
    assert [(one.kind, one.examples) for one in found] == [
        ("tried on: severity 1 or unknown", ("C0", "C1")),
        ("tried on: vulnerable", ("C2",)),
    ]


def test_leaving_a_grave_case_alone_is_a_breach_even_when_it_was_certain() -> None:
    alone = np.tile([1.0, 0.0, 0.0], (4, 1))
    (found,) = guardrails(IDS, np.zeros(4, int), alone, severity=np.array([1, 2, 2, 3.0]), barred=NOBODY)
    assert (found.kind, found.cases) == ("left alone: severity 1 or unknown", 1)
