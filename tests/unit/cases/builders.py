"""Facts for tests, with everything but what a test is about filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cases import services
from models.case import Actor, CaseState, EventKind
from models.facts import ResolutionFact, TriggerFact

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 12, 31, tzinfo=UTC)
ANNA = Actor("person", "E-anna")


def day(number: float) -> datetime:
    """An instant so many days after the start of the test year."""
    return START + timedelta(days=number)


def trigger(
    name: str, at: float, *, customer: str = "C1", cause: str | None = "fee_dispute", **more: Any
) -> TriggerFact:
    """A recovery trigger about a customer, `at` days after the start."""
    values: dict[str, Any] = {
        "trigger_id": name,
        "rule_id": "detractor",
        "rule_hash": "r1",
        "kind": "recovery",
        "subject_type": "customer",
        "subject_id": customer,
        "customer_id": customer,
        "cause_id": cause,
        "severity": 3,
        "occurred_at": day(at),
        "signal_id": f"signal-{name}",
        "subject_refs": (("ticket", f"ticket-{name}"),),
        "lineage": {"source": "complaints", "source_file": "log.csv", "line": 7, "row_hash": "h", "batch_id": 1},
    }
    return TriggerFact(**(values | more))


def resolution(name: str, at: float, *, about: str, **more: Any) -> ResolutionFact:
    """A resolution of the ticket of trigger `about`, `at` days after the start, the customer told the same day."""
    values: dict[str, Any] = {
        "resolution_id": name,
        "subject_type": "ticket",
        "subject_id": f"ticket-{about}",
        "resolved_at": day(at),
        "outcome": "in_favour",
        "owner_id": "E-anna",
        "playbook_code": "refund",
        "offer_usd": 25.0,
        "handling_minutes": 12.5,
        "first_action_at": day(at - 0.25),
        "customer_informed_at": day(at + 0.25),
    }
    return ResolutionFact(**(values | more))


def open_one(name: str = "t1", at: float = 0, **more: Any) -> str:
    """Open one case; its id."""
    services.open_cases([trigger(name, at, **more)], recorded_at=NOW)
    return services.list_cases(limit=1)[0].case_id


def tamper(*statements: str) -> None:
    """What somebody does who has the database and takes the guards off."""
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in (*_guards_off(cursor, connection.vendor), *statements):
            cursor.execute(statement)


def _guards_off(cursor: Any, vendor: str) -> list[str]:
    if vendor == "postgresql":
        return ["SET session_replication_role = replica"]
    cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    return ["PRAGMA foreign_keys = OFF", *(f"DROP TRIGGER {name}" for (name,) in cursor.fetchall())]


def act(case_id: str, kind: EventKind, **payload: Any) -> CaseState:
    """One move on the newest version of a case."""
    seen = services.state_of(case_id).version
    return services.act(
        case_id, kind, payload, actor=ANNA, expected_version=seen, occurred_at=day(100), recorded_at=NOW
    )
