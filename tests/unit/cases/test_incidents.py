"""Incidents: whom a breakdown hit is attached to its one case, each signal once, with an event that counts them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cases import feed, incidents, invariants, services
from cases.models import IncidentMember
from ml.outputs import AFFECTED
from models.case import EventKind
from models.facts import AffectedFact
from models.settings import Settings
from tests.unit.cases.builders import NOW, open_one, trigger

HIT = [AffectedFact("B1", "signal-t1", "C1"), AffectedFact("B1", "s2", "C1"), AffectedFact("B1", "s3", None)]


def incident(breakdown: str = "B1") -> str:
    about = {"kind": "breakdown", "subject_type": "breakdown", "subject_id": breakdown, "customer_id": None}
    return open_one(f"broken-{breakdown}", 0, signal_id=None, subject_refs=(), **about)


def attach(*affected: AffectedFact) -> int:
    return incidents.attach(affected, at=NOW, recorded_at=NOW)


def counted(case_id: str) -> list[str]:
    return [e["kind"] for e in services.explain(case_id)["events"] if e["kind"] == EventKind.CUSTOMERS_ATTACHED]


def test_the_affected_are_attached_with_one_event_that_counts_them(ledger: Settings) -> None:
    case_id = incident()
    assert attach(*HIT) == 3 and len(counted(case_id)) == 1
    assert incidents.members(case_id) == incidents.Members(3, 1, ("C1",))
    assert services.verify_chain().problems == ()


def test_attaching_again_changes_nothing_and_later_ones_are_added(ledger: Settings) -> None:
    case_id = incident()
    attach(*HIT)
    before = services.counts()
    assert attach(*HIT) == 0 and services.counts() == before
    assert attach(*HIT, AffectedFact("B1", "s4", "C2")) == 1 and len(counted(case_id)) == 2
    assert incidents.members(case_id).customers == 2


def test_a_breakdown_without_a_case_waits_for_it(ledger: Settings) -> None:
    assert attach(*HIT) == 0
    incident()
    assert attach(*HIT) == 3


def test_a_case_of_an_affected_signal_knows_its_incident(ledger: Settings) -> None:
    case_id = incident()
    attach(*HIT)
    services.open_cases([trigger("t1", 1)], recorded_at=NOW)
    own = next(case.case_id for case in services.list_cases(limit=10) if case.case_id != case_id)
    assert incidents.incidents_of(own) == [case_id] and incidents.incidents_of(case_id) == []
    assert incidents.open_incident_of(["signal-t1", "unknown"]) == {"signal-t1": case_id}


def test_members_that_no_event_tells_of_are_a_broken_invariant(ledger: Settings) -> None:
    case_id = incident()
    attach(*HIT)
    assert not invariants.one_open_case_per_key().problems
    IncidentMember.objects.create(case_id=case_id, signal_id="s9", attached_at=NOW)
    assert any(case_id in problem for problem in invariants.one_open_case_per_key().problems)


def test_the_affected_are_read_from_the_newest_detection_and_nobody_where_there_is_none(tmp_path: Path) -> None:
    assert feed.read_affected(tmp_path) == ()
    rows = [{"affected_id": one.signal_id, **asdict(one)} for one in HIT]
    pq.write_table(pa.Table.from_pylist(rows, schema=AFFECTED), tmp_path / feed.AFFECTED)
    assert sorted(feed.read_affected(tmp_path), key=str) == sorted(HIT, key=str)
