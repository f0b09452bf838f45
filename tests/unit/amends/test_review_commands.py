"""`amends review` as people type it, on a real home."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from amends.cli import app
from cases import services
from models.settings import Settings

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
runner = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home with two signals in the queue."""
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AMENDS_AS_OF", NOW.isoformat())
    settings = Settings()
    for folder in (settings.state, settings.ml_outputs, settings.handoff):
        folder.mkdir(parents=True)
    services.migrate(settings)
    asked = [
        {"review_id": name, "signal_id": name, "question": "cause", "reason": "audit", "priority": 1.0, "inclusion": 0.05,
         "model_value": "app_outage", "model_confidence": 0.7, "model_id": "m1"} for name in ("s1", "s2")
    ]  # fmt: skip
    words = [{"signal_id": n, "text": f"words of {n}", "text_hash": n, "occurred_at": NOW} for n in ("s1", "s2")]
    pq.write_table(pa.Table.from_pylist(asked), settings.ml_outputs / "ml_root_cause__review.parquet")
    pq.write_table(pa.Table.from_pylist(words), settings.handoff / "int_signal.parquet")
    return settings


def amends(*words: str, ok: bool = True, by: str = "E-qia") -> Any:
    """The answer of a command as JSON; of a refused one what it said."""
    result = runner.invoke(app, ["review", *words, "--json"], env={"AMENDS_ACTOR": by})
    assert (result.exit_code == 0) is ok, result.output
    return json.loads(result.stdout) if ok else result.output


def test_a_reviewer_lists_reads_answers_and_skips(home: Settings) -> None:
    listed = amends("list")["items"]
    assert {item["signal_id"] for item in listed} == {"s1", "s2"} and "app_outage" not in json.dumps(listed)
    shown = amends("show", "s1")
    assert shown["signal"]["text"] == "words of s1" and {"fee_dispute", "none"} <= set(shown["answers"])
    told = amends("label", "s1", "fee_dispute")
    assert (told["model_value"], told["model_agrees"], told["label"]["labeller"]) == ("app_outage", False, "E-qia")
    assert amends("skip", "s2")["label"]["value"] is None
    assert amends("list")["items"] == []


def test_the_figures_hold_agreement_once_two_people_answered(home: Settings) -> None:
    assert amends("stats")["agreement"] == {}
    for by, value in (("E-qia", "fee_dispute"), ("E-mgr", "app_outage")):
        amends("label", "s1", value, by=by)
    for by in ("E-qia", "E-mgr"):
        amends("label", "s2", "fee_dispute", by=by)
    found = amends("stats")
    assert (found["people"], found["audit_answers"], found["answered_twice"]) == (2, 4, 2)
    assert found["agreement"]["cause"]["all"]["alpha"] == pytest.approx(0.0)
    assert found["agreement"]["cause"]["weeks"][0]["week"] == "2026-01-05"


def test_what_is_no_answer_and_what_is_no_signal_are_refused_in_words(home: Settings) -> None:
    assert "not an answer to cause" in amends("label", "s1", "odd", ok=False)
    assert "no such question" in amends("label", "s1", "odd", "--question", "mood", ok=False)
    assert "no such signal" in amends("show", "nowhere", ok=False)
