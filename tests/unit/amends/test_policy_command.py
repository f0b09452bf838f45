"""`amends policy` as people type it, on a real store and a table of attempts with a planted gain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from amends.commands.policy import app
from ml.recovery import roll_out
from ml.recovery.policy_run import Report, learn_policy
from ml.store import ModelStore
from models.settings import Settings
from tests.unit.ml.recovery.test_policy_run import AS_OF, BANK, books, table
from tests.unit.models.learned import best

runner = CliRunner()
CHANCES = {"none": 0.2, "apology": 0.3, "callback": 0.2, "refund": 0.2, "specialist": 0.1}
PLACE = Path("handoff") / "int_recovery_attempt.parquet"


def attempts() -> pa.Table:
    """The planted table with the chances its playbooks were drawn with."""
    found = table(2400)
    for code, chance in CHANCES.items():
        found = found.append_column(f"propensity_{code}", pa.array([chance] * found.num_rows))
    return found


@pytest.fixture(scope="module")
def report() -> Report:
    """What is learned from the planted table: an apology for everybody who may get one."""
    return learn_policy(attempts(), books(BANK), BANK.recommendation, as_of=AS_OF)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Report) -> ModelStore:
    """A home with the attempts and the policy learned from them, which waits for a person."""
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AMENDS_ACTOR", "E-sci")
    settings = Settings()
    settings.handoff.mkdir(parents=True)
    pq.write_table(attempts(), settings.home / PLACE)
    made = ModelStore(settings.model_store)
    roll_out.propose(made, report.learned.policy, report.about)
    return made


def amends(*words: str, code: int = 0) -> Any:
    """The answer of a command as JSON; of a refused one what it said."""
    result = runner.invoke(app, [*words, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if result.stdout.startswith("{") else result.output.replace("\n", " ")


def test_a_policy_is_judged_rolled_out_shown_and_rolled_back(store: ModelStore, report: Report) -> None:
    name = report.learned.policy.policy_id
    judged = amends("evaluate")
    assert judged["passed"] and judged["policy_id"] == name
    assert [row["estimator"] for row in judged["estimates"]] == ["dm", "ips", "snips", "dr", "switch_dr"]
    assert all(row["low"] <= row["value"] <= row["high"] and row["ess"] > 100 for row in judged["estimates"])
    # The planted gain of an apology is 25 dollars where the rules give something else.
    assert judged["naive"]["value"] > 0
    made = amends("promote")
    assert (made["challenger"], made["share"], made["by"], made["before"]) == (name, 0.1, "E-sci", "rules")
    shown = amends("show")
    assert shown["in_force"]["challenger"]["policy_id"] == name
    assert shown["in_force"]["champion"] is None and shown["waiting"] is None
    assert shown["in_force"]["challenger"]["leaves"][0]["arms"]
    assert [said["action"] for said in shown["decisions"]] == ["promoted"]
    back = amends("rollback", "--why", "complaints rose")
    assert (back["champion"], back["challenger"], back["model_id"]) == (None, None, "rules")
    assert amends("show")["in_force"]["is_rules"]


def test_a_closed_gate_is_named_and_exits_with_one(store: ModelStore, report: Report) -> None:
    said = amends("promote", "--share", "1", code=1)
    assert "closed gates: step" in said and "--force" in said
    assert roll_out.in_force(store).is_rules
    assert "says why" in amends("promote", "--share", "1", "--force", code=1)
    made = amends("promote", "--share", "1", "--force", "--why", "the board has decided")
    assert (made["champion"], made["failed"]) == (report.learned.policy.policy_id, ["step"])
    assert store.decisions(roll_out.KIND)[-1]["failed"] == ["step"]


def test_a_policy_nobody_judged_or_judged_against_another_champion_is_kept_out(
    store: ModelStore, report: Report
) -> None:
    roll_out.propose(store, best("apology"), {})
    assert "judgement" in amends("promote", code=1)
    amends("promote", "p-apology", "--share", "1", "--force", "--why", "trial of the command")
    judged = amends("evaluate", report.learned.policy.policy_id, code=1)
    against = next(gate for gate in judged["gates"] if gate["name"] == "against")
    assert not against["passed"] and "p-apology decide now" in against["why"]


def test_a_refusal_of_evaluation_is_told_with_its_reason(store: ModelStore, report: Report) -> None:
    thin = [value | {"estimate": value["estimate"] | {"value": None, "low": None, "high": None, "refused": "too little"}}
            for value in report.about["values"]]  # fmt: skip
    gates = [{"name": "support", "passed": False, "why": "effective sample size 31"}]
    roll_out.propose(store, report.learned.policy, report.about | {"values": thin, "gates": gates, "passed": False})
    result = runner.invoke(app, ["evaluate"])
    assert result.exit_code == 1
    assert "refused" in result.output and "too little" in result.output
    assert "✗ support: effective sample size 31" in result.output and "naive" in result.output


def test_what_is_not_there_is_said_in_words(store: ModelStore) -> None:
    assert "Refused" in amends("evaluate", "p-nobody", code=1)
    assert "nothing to go back from" in amends("rollback", code=1)
    (Settings().home / PLACE).unlink()
    assert "no recovery attempts" in amends("promote", code=1)


def test_an_empty_home_has_the_rules_and_nothing_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "empty"))
    assert amends("show")["in_force"]["is_rules"]
    assert "No policy waits" in amends("evaluate", code=1)


def test_a_person_reads_leaves_and_decisions(store: ModelStore) -> None:
    roll_out.promote(
        store, roll_out.propose(store, best("refund"), {}), share=1, gates=(), by="E-sci", why="trial", at=AS_OF
    )
    text = runner.invoke(app, ["show"]).output
    assert "champion: p-refund" in text and "refund         +9.00 USD against none (+8.00 to +10.00; 50)" in text
    assert "promoted" in text and "by E-sci: trial" in text
