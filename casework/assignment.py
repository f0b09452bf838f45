"""Giving waiting cases to people, and taking cases back from people who are away or have left.

Belongs here: reading the queue, planning (`models/assignment.py`) and writing the plan down with its reasons, the
alert to each new owner in the same transaction. Not here: the plan's rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases import queue, services
from cases.acting import Change, Move
from cases.queue import OpenCase
from cases.rows import SYSTEM
from casework import expiry, messages, skills, staffing
from casework.engine import Engine
from models.assignment import AssignmentPlan, Decision, Params, WaitingCase, assign, in_order
from models.case import Actor, CaseState, EventKind, IllegalMove
from models.clocks import clocks
from models.message import OutgoingMessage
from models.recommendation import expected_value_usd


@dataclass(frozen=True, slots=True)
class AssignmentReport:
    """What one round did. `unassigned` says why a case still waits; gap and price as in `AssignmentPlan`."""

    positions_new: int
    expired: int
    released: int
    assigned: int
    unassigned: dict[str, str]
    optimality_gap: float
    shadow_price: dict[str, float]
    refused: dict[str, str]


def run(engine: Engine) -> AssignmentReport:
    """One round: refresh the staff, end what has expired, take cases of absent owners back, place everything that waits."""
    fresh = staffing.refresh(engine)
    engine.__dict__.pop("org", None)
    expired = expiry.run(engine)
    released = release_absent(engine)
    waiting = queue.waiting()
    plan = plan_for(engine, waiting)
    by_id = {case.case_id: case for case in waiting}
    changes = [_assignment(engine, by_id[decision.case_id], decision) for decision in plan.decisions]
    result = services.change_all(changes, recorded_at=engine.recorded_at)
    return AssignmentReport(
        fresh,
        expired,
        released,
        len(result.states),
        plan.unassigned,
        plan.optimality_gap,
        plan.shadow_price,
        result.refused,
    )


def plan_for(engine: Engine, waiting: Iterable[OpenCase]) -> AssignmentPlan:
    """The plan for these cases with the people and the load of the engine's moment."""
    teams = engine.programme.teams
    cases = [waiting_case(engine, case) for case in waiting if case.state.team]
    proven = skills.proven(engine) if cases else {}
    owners = staffing.owners_present(engine, queue.load_by_owner(teams.work_units.of), proven)
    return assign(cases, owners, now=engine.at, params=_params(engine))


def order(engine: Engine, waiting: Iterable[OpenCase]) -> list[str]:
    """The waiting cases as the plan goes through them, the first to be placed first."""
    cases = [waiting_case(engine, case) for case in waiting]
    return [case.case_id for case in in_order(cases, engine.at, _params(engine))]


def _params(engine: Engine) -> Params:
    return Params(engine.programme.teams.ageing_hours, engine.programme.teams.overflow_units)


def waiting_case(engine: Engine, case: OpenCase) -> WaitingCase:
    """A case as the plan sees it, at the engine's moment."""
    state, facts = case.state, case.facts
    dues = [c.due_at for c in clocks(case.events, engine.programme.sla, engine.at) if c.is_live and c.due_at]
    return WaitingCase(
        case_id=case.case_id, team=state.team or "", severity=state.severity,
        units=engine.programme.teams.work_units.of(severity=state.severity, kind=state.kind),
        waiting_since=_waiting_since(case), due_at=min(dues, default=None), **_worth(case),
        skill=facts["journey"], region=facts["region"], branch_id=facts["branch_id"],
        previous_owner_id=state.previous_owner_id, cause_id=facts["cause_id"],
    )  # fmt: skip


def _worth(case: OpenCase) -> dict[str, Any]:
    """What acting on a case is worth: what its recommendation says the playbook brings, else what the customer is worth."""
    said = [event.payload for event in case.events if event.kind is EventKind.PLAYBOOK_RECOMMENDED]
    effect = expected_value_usd(said[-1] if said else None)
    if effect is None:
        return {"expected_value_usd": case.facts["value_usd"]}
    return {"expected_value_usd": effect, "is_effect": True}


def _waiting_since(case: OpenCase) -> datetime:
    """When the case last came into the queue."""
    back = {EventKind.OPENED, EventKind.RELEASED, EventKind.REOPENED, EventKind.UNMERGED}
    return max(event.occurred_at for event in case.events if event.kind in back)


def _assignment(engine: Engine, case: OpenCase, decision: Decision) -> Change:
    said = {"owner_id": decision.owner_id, "team": case.state.team, "reasons": list(decision.reasons),
            "policy_version": engine.version}  # fmt: skip
    return Change(
        case.case_id, [Move(EventKind.ASSIGNED, said)], SYSTEM, engine.at, case.state.version,
        messages=_word_to_owner(engine, case, decision.owner_id, decision.reasons),
    )  # fmt: skip


def _word_to_owner(engine: Engine, case: OpenCase, owner_id: str, reasons: Sequence[str]) -> list[OutgoingMessage]:
    """History is worked without anybody being called to it."""
    if case.outreach_suppressed:
        return []
    return [messages.assigned(engine, case, owner_id, reasons)]


def release_absent(engine: Engine) -> int:
    """Cases of people who left, or who are away longer than the grace, go back to the queue; how many did."""
    grace = timedelta(hours=engine.programme.teams.absence_grace_hours)
    changes = []
    for case in queue.owned():
        owner = case.state.owner_id
        until = engine.org.away_until(owner, engine.at)
        gone = engine.org.position(owner, engine.at) is None and bool(engine.org.positions)
        if gone or (until is not None and until - engine.at > grace):
            reason = f"{owner} has left" if gone else f"{owner} is away until {until:%Y-%m-%d %H:%M} UTC"
            moves = [Move(EventKind.RELEASED, {"reason": reason})]
            changes.append(Change(case.case_id, moves, SYSTEM, engine.at, case.state.version))
    return len(services.change_all(changes, recorded_at=engine.recorded_at).states)


def owners_absent(engine: Engine) -> frozenset[str]:
    """Owners of open cases who are not present: the next round takes long absences back, short ones keep theirs."""
    owners = {str(case.state.owner_id) for case in queue.owned()}
    return engine.org.absent(owners, engine.at) if engine.org.positions else frozenset()


def assign_by_hand(
    engine: Engine, case_id: str, owner_id: str, *, reason: str, actor: Actor, expected_version: int | None
) -> CaseState:
    """Give a case to a person somebody named. Raises `IllegalMove` when that person is away or unknown."""
    case = queue.one(case_id)
    if engine.org.positions and not engine.org.is_present(owner_id, engine.at):
        raise IllegalMove(f"{owner_id} is away or holds no position")
    said = {"owner_id": owner_id, "reasons": [reason], "policy_version": engine.version}
    change = Change(
        case_id, [Move(EventKind.ASSIGNED, said)], actor, engine.at, expected_version, by_hand=True,
        messages=_word_to_owner(engine, case, owner_id, [reason]) if case is not None else (),
    )  # fmt: skip
    return services.change(change, recorded_at=engine.recorded_at, sla=engine.programme.sla)
