"""A small company for the tests of scope: two regions, three branches, a team for everybody and one for the skilled."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from cases import services
from cases.scope import CaseRepository
from models.access import Principal, Role
from models.case import Actor, EventKind
from models.routing import Condition, Match, RouteNode, RoutingTree
from models.sla import SlaPolicy
from models.staff import OrgChart, Position, Team, Teams
from tests.unit.cases.builders import NOW, day, trigger

DESK = Team(code="service-desk", title="Desk", members=Match(all=(Condition(field="team_id", op="is", value="T0001"),)))
FRAUD = Team(
    code="fraud-care", title="Fraud", members=Match(all=(Condition(field="role", op="is", value="agent"),)),
    skills_any=("security",),
)  # fmt: skip
NORTH = Team(code="north-desk", title="N", members=Match(all=(Condition(field="team_id", op="is", value="T0002"),)))
TEAMS = Teams(teams=(DESK, FRAUD, NORTH))
ROUTING = RoutingTree(root=RouteNode(name="all", team="service-desk", owner_role="agent"))
SYSTEM = Actor("system", "test")


def position(who: str, role: str, team: str, boss: str | None, **more: Any) -> Position:
    """A position that has held since long before the test year."""
    return Position(who, role, team, more.pop("since", date(2020, 1, 1)), manager_id=boss, **more)


PEOPLE = (
    position("dir", "director", "T0009", None),
    position("mgr-s", "manager", "T0008", "dir", region="south"),
    position("mgr-b", "manager", "T0008", "mgr-s", branch_id="B1", region="south"),
    position("mgr-n", "manager", "T0007", "dir", branch_id="B3", region="north"),
    position("lead", "team_lead", "T0001", "mgr-s", branch_id="B2", region="south"),
    position("ann", "agent", "T0001", "lead", branch_id="B2", region="south"),
    position("bob", "agent", "T0001", "lead", branch_id="B2", region="south", skills=frozenset({"security"})),
    position("nia", "agent", "T0002", "mgr-n", branch_id="B3", region="north"),
    position("qia", "qa", "T0009", "dir"),
)
ORG = OrgChart(PEOPLE)
UTC_NOW = datetime(2026, 12, 31, tzinfo=UTC)


def repository(
    who: str, role: Role, *, org: OrgChart = ORG, at: datetime = UTC_NOW, sla: SlaPolicy | None = None
) -> CaseRepository:
    """Cases as somebody of the test company sees them."""
    return CaseRepository(Principal(who, role), org, at, teams=TEAMS, sla=sla)


def open_in(name: str, *, team: str | None = None, owner: str | None = None, at: float = 0, **more: Any) -> str:
    """A case with a team and an owner; its id."""
    services.open_cases([trigger(name, at, customer=f"C-{name}", **more)], recorded_at=NOW)
    case_id = services.case_of_trigger(name)
    if team is not None:
        _act(case_id, EventKind.ROUTED, {"team": team, "owner_role": "agent", "path": [], "reasons": []}, at)
    if owner is not None:
        _act(case_id, EventKind.ASSIGNED, {"owner_id": owner, "team": team, "reasons": []}, at)
    return case_id


def _act(case_id: str, kind: EventKind, payload: dict[str, Any], at: float) -> None:
    services.act(
        case_id, kind, payload, actor=SYSTEM, expected_version=services.state_of(case_id).version, occurred_at=day(at),
        recorded_at=NOW,
    )  # fmt: skip
