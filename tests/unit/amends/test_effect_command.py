"""`amends effect report` and `amends world score effects`: a page that keeps naive and causal apart, and truth beside both."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from amends.cli import app
from amends.scoring.effects import effect_scores, true_outcomes
from ml.outputs import write_output
from ml.recovery.attempts import read_attempts
from ml.recovery.study import estimates, study
from ml.recovery.tables import RECOVERY_OUTPUTS
from models.settings import load_settings
from tests.unit.ml.recovery.confounded import GAIN_USD, attempts_table

AS_OF = datetime(2026, 7, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path))
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, [*words])


def test_without_a_study_the_report_says_how_to_get_one() -> None:
    found = run("effect", "report")
    assert found.exit_code == 1 and "Nothing was estimated" in found.output


def test_the_page_holds_question_estimate_interval_naive_twin_and_what_would_change_our_mind(tmp_path: Path) -> None:
    told = study(attempts_table(500), as_of=AS_OF)
    for name, (schema, _) in RECOVERY_OUTPUTS.items():
        write_output(load_settings().ml_outputs, name, told.tables.get(name, schema.empty_table()))
    found = run("effect", "report", "--out", str(tmp_path / "page.html"), "--json")
    assert found.exit_code == 0, found.output
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for words in (
        "How much more margin",
        "95 % interval",
        "naive difference",
        "What would change our mind",
        "Observational",
    ):
        assert words in page
    assert "data:image/png;base64," in page
    assert 'src="http' not in page and "href=" not in page, "the page needs nothing from elsewhere"
    assert json.loads(found.output)["effects"]


def test_an_empty_study_makes_a_page_that_claims_nothing(tmp_path: Path) -> None:
    for name, (schema, _) in RECOVERY_OUTPUTS.items():
        write_output(load_settings().ml_outputs, name, schema.empty_table())
    assert run("effect", "report", "--out", str(tmp_path / "page.html")).exit_code == 0
    assert "not enough data yet" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_truth_stands_beside_estimate_and_naive_on_the_very_attempts_the_estimate_is_about() -> None:
    table = attempts_table(600)
    attempts = read_attempts(table)
    found = effect_scores(estimates(attempts), attempts.ids, np.array(attempts.arms)[attempts.arm], truth_of(table))
    (row,) = [
        r for r in found["effects"] if (r["outcome"], r["arm"], r["level"]) == ("net_margin_90d", "refund", "all")
    ]
    assert row["truth"] == pytest.approx(GAIN_USD) and row["covers"] and not row["naive_covers"]
    assert found["revenue_saved"]["truth_usd"] == pytest.approx(GAIN_USD * found["revenue_saved"]["attempts"])
    money = found["summary"]["net_margin_90d"]
    assert money["mean_absolute_error"] < money["naive_mean_absolute_error"]


def truth_of(table: pa.Table) -> pd.DataFrame:
    """Potential outcomes of the table's attempts, as a world writes them: a refund brings its gain to everybody."""
    subjects = pd.DataFrame({"attempt_id": table.column("attempt_id").to_pylist()})
    subjects["subject_type"], subjects["subject_id"] = "ticket", subjects["attempt_id"]
    parts = [
        subjects[["subject_type", "subject_id"]].assign(
            arm=arm, margin_90d_usd=50.0 + gain, offer_usd=0.0, handling_minutes=0, retained_90d=True, recovered=True
        )
        for arm, gain in (("none", 0.0), ("refund", GAIN_USD))
    ]
    return true_outcomes(pd.concat(parts), subjects, usd_per_minute=0.75)
