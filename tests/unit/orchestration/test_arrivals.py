"""When the batch lane is asked to run."""

from __future__ import annotations

import json
from typing import Any

from orchestration.arrivals import BATCH_EVERY_SECONDS, GRACE_SECONDS, Asked, decide


def asked(state: dict[str, Any] | None = None, **more: Any) -> Asked:
    """A decision at second 10,000 with nothing special about it."""
    given: dict[str, Any] = {
        "files": 0, "token": "", "newest": 0.0, "newest_batch": 5, "seen_batch": 5, "now": 10_000.0, **more,
    }  # fmt: skip
    return decide(state or {}, given.pop("files"), given.pop("token"), given.pop("newest"), **given)


def test_files_before_the_first_detection_start_a_run_at_once() -> None:
    assert asked(files=3, token="abc", newest=10_000.0, seen_batch=None).run_key == "inbox-abc"


def test_a_fresh_file_is_left_to_the_fast_lane_and_an_older_one_is_not() -> None:
    assert asked(files=1, token="abc", newest=9_999.0).run_key is None
    assert asked(files=1, token="abc", newest=10_000.0 - GRACE_SECONDS).run_key == "inbox-abc"


def test_the_same_files_are_handed_over_once() -> None:
    first = asked(files=1, token="abc", newest=0.0)
    assert asked(json.loads(first.cursor), files=1, token="abc", newest=0.0).run_key is None


def test_what_the_fast_lane_took_in_reaches_the_warehouse_but_not_with_every_row() -> None:
    first = asked(newest_batch=6)
    assert first.run_key == "landed-6"
    state = json.loads(first.cursor)
    assert asked(state, newest_batch=7, now=10_001.0).run_key is None
    assert asked(state, newest_batch=7, now=10_000.0 + BATCH_EVERY_SECONDS).run_key == "landed-7"


def test_a_run_on_its_way_is_not_asked_for_again() -> None:
    state = json.loads(asked(newest_batch=6).cursor)
    assert asked(state, newest_batch=6, now=99_999.0).run_key is None


def test_nothing_new_asks_for_nothing() -> None:
    assert asked().run_key is None
