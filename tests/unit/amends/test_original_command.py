"""`amends case original`: the words for the owner, a sentence for everybody else, and the look in the history."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from amends.cli import app
from cases import services
from intake.service import take_file
from models.facts import TriggerFact
from models.settings import Settings

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
WORDS = "Call me on 212-555-0143"
ROW = f"""complaint_id,received_at,customer_id,channel,product,branch_id,region,category,description,status,closed_at,updated_at
C1,2025-05-01 10:00:00,K1,phone,Card,B1,North,FEE-01,{WORDS},open,,2025-05-01 10:00:00
"""
Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AMENDS_AS_OF", NOW.isoformat())
    services.migrate(Settings())

    def invoke(*words: str, ok: bool = True) -> Any:
        result = CliRunner().invoke(app, list(words))
        assert (result.exit_code == 0) is ok, result.output
        return result.output

    return invoke


@pytest.fixture
def case_id(run: Run, tmp_path: Path) -> str:
    """A case of E1 about one complaint."""
    (tmp_path / "c.csv").write_text(ROW, encoding="utf-8")
    take_file(Settings(), "complaints", tmp_path / "c.csv", received_on=date(2025, 6, 30))
    files = {"files": str(Settings().landing / "complaints__complaint" / "*.parquet")}
    with duckdb.connect() as connection:
        (row_hash,) = connection.execute("SELECT _row_hash FROM read_parquet($files)", files).fetchall()[0]
    fact = TriggerFact(
        trigger_id="t1", rule_id="r", rule_hash="h", kind="recovery", subject_type="customer", subject_id="K1",
        severity=3, occurred_at=NOW, customer_id="K1", signal_id="S1",
        lineage={"source": "complaints", "entity": "complaint", "row_hash": row_hash},
    )  # fmt: skip
    services.open_cases([fact], recorded_at=NOW)
    found = services.case_of_trigger("t1")
    run("case", "assign", found, "E1", "--by", "E9")
    return found


def test_the_owner_reads_the_words_as_text_or_json(run: Run, case_id: str) -> None:
    asked = ("case", "original", case_id, "S1", "--reason", "to call", "--by", "E1")
    assert WORDS in run(*asked)
    assert json.loads(run(*asked, "--json"))["texts"] == {"description": WORDS}
    history = services.explain(case_id)["events"]
    assert [e["actor_id"] for e in history if e["kind"] == "original_opened"] == ["E1", "E1"]


@pytest.mark.parametrize(
    ("signal", "who", "reason", "said"),
    [
        ("S1", "E2", "curious", "owner of the case alone"),
        ("S2", "E1", "a guess", "no such signal"),
        ("S1", "E1", " ", "why"),
    ],
)
def test_everything_else_is_refused_in_a_sentence(
    run: Run, case_id: str, signal: str, who: str, reason: str, said: str
) -> None:
    told = run("case", "original", case_id, signal, "--reason", reason, "--by", who, ok=False)
    assert said in " ".join(told.split()) and "555" not in told and "Traceback" not in told
