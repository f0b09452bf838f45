"""What people typed on cases is delivered to the inbox once, whole, and lands redacted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cases import services
from casework.notes import write_back
from intake.service import take_inbox
from models.case import Actor, EventKind
from models.facts import ResolutionFact, TriggerFact
from models.settings import Settings
from tests.support import ROOT

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
LATER = START + timedelta(days=300)
ANNA = Actor("person", "E00012")
MAIL = "she wrote from jane.doe@example.com"


@pytest.fixture
def ledger(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home", programme="bank")
    services.migrate(settings)
    return settings


def open_one(name: str = "t1", *, customer: str | None = "C1", kind: str = "recovery") -> str:
    subject = ("customer", customer) if customer else ("theme", f"T-{name}")
    fact = TriggerFact(
        trigger_id=name, rule_id="detractor", rule_hash="r1", kind=kind, subject_type=subject[0], subject_id=subject[1],
        severity=3, occurred_at=START, customer_id=customer, cause_id=f"cause-{name}", region="north",
    )  # fmt: skip
    services.open_cases([fact], recorded_at=LATER)
    return services.case_of_trigger(name)


def act(case_id: str, kind: EventKind, *, by: Actor = ANNA, day: int = 1, **payload: Any) -> None:
    services.act(
        case_id, kind, payload, actor=by, expected_version=services.state_of(case_id).version,
        occurred_at=START + timedelta(days=day), recorded_at=LATER,
    )  # fmt: skip


def deliveries(settings: Settings) -> list[Path]:
    return sorted((settings.inbox / "desk").glob("*"))


def delivered(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(line) for path in deliveries(settings) for line in path.read_text("utf-8").splitlines()]


def landed(settings: Settings, columns: str) -> list[tuple[Any, ...]]:
    files = str(settings.landing / "desk__case_note" / "*.parquet")
    with duckdb.connect() as connection:
        return connection.execute(
            f"select {columns} from read_parquet('{files}', union_by_name=true) order by all"
        ).fetchall()


def test_every_text_a_person_typed_is_delivered_with_where_it_came_from(ledger: Settings) -> None:
    case_id = open_one()
    act(case_id, EventKind.CONTACTED, channel="phone", note="called, wants her fee back")
    act(case_id, EventKind.NOTE_ADDED, note="fee was ours")
    act(case_id, EventKind.RESOLVED)
    act(case_id, EventKind.CLOSED, outcome_code="in_favour", comment="refunded in full")
    assert write_back(ledger) == 3
    rows = delivered(ledger)
    assert [(row["event_kind"], row["text_key"], row["body"]) for row in rows] == [
        ("contacted", "note", "called, wants her fee back"),
        ("note_added", "note", "fee was ours"),
        ("closed", "comment", "refunded in full"),
    ]
    assert [row["channel"] for row in rows] == ["phone", None, None]
    for row in rows:
        assert row["note_id"] == f"{row['event_id']}-{row['text_key']}"
        assert (row["case_id"], row["customer_id"], row["author_id"], row["region"]) == (
            case_id,
            "C1",
            "E00012",
            "north",
        )
        assert len(row["event_hash"]) == 64
        assert datetime.fromisoformat(row["written_at"]) == START + timedelta(days=1)


def test_texts_of_sources_and_of_the_engine_are_not_sent_back(ledger: Settings) -> None:
    case_id = open_one()
    act(case_id, EventKind.NOTE_ADDED, by=Actor("system", "amends"), note="routed again")
    act(case_id, EventKind.NOTE_ADDED, by=Actor("source", "crm"), note="imported words")
    done = ResolutionFact(
        resolution_id="R1", subject_type="complaint", subject_id="x", customer_id="C1", cause_id="cause-t1",
        resolved_at=START + timedelta(days=2), outcome="in_favour",
    )  # fmt: skip
    services.open_cases([], [done], recorded_at=LATER)
    assert write_back(ledger) == 0
    assert deliveries(ledger) == []


def test_praise_and_cases_without_a_customer_are_written_back_likewise(ledger: Settings) -> None:
    act(open_one("t1", kind="excellence"), EventKind.NOTE_ADDED, note="the branch was told")
    act(open_one("t2", customer=None, kind="breakdown"), EventKind.NOTE_ADDED, note="a bad release")
    assert write_back(ledger) == 2
    assert [(row["case_kind"], row["customer_id"]) for row in delivered(ledger)] == [
        ("excellence", "C1"), ("breakdown", None),
    ]  # fmt: skip


def test_repeating_it_delivers_nothing_and_only_what_is_new_follows(ledger: Settings) -> None:
    case_id = open_one()
    act(case_id, EventKind.NOTE_ADDED, note="first")
    assert (write_back(ledger), write_back(ledger)) == (1, 0)
    act(case_id, EventKind.NOTE_ADDED, note="second")
    assert (write_back(ledger), write_back(ledger)) == (1, 0)
    assert [row["body"] for row in delivered(ledger)] == ["first", "second"]
    assert len(deliveries(ledger)) == 2


def test_asking_from_an_event_delivers_again_what_came_after_it(ledger: Settings) -> None:
    case_id = open_one()
    act(case_id, EventKind.NOTE_ADDED, note="first")
    act(case_id, EventKind.NOTE_ADDED, note="second")
    write_back(ledger)
    first = delivered(ledger)[0]["event_id"]
    assert (write_back(ledger, since=first), write_back(ledger, since=0)) == (1, 2)


def test_no_ledger_means_no_notes_and_no_folder(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "empty")
    assert write_back(settings) == 0
    assert not (settings.home / "inbox").exists()


def test_notes_come_in_by_the_door_redacted_and_the_plain_file_goes(ledger: Settings) -> None:
    case_id = open_one()
    act(case_id, EventKind.NOTE_ADDED, note=MAIL)
    write_back(ledger)
    (path,) = deliveries(ledger)
    assert path.stat().st_mode & 0o777 == 0o600
    (report,) = take_inbox(ledger)
    assert (report.status, report.loaded, report.quarantined) == ("loaded", 1, 0)
    ((body, redactions, source),) = landed(ledger, "body, body_redactions, _source")
    assert "jane.doe" not in body and redactions == 1 and source == "desk"
    assert write_back(ledger) == 0
    assert deliveries(ledger) == []


def test_a_file_the_door_has_not_taken_stays(ledger: Settings) -> None:
    act(open_one(), EventKind.NOTE_ADDED, note="first")
    take_inbox(ledger)
    write_back(ledger)
    assert (write_back(ledger), len(deliveries(ledger))) == (0, 1)


def test_another_ledger_is_delivered_from_its_beginning(ledger: Settings) -> None:
    from django.db import connection

    case_id = open_one()
    for number in range(3):
        act(case_id, EventKind.NOTE_ADDED, note=f"old {number}")
    assert write_back(ledger) == 3
    connection.close()
    for path in ledger.home.glob("ledger.db*"):
        path.unlink()
    services.migrate(ledger)
    act(open_one("t9", customer="C9"), EventKind.NOTE_ADDED, note="new world")
    assert write_back(ledger) == 1
    assert "new world" in [row["body"] for row in delivered(ledger)]


@pytest.mark.parametrize(("point", "again"), [("notes.after_file", 1), ("notes.after_mark", 0)])
def test_a_process_killed_between_file_and_mark_loses_and_doubles_nothing(
    ledger: Settings, point: str, again: int
) -> None:
    case_id = open_one()
    act(case_id, EventKind.NOTE_ADDED, note="first")
    program = (
        "from casework.notes import write_back; from models.settings import load_settings; write_back(load_settings())"
    )
    environment = {**os.environ, "AMENDS_HOME": str(ledger.home), "AMENDS_CRASH_AT": point}
    died = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=False)
    assert died.returncode == -signal.SIGKILL
    take_inbox(ledger)
    assert write_back(ledger) == again
    take_inbox(ledger)
    assert landed(ledger, "body") == [("first",)]
