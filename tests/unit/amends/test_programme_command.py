"""`amends programme`: checked, compared and applied from the command line, on a real ledger."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from amends.cli import app
from models.facts import TriggerFact
from models.settings import ROOT, Settings, load_settings

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
SOURCE = ROOT / "programme" / "bank"
SLA = ("sla.yml", "severity: 2, clock: business, hours: 25.5", "severity: 2, clock: business, hours: 30")

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bank's programme to edit."""
    return Path(shutil.copytree(SOURCE, tmp_path / "mine"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Replace one text in one file of the copy."""

    def change(name: str, old: str, new: str) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


@pytest.fixture(autouse=True)
def home(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation whose moment is a Monday of the test year and whose programme is the copy, in force."""
    from cases import services
    from casework.programme import active_programme

    monkeypatch.delenv("AMENDS_LEDGER_URL", raising=False)
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AMENDS_PROGRAMME", str(folder))
    monkeypatch.setenv("AMENDS_AS_OF", NOW.isoformat())
    settings = load_settings()
    settings.home.mkdir()
    services.migrate(settings)
    active_programme(settings, NOW)
    return settings


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["programme", *arguments])


def answer(*arguments: str, code: int = 0) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.exit_code == code, done.output
    return dict(json.loads(done.stdout))


def in_force() -> str:
    (version,) = [row["version"] for row in answer("versions")["versions"] if row["in_force"]]
    return str(version)


def one_case(severity: int = 2) -> str:
    from cases import services
    from casework.engine import start
    from casework.opening import open_with

    fact = TriggerFact(
        trigger_id="t1", rule_id="low_csat", rule_hash="r", kind="recovery", subject_type="customer", subject_id="C1",
        customer_id="C1", severity=severity, occurred_at=NOW, cause_id="fee_dispute", journey="everyday",
    )  # fmt: skip
    open_with(start(load_settings()), [fact], [])
    return services.case_of_trigger("t1")


# --- check ---------------------------------------------------------------------------------------------------------


def test_a_sound_folder_passes_and_says_what_it_holds() -> None:
    done = run("check")
    assert done.exit_code == 0
    rules = len(list((SOURCE / "triggers").glob("*.yml")))
    assert f"Harbour Street Bank: {rules} trigger rules" in done.output


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("sla.yml", "hours: 25.5", "hours: -30", "sla.yml:11: targets.6.hours: Input should be greater than 0"),
        ("routing.yml", "team: fraud-care", "team: fraud-car",
         "routing.yml:21: routing.yml names teams that teams.yml does not have: fraud-car"),
        ("sla.yml", "clock: business, hours: 8.5", "clock: business, calendar: night, hours: 8.5",
         "sla.yml:10: calendars not defined: night"),
        ("triggers/low_csat.yml", "id: low_csat", "id: high_effort", "low_csat.yml:2: id used twice: high_effort"),
        ("recommendation.yml", "playbook: refund", "playbook: refnd",
         "recommendation.yml:17: recommendation.yml names playbooks that are not there: refnd"),
        ("teams.yml", "    title: Lending\n", "    title: Lending\n    calendar: night\n",
         "teams.yml:28: teams.yml names calendars that calendars.yml does not have: night"),
        ("playbooks/refund.md", "## email: fee_dispute", "## email: fee_disputes",
         "refund.md:35: refund.md has words for causes that taxonomy.yml lacks: fee_disputes"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_file_line_and_reason(edit: Edit, name: str, old: str, new: str, fault: str) -> None:
    edit(name, old, new)
    done = run("check")
    assert done.exit_code == 1
    assert done.output.strip() == f"✗ {fault}"
    file, line, reason = fault.split(":", 2)
    assert answer("check", code=1) == {
        "ok": False, "faults": [{"file": file, "line": int(line), "reason": reason.strip()}],
    }  # fmt: skip


def test_every_fault_of_a_file_is_told(edit: Edit) -> None:
    edit("sla.yml", "hours: 25.5", "hours: -30")
    edit("sla.yml", "hours: 34", "hours: -34")
    assert [fault["line"] for fault in answer("check", code=1)["faults"]] == [11, 12]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    (fault,) = answer("check", "--dir", str(tmp_path / "nowhere"), code=1)["faults"]
    assert fault == {"file": "nowhere", "line": None, "reason": "no such programme folder"}


# --- plan ----------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_in_force_says_so() -> None:
    done = run("plan")
    assert done.exit_code == 0
    assert "The folder is what is in force." in done.output
    assert answer("plan")["is_same"] is True


def test_an_edited_target_prints_the_difference_the_case_and_the_counts(edit: Edit) -> None:
    case_id = one_case()
    edit(*SLA)
    done = run("plan")
    assert done.exit_code == 0
    assert "sla.yml: resolve, severity 2: 25.5 h -> 30 h" in done.output
    assert (
        f"{case_id}  keeps 2026-01-08 14:30 UTC; opened under the new one it would be 2026-01-08 19:00 UTC"
        in done.output
    )
    assert "1 change; 1 of 1 open cases touched, 0 with a due time that moves. Nothing is retroactive" in done.output
    assert answer("plan")["counts"] == {"changes": 1, "open_cases": 1, "cases_touched": 1, "cases_moved": 0}


def test_an_edited_rule_says_how_many_triggers_it_would_find_and_that_the_new_ones_are_history(
    home: Settings, edit: Edit
) -> None:
    from ml.conditions import SIGNAL_SCHEMA

    case_id = one_case()
    signals = [
        {"signal_id": f"s{score}", "signal_kind": "survey_response", "customer_id": f"C{score}", "score_metric": "csat",
         "score_normalised": score, "severity": 3, "occurred_at": NOW - timedelta(days=2)}
        for score in (0.0, 0.25, 0.3, 0.5)
    ]  # fmt: skip
    themes = pa.schema([("theme_id", pa.string()), ("week_start", pa.timestamp("us", tz="UTC")),
                        ("region", pa.string()), ("signals", pa.int64())])  # fmt: skip
    home.handoff.mkdir()
    pq.write_table(pa.Table.from_pylist(signals, schema=SIGNAL_SCHEMA), home.handoff / "fct_signal.parquet")
    pq.write_table(themes.empty_table(), home.handoff / "agg_theme_week.parquet")
    edit("triggers/low_csat.yml", "op: lte, value: 0.25}\nopen", "op: lte, value: 0.3}\nopen")
    document = answer("plan")
    assert document["triggers"] == [
        {"rule_id": "low_csat", "before": 2, "after": 3, "gained": 1, "gained_recent": 0, "lost": 0}
    ]
    assert [(row["case_id"], row["what"]) for row in document["touched"]] == [(case_id, "rule")]
    assert "low_csat: 2 -> 3 (1 more, 0 fewer); 0 of the new ones would be acted on" in run("plan").output


def test_a_plan_changes_nothing(edit: Edit) -> None:
    version = in_force()
    edit(*SLA)
    answer("plan")
    assert in_force() == version
    assert len(answer("versions")["versions"]) == 1


def test_a_plan_of_a_faulty_folder_names_the_fault_and_what_stays_in_force(edit: Edit) -> None:
    version = in_force()
    edit("sla.yml", "hours: 25.5", "hours: -30")
    document = answer("plan", code=1)
    assert document["faults"][0]["file"] == "sla.yml"
    assert document["in_force"]["version"] == version


# --- apply ---------------------------------------------------------------------------------------------------------


def test_applying_puts_the_folder_in_force_for_the_engine_and_the_warehouse(home: Settings, edit: Edit) -> None:
    before = in_force()
    edit(*SLA)
    document = answer("apply", "--by", "anna")
    assert (document["is_new"], document["version"], document["effective_from"]) == (True, in_force(), NOW.isoformat())
    assert document["version"] != before
    assert answer("show")["applied_by"] == "anna"
    targets = pq.read_table(home.programme_tables / "sla_target.parquet").to_pylist()
    assert 30 * 3600 in {row["target_seconds"] for row in targets if (row["metric"], row["severity"]) == ("resolve", 2)}
    assert "The folder is what is in force." in run("plan").output


def test_applying_again_says_that_nothing_has_changed(edit: Edit) -> None:
    edit(*SLA)
    run("apply")
    assert "was applied already; nothing has changed" in run("apply").output


def test_a_version_for_a_later_day_waits_for_it_and_the_plan_says_so(home: Settings, edit: Edit) -> None:
    before = in_force()
    edit(*SLA)
    assert "takes over at 2026-02-01T00:00 UTC" in run("apply", "--effective-from", "2026-02-01").output
    assert in_force() == before
    assert not (home.programme_tables / "sla_target.parquet").exists()
    pending = answer("plan")["pending"]
    assert pending.endswith("at 2026-02-01 00:00 UTC")
    assert "Another version is set to take over" in run("plan").output


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("sla.yml", "hours: 25.5", "hours: -30", "sla.yml:11: targets.6.hours: Input should be greater than 0"),
        ("playbooks/refund.md", "{{ amount }}", "{{ amount ", "refund.md:"),
    ],
)
def test_a_faulty_folder_is_refused_and_the_version_in_force_is_named(
    edit: Edit, name: str, old: str, new: str, told: str
) -> None:
    version = in_force()
    edit(name, old, new)
    done = run("apply")
    assert done.exit_code == 1
    assert told in done.output
    assert f"version {version} stays in force" in " ".join(done.output.split())
    assert in_force() == version


