"""Which job passes which crash point, and which crash points there are: read from the code, not from a list kept here."""

from __future__ import annotations

import ast
from pathlib import Path

from cases.crash import CRASH_POINTS
from tests.faults.feedback_jobs import Receiving
from tests.faults.incident_jobs import Attaching
from tests.faults.lane_jobs import Laning
from tests.faults.ledger_jobs import Acting, Applying, Offering, Opening
from tests.faults.outside_jobs import Exporting, Noting, Publishing, Releasing, Sending
from tests.faults.work import Work
from tests.support import ROOT

ROOMS = (
    "models",
    "ml",
    "intake",
    "cases",
    "casework",
    "messaging",
    "publishing",
    "orchestration",
    "desk",
    "amends",
    "fast_lane",
)

JOBS: tuple[type[Work], ...] = (
    Opening, Acting, Releasing, Sending, Offering, Applying, Exporting, Noting, Publishing, Laning, Receiving, Attaching,
)  # fmt: skip


def job_of(point: str) -> type[Work]:
    """The job that passes a crash point. Raises `LookupError` for a name no job knows: write one."""
    for job in JOBS:
        if point.startswith(job.prefix):
            return job
    raise LookupError(f"no job passes the crash point {point}: add one to tests/faults/jobs.py")


def crash_points() -> list[str]:
    """Every name given to `crashpoint(...)` anywhere, and every name `cases.crash` lists."""
    named = {name for room in ROOMS for path in (ROOT / room).rglob("*.py") for name in _named_in(path)}
    return sorted(named | set(CRASH_POINTS))


def _named_in(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    if "crashpoint(" not in text:
        return []
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id == "crashpoint"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    ]
