"""`amends models` as people type it, on a real store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from amends.cli import app
from ml.store import ModelStore, dump_json
from models.settings import Settings

runner = CliRunner()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """Two saved models of one kind, the first in use, in a home without MLflow."""
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AMENDS_ACTOR", "E-sci")
    made = ModelStore(Settings().model_store)
    for name, accuracy in (("one", 0.8), ("two", 0.9)):
        made.save("causes", name, {"about.json": dump_json({"accuracy": accuracy, "causes": 8})})
    made.promote("causes", "one")
    return made


def amends(*words: str, ok: bool = True) -> Any:
    """The answer of a command as JSON; of a refused one what it said."""
    result = runner.invoke(app, ["models", *words, "--json"])
    assert (result.exit_code == 0) is ok, result.output
    return json.loads(result.stdout) if ok else result.output


def test_models_are_listed_shown_and_compared(store: ModelStore) -> None:
    (row,) = amends("list")["models"]
    assert (row["kind"], row["active"], row["saved"], row["last_decision"]) == ("causes", "one", 2, None)
    shown = amends("show", "causes")
    assert shown["is_active"] and shown["about"] == {"about.accuracy": 0.8, "about.causes": 8}
    assert amends("compare", "causes", "one", "two")["differences"] == {"about.accuracy": [0.8, 0.9]}


def test_a_person_promotes_with_a_reason_and_goes_back(store: ModelStore) -> None:
    made = amends("promote", "causes", "two", "--why", "audit of May")
    assert (made["model_id"], made["before"], made["by"], made["mlflow_alias_follows"]) == (
        "two",
        "one",
        "E-sci",
        False,
    )
    assert amends("rollback", "causes", "--why", "routes fees wrongly")["model_id"] == "one"
    assert amends("list")["models"][0]["active"] == "one"
    assert [said["why"] for said in amends("show", "causes")["decisions"]] == ["audit of May", "routes fees wrongly"]


def test_what_is_not_there_is_refused_in_words(store: ModelStore) -> None:
    assert "There is no kind" in amends("show", "odd", ok=False)
    assert "Refused" in amends("promote", "causes", "three", "--why", "x", ok=False)
    assert "no model to go back to" in amends("rollback", "causes", "--why", "x", ok=False)


def test_a_store_without_models_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "empty"))
    assert amends("list")["models"] == []
