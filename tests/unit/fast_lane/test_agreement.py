"""What the batch lane makes of the fast lane's decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from cases import feed
from fast_lane import agreement, records
from ml.outputs import TRIGGER, read_output, write_output
from models.settings import Settings
from tests.lane_home import AS_OF, drop, keep_history

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def decision(signal: str, trigger: str | None, **more: Any) -> dict[str, Any]:
    """A decision of the fast lane by delivery 5."""
    return {
        "decision_id": trigger or signal, "batch_id": 5, "signal_id": signal, "trigger_id": trigger,
        "rule_id": "low_csat" if trigger else None, "severity": 3, "cause_id": "fee_dispute", "occurred_at": NOW,
        "arrived_at": NOW, "decided_at": NOW, **more,
    }  # fmt: skip


def trigger(signal: str, trigger_id: str, **more: Any) -> dict[str, Any]:
    """A trigger of the batch lane."""
    return {
        "trigger_id": trigger_id, "signal_id": signal, "rule_id": "low_csat", "severity": 3, "cause_id": "fee_dispute",
        "occurred_at": NOW, **more,
    }  # fmt: skip


def verdicts(
    made: list[dict[str, Any]], found: list[dict[str, Any]], seen: dict[str, int], **more: Any
) -> dict[str, tuple[str, str | None]]:
    """Verdict and reason by decision."""
    table = agreement.compare(
        pa.Table.from_pylist(made, schema=records.DECISION),
        pa.Table.from_pylist(found, schema=TRIGGER),
        pa.table({"signal_id": list(seen), "_batch_id": list(seen.values())}),
        **more,
    )
    return {row["decision_id"]: (row["verdict"], row["reason"]) for row in table.to_pylist()}


def test_the_same_triggers_agree_and_so_do_signals_without_any() -> None:
    found = verdicts([decision("s1", "t1"), decision("s2", None)], [trigger("s1", "t1")], {"s1": 5, "s2": 5})
    assert found == {"t1": ("agreed", None), "s2": ("agreed", None)}


def test_a_trigger_only_one_lane_found_is_told_with_its_reason() -> None:
    found = verdicts([decision("s1", "t1"), decision("s2", None)], [trigger("s2", "t2")], {"s1": 5, "s2": 5})
    assert found["t1"] == ("only_fast", "later evidence: the rule no longer holds")
    assert found["t2"] == ("only_batch", "later evidence: the rule holds now")


def test_another_severity_or_cause_is_a_change() -> None:
    found = verdicts([decision("s1", "t1")], [trigger("s1", "t1", severity=2, cause_id="other")], {"s1": 5})
    assert found["t1"] == ("changed", "later evidence: another severity and cause_id")


def test_a_later_delivery_or_a_withdrawn_signal_is_the_reason_where_there_was_one() -> None:
    found = verdicts([decision("s1", "t1"), decision("s2", "t2")], [], {"s1": 9})
    assert found["t1"] == ("only_fast", "a later delivery replaced the signal")
    assert found["t2"] == ("only_fast", "the signal was withdrawn")


def test_rules_only_the_batch_lane_evaluates_are_no_difference() -> None:
    found = verdicts([decision("s1", None)], [trigger("s1", "t9", rule_id="silence")], {"s1": 5}, not_asked={"silence"})
    assert found == {"s1": ("agreed", None)}


def test_a_signal_decided_twice_is_judged_by_its_last_decision() -> None:
    made = [decision("s1", "t1"), decision("s1", None, batch_id=6, decision_id="s1")]
    assert verdicts(made, [], {"s1": 6}) == {"s1": ("agreed", None)}


def test_settling_keeps_verdicts_and_drops_what_the_batch_lane_has_seen_and_nothing_else(home: Settings) -> None:
    from fast_lane.lane import Lane

    lane = Lane(home)
    drop(home, "A1", "There is fraud on my card.")
    lane.step()
    (first,) = records.decisions(home).to_pylist()
    drop(home, "A2", "There is fraud on my card again.", customer="CU2")
    lane.step()
    write_output(home.ml_outputs, "ml_detection__trigger", pa.Table.from_pylist([_as_trigger(first)], schema=TRIGGER))
    keep_history(home, pa.table({"signal_id": [first["signal_id"]], "_batch_id": [first["batch_id"]]}))
    feed.write_detection(home.ml_outputs, token="second", triggers=1, as_of=AS_OF, last_batch=first["batch_id"])
    assert [row["verdict"] for row in agreement.settle(home).to_pylist()] == ["agreed"]
    assert agreement.settle(home).num_rows == 0
    assert read_output(home.ml_outputs, agreement.OUTPUT).num_rows == 1
    assert [row["batch_id"] for row in records.decisions(home).to_pylist()] == [first["batch_id"] + 1]


def _as_trigger(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in TRIGGER.names if name in row}
