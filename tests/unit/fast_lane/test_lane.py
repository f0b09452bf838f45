"""From a file that arrives to a case, a message and a record, once."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq

from cases.models import Case, CaseTrigger, OutboxMessage
from fast_lane import records
from fast_lane.lane import MOST_ROWS, Lane
from models.settings import Settings
from tests.lane_home import complaint, drop, drop_rows, keep_history

FRAUD = "There is fraud on my card and I was told to wait."


def drained(lane: Lane) -> list[object]:
    """Steps until nothing is left."""
    steps = []
    while (step := lane.step()) is not None:
        steps.append(step)
        assert len(steps) < 20, "the lane does the same step again and again"
    return steps


def test_a_grave_complaint_becomes_a_case_with_a_word_to_its_team(home: Settings) -> None:
    drop(home, "A1", FRAUD)
    (step,) = drained(Lane(home))
    assert (step.signals, step.triggers, step.opened) == (1, 1, 1)
    (case,) = Case.objects.all()
    (trigger,) = CaseTrigger.objects.all()
    assert case.customer_id == "CU1"
    assert trigger.rule_id == "severe_complaint"
    lineage = json.loads(trigger.lineage)
    assert (lineage["lane"], lineage["source_key"]) == ("fast", "A1")
    assert OutboxMessage.objects.filter(key=f"{case.case_id}|opened").count() == 1


def test_a_mild_complaint_is_recorded_and_opens_nothing(home: Settings) -> None:
    drop(home, "A1", "The queue was rather long today.")
    (step,) = drained(Lane(home))
    assert (step.signals, step.triggers) == (1, 0)
    (decision,) = records.decisions(home).to_pylist()
    assert decision["trigger_id"] is None and decision["arrived_at"] <= decision["decided_at"]


def test_the_same_file_and_the_same_row_in_another_file_open_nothing_more(home: Settings) -> None:
    drop(home, "A1", FRAUD)
    lane = Lane(home)
    drained(lane)
    drop_rows(home, "again", [complaint("A1", FRAUD)])
    drained(lane)
    drained(Lane(home))
    assert Case.objects.count() == 1
    assert CaseTrigger.objects.count() == 1


def test_a_lane_that_died_before_its_record_does_the_step_again_and_doubles_nothing(home: Settings) -> None:
    drop(home, "A1", FRAUD)
    drained(Lane(home))
    for path in (home.fast_lane / "decisions").glob("*.parquet"):
        path.unlink()
    (step,) = drained(Lane(home))
    assert (step.opened, step.already_known) == (0, 1)
    assert OutboxMessage.objects.count() == 1


def test_a_third_contact_counts_the_history_of_the_batch_lane_and_of_the_lane_itself(home: Settings) -> None:
    lane = Lane(home)
    drop(home, "A1", "My card was declined again.", at="2026-02-20 09:00:00")
    drained(lane)
    first = pq.read_table(next((home.fast_lane / "signals").glob("*.parquet")))
    # The batch lane has coded the first one since, and the coded cause is what repeats are counted by.
    coded = first.set_column(first.column_names.index("cause_id"), "cause_id", pa.array(["card_declined"], pa.string()))
    keep_history(home, coded)
    assert first.column("cause_id").to_pylist() == [None]
    rows = [
        complaint(key, "My card was declined again.", at=f"2026-03-0{day} 06:00:00")
        for key, day in (("A2", 1), ("A3", 2))
    ]
    for row in rows:
        row["category"] = "CRD-01"
    drop_rows(home, "two", rows)
    drained(lane)
    assert [trigger.rule_id for trigger in CaseTrigger.objects.all()] == ["repeat_contact"]


def test_a_delivery_too_large_for_a_step_is_left_to_the_batch_lane(home: Settings) -> None:
    drop_rows(home, "many", [complaint(f"M{number}", FRAUD) for number in range(MOST_ROWS + 1)])
    lane = Lane(home)
    assert drained(lane) == []
    drop(home, "A1", FRAUD)
    assert len(drained(lane)) == 1
    assert Case.objects.count() == 1


def test_what_is_old_news_opens_a_case_and_contacts_nobody(home: Settings) -> None:
    drop(home, "A1", FRAUD, at="2025-06-01 06:00:00")
    drained(Lane(home))
    assert OutboxMessage.objects.count() == 0


def test_nothing_is_decided_before_the_batch_lane_has_run_once(home: Settings) -> None:
    (home.ml_outputs / "ml_detection__trigger.json").unlink()
    drop(home, "A1", FRAUD)
    lane = Lane(home)
    assert lane.step() is None
    assert lane.waits_for() == "the first detection of the batch lane"


def test_words_of_a_customer_are_redacted_before_anything_is_kept(home: Settings) -> None:
    drop(home, "A1", f"{FRAUD} Write to jane.roe@example.org")
    drained(Lane(home))
    kept = b"".join(path.read_bytes() for path in home.fast_lane.rglob("*.parquet"))
    assert b"jane.roe" not in kept
