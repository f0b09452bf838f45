"""A case over HTTP says which incident it belongs to, and an incident whom it has hit; nothing out of scope is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cases import incidents, services
from models.facts import AffectedFact
from models.settings import Settings
from tests.unit.cases.builders import trigger
from tests.unit.desk.client import Client
from tests.unit.desk.conftest import AS_OF

Sign = Callable[..., Client]


def opened(name: str, **more: Any) -> str:
    services.open_cases([trigger(name, 0, occurred_at=AS_OF, subject_refs=(), **more)], recorded_at=AS_OF)
    return services.case_of_trigger(name)


@pytest.fixture
def incident(desk: Settings) -> str:
    """An incident that has hit two customers by three signals; `t1` is a case of one of the signals."""
    about = {
        "kind": "breakdown",
        "subject_type": "breakdown",
        "subject_id": "B1",
        "customer_id": None,
        "signal_id": None,
    }
    case_id = opened("broken", branch_id="B1", region="south", **about)
    hit = [AffectedFact("B1", "signal-t1", "C1"), AffectedFact("B1", "s2", "C2"), AffectedFact("B1", "s3", None)]
    incidents.attach(hit, at=AS_OF, recorded_at=AS_OF)
    return case_id


def test_an_incident_shows_whom_it_has_hit(incident: str, sign_in: Sign) -> None:
    shown = sign_in("E-dir", "director").get(f"/api/cases/{incident}").json()
    assert shown["members"] == {"signals": 3, "customers": 2, "first_customers": ["C1", "C2"]}
    assert shown["incidents"] == []


def test_a_case_of_an_affected_signal_names_its_incident_and_has_no_members(incident: str, sign_in: Sign) -> None:
    shown = sign_in("E-dir", "director").get(f"/api/cases/{opened('t1')}").json()
    assert (shown["incidents"], shown["members"]) == ([incident], None)


def test_an_incident_out_of_sight_is_not_named(incident: str, sign_in: Sign) -> None:
    mine = opened("t1", branch_id="B9", region="north")
    north = sign_in("E-mno", "manager")
    assert north.get(f"/api/cases/{incident}").status_code == 404
    assert north.get(f"/api/cases/{mine}").json()["incidents"] == []
