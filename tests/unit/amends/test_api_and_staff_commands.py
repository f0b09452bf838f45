"""`amends api token` and `amends staff`: what an operator types, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from amends.cli import app
from cases import services
from models.settings import Settings
from models.staff import Position

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a ledger of its own; the answer as JSON, or the failed result."""
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AMENDS_AS_OF", "2026-06-01T10:00:00Z")
    services.migrate(Settings())
    from cases import people

    position = Position("E1", "agent", "T0001", date(2020, 1, 1), capacity_units=10)
    people.record_positions([position], datetime(2026, 1, 1, tzinfo=UTC))

    def invoke(*words: str, ok: bool = True) -> Any:
        result = CliRunner().invoke(app, [*words, "--json"])
        assert (result.exit_code == 0) is ok, result.output
        return json.loads(result.stdout) if ok else result

    return invoke


def test_a_token_is_made_listed_and_ended(run: Run) -> None:
    made = run("api", "token", "create", "E1", "agent", "--days", "2")
    (told,) = run("api", "token", "list")["tokens"]
    assert made["token"] not in json.dumps(told) and told["principal_id"] == "E1"
    from cases import access

    assert access.principal_of(made["token"], at=datetime.now(UTC)) is not None
    run("api", "token", "revoke", told["fingerprint"])
    assert access.principal_of(made["token"], at=datetime.now(UTC)) is None


@pytest.mark.parametrize(
    "words",
    [("api", "token", "create", "E1", "boss"), ("api", "token", "revoke", "00000000"),
     ("staff", "list", "--team", "no-such"), ("staff", "absence", "add", "E9", "2026-06-01", "2026-06-02"),
     ("staff", "absence", "add", "E1", "2026-06-02", "2026-06-01"),
     ("staff", "absence", "add", "E1", "2026-06-02T08:00", "2026-06-03"),
     ("staff", "absence", "add", "E1", "soon", "later"), ("staff", "absence", "withdraw", "A9")],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words, ok=False)
    assert result.exit_code == 1 and result.stderr.startswith("amends:") and "Traceback" not in result.output


def test_an_absence_shows_in_the_staff_until_it_is_withdrawn(run: Run) -> None:
    words = ("staff", "absence", "add", "E1", "2026-06-01T08:00+02:00", "2026-06-03", "--by", "ops")
    added = run(*words)
    assert added["is_new"] and not run(*words)["is_new"]
    (row,) = run("staff", "list", "--team", "service-desk")["staff"]
    assert (row["employee_id"], row["away_until"]) == ("E1", "2026-06-03 00:00:00+00:00")
    assert len(run("staff", "absence", "list")["absences"]) == 1
    run("staff", "absence", "withdraw", added["key"])
    assert run("staff", "list")["staff"][0]["away_until"] is None
    assert run("staff", "absence", "list")["absences"] == []
