"""A policy gets more of the cases step by step, and only after a trial that was split as it was meant to be."""

from __future__ import annotations

import pytest

from ml.recovery.roll_out import Gate
from ml.recovery.roll_out_gates import Split, trial_gates
from models.trial import RULES, RollOut
from tests.unit.models.learned import best

TRIAL = RollOut("r1", None, best("refund"), 0.1)


def closed(gates: tuple[Gate, ...]) -> list[str]:
    return [gate.name for gate in gates if not gate.passed]


@pytest.mark.parametrize(("share", "names"), [(0.1, []), (0.5, []), (0.6, ["step"]), (1.0, ["step"])])
def test_what_was_never_tried_begins_with_part_of_the_cases(share: float, names: list[str]) -> None:
    assert closed(trial_gates(RULES, "p-refund", share=share, split=None)) == names


def test_another_challengers_trial_says_nothing_about_a_policy() -> None:
    gates = trial_gates(TRIAL, "p-callback", share=1.0, split=Split(9_000, 1_000, 1_000.0))
    assert closed(gates) == ["step"]


def test_more_needs_a_trial_with_enough_cases() -> None:
    assert closed(trial_gates(TRIAL, "p-refund", share=1.0, split=Split(900, 99, 99.9))) == ["trial"]
    assert closed(trial_gates(TRIAL, "p-refund", share=1.0, split=Split(900, 100, 100.0))) == []
    assert closed(trial_gates(TRIAL, "p-refund", share=1.0, split=None)) == ["trial"]


def test_a_split_that_is_no_accident_stops_the_roll_out() -> None:
    gates = trial_gates(TRIAL, "p-refund", share=0.5, split=Split(1_900, 120, 202.0))
    assert closed(gates) == ["sample ratio"]
    assert "120 of 2020 cases, 202 expected" in gates[1].why


def test_a_trial_without_any_case_has_no_ratio() -> None:
    assert closed(trial_gates(TRIAL, "p-refund", share=1.0, split=Split(0, 0, 0.0))) == ["trial", "sample ratio"]


def test_a_smaller_share_is_always_open() -> None:
    assert closed(trial_gates(TRIAL, "p-refund", share=0.05, split=None)) == []
