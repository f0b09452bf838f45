"""No operation of the API, for no role, gives away or changes a case outside the scope: a walk over the description."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cases import people, services
from cases.models import Case, CaseEvent, Post, Standing
from models.access import POWERS, ROLES
from models.case import Actor, EventKind
from models.facts import TriggerFact
from models.settings import Settings
from models.staff import OrgChart, Position, Teams
from tests.unit.desk.client import Client
from tests.unit.desk.conftest import AS_OF, PEOPLE, client_for
from tests.unit.desk.operations import OPERATIONS, Operation, address

WHO = tuple(p.employee_id for p in PEOPLE)
BRANCHES, REGIONS = (None, "B1", "B9"), (None, "south", "north")
TEAMS = ("service-desk", "fraud-care", "executive-care")
START = (
    ("service-desk", "E-ann", "B1", "south", 0), ("service-desk", None, None, "north", 200),
    ("executive-care", "E-mno", "B9", "north", 10), ("fraud-care", None, "B9", None, 100),
)  # fmt: skip
CASE_ID = re.compile(r"\bC-[A-Z2-7]{10,20}\b")

BODIES: dict[str, list[dict[str, Any]]] = {
    "open_case": [{"reason": "x", "severity": 3, "customer_id": "K1", "branch_id": "B9"}],
    "add_event": [
        {"kind": "contacted", "payload": {"channel": "phone"}}, {"kind": "note_added", "payload": {"note": "n"}},
        {"kind": "resolved"}, {"kind": "merged", "payload": {"into": "{other}"}},
        {"kind": "routed", "payload": {"team": "fraud-care"}},
        {"kind": "severity_changed", "payload": {"severity": 1}}, {"kind": "invalidated", "payload": {"reason": "test"}},
        {"kind": "reopened", "payload": {"reason": "again"}},
    ],
    "assign_case": [{"owner_id": who} for who in WHO],
    "add_note": [{"note": "a note"}],
    "open_original": [{"signal_id": "s1", "reason": "r"}],
    "offer": [{"step": step, "offer_code": "goodwill_credit", "amount_usd": 5, "reason": "r"} for step in ("request", "issue")],
    "queue_message": [{"template": "acknowledgement"}],
    "release_message": [{"decision": "drop", "reason": "r"}],
    "add_post": [{"body": "a word about {other}"}],
    "answer_questions": [{"answers": {}}],
    "plan_followup": [{"subject_type": "case", "subject_id": "{case}", "title": "t", "starts_at": "2026-06-03T10:00:00Z"}],
    "move_followup": [{"starts_at": "2026-06-03T10:00:00Z"}],
    "erase": [{"customer_id": "K1"}],
}  # fmt: skip


class Walk(RuleBasedStateMachine):
    """Random cases, moves of people and requests; the oracle knows positions and places, never the code's predicate."""

    new_desk: Callable[[], Settings]

    @initialize()
    def start(self) -> None:
        self.settings = type(self).new_desk()
        self.positions: list[Position] = list(PEOPLE)
        self.day = 0
        self.clients: dict[tuple[str, str], Client] = {}
        for team, owner, branch, region, age in START:
            self.open(team=team, owner=owner, branch=branch, region=region, age=age)

    @rule(
        team=st.sampled_from(TEAMS), owner=st.none() | st.sampled_from(WHO), branch=st.sampled_from(BRANCHES),
        region=st.sampled_from(REGIONS), age=st.integers(0, 300),
    )  # fmt: skip
    def open(self, team: str, owner: str | None, branch: str | None, region: str | None, age: int) -> None:
        name, at = f"t{Case.objects.count()}", AS_OF - timedelta(days=age)
        fact = TriggerFact(
            trigger_id=name, rule_id="r", rule_hash="h", kind="recovery", subject_type="customer", subject_id=name,
            severity=3, occurred_at=at, customer_id=name, region=region, branch_id=branch,
        )  # fmt: skip
        services.open_cases([fact], recorded_at=AS_OF)
        case_id = services.case_of_trigger(name)
        said: list[tuple[EventKind, dict[str, Any]]] = [
            (EventKind.ROUTED, {"team": team, "owner_role": "agent", "path": [], "reasons": []})
        ]
        said += [(EventKind.ASSIGNED, {"owner_id": owner, "team": team, "reasons": []})] if owner else []
        for seen, (kind, payload) in enumerate(said, 1):
            services.act(case_id, kind, payload, actor=Actor("system", "t"), expected_version=seen, occurred_at=at,
                         recorded_at=AS_OF)  # fmt: skip

    @rule(who=st.integers(0, len(PEOPLE) - 1), boss=st.sampled_from(("E-mgr", "E-mno", "E-dir")),
          branch=st.sampled_from(BRANCHES), age=st.integers(1, 300))  # fmt: skip
    def move(self, who: int, boss: str, branch: str | None, age: int) -> None:
        """Somebody has held another position since so many days ago."""
        person = PEOPLE[who]
        if boss == person.employee_id:
            return
        since: date = (AS_OF - timedelta(days=age)).date()
        moved = replace(person, manager_id=boss, branch_id=branch, valid_from=since)
        self.day += 1
        people.record_positions([moved], AS_OF + timedelta(seconds=self.day))
        kept = [p for p in self.positions if (p.employee_id, p.valid_from) != (moved.employee_id, since)]
        self.positions = [*kept, moved]

    @rule(
        operation=st.sampled_from(OPERATIONS), who=st.sampled_from((*WHO, "outsider")), role=st.sampled_from(ROLES),
        pick=st.integers(0, 50), other=st.integers(0, 50), body=st.integers(0, 50), version=st.integers(0, 2),
    )  # fmt: skip
    def ask(self, operation: Operation, who: str, role: str, pick: int, other: int, body: int, version: int) -> None:
        standing = {row.case_id: row for row in Standing.objects.all()}
        ids = sorted(standing)
        case_id = ids[pick % len(ids)] if ids else "C-AAAAAAAAAA"
        another = ids[other % len(ids)] if ids else "C-BBBBBBBBBB"
        allowed = {found for found in ids if self._may_see(who, role, standing[found])}
        before = self._versions()
        answer = self._send(operation, who, role, case_id, another, body, before.get(case_id, 1) - (version == 2))
        text = json.dumps(answer.json()) if answer.content else ""
        sent = {case_id, another}
        assert set(CASE_ID.findall(text)) & set(ids) - sent <= allowed, (operation.name, role)
        assert answer.status_code < 500
        if case_id not in allowed and "{case_id}" in operation.path:
            assert answer.status_code in (400, 401, 403, 404, 422, 428), (operation.name, role, answer.content)
            assert case_id not in text
        changed = {found for found, seen in self._versions().items() if before.get(found) not in (seen, None)}
        # A request for a customer whose case is open elsewhere goes into that case, and its sender learns nothing of it.
        assert changed <= allowed or operation.name == "open_case", (operation.name, role)
        assert not changed or "change" in POWERS[role] or "release" in POWERS[role]

    def _send(
        self, operation: Operation, who: str, role: str, case_id: str, another: str, body: int, version: int
    ) -> Any:
        key = (who, role)
        if key not in self.clients:
            self.clients[key] = client_for(who, role)
        choices = BODIES.get(operation.name, [{}])
        said = json.dumps(choices[body % len(choices)]).replace("{case}", case_id).replace("{other}", another)
        path = address(operation, {"case_id": case_id, "subject_id": case_id})
        if operation.method == "GET":
            return self.clients[key].get(path)
        headers = {"If_Match": f'"{version}"', "Idempotency_Key": f"key-{operation.name}-{case_id}-{body}-{version}"}
        return self.clients[key].send(operation.method, path, said, **headers)

    def _versions(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for case_id, seq in CaseEvent.objects.values_list("case_id", "seq"):
            found[case_id] = max(seq, found.get(case_id, 0))
        return found

    def _may_see(self, who: str, role: str, case: Standing) -> bool:
        if role in ("cx_lead", "auditor", "service", "dpo"):
            return True
        if role in ("analyst", "sender"):
            return False
        org = OrgChart(tuple(self.positions))
        if org.position(who, AS_OF) is None:
            return False
        return any(_covers(who, role, org, _teams(), case, when) for when in (AS_OF, case.opened_at))

    @invariant()
    def posts_are_only_by_who_may_discuss(self) -> None:
        if hasattr(self, "settings"):
            assert (
                not Post.objects.filter(author_id="outsider", subject_type="case")
                .exclude(author_id__in=_outsiders_allowed(self.clients))
                .exists()
            )


def _outsiders_allowed(clients: dict[tuple[str, str], Client]) -> list[str]:
    """An outsider may speak only with a role HR does not give."""
    roles = {role for who, role in clients if who == "outsider"}
    return ["outsider"] if roles & {"cx_lead", "service"} else []


def _teams() -> Teams:
    from casework.engine import start
    from desk.conf import served

    return start(served()).programme.teams


def _covers(who: str, role: str, org: OrgChart, teams: Teams, case: Standing, when: datetime) -> bool:
    held = org.position(who, when)
    if held is None:
        return False
    ranks = {"agent": 0, "team_lead": 1, "manager": 2, "director": 3, "qa": 3}
    rank = min(ranks[role], ranks[held.role])
    if rank == 3:
        return True
    group = {who} | (set(org.below(who, when)) if rank else set())
    positions = [p for name in group if (p := org.position(name, when)) is not None]
    owner, team, branch, region = case.owner_id, case.team, case.branch_id, case.region
    if owner in group or any(t.code == team and t.has(p) for t in teams.teams for p in positions):
        return True
    if rank < 2:
        return False
    if branch is not None:
        return any(p.branch_id == branch for p in positions)
    return region is not None and any(p.branch_id is None and p.region == region for p in positions)


def test_no_walk_gives_away_or_changes_a_case_outside_the_scope(new_desk: Callable[[], Settings]) -> None:
    Walk.new_desk = staticmethod(new_desk)
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=8, stateful_step_count=40, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_every_operation_keeps_to_the_scope_for_every_role(new_desk: Callable[[], Settings], role: str) -> None:
    Walk.new_desk = staticmethod(new_desk)
    walk = Walk()
    walk.start()
    who = next((p.employee_id for p in PEOPLE if p.role == role), "outsider")
    for operation in OPERATIONS:
        for pick in range(len(START)):
            walk.ask(operation=operation, who=who, role=role, pick=pick, other=pick + 1, body=pick, version=0)
