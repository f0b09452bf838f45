"""`amends rules`: faults of a folder told whole, and a faulty folder never gets into force."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from amends.cli import app
from models.settings import ROOT

runner = CliRunner()
RULE = """id: {id}
title: Somebody speaks of fees
status: draft
kind: recovery
signal: {signal}
when: {{field: {field}, op: {op}, value: {value}}}
open_case: {{severity: 3, dedupe: {{within: 1d}}}}
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own whose programme is a copy of the bank's."""
    folder = Path(shutil.copytree(ROOT / "programme" / "bank", tmp_path / "mine"))
    monkeypatch.delenv("AMENDS_LEDGER_URL", raising=False)
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AMENDS_PROGRAMME", str(folder))
    monkeypatch.setenv("AMENDS_AS_OF", "2026-01-05T14:30:00+00:00")
    (tmp_path / "home").mkdir()
    return folder


def written(folder: Path, name: str, **words: Any) -> None:
    """A rule file with some words changed."""
    given = {"id": name, "signal": "complaint", "field": "severity", "op": "lte", "value": "2"} | words
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yml").write_text(RULE.format(**given), encoding="utf-8")


def checked(folder: Path) -> tuple[int, list[str]]:
    done = runner.invoke(app, ["rules", "check", "--rules", str(folder), "--json"])
    return done.exit_code, json.loads(done.stdout)["faults"]


def test_every_fault_of_every_file_is_told_with_its_line_and_the_word_that_was_probably_meant(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    written(folder, "ra", signal="complant", field="severty")
    written(folder, "rb", op="lt_e")
    written(folder, "rc", field="cause_id", op="is", value="fee_or_chargee")
    written(folder, "rd")
    (folder / "e.yml").write_text("id: e\nstatus: draft\nid: f\n", encoding="utf-8")
    (folder / "f.yml").write_text("id: &name f\ntitle: *name\n", encoding="utf-8")
    code, faults = checked(folder)
    assert code == 1
    told = "\n".join(faults)
    for place, meant in (("ra.yml:5", "did you mean 'complaint'"), ("ra.yml:6", "did you mean 'severity'"),
                         ("rb.yml:6", "did you mean 'lte'"), ("rc.yml:6", "is not in taxonomy.yml"),
                         ("e.yml:3", "given twice"), ("f.yml:1", "anchors")):  # fmt: skip
        assert any(fault.startswith(place) and meant in fault for fault in faults), told
    assert not any(fault.startswith("rd.yml") for fault in faults)


def test_a_file_beyond_the_limits_is_a_fault_and_the_others_are_still_read(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    written(folder, "ra")
    (folder / "big.yml").write_bytes(b"#" * 1_000_001)
    (folder / "latin.yml").write_bytes(b"id: x\ntitle: k\xfcndigung\n")
    written(folder, "twice", id="ra")
    code, faults = checked(folder)
    assert (code, len(faults)) == (1, 3)
    assert any("latin.yml:2: not UTF-8" in fault for fault in faults)
    assert any("twice.yml:1: rule id 'ra' is also in ra.yml" in fault for fault in faults)


def test_the_last_good_rules_stay_in_force_when_a_faulty_folder_is_applied(home: Path) -> None:
    from cases import services
    from casework import moment
    from casework.programme import active_programme
    from models.settings import load_settings

    settings = load_settings()
    services.migrate(settings)
    before = active_programme(settings, moment.now(settings))
    written(home / "triggers", "worse", op="lt_e")
    refused = runner.invoke(app, ["programme", "apply"])
    assert refused.exit_code == 1
    assert "worse.yml:6" in refused.output
    after = active_programme(settings, moment.now(settings))
    assert after.version == before.version
    assert after.programme.live_rules == before.programme.live_rules


def test_a_rule_is_explained_in_words_with_its_sql_and_what_it_opens(tmp_path: Path) -> None:
    written(tmp_path / "rules", "fees")
    done = runner.invoke(app, ["rules", "explain", str(tmp_path / "rules" / "fees.yml"), "--json"])
    told = json.loads(done.stdout)
    assert told["says"][0] == "A complaint counts if severity is at most 2."
    assert "severity <= 2" in told["sql"]
    assert told["opens"] == {"kind": "recovery", "severity": 3, "dedupe_days": 1, "cool_off_days": None}


def test_an_unknown_rule_is_answered_with_the_nearest_one() -> None:
    done = runner.invoke(app, ["rules", "explain", "repeat_contct"])
    assert done.exit_code == 1
    assert "did you mean 'repeat_contact'" in done.output
