"""`amends text try`: redacts first, reads with what there is, says what is missing, and keeps nothing."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from amends.cli import app
from ml.store import ModelStore
from ml.text.fused import FusedModel, FusedParams
from ml.text.sentiment import KIND, train_sentiment
from ml.text.signs import read_signs
from models.settings import load_settings

TEXT = "My name is Anna Berg. I was charged twice and my lawyer will hear of it! Write to anna@berg.example today."


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["text", "try", *arguments], input=stdin)


def tried(*arguments: str, stdin: str | None = None) -> dict[str, Any]:
    result = run(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.output)
    return document


def test_a_home_without_models_reads_by_rules_and_says_what_is_missing() -> None:
    found = tried(TEXT)
    assert (found["severity"], found["severity_reason"]) == (2, "legal_threat")
    assert found["cause"]["cause_id"] is None and found["feedback_kind"] == "problem"
    assert "root-cause" in found["missing"] and found["sentiment_basis"] == "lexicon"
    assert [quote["quote"] for quote in found["evidence"]["severity"]] == ["lawyer"]


def test_the_text_is_redacted_before_anything_reads_it() -> None:
    found = tried(TEXT)
    assert "Anna" not in json.dumps(found) and "berg.example" not in json.dumps(found)
    assert [redaction["kind"] for redaction in found["redactions"]] == ["NAME", "EMAIL"]


def test_a_name_that_is_handed_in_is_taken_out_wherever_it_stands() -> None:
    assert "Quill" in tried("the app Quill used is slow")["text"]
    assert "Quill" not in tried("the app Quill used is slow", "--name", "Tess Quill")["text"]


def test_nothing_of_the_text_is_written_or_logged(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    run("The zanzibar app crashes", "--json")
    assert not any("zanzibar" in record.getMessage() for record in caplog.records)
    assert not [path for path in home.rglob("*") if path.is_file() and b"zanzibar" in path.read_bytes()]


def test_every_quote_stands_where_it_is_said_to() -> None:
    found = tried("The staff was great, but the app is broken. I will sue you!")
    for quotes in found["evidence"].values():
        for quote in quotes:
            assert found["text"][quote["start"] : quote["end"]] == quote["quote"]


@pytest.mark.parametrize(
    ("score", "metric", "severity"), [("1", "nps", 3), ("9", "nps", 4), ("1", "csat", 3), ("5", "csat", 4)]
)
def test_a_score_counts_on_the_scale_of_its_metric(score: str, metric: str, severity: int) -> None:
    assert tried("It is what it is", "--score", score, "--metric", metric)["severity"] == severity


def test_a_text_may_come_from_standard_input() -> None:
    assert tried("-", stdin="The app is slow\n")["text"].startswith("The app is slow")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("  ",), "1 to 20,000 characters"),
        (("x" * 20_001,), "1 to 20,000 characters"),
        (("fine", "--score", "11"), "between 0 and 10"),
        (("fine", "--score", "1", "--metric", "vibes"), "no metric 'vibes'"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1 and words in " ".join(result.output.split())


def test_a_person_is_told_in_lines_and_brackets_of_the_text_stay() -> None:
    result = run("Call me [NAME], it is urgent, this is terrible!")
    assert result.exit_code == 0
    for words in ("[NAME]", "severity", "urgent", "negative", "because", "not yet", "no model yet"):
        assert words in result.output


def test_a_model_in_the_store_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{word} number {number}" for number in range(80) for word in ("the blue app", "the green card")]
    labels = ["positive", "negative"] * 80
    vectors = np.random.default_rng(0).normal(size=(160, 384)).astype(np.float32)
    trained = train_sentiment(texts, read_signs(texts), vectors, labels, FusedParams(min_texts=100))
    assert isinstance(trained, FusedModel)
    store = ModelStore(load_settings().model_store)
    store.save(KIND, trained.model_id, trained.files())
    store.promote(KIND, trained.model_id)
    from ml.text.embed import Embedder

    # Any vectors will do for words that decide alone; the real encoder is tested elsewhere.
    monkeypatch.setattr(Embedder, "encode", lambda self, own: np.zeros((len(own), 384), dtype=np.float32))
    found = tried("the green card number 900")
    assert (found["sentiment_basis"], found["sentiment_label"]) == ("sentiment", "negative")
    assert "sentiment" not in found["missing"]
