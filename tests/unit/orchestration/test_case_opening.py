"""The decision behind the `open_cases` sensor."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from orchestration.case_opening import next_slice


def test_before_any_detection_there_is_nothing_to_open() -> None:
    assert next_slice(None, None, 0) is None


def test_the_first_tick_starts_at_the_first_trigger() -> None:
    part = next_slice(None, "d1", 5, size=3)
    assert part is not None
    assert (part.start, part.stop, part.is_last) == (0, 3, False)


def test_a_tick_after_the_last_slice_has_nothing_to_do() -> None:
    assert next_slice(json.dumps({"token": "d1", "done": 5}), "d1", 5, size=3) is None


def test_a_new_detection_is_handed_over_from_its_start() -> None:
    part = next_slice(json.dumps({"token": "d1", "done": 5}), "d2", 7, size=10)
    assert part is not None
    assert (part.start, part.stop, part.is_last) == (0, 7, True)


def test_a_detection_without_triggers_is_still_seen_once_so_that_tracking_runs() -> None:
    part = next_slice(None, "d1", 0)
    assert part is not None
    assert part.is_last
    assert next_slice(json.dumps({"token": "d1", "done": 0}), "d1", 0) is None


@given(total=st.integers(0, 500), size=st.integers(1, 60))
def test_the_slices_of_a_detection_cover_every_trigger_once(total: int, size: int) -> None:
    cursor, covered = None, []
    while (part := next_slice(cursor, "d", total, size=size)) is not None:
        covered += range(part.start, part.stop)
        cursor = json.dumps({"token": "d", "done": part.stop})
    assert covered == list(range(total))
