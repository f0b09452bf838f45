"""Who looked at or did what through the API: one append-only row per request that names somebody's data.

Belongs here: writing that row and reading it for the auditor. Not here: what was said (no body, no text, no token goes
in), what happened to a case (its events).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cases.db import write_transaction
from cases.models import AuditEntry
from models.access import Principal


@dataclass(frozen=True, slots=True)
class Seen:
    """One request: by whom, what (method and route, not the address), about what, and how it ended. `at` is UTC."""

    entry_id: int
    at: datetime
    principal_id: str
    role: str
    action: str
    subject_id: str | None
    status: int


def record(principal: Principal, action: str, subject_id: str | None, status: int, *, at: datetime) -> None:
    """Note one request."""
    with write_transaction():
        AuditEntry.objects.create(
            at=at, principal_id=principal.id, role=principal.role, action=action, subject_id=subject_id, status=status
        )


def entries(*, before: int | None = None, subject_id: str | None = None, limit: int = 100) -> list[Seen]:
    """The newest requests first, going on before an entry; those about one subject if it is named."""
    rows = AuditEntry.objects.order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    if subject_id is not None:
        rows = rows.filter(subject_id=subject_id)
    return [Seen(r.id, r.at, r.principal_id, r.role, r.action, r.subject_id, r.status) for r in rows[:limit]]
