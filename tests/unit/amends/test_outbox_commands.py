"""`amends outbox` and `amends offer`: the whole way on a real home, as an operator types it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from amends.cli import app
from cases import services
from models.settings import Settings

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
runner = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home whose clock stands on a Monday morning, with one case of a customer."""
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AMENDS_AS_OF", NOW.isoformat())
    monkeypatch.setenv("AMENDS_ACTOR", "E-ann")
    settings = Settings()
    settings.state.mkdir(parents=True)
    services.migrate(settings)
    return settings


def amends(*words: str, ok: bool = True) -> Any:
    """The answer of a command as JSON; of a refused one what it said."""
    result = runner.invoke(app, [*words, "--json"])
    assert (result.exit_code == 0) is ok, result.output
    return json.loads(result.stdout) if ok else result.output


def open_case() -> str:
    said = amends("case", "open", "--reason", "a fee", "--severity", "2", "--customer", "CU1", "--cause", "fee")
    return str(said["case_id"])


def park_one(case_id: str) -> None:
    """A message of which nobody knows whether it left."""
    from cases import outbox
    from tests.unit.cases.test_outbox import letter

    outbox.queue([letter(case_id=case_id, not_before=NOW)], NOW)
    outbox.park_after_restore(NOW)


def test_sending_writes_files_and_the_list_says_so(home: Settings) -> None:
    open_case()
    assert amends("outbox", "send")["failed"] == 0
    listed = amends("outbox", "list")
    assert listed["counts"]["sent"] == len(list(home.outgoing.glob("*.json"))) > 0
    assert "body" not in listed["messages"][0]


def test_a_parked_message_waits_for_a_persons_word(home: Settings) -> None:
    park_one(open_case())
    number = amends("outbox", "parked")["messages"][0]["message_no"]
    assert "maybe" not in amends("outbox", "parked")["messages"][0]["state"]
    refused = amends("outbox", "release", str(number), "--decision", "maybe", "--reason", "x", ok=False)
    assert "send-again, was-sent, drop" in refused
    said = amends("outbox", "release", str(number), "--decision", "was-sent", "--reason", "the customer has it")
    assert said["state"] == "sent"
    assert "not parked" in amends("outbox", "release", str(number), "--decision", "drop", "--reason", "x", ok=False)


def test_an_address_is_put_on_the_list_once(home: Settings) -> None:
    open_case()
    assert amends("outbox", "forbid", "--address", "kim@x.example")["is_new"] is True
    assert amends("outbox", "forbid", "--address", "kim@x.example")["is_new"] is False
    assert "name the address" in amends("outbox", "forbid", "--address", " ", ok=False)


def test_a_consent_is_noted_and_one_to_nothing_refused(home: Settings) -> None:
    open_case()
    consent = ("outbox", "consent", "CU1", "--channel", "email", "--yes", "--purpose")
    assert amends(*consent, "marketing")["ok"]
    assert "consent is given" in amends(*consent, "everything", ok=False)


def test_an_unknown_state_is_said_with_those_there_are(home: Settings) -> None:
    open_case()
    assert "there are pending" in amends("outbox", "list", "--state", "lost", ok=False)


def test_an_offer_is_asked_for_and_issued_once(home: Settings) -> None:
    case_id = open_case()
    assert amends("offer", "request", case_id, "refund_amount", "20")["needs_role"] is None
    code = amends("offer", "issue", case_id, "refund_amount")["redemption_code"]
    assert amends("offer", "show", case_id)["offers"][0]["redemption_code"] == code
    assert "before" in amends("offer", "issue", case_id, "refund_amount", ok=False)


@pytest.mark.parametrize("amount", ["lots", "1e9", "0.001"])
def test_an_amount_that_is_none_is_refused_in_a_sentence(home: Settings, amount: str) -> None:
    said = amends("offer", "request", open_case(), "refund_amount", amount, ok=False)
    assert "Traceback" not in said


def test_a_case_that_does_not_exist_is_said_so(home: Settings) -> None:
    open_case()
    assert "no case C-NOBODY" in amends("offer", "request", "C-NOBODY", "refund_amount", "5", ok=False)
