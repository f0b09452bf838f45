"""How cases ended, by who had them and what they were about: what skills are learned from.

Belongs here: one set-wise read. Not here: what counts as ending well (`casework/skills.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from cases.db import read_snapshot
from cases.models import Case, CaseEvent, Standing
from models.case import EventKind, State


@dataclass(frozen=True, slots=True)
class Ending:
    """One ended case with an owner and a cause. `outcome_code` is None where it expired."""

    owner_id: str
    cause_id: str
    outcome_code: str | None


def endings(until: datetime) -> list[Ending]:
    """Cases that were closed or expired by a moment and have not been opened again since."""
    over = [State.CLOSED, State.LOOP_CLOSED, State.EXPIRED]
    with read_snapshot():
        rows = Standing.objects.filter(state__in=over, owner_id__isnull=False, last_event_at__lte=until)
        owners = {str(case_id): str(owner) for case_id, owner in rows.values_list("case_id", "owner_id")}
        said = CaseEvent.objects.filter(kind__in=[EventKind.CLOSED, EventKind.EXPIRED]).order_by("event_id")
        codes = {
            case_id: json.loads(text).get("outcome_code") for case_id, text in said.values_list("case_id", "payload")
        }
        causes = dict(Case.objects.filter(cause_id__isnull=False).values_list("case_id", "cause_id"))
    return [
        Ending(owner, str(causes[case_id]), codes.get(case_id))
        for case_id, owner in owners.items()
        if case_id in causes
    ]
