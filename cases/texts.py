"""What people typed on cases, read in the order it was typed: for sending it back into analysis.

Belongs here: that one read. Not here: writing or erasing a text, or what becomes of it (`casework/notes.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from cases.db import read_snapshot
from cases.models import CaseEvent, EventText


@dataclass(frozen=True, slots=True)
class TypedText:
    """One text a person typed in an event, with the case it is about. `key` is note or comment; times are UTC."""

    event_id: int
    event_hash: str
    event_kind: str
    key: str
    body: str
    case_id: str
    case_kind: str
    customer_id: str | None
    region: str | None
    author_id: str
    channel: str | None
    written_at: datetime


def typed_after(event_id: int) -> list[TypedText]:
    """Texts of events after `event_id` that a person typed, in order of the ledger.

    Texts of sources and of the engine are left out: a source's words came in by the door already. Ids are dense and
    commit in order, so whoever asks with the last id it saw misses nothing.
    """
    with read_snapshot():
        rows = (
            EventText.objects.filter(event_id__gt=event_id, event__actor_type="person")
            .select_related("event__case")
            .order_by("event_id", "key")
        )
        return [_typed(row) for row in rows]


def hash_of(event_id: int) -> str | None:
    """Hash of an event in the chain; None when the ledger has no such event."""
    return CaseEvent.objects.filter(event_id=event_id).values_list("hash", flat=True).first()


def _typed(row: EventText) -> TypedText:
    event, case = row.event, row.event.case
    channel = json.loads(event.payload).get("channel")
    return TypedText(
        event_id=event.event_id, event_hash=event.hash, event_kind=event.kind, key=row.key, body=row.body,
        case_id=case.case_id, case_kind=case.case_kind, customer_id=case.customer_id, region=case.region,
        author_id=event.actor_id, channel=None if channel is None else str(channel), written_at=event.occurred_at,
    )  # fmt: skip
