"""The ledger's clocks as targets a forecast can be made of, and who was present to meet them.

Belongs here: reading cases and presence as of the engine's moment. Not here: what a clock is (`models/clocks.py`) or how
likely a target is missed (`ml/early_warning`).
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from cases import queue
from cases.queue import OpenCase
from casework.engine import Engine
from models.case import EventKind
from models.clocks import SlaClock, clocks
from models.target import Presence, Target

METRIC = "resolve"
# How far back cases are learnt from; older ones were worked on by another team under other rules.
LOOK_BACK = timedelta(days=400)


def read_targets(engine: Engine) -> list[Target]:
    """The newest time to resolve of every case of the last 400 days that has one, as of the engine's moment."""
    found = []
    for case in queue.opened_since(engine.at - LOOK_BACK):
        mine = [c for c in clocks(case.events, engine.programme.sla, engine.at) if c.metric == METRIC]
        valid = [clock for clock in mine if clock.state in ("running", "paused", "met", "breached")]
        if valid:
            found.append(_target(engine, case, valid[-1]))
    return found


def read_presence(engine: Engine, targets: list[Target]) -> Presence:
    """People present per day and team at noon UTC, from the first target's day to the engine's."""
    if not targets:
        return {}
    day, last = min(t.started_at for t in targets).date(), engine.at.date()
    found: dict[int, dict[str, int]] = {}
    while day <= last:
        at = engine.at if day == last else datetime.combine(day, time(12), UTC)
        found[(day - datetime(1970, 1, 1, tzinfo=UTC).date()).days] = {
            team.code: sum(engine.org.is_present(p.employee_id, at) for p in engine.org.members(team, at))
            for team in engine.programme.teams.teams
        }
        day += timedelta(days=1)
    return found


def _target(engine: Engine, case: OpenCase, clock: SlaClock) -> Target:
    policy = engine.programme.sla
    due = clock.due_at
    if due is None:
        # Of a target that was met, or is paused, the instant it would have fallen due had nothing more been paused.
        due = policy.instant_after(
            clock.clock, clock.calendar, clock.started_at, clock.target_seconds + clock.paused_seconds
        )
    assigned = next((e.occurred_at for e in case.events if e.kind is EventKind.ASSIGNED), None)
    return Target(
        case_id=case.case_id, started_at=clock.started_at, due_at=due, ended_at=clock.stopped_at,
        share_used=clock.share_used, is_late=clock.breached_at is not None, target_hours=clock.target_seconds / 3600,
        severity=clock.severity, team=case.state.team, owner_id=case.state.owner_id, assigned_at=assigned,
        customer_id=case.facts.get("customer_id"), cause_id=case.facts.get("cause_id"),
        rule_id=case.facts.get("rule_id"), channel=case.facts.get("source"),
        reopens=sum(e.kind is EventKind.REOPENED for e in case.events),
    )  # fmt: skip
