"""Questions to the ledger: why a case exists, and whether the ledger matches the triggers."""

from __future__ import annotations

import json

import pytest

from cases import services
from models.case import EventKind, State
from models.routing import RoutingTree
from models.settings import Settings
from models.sla import SlaPolicy
from tests.unit.cases.builders import NOW, act, day, open_one, trigger


def test_a_case_is_walked_back_to_its_raw_row(ledger: Settings) -> None:
    lineage = {
        "source": "complaints", "source_file": "log.csv", "line": 12, "row_hash": "abc", "batch_id": 3,
        "model_id": "rc-1", "dagster_run_id": "run-9",
    }  # fmt: skip
    case_id = open_one("a", 0, lineage=lineage)
    told = services.explain(case_id)
    (found,) = told["triggers"]
    assert found["lineage"] == lineage
    assert [step["what"] for step in found["walk"]] == ["case", "trigger", "signal", "raw row", "model", "run"]
    identifiers = [step["identifier"] for step in found["walk"]]
    assert identifiers == [case_id, "a", "signal-a", "abc", "rc-1", "run-9"]
    assert "log.csv, line 12" in found["walk"][3]["detail"]
    assert all(event["is_intact"] for event in told["events"])
    assert json.loads(json.dumps(told)) == told


def test_cases_are_listed_by_state(ledger: Settings) -> None:
    first, second = open_one("a"), open_one("b", customer="C2")
    act(first, EventKind.ASSIGNED, owner_id="E-anna")
    assert [case.case_id for case in services.list_cases(State.ASSIGNED)] == [first]
    assert [case.case_id for case in services.list_cases(State.NEW)] == [second]
    assert [case.case_id for case in services.list_cases(limit=1)] == [first]


def test_reconciling_names_what_is_missing_and_what_is_extra(ledger: Settings) -> None:
    services.open_cases([trigger("a", 0), trigger("b", 1)], recorded_at=NOW)
    report = services.reconcile([trigger("b", 1), trigger("c", 2)])
    assert (report.missing, report.orphaned, report.doubled) == (("c",), ("a",), ())
    assert not report.ok


def test_an_opened_case_says_where_it_went_and_when_it_is_due(ledger: Settings) -> None:
    routing = RoutingTree.model_validate(
        {
            "root": {
                "name": "desk",
                "team": "cx",
                "owner_role": "agent",
                "routes": [
                    {
                        "name": "worst first",
                        "owner_role": "manager",
                        "match": {"all": [{"field": "severity", "op": "lte", "value": 1}]},
                    }
                ],
            }
        }
    )
    targets = [{"metric": "first_action", "severity": 1, "seconds": 3600, "clock": "wall"}]
    sla = SlaPolicy.model_validate({"targets": targets})
    services.open_cases([trigger("a", 0, severity=1)], recorded_at=NOW, routing=routing, sla=sla)
    (case,) = services.list_cases()
    _, routed, applied = services.explain(case.case_id)["events"]
    assert (routed["payload"]["team"], routed["payload"]["owner_role"]) == ("cx", "manager")
    assert "severity lte 1 (it is 1)" in routed["payload"]["reasons"][-1]
    assert applied["payload"]["targets"][0]["due_at"] == day(1 / 24).isoformat()


def test_an_excellence_case_gets_no_clock(ledger: Settings) -> None:
    targets = [{"metric": "first_action", "severity": 3, "seconds": 3600, "clock": "wall"}]
    sla = SlaPolicy.model_validate({"targets": targets})
    services.open_cases([trigger("a", 0, kind="excellence")], recorded_at=NOW, sla=sla)
    assert services.counts().events == 1


@pytest.mark.sqlite_only
def test_a_ledger_is_ready_only_after_it_was_migrated(
    ledger: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = Settings(home=tmp_path_factory.mktemp("other"))
    assert not services.ledger_ready(elsewhere)
    assert not elsewhere.ledger_path.exists()
    services.migrate(elsewhere)
    services.migrate(elsewhere)
    assert services.ledger_ready(elsewhere)
    assert services.counts().cases == 0
