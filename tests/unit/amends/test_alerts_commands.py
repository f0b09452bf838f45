"""`amends alerts`: a week of alerts and a team's budget on a real home, as an operator types it."""

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


def amends(*words: str, ok: bool = True) -> Any:
    """The answer of a command as JSON; of a refused one what it said."""
    result = runner.invoke(app, [*words, "--json"])
    assert (result.exit_code == 0) is ok, result.output
    return json.loads(result.stdout) if ok else result.output


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home without staff, so that a team's budget is one person's, in which twelve cases have opened."""
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AMENDS_AS_OF", NOW.isoformat())
    settings = Settings()
    settings.state.mkdir(parents=True)
    services.migrate(settings)
    for number in range(12):
        words = ("--reason", "a fee", "--severity", "3", "--customer", f"CU{number}", "--cause", f"fee{number}")
        amends("case", "open", *words)


def test_the_week_shows_every_alert_with_what_became_of_it_and_why(home: None) -> None:
    rows = amends("alerts", "list")["alerts"]
    assert len(rows) == 12
    withheld = [row for row in rows if row["state"] == "digest"]
    assert len(withheld) == 5 and all("over budget: 7 alerts" in row["reason"] for row in withheld)
    assert amends("alerts", "list", "--week", "2020-01-01")["alerts"] == []


def test_the_budget_of_a_team_is_shown_beside_what_it_was_sent(home: None) -> None:
    ((team, own),) = amends("alerts", "budget")["teams"].items()
    assert own == {"budget": 7, "sent": 7, "digest": 5, "grouped": 0, "held": 0}
    assert amends("alerts", "budget", "--team", f"not-{team}")["teams"] == {}


def test_a_week_that_is_no_day_is_refused_in_words(home: None) -> None:
    assert "is no day" in amends("alerts", "list", "--week", "soon", ok=False)
