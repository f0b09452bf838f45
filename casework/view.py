"""One case for a person: who has it and why, its clocks, what to do and what else might be done, and its history.

Belongs here: putting the answers together from the ledger and the rules. Not here: printing (`amends/case_view.py`) or
who may see it (`cases/scope.py`).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from cases import incidents, queue, services
from cases.errors import UnknownCase
from cases.queue import OpenCase
from casework.engine import Engine
from models.case import OPEN_STATES, CaseEvent, EventKind
from models.clocks import SlaClock, clocks


def case_view(engine: Engine, case_id: str) -> dict[str, Any]:
    """Everything about one case as JSON-ready values, as of the engine's moment. Raises `UnknownCase`."""
    case = queue.one(case_id)
    if case is None:
        raise UnknownCase(case_id)
    told = services.explain(case_id)
    return {
        **told,
        "as_of": engine.at.isoformat(),
        "owner": _owner(engine, case),
        "clocks": [clock_line(clock) for clock in clocks(case.events, engine.programme.sla, engine.at)],
        "playbook": _playbook(engine, case),
        "incidents": incidents.incidents_of(case_id),
        "members": asdict(incidents.members(case_id)) if told["case"]["case_kind"] == "breakdown" else None,
        "is_overdue": any(c.state == "breached" and c.is_live for c in _clocks(engine, case)),
    }


def _clocks(engine: Engine, case: OpenCase) -> tuple[SlaClock, ...]:
    return clocks(case.events, engine.programme.sla, engine.at)


def clock_line(clock: SlaClock) -> dict[str, Any]:
    """One clock as JSON-ready values; durations in seconds of its own clock."""
    plain = {key: _plain(value) for key, value in asdict(clock).items() if key != "active"}
    left = clock.target_seconds - clock.used_seconds if clock.is_live else None
    return plain | {
        "share_used": round(clock.share_used, 4),
        "paused_seconds": clock.paused_seconds,
        "seconds_left": left,
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _last(case: OpenCase, *kinds: EventKind) -> CaseEvent | None:
    return next((event for event in reversed(case.events) if event.kind in kinds), None)


def _owner(engine: Engine, case: OpenCase) -> dict[str, Any]:
    """Who has the case, where it was routed, and the reasons of both, as they were given at the time."""
    state = case.state
    routed, assigned = _last(case, EventKind.ROUTED), _last(case, EventKind.ASSIGNED)
    position = engine.org.position(state.owner_id, engine.at)
    away = engine.org.away_until(state.owner_id, engine.at)
    why_none = None
    if state.owner_id is None and state.state in OPEN_STATES:
        why_none = "it waits for an owner; the next round of assignment places it or says why not"
    return {
        "owner_id": state.owner_id,
        "role": position.role if position else None,
        "away_until": away.isoformat() if away else None,
        "team": state.team,
        "why_team": list(routed.payload.get("reasons", ())) if routed else [],
        "why_me": list(assigned.payload.get("reasons", ())) if assigned and state.owner_id else [],
        "why_nobody": why_none,
        "policy_version": (assigned or routed or case.events[0]).payload.get("policy_version"),
    }


def _playbook(engine: Engine, case: OpenCase) -> dict[str, Any]:
    """What was recommended with its alternatives and their probabilities, what it is expected to bring and what comes next
    to it (None where no policy knows, and in older events), what was chosen, and the steps.
    """
    recommended = _last(case, EventKind.PLAYBOOK_RECOMMENDED)
    chosen = _last(case, EventKind.PLAYBOOK_CHOSEN)
    code = case.state.playbook_code or (recommended.payload.get("playbook_code") if recommended else None)
    text = next((item for item in engine.programme.playbooks if item.code == code), None)
    done = {str(event.payload.get("step")) for event in case.events if event.kind is EventKind.STEP_DONE}
    said = recommended.payload if recommended else {}
    return {
        "code": code,
        "title": text.playbook.title if text else None,
        "recommended": dict(recommended.payload) if recommended else None,
        "chosen": dict(chosen.payload) if chosen else None,
        "decided_by": said.get("policy"),
        "expected": said.get("expected"),
        "second_best": said.get("second_best"),
        "why": said.get("why_policy") or said.get("reason"),
        "roll_out": said.get("roll_out"),
        "steps": [
            {"code": step.code, "title": step.title, "channel": step.channel, "done": step.code in done}
            for step in (text.playbook.steps if text else ())
        ],
    }
