"""The Parquet copy: incremental equals full, typed, and free of what people typed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cases import services
from models.case import EventKind
from models.settings import Settings
from tests.unit.cases.builders import NOW, act, day, open_one, resolution, trigger

TABLES = ("case", "case_event", "case_trigger")


def table(folder: Path) -> pa.Table:
    files = sorted(folder.glob("*.parquet"))
    return pa.concat_tables(pq.read_table(path).replace_schema_metadata() for path in files)


def test_an_empty_ledger_still_has_schemas(ledger: Settings) -> None:
    report = services.export(ledger)
    assert report.files == ()
    for name in TABLES:
        assert table(ledger.ledger_export / name).num_rows == 0


def test_incremental_exports_add_up_to_a_full_one(ledger: Settings, tmp_path: Path) -> None:
    services.open_cases([trigger("a", 0), trigger("b", 1, customer="C2")], recorded_at=NOW)
    services.export(ledger)
    services.open_cases([trigger("c", 3)], [resolution("r", 2, about="a")], recorded_at=NOW)
    second = services.export(ledger)
    third = services.export(ledger)
    services.export(ledger, tmp_path / "full")
    assert second.rows["case_trigger"] == 1
    assert third.files == ()
    for name in TABLES:
        assert table(ledger.ledger_export / name).equals(table(tmp_path / "full" / name))
        assert not list((ledger.ledger_export / name).glob("*.tmp"))


def test_columns_are_typed_and_flattened(ledger: Settings) -> None:
    facts = [trigger("a", 0, value_usd=1234.5, segment="private", region="north")]
    services.open_cases(facts, [resolution("r", 2, about="a")], recorded_at=NOW)
    services.export(ledger)
    events = table(ledger.ledger_export / "case_event").to_pylist()
    resolved = next(row for row in events if row["kind"] == "resolved")
    assert (resolved["offer_usd"], resolved["handling_minutes"]) == (Decimal("25.00"), 12.5)
    assert (resolved["playbook_code"], resolved["state_after"]) == ("refund", "resolved")
    assert resolved["occurred_at"] == day(2)
    assert next(row for row in events if row["kind"] == "closed")["outcome_code"] == "in_favour"
    assert next(row for row in events if row["kind"] == "assigned")["owner_id"] == "E-anna"
    assert [row["event_id"] for row in events] == list(range(1, len(events) + 1))
    (case,) = table(ledger.ledger_export / "case").to_pylist()
    assert (case["value_usd"], case["segment"], case["region"]) == (Decimal("1234.50"), "private", "north")
    assert case["episode_started_at"] == day(0)
    schema = table(ledger.ledger_export / "case_event").schema
    assert schema.field("recorded_at").type == pa.timestamp("us", "UTC")


def test_what_people_typed_is_not_exported(ledger: Settings) -> None:
    case_id = open_one()
    act(case_id, EventKind.NOTE_ADDED, note="call Mrs Example on 555-0100")
    services.export(ledger)
    for path in ledger.ledger_export.rglob("*.parquet"):
        assert "Example" not in str(pq.read_table(path).to_pylist())


def test_another_ledger_is_exported_whole_again(new_ledger: Callable[[], Settings], tmp_path: Path) -> None:
    first = new_ledger()
    services.open_cases([trigger("a", 0), trigger("b", 0, customer="C2")], recorded_at=NOW)
    services.export(first, tmp_path)
    second = new_ledger()
    services.open_cases([trigger(f"x{i}", i, customer=f"X{i}") for i in range(5)], recorded_at=NOW)
    services.export(second, tmp_path)
    assert table(tmp_path / "case_trigger")["trigger_id"].to_pylist() == [f"x{i}" for i in range(5)]


def test_the_same_ledger_exports_the_same_bytes(ledger: Settings, tmp_path: Path) -> None:
    services.open_cases([trigger("a", 0)], recorded_at=NOW)
    services.export(ledger, tmp_path / "one")
    services.export(ledger, tmp_path / "two")
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.parquet")]
    assert files
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()
