"""What time alone brings about: reminders, escalations, expiry and the daily digest.

Belongs here: asking the pure rules (`models/escalation.py`) about every case under a clock and writing down what is due
with its message, in one transaction. Not here: those rules, sending. Each step's key is the key of its message, which
exists once in the outbox: a tick may run twice, late, or in two processes.
"""

from __future__ import annotations

from dataclasses import dataclass

from cases import outbox, outbox_reading, queue, services
from cases.acting import Change, Move
from cases.queue import OpenCase
from cases.rows import SYSTEM
from casework import alerts_told, expiry, messages
from casework.engine import Engine
from models.case import EventKind
from models.clocks import SlaClock, clocks
from models.escalation import Step, Surroundings, digest_key, due_steps


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one tick did, and how the clocks of open cases stand."""

    cases: int
    reminders: int
    escalations: int
    expired: int
    digests: int
    breached: int
    at_risk: int
    refused: dict[str, str]


def run(engine: Engine) -> TickReport:
    """One tick at the engine's moment. Cases of history (`outreach_suppressed`) expire but remind nobody."""
    expired = expiry.run(engine)
    around = expiry.surroundings(engine)
    cases = queue.under_clock()
    done = outbox_reading.keys_of_cases([case.case_id for case in cases])
    standing = {case.case_id: clocks(case.events, engine.programme.sla, engine.at) for case in cases}
    changes: list[Change] = []
    steps: list[Step] = []
    for case in cases:
        if case.outreach_suppressed:
            continue
        if due := due_steps(case.case_id, case.state, standing[case.case_id], around, done):
            changes.append(_change(engine, case, due))
            steps += due
    result = services.change_all(changes, recorded_at=engine.recorded_at)
    live = [clock for found in standing.values() for clock in found if clock.is_live]
    return TickReport(
        cases=len(cases), reminders=sum(step.kind == "reminder" for step in steps),
        escalations=sum(step.kind == "escalation" for step in steps), expired=expired,
        digests=send_digests(engine, around, cases, standing), breached=sum(c.state == "breached" for c in live),
        at_risk=sum(c.state == "running" and c.share_used >= 0.8 for c in live), refused=result.refused,
    )  # fmt: skip


def _change(engine: Engine, case: OpenCase, steps: tuple[Step, ...]) -> Change:
    moves = [Move(_KIND[step.kind], _said(step)) for step in steps]
    words = [messages.step(engine, case, step) for step in steps]
    return Change(case.case_id, moves, SYSTEM, engine.at, case.state.version, messages=words)


_KIND = {"reminder": EventKind.REMINDED, "escalation": EventKind.ESCALATED}


def _said(step: Step) -> dict[str, object]:
    if step.kind == "reminder":
        return {"metric": step.metric, "share": step.share, "to": step.recipient.id, "reason": step.reason}
    return {"level": step.level, "to_role": step.to, "to": step.recipient.id, "kind": "sla", "reason": step.reason}


def send_digests(
    engine: Engine, around: Surroundings, cases: list[OpenCase], standing: dict[str, tuple[SlaClock, ...]]
) -> int:
    """Queue the digest of every owner whose hour has come on a working day; how many are new."""
    by_owner: dict[str, list[OpenCase]] = {}
    for case in cases:
        if case.state.owner_id and case.state.is_open and not case.outreach_suppressed:
            by_owner.setdefault(case.state.owner_id, []).append(case)
    words = []
    for owner, own in sorted(by_owner.items()):
        team = around.teams.team(own[0].state.team)
        found = digest_key(owner, team, around) if team is not None else None
        if found is not None:
            words.append(messages.digest(engine, owner, found[0], own, standing))
    outbox.queue([*alerts_told.floods(engine), *alerts_told.floods_over(engine)], engine.recorded_at)
    return outbox.queue([*words, *alerts_told.team_digests(engine)], engine.recorded_at)
