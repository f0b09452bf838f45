"""The words before redaction are for whoever has the case now, and every look is in the case's history."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cases import services
from cases.errors import UnknownCase
from casework import assignment, moves
from casework.engine import Engine
from casework.originals import NoOriginal, OriginalErased, OriginalRefused, open_original
from intake import vault
from intake.service import take_file
from models.case import Actor, EventKind
from models.settings import Settings
from tests.unit.casework.builders import open_case
from tests.unit.casework.conftest import MONDAY

At = Callable[[datetime], Engine]
ANN, BOB, LEAD = (Actor("person", who) for who in ("E-ann", "E-bob", "E-lead"))
WORDS = "I am Quentin Abernathy, call me on 212-555-0143 or write to q.abernathy@example.com"
ROW = f"""complaint_id,received_at,customer_id,channel,product,branch_id,region,category,description,status,closed_at,updated_at
C1,2025-05-01 10:00:00,K1,phone,Card,B1,North,FEE-01,"{WORDS}",open,,2025-05-01 10:00:00
"""


@pytest.fixture
def landed(home: Settings, tmp_path: Path) -> dict[str, Any]:
    """One complaint behind the door; where its row lies."""
    file = tmp_path / "complaints.csv"
    file.write_text(ROW, encoding="utf-8")
    (report,) = take_file(home, "complaints", file, received_on=date(2025, 6, 30))
    assert report.loaded == 1
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT _row_hash, description FROM read_parquet($files)",
            {"files": str(home.landing / "complaints__complaint" / "*.parquet")},
        ).fetchone()
    assert found is not None and "555" not in found[1] and "[EMAIL]" in found[1]
    return {"source": "complaints", "entity": "complaint", "source_key": "C1", "row_hash": found[0], "batch_id": 1}


@pytest.fixture
def owned(at: At, landed: dict[str, Any]) -> tuple[Engine, str]:
    """An engine and a case about the complaint that Ann has."""
    engine = at(MONDAY)
    case_id = open_case(engine, "t1", customer="K1", signal_id="S1", lineage=landed)
    assignment.assign_by_hand(engine, case_id, "E-ann", reason="hers", actor=LEAD, expected_version=None)
    return engine, case_id


def events(case_id: str) -> list[dict[str, Any]]:
    return [e for e in services.explain(case_id)["events"] if e["kind"] == EventKind.ORIGINAL_OPENED]


def test_the_owner_reads_the_words_and_the_look_is_on_record(owned: tuple[Engine, str]) -> None:
    engine, case_id = owned
    found = open_original(engine, case_id, "S1", actor=ANN, reason="the number is needed to call back")
    assert found.texts["description"] == WORDS
    (event,) = events(case_id)
    assert (event["actor_id"], event["payload"]["signal_id"]) == ("E-ann", "S1")
    assert event["payload"]["reason"] == "the number is needed to call back"
    assert event["occurred_at"].startswith("2026-01-05T14:30")
    assert services.verify_chain().ok and found.version == services.state_of(case_id).version


def test_a_second_look_is_a_second_record(owned: tuple[Engine, str]) -> None:
    engine, case_id = owned
    for reason in ("to call", "to call again"):
        open_original(engine, case_id, "S1", actor=ANN, reason=reason)
    assert [e["payload"]["reason"] for e in events(case_id)] == ["to call", "to call again"]


@pytest.mark.parametrize(
    "who", [BOB, LEAD, Actor("person", "E-dir"), Actor("system", "E-ann"), Actor("source", "E-ann")]
)
def test_nobody_else_reads_them_whatever_their_rank(owned: tuple[Engine, str], who: Actor) -> None:
    engine, case_id = owned
    with pytest.raises(OriginalRefused, match="owner of the case alone"):
        open_original(engine, case_id, "S1", actor=who, reason="curious")
    assert events(case_id) == []


def test_who_had_the_case_before_reads_them_no_more_and_who_has_it_now_does(owned: tuple[Engine, str]) -> None:
    engine, case_id = owned
    assignment.assign_by_hand(engine, case_id, "E-bob", reason="handed on", actor=LEAD, expected_version=None)
    with pytest.raises(OriginalRefused):
        open_original(engine, case_id, "S1", actor=ANN, reason="it was mine")
    assert open_original(engine, case_id, "S1", actor=BOB, reason="mine now").texts["description"] == WORDS


def test_a_case_nobody_has_or_that_is_no_longer_worked_shows_them_to_nobody(owned: tuple[Engine, str]) -> None:
    engine, case_id = owned
    moves.act(engine, case_id, EventKind.INVALIDATED, {"reason": "a test"}, actor=ANN)
    with pytest.raises(OriginalRefused, match="invalid"):
        open_original(engine, case_id, "S1", actor=ANN, reason="still curious")
    orphan = open_case(engine, "t2", signal_id="S2")
    with pytest.raises(OriginalRefused):
        open_original(engine, orphan, "S2", actor=ANN, reason="nobody has it")


def test_only_signals_of_the_case_itself_are_shown(owned: tuple[Engine, str], landed: dict[str, Any]) -> None:
    engine, case_id = owned
    open_case(engine, "t3", customer="K9", signal_id="S9", lineage=landed)
    for signal in ("S9", "nothing", ""):
        with pytest.raises(NoOriginal):
            open_original(engine, case_id, signal, actor=ANN, reason="a guess")
    with pytest.raises(UnknownCase):
        open_original(engine, "C-AAAAAAAAAA", "S1", actor=ANN, reason="a guess")
    assert events(case_id) == []


def test_words_of_a_person_who_was_erased_are_gone_for_everybody(owned: tuple[Engine, str]) -> None:
    engine, case_id = owned
    assert vault.forget_subject(engine.settings, "customer:K1")
    with pytest.raises(OriginalErased, match="erased"):
        open_original(engine, case_id, "S1", actor=ANN, reason="to call")
    assert events(case_id) == []


def test_a_look_needs_a_reason_and_the_reason_is_kept_without_personal_data(owned: tuple[Engine, str]) -> None:
    engine, case_id = owned
    with pytest.raises(ValueError, match="why"):
        open_original(engine, case_id, "S1", actor=ANN, reason="  ")
    open_original(engine, case_id, "S1", actor=ANN, reason="asked for at q.abernathy@example.com")
    assert events(case_id)[0]["payload"]["reason"] == "asked for at [EMAIL]"


def test_the_words_stay_out_of_the_ledger_of_logs_and_of_what_is_printed_of_the_object(
    owned: tuple[Engine, str], caplog: pytest.LogCaptureFixture
) -> None:
    engine, case_id = owned
    caplog.set_level(logging.DEBUG)
    found = open_original(engine, case_id, "S1", actor=ANN, reason="to call")
    assert "Quentin" not in repr(found) and "Quentin" not in caplog.text
    for path in engine.settings.home.rglob("*"):
        if path.is_file() and "vault" not in path.parts:
            assert b"212-555-0143" not in path.read_bytes() and b"q.abernathy" not in path.read_bytes(), path.name
