"""One target of one case as a forecast looks at it, and who was there to meet it.

Belongs here: the shape the ledger hands over. Not here: reading it (`casework/targets.py`) or foretelling from it
(`ml/early_warning/breach.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Target:
    """One target of one case. `ended_at` is when its clock stopped, None while it runs; `due_at` when it falls (or fell)
    due, for a case that was in time as nearly as known. `share_used` is the part of the target used so far or at the
    end, above 1 when missed."""

    case_id: str
    started_at: datetime
    due_at: datetime
    ended_at: datetime | None
    share_used: float
    is_late: bool
    target_hours: float
    severity: int
    team: str | None = None
    owner_id: str | None = None
    assigned_at: datetime | None = None
    customer_id: str | None = None
    cause_id: str | None = None
    rule_id: str | None = None
    channel: str | None = None
    reopens: int = 0


# Day -> team -> people present; a day or team that is missing is unknown.
Presence = Mapping[int, Mapping[str, int]]
