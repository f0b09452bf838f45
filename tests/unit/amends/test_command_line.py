"""The command line says what it does and fails in plain words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amends.cli import app

runner = CliRunner()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "PROGRAMME", "AS_OF", "LEDGER_URL"):
        monkeypatch.delenv(f"AMENDS_{name}", raising=False)
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_doctor_of_an_installation_that_was_never_set_up_says_how_to_mend_it() -> None:
    done = runner.invoke(app, ["doctor", "--json"])
    report = json.loads(done.stdout)
    assert done.exit_code == 1
    assert report["ok"] is False
    mends = {check["check"]: check["mend"] for check in report["checks"] if not check["ok"]}
    assert "amends setup" in mends["Home"]
    assert "amends setup" in mends["Case ledger"]


def test_the_doctor_names_the_file_and_line_of_a_faulty_programme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    from models.settings import ROOT

    copy = tmp_path / "mine"
    shutil.copytree(ROOT / "programme" / "bank", copy)
    (copy / "programme.yml").write_text("name: mine\ntitel: Mine\n", encoding="utf-8")
    monkeypatch.setenv("AMENDS_PROGRAMME", str(copy))
    report = json.loads(runner.invoke(app, ["doctor", "--json"]).stdout)
    (finding,) = [check for check in report["checks"] if check["check"] == "Programme"]
    assert finding["ok"] is False
    assert finding["found"].startswith("programme.yml:")


def test_before_anything_is_published_the_command_says_so() -> None:
    done = runner.invoke(app, ["publish", "--hashes"])
    assert done.exit_code == 1
    assert "Nothing is published yet" in done.output


def test_the_rules_of_the_shipped_programmes_hold_their_own_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    for programme in ("bank", "telecom"):
        monkeypatch.setenv("AMENDS_PROGRAMME", programme)
        done = runner.invoke(app, ["rules", "test", "--json"])
        report = json.loads(done.stdout)
        assert report["failures"] == []
        assert report["examples"] > 10


def test_an_invalid_rule_is_refused_with_file_line_and_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from models.settings import ROOT

    copy = tmp_path / "mine"
    shutil.copytree(ROOT / "programme" / "bank", copy)
    rule = sorted((copy / "triggers").glob("*.yml"))[0]
    rule.write_text(rule.read_text(encoding="utf-8").replace("status: live", "status: alive"), encoding="utf-8")
    monkeypatch.setenv("AMENDS_PROGRAMME", str(copy))
    done = runner.invoke(app, ["rules", "check", "--json"])
    assert done.exit_code == 1
    assert rule.name in json.loads(done.stdout)["error"]
