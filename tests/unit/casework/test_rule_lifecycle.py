"""A rule goes from draft to shadow to live to retired by applying the programme, and never re-opens the past."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases import outbox_reading, services
from casework.programme import apply_folder
from ml.outputs import read_output
from models.settings import ROOT, Settings
from tests.unit.casework.evidence_days import FIRST, hand_over, signal

RULE = """
id: fee_talk
title: Somebody speaks of fees
status: {status}
kind: recovery
signal: complaint
when: {{field: severity, op: lte, value: {severity}}}
open_case: {{severity: 3, dedupe: {{within: 1d}}}}
tests:
  - {{given: {{severity: 1}}, then: opens}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The bank's programme with none of its own rules."""
    source, copy = ROOT / "programme" / "bank", tmp_path / "bank"
    for path in source.rglob("*.*"):
        if path.parent.name != "triggers":
            target = copy / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (copy / "triggers").mkdir()
    return copy


@pytest.fixture
def loop(home: Settings, folder: Path) -> Iterator[Loop]:
    """The loop over one complaint of severity 3 a day, each of a customer of its own."""
    yield Loop(home, folder)


class Loop:
    """Applies a version of the rule, and runs detection and opening at the end of days."""

    def __init__(self, home: Settings, folder: Path) -> None:
        self.home, self.folder, self.cursor = home, folder, None
        self.rows: list[dict[str, Any]] = []

    def apply(self, at: datetime, status: str, severity: int = 3) -> None:
        text = RULE.format(status=status, severity=severity)
        (self.folder / "triggers" / "fee_talk.yml").write_text(text, encoding="utf-8")
        apply_folder(self.home, self.folder, effective_from=at, by="test", now=at)

    def day(self, number: int) -> None:
        from orchestration.case_opening import open_next_slice
        from orchestration.ml_runs import run_detection

        evening = FIRST + timedelta(days=number + 1)
        at = FIRST + timedelta(days=number, hours=9)
        self.rows.append(signal(f"s{number}", at, customer_id=f"C{number}", severity=3, cause_id="fee_dispute"))
        now = self.home.model_copy(update={"as_of": evening})
        hand_over(self.home.home, self.rows, [], evening)
        run_detection(now, as_of=f"{evening:%Y-%m-%d %H:%M:%S}", run_id=f"run-{number}")
        step = open_next_slice(now, self.cursor)
        self.cursor = step.cursor if step else self.cursor

    def found(self, name: str) -> dict[str, bool]:
        """Signals an output holds triggers of, with whether they are history."""
        rows = read_output(self.home.ml_outputs, name).to_pylist()
        return {row["signal_id"]: row["is_historic"] for row in rows}

    def told_about(self) -> set[str]:
        """Customers with a case somebody was told about."""
        told = {row.case_id for row in outbox_reading.lines(limit=100)}
        return {case.subject_id for case in services.list_cases(limit=100) if case.case_id in told}


def test_a_draft_runs_nowhere(loop: Loop) -> None:
    loop.apply(FIRST, "draft")
    loop.day(0)
    assert loop.found("ml_detection__trigger") == {}
    assert loop.found("ml_detection__shadow") == {}
    assert services.counts().cases == 0


def test_a_shadow_rule_counts_and_opens_nothing(loop: Loop) -> None:
    loop.apply(FIRST, "shadow")
    loop.day(0)
    assert loop.found("ml_detection__shadow") == {"s0": False}
    assert loop.found("ml_detection__trigger") == {}
    assert services.counts().cases == 0


def test_people_see_what_a_shadow_rule_found_and_that_no_live_rule_has_it(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from amends.commands.rules import app

    loop.apply(FIRST, "shadow")
    loop.day(0)
    monkeypatch.setenv("AMENDS_HOME", str(loop.home.home))
    monkeypatch.setenv("AMENDS_AS_OF", (FIRST + timedelta(days=1)).isoformat())
    (found,) = json.loads(CliRunner().invoke(app, ["shadow", "--json"]).stdout)["rules"]
    assert (found["rule_id"], found["triggers"], found["last_week"], found["new"]) == ("fee_talk", 1, 1, 1)
    assert found["newest"][0]["signal_id"] == "s0"
    assert "fee_talk" in CliRunner().invoke(app, ["shadow"]).stdout


def test_from_shadow_to_live_only_what_comes_from_then_on_is_acted_on(loop: Loop) -> None:
    loop.apply(FIRST, "draft")
    loop.day(0)
    loop.apply(FIRST + timedelta(days=1), "shadow")
    loop.day(1)
    assert loop.found("ml_detection__shadow") == {"s0": True, "s1": False}, "a draft's past is history to the shadow"
    loop.apply(FIRST + timedelta(days=2), "live")
    loop.day(2)
    assert loop.found("ml_detection__trigger") == {"s0": True, "s1": True, "s2": False}
    assert loop.found("ml_detection__shadow") == {}, "a live rule is no shadow"
    assert loop.told_about() == {"C2"}


def test_a_retired_rule_finds_nothing_more_and_its_cases_stay(loop: Loop) -> None:
    loop.apply(FIRST, "live")
    loop.day(0)
    loop.apply(FIRST + timedelta(days=1), "retired")
    loop.day(1)
    assert loop.found("ml_detection__trigger") == {}
    assert [case.subject_id for case in services.list_cases()] == ["C0"]


def test_a_rule_made_wider_acts_on_nothing_that_had_come_before(loop: Loop) -> None:
    loop.apply(FIRST, "live", severity=2)
    loop.day(0)
    assert services.counts().cases == 0
    loop.apply(FIRST + timedelta(days=1), "live", severity=3)
    loop.day(1)
    assert loop.found("ml_detection__trigger") == {"s0": True, "s1": False}
    assert loop.told_about() == {"C1"}
