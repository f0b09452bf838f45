"""Drift: what changed is seen, what did not raises no more false alarms than was said, and little is not judged."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType

import numpy as np
import pytest

from ml.outputs import DRIFT
from ml.root_cause.drift import FLOORS, Batch, Labelled, Measure, measure, psi, table

NO_FLOORS = MappingProxyType(dict.fromkeys(FLOORS, 0.0))


def batch(n: int, seed: int, *, shares: tuple[float, ...] = (0.5, 0.3, 0.2), abstained: float = 0.1,
          spanish: float = 0.1, shift: float = 0.0, unassigned: float = 0.02) -> Batch:  # fmt: skip
    rng = np.random.default_rng(seed)
    causes = [None if rng.random() < abstained else f"c{rng.choice(len(shares), p=shares)}" for _ in range(n)]
    vectors = rng.normal(size=(n, 12)) + np.eye(12)[0] * 2 + np.eye(12)[1] * shift
    return Batch(
        causes=causes,
        confidences=[float(value) for value in rng.beta(5, 2, size=n)],
        topics=[None if rng.random() < unassigned else 1 for _ in range(n)],
        languages=["es" if rng.random() < spanish else "en" for _ in range(n)],
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
    )


def by_name(found: list[Measure]) -> dict[str, Measure]:
    return {item.name: item for item in found}


def drifting(found: list[Measure]) -> set[str]:
    return {item.name for item in found if item.is_drift}


def test_a_quiet_week_shows_every_measure_and_no_drift() -> None:
    found = measure(
        batch(800, 1), batch(300, 2), Labelled([True] * 80 + [False] * 20, [0.8] * 100), expected_accuracy=0.8
    )
    assert {item.name for item in found} == set(FLOORS)
    assert drifting(found) == set() and all(item.is_drift is False and item.limit is not None for item in found)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"shares": (0.2, 0.2, 0.6)}, "cause_psi"), ({"abstained": 0.4}, "abstained_share"),
        ({"spanish": 0.6}, "language_psi"), ({"unassigned": 0.3}, "unassigned_share"),
        ({"shift": 1.5}, "energy_distance"), ({"shift": 3.0}, "centroid_cosine"),
    ],
)  # fmt: skip
def test_each_planted_change_is_seen_by_its_measure(change: dict[str, object], seen: str) -> None:
    assert seen in drifting(measure(batch(800, 1), batch(300, 2, **change)))  # type: ignore[arg-type]


def test_confidence_that_falls_is_seen() -> None:
    week = batch(300, 2)
    lower = Batch(
        week.causes, [value / 2 for value in week.confidences if value is not None], week.topics, week.languages
    )
    assert "confidence_psi" in drifting(measure(batch(800, 1), lower))


def test_of_quiet_weeks_no_more_than_stated_show_any_drift_even_without_floors() -> None:
    # 80 weeks, 1 in 5 allowed: the count of alarms is within three sigma of the rate, or below it.
    alarms = 0
    for seed in range(80):
        right = np.random.default_rng(seed).random(60) < 0.8
        labelled = Labelled([bool(value) for value in right], [0.8] * 60)
        reference, week = batch(120, 2 * seed + 1_000), batch(60, 2 * seed + 1_001)
        found = measure(reference, week, labelled, expected_accuracy=0.8, false_alarms=0.2, floors=NO_FLOORS, seed=seed)
        alarms += bool(drifting(found))
    assert alarms <= 80 * 0.2 + 3 * np.sqrt(80 * 0.2 * 0.8)


def test_a_model_that_got_worse_is_seen_on_the_labels_and_one_that_did_not_is_not() -> None:
    worse, same = (Labelled([True] * good + [False] * (100 - good), [0.8] * 100) for good in (50, 78))
    quiet = (batch(200, 3), batch(100, 4))
    assert {"accuracy", "calibration_error"} <= drifting(measure(*quiet, worse, expected_accuracy=0.8))
    assert drifting(measure(*quiet, same, expected_accuracy=0.8)) == set()


def test_few_texts_or_labels_are_told_and_not_judged() -> None:
    found = by_name(
        measure(batch(800, 1), batch(20, 2, abstained=0.9), Labelled([False] * 10, [0.9] * 10), expected_accuracy=0.9)
    )
    assert found["abstained_share"].value is not None and found["abstained_share"].value > 0.5
    assert {item.is_drift for item in found.values()} == {None}


def test_what_is_not_at_hand_is_unknown() -> None:
    bare = batch(100, 2)
    found = by_name(measure(batch(200, 1), Batch(bare.causes, bare.confidences, bare.topics, bare.languages)))
    assert found["energy_distance"].value is None and found["accuracy"].is_drift is None
    empty = by_name(measure(batch(200, 1), Batch([], [], [], [])))
    assert {item.value for item in empty.values()} == {None}


def test_a_large_week_with_a_change_too_small_to_matter_is_no_drift() -> None:
    found = by_name(measure(batch(20_000, 1), batch(20_000, 2, abstained=0.12)))
    assert found["abstained_share"].low is not None and found["abstained_share"].low > 0.1
    assert found["abstained_share"].is_drift is False


def test_the_index_is_the_sum_it_is_defined_as() -> None:
    before, now = np.array([60.0, 40.0]), np.array([30.0, 70.0])
    shares = [(60.5 / 101, 40.5 / 101), (30.5 / 101, 70.5 / 101)]
    expected = sum((b - a) * np.log(b / a) for a, b in zip(*shares, strict=True))
    assert psi(before, now) == pytest.approx(expected) and psi(before, before) == 0.0


def test_the_same_inputs_give_the_same_table_with_unique_keys() -> None:
    weeks = {date(2026, 1, day): measure(batch(200, 1), batch(100, day)) for day in (5, 12)}
    again = {date(2026, 1, day): measure(batch(200, 1), batch(100, day)) for day in (12, 5)}
    found = table(weeks, "m1")
    assert found.equals(table(again, "m1")) and found.schema.equals(DRIFT)
    assert len(set(found.column("drift_id").to_pylist())) == len(found) == 2 * len(FLOORS)
