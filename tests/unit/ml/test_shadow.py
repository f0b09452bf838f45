"""Shadow triggers are counted beside what the live rules have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ml.detection.shadow import shadow_counts
from ml.outputs import TRIGGER

AS_OF = datetime(2026, 5, 1, tzinfo=UTC)


def table(*rows: dict[str, Any]) -> pa.Table:
    shared = {"rule_id": "fees", "kind": "recovery", "subject_type": "customer", "severity": 3, "is_historic": False}
    return pa.Table.from_pylist([shared | row for row in rows], schema=TRIGGER)


def row(signal: str | None, days: float, subject: str = "C1", **more: Any) -> dict[str, Any]:
    at = AS_OF - timedelta(days=days)
    return {"trigger_id": f"t-{signal}-{days}", "signal_id": signal, "subject_id": subject, "occurred_at": at, **more}


def test_a_shadow_rule_is_told_by_what_no_live_rule_has() -> None:
    shadow = table(row("a", 1), row("b", 3), row("c", 20, "C2"), row("old", 90, is_historic=True))
    live = table(row("b", 3, rule_id="other"))
    (found,) = shadow_counts(shadow, live, ["fees"], as_of=AS_OF)
    assert (found.triggers, found.last_week, found.subjects, found.new, found.historic) == (3, 2, 2, 2, 1)
    assert [item.signal_id for item in found.newest] == ["a", "b", "c"]
    assert [item.is_known for item in found.newest] == [False, True, False]


def test_a_trigger_about_no_single_signal_is_known_by_its_subject() -> None:
    about = {"subject_type": "theme"}
    (found,) = shadow_counts(
        table(row(None, 1, "T-1", **about)), table(row(None, 2, "T-1", **about)), ["fees"], as_of=AS_OF
    )
    assert found.new == 0


def test_a_shadow_rule_that_found_nothing_is_told_too() -> None:
    (found,) = shadow_counts(table(), table(), ["quiet"], as_of=AS_OF)
    assert (found.rule_id, found.triggers, found.newest) == ("quiet", 0, ())
