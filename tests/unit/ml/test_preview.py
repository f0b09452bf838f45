"""A preview of a changed rule says what it would find and no longer find."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.conditions import SIGNAL_SCHEMA
from ml.detection.evidence import Evidence
from ml.detection.preview import RulePreview, preview
from ml.detection.triggers import Window
from models.trigger import TriggerRule

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
WINDOW = Window(AS_OF, historic_after_days=14)


def rule(at_most: int, *, name: str = "grave", **more: Any) -> TriggerRule:
    return TriggerRule.model_validate(
        {
            "id": name,
            "title": "Grave enough",
            "status": "draft",
            "kind": "recovery",
            "signal": "complaint",
            "when": {"field": "severity", "op": "lte", "value": at_most},
            "open_case": {"severity": 3, "dedupe": {"within": "14d"}},
            **more,
        }
    )


def signals(*rows: tuple[int, float]) -> pa.Table:
    """(severity, days before the present) of one complaint each."""
    table = [
        {"signal_id": f"s{number}", "signal_kind": "complaint", "customer_id": f"C{number}", "severity": severity,
         "occurred_at": AS_OF - timedelta(days=days)}
        for number, (severity, days) in enumerate(rows)
    ]  # fmt: skip
    return pa.Table.from_pylist(table, schema=SIGNAL_SCHEMA)


def test_a_wider_rule_gains_and_says_which_of_the_gained_are_no_history() -> None:
    found = preview(Evidence(signals((1, 1), (2, 1), (2, 20), (3, 1))), [rule(1)], [rule(2)], WINDOW)
    assert found == (RulePreview("grave", before=1, after=3, gained=2, gained_recent=1, lost=0),)


def test_a_wider_rule_that_counts_from_today_gains_history_only() -> None:
    dated = rule(2, effective_from="2024-06-01")
    (found,) = preview(Evidence(signals((1, 1), (2, 1), (2, 20))), [rule(1)], [dated], WINDOW)
    assert (found.gained, found.gained_recent) == (2, 0)


def test_a_removed_rule_loses_all_and_a_new_one_gains_all() -> None:
    found = preview(Evidence(signals((1, 1), (1, 2))), [rule(1)], [rule(1, name="fresh")], WINDOW)
    assert found == (
        RulePreview("fresh", before=0, after=2, gained=2, gained_recent=2, lost=0),
        RulePreview("grave", before=2, after=0, gained=0, gained_recent=0, lost=2),
    )


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 40)), min_size=1, max_size=12),
    old=st.integers(1, 4),
    new=st.integers(1, 4),
)
def test_the_counts_add_up_to_what_reading_the_signals_gives(rows: list[tuple[int, float]], old: int, new: int) -> None:
    before, after = sum(s <= old for s, _ in rows), sum(s <= new for s, _ in rows)
    found = preview(Evidence(signals(*rows)), [rule(old)], [rule(new)], WINDOW)
    if not before and not after:
        assert found == ()
        return
    (only,) = found
    assert (only.before, only.after) == (before, after)
    assert only.after == only.before + only.gained - only.lost
    assert only.gained_recent == sum(old < s <= new and days <= 14 for s, days in rows)
