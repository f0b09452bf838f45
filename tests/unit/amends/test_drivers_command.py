"""`amends drivers`: what is stored is shown, what is not is computed, and unknown words are refused in plain ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from amends.cli import app
from ml.outputs import DRIVER, write_output
from models.settings import load_settings
from tests.unit.expectations.text_rows import driver

UNKNOWN = dict.fromkeys(("effect", "low", "high", "p", "q", "impact", "impact_low", "impact_high"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path))
    return tmp_path


def store(*rows: dict[str, Any]) -> None:
    table = pa.Table.from_pylist(list(rows), schema=DRIVER)
    write_output(load_settings().ml_outputs, "ml_root_cause__driver", table)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["drivers", *words])


def test_the_table_comes_largest_impact_first_with_the_sentences_of_clear_effects() -> None:
    store(
        driver(1, name="Fees", sentence="Fees lower NPS."),
        driver(2, name="Outages", impact=-0.4, sentence="Outages lower NPS more."),
        driver(3, name="Queues", verdict="no clear effect", impact=0.01, sentence="Queues do nothing clear."),
        driver(4, name="Rare", **UNKNOWN, verdict="not enough data", sentence="Too few."),
    )
    text = run().stdout
    assert text.index("Outages") < text.index("Fees") < text.index("Queues")
    assert "-1.50 (-2.00 to -1.00)" in text
    assert text.index("Outages lower NPS more.") < text.index("Fees lower NPS.")
    assert "Queues do nothing clear." not in text
    assert "not enough data for 1 of 4" in text


def test_the_json_document_holds_every_figure_and_only_what_was_asked_for() -> None:
    store(driver(1), driver(2, metric="csat", **UNKNOWN, verdict="not enough data"))
    document = json.loads(run("--metric", "csat", "--json").stdout)
    assert (document["ok"], document["stored"]) == (True, True)
    (row,) = document["drivers"]
    assert list(row) == DRIVER.names
    assert (row["driver_id"], row["effect"]) == ("v2", None)


def test_a_metric_nobody_answered_is_refused_by_name() -> None:
    store(driver(1))
    refused = run("--metric", "mood")
    assert refused.exit_code == 1
    assert "There is no metric 'mood' here; there is nps." in refused.stderr


def test_a_home_that_has_heard_nothing_says_what_to_do() -> None:
    refused = run("--json")
    assert refused.exit_code == 1
    assert "amends demo" in " ".join(refused.stderr.split())