def test_a_day_before_the_last_version_is_refused(edit: Edit) -> None:
    edit(*SLA)
    run("apply")
    edit("teams.yml", "ageing_hours: 72", "ageing_hours: 48")
    done = run("apply", "--effective-from", "2025-01-01")
    assert done.exit_code == 1
    assert "holds from 2026-01-05" in done.output


def test_a_day_nobody_can_read_is_refused_in_plain_words() -> None:
    done = run("apply", "--effective-from", "tomorrow")
    assert done.exit_code == 1
    assert "tomorrow is no day or instant" in done.output


# --- looking up ----------------------------------------------------------------------------------------------------


def test_a_file_can_be_read_as_it_was_when_it_was_applied(folder: Path, edit: Edit) -> None:
    first, text = in_force(), (folder / "sla.yml").read_text(encoding="utf-8")
    edit(*SLA)
    run("apply")
    assert answer("show", first, "--file", "sla.yml")["text"] == text
    assert "hours: 30" in answer("show", "--file", "sla.yml")["text"]
    assert [row["in_force"] for row in answer("versions")["versions"]] == [True, False]


def test_a_version_or_file_that_is_not_there_is_refused_in_plain_words() -> None:
    assert "There is no version ffffff" in run("show", "ffffff").output
    assert "has no file nothing.yml" in " ".join(run("show", "--file", "nothing.yml").output.split())


@pytest.mark.parametrize("command", ["plan", "apply", "show", "versions"])
def test_each_command_works_as_a_process_of_its_own(command: str) -> None:
    """Inside this process Django is set up already; a command that forgets to would fail only outside."""
    amends = Path(sys.executable).with_name("amends")
    done = subprocess.run(
        [str(amends), "programme", command, "--json"], env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] is True


def test_without_a_ledger_the_way_to_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "elsewhere"))
    done = run("plan")
    assert done.exit_code == 1
    assert "amends setup" in done.output


def test_the_schemas_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    written = answer("schemas", "--out", str(tmp_path / "schemas"))["written"]
    assert "sla.schema.json" in written
    assert answer("schemas", "--out", str(tmp_path / "schemas"))["written"] == []
