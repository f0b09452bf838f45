"""Cases nobody has touched for too long: they have failed, and must neither bind people nor remind anybody.

Belongs here: ending them. Not here: after how long (`programme/<company>/escalation.yml`). Run before cases are given to
people: of a first load of half a year four in five waiting cases were long dead, and filled every desk.
"""

from __future__ import annotations

from datetime import timedelta

from cases import queue, services
from cases.acting import Change, Move
from cases.rows import SYSTEM
from casework.engine import Engine
from models.case import EventKind
from models.escalation import Surroundings, is_expired


def surroundings(engine: Engine) -> Surroundings:
    """The engine's moment as the escalation rules want it."""
    programme = engine.programme
    return Surroundings(programme.escalation, programme.teams, engine.org, programme.sla, engine.at)


def run(engine: Engine) -> int:
    """End what has expired at the engine's moment; how many cases."""
    around = surroundings(engine)
    oldest = engine.at - timedelta(days=around.rules.expire_after_days)
    reason = f"nobody has touched it for {around.rules.expire_after_days} days"
    changes = [
        Change(case.case_id, [Move(EventKind.EXPIRED, {"reason": reason})], SYSTEM, engine.at, case.state.version)
        for case in queue.opened_by(oldest)
        if is_expired(case.state, case.last_touch, around)
    ]
    return len(services.change_all(changes, recorded_at=engine.recorded_at).states)
