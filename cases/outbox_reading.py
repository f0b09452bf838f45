"""What the outbox holds, read: keys, waiting and parked messages, what a customer was sent, and the count by state.

Belongs here: every read of the outbox but the claim's. Not here: changing anything (`cases/outbox.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q

from cases.db import chunks
from cases.models import OutboxAttempt, OutboxMessage
from models.message import WITHHELD

STATES = ("pending", "leased", "sent", "parked", "suppressed", "dead", "cancelled", *WITHHELD)


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message in a list, without its words. Times are UTC; `why` is the last thing that was noted about it."""

    message_no: int
    state: str
    delivery: str
    purpose: str
    channel: str
    recipient_type: str
    recipient_id: str
    case_id: str | None
    template: str
    created_at: datetime
    not_before: datetime
    attempts: int
    why: str | None


def known_keys_of(keys: Sequence[str]) -> set[str]:
    """Those of the keys that the outbox has."""
    found: set[str] = set()
    for part in chunks(sorted(keys)):
        found.update(OutboxMessage.objects.filter(key__in=part).values_list("key", flat=True))
    return found


def keys_of_cases(case_ids: Sequence[str]) -> set[str]:
    """Keys of every message about these cases."""
    found: set[str] = set()
    for part in chunks(sorted(case_ids)):
        found.update(OutboxMessage.objects.filter(case_id__in=part).values_list("key", flat=True))
    return found


def lines(state: str | None = None, limit: int = 50) -> list[MessageLine]:
    """The newest messages first; only those in `state` if one is given. Raises `ValueError` for an unknown state."""
    if state is not None and state not in STATES:
        raise ValueError(f"there is no state {state}; there are {', '.join(STATES)}")
    rows = OutboxMessage.objects.order_by("-message_no")
    found = list(rows.filter(state=state)[:limit] if state else rows[:limit])
    last = _last_details([row.message_no for row in found])
    return [_line(row, last.get(row.message_no)) for row in found]


def _line(row: OutboxMessage, why: str | None) -> MessageLine:
    return MessageLine(
        row.message_no, row.state, row.delivery, row.purpose, row.channel, row.recipient_type, row.recipient_id,
        row.case_id, row.template, row.created_at, row.not_before, row.attempts, row.last_error or why,
    )  # fmt: skip


def _last_details(numbers: Sequence[int]) -> dict[int, str]:
    """The detail of each message's last attempt, unless that is a lease token."""
    rows = OutboxAttempt.objects.filter(message_id__in=numbers).exclude(kind__in=("claimed", "lease_ran_out"))
    return {number: detail for number, detail in rows.order_by("id").values_list("message_id", "detail") if detail}


def parked() -> list[OutboxMessage]:
    """Messages that wait for a person, the oldest first."""
    return list(OutboxMessage.objects.filter(state="parked").order_by("message_no"))


def sent_to(recipient_id: str, uncounted: Collection[str] = ()) -> tuple[datetime, ...]:
    """When messages to a customer left, or may have left; in all cases together, without those of `uncounted` purposes.

    A message that is leased or parked counts from its last claim: nobody knows that it did not leave.
    """
    rows = OutboxMessage.objects.filter(recipient_id=recipient_id, delivery="customer").exclude(purpose__in=uncounted)
    claimed = Max("outboxattempt__at", filter=Q(outboxattempt__kind="claimed"))
    seen = rows.filter(state__in=("sent", "leased", "parked")).annotate(claimed_at=claimed)
    moments = seen.values_list("settled_at", "claimed_at", "created_at")
    return tuple(sorted(settled or claimed or created for settled, claimed, created in moments))


def counts() -> dict[str, int]:
    """Messages by state, every state named; together they are all that were ever created."""
    found = dict(OutboxMessage.objects.values_list("state").annotate(n=Count("message_no")))
    return {state: found.get(state, 0) for state in STATES}
