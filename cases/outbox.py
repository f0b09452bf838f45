"""The outbox: messages written with the event that asks for them, taken by a sender under a lease, settled once.

Belongs here: queueing, claiming, settling, and a person's word on what is parked. Not here: whether a message may be
sent (`models/contact.py`, asked through `decide`), sending (`messaging/`). An alert goes out at least once: when its
sender dies it is taken again. A message to a customer goes out at most once: when nobody knows whether it left, it is
parked until a person says. The lease carries a token, so a sender that was thought dead cannot settle what another took.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from django.db.models import Q, QuerySet

from cases import acting, outbox_reading, store
from cases.acting import Change, Move
from cases.crash import crashpoint
from cases.db import write_transaction
from cases.models import OutboxAttempt, OutboxMessage, Standing
from cases.rows import SYSTEM
from models.case import Actor, EventKind, State
from models.contact import Decision
from models.message import OutgoingMessage

Result = Literal["sent", "failed", "refused", "unknown"]
Release = Literal["send-again", "was-sent", "drop"]
STATES = outbox_reading.STATES
MOST_ATTEMPTS = 8
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=6)
# A lease that ends later than this from now was given by a clock that has been set back since.
LONGEST_LEASE = timedelta(hours=1)
# Looked at in one transaction, which keeps every other writer waiting.
_PAGE = 200
# Cases that are no longer anybody's: nobody is reminded of them.
_VOID = (State.MERGED, State.INVALID)


class LostLease(RuntimeError):
    """The message is not, or no longer, under the lease of this token."""


class NotParked(ValueError):
    """A person decides about parked messages only."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message under a lease, ready to be sent. `token` settles it."""

    message_no: int
    token: str
    key: str
    case_id: str | None
    delivery: str
    purpose: str
    channel: str
    recipient_type: str
    recipient_id: str
    subject: str | None
    body: str | None
    attempt: int


Decide = Callable[[OutboxMessage], Decision]


def queue(messages: Iterable[OutgoingMessage], recorded_at: datetime) -> int:
    """Put messages into the outbox that belong to no change of a case; how many are new."""
    wanted = list(messages)
    if not wanted:
        return 0
    with write_transaction():
        known = outbox_reading.known_keys_of([message.key for message in wanted])
        store.write_messages([message for message in wanted if message.key not in known], recorded_at)
    return len({message.key for message in wanted} - known)


def claim(
    now: datetime, *, limit: int, lease_seconds: int, decide: Decide, clock: datetime | None = None
) -> list[Claimed]:
    """Take up to `limit` due messages under a lease, the gravest first; of messages to customers one at a time.

    In one write transaction: leases that ran out are settled by class (alerts come back, customers' are parked), alerts
    of void cases are cancelled, and `decide` is asked about every message to a customer; what it defers waits, what it
    suppresses never leaves, and each verdict is recorded. `now` is the moment messages are due at, `clock` the wall
    clock that leases run on (UTC, default `now`): the two differ where a simulated company stands at its own time.
    Nothing taken does not mean that nothing is due, see `anything_due`. Raises `ValueError` for a lease over an hour.
    """
    wall = clock or now
    lease = timedelta(seconds=lease_seconds)
    if not timedelta(0) < lease <= LONGEST_LEASE:
        raise ValueError(f"a lease lasts up to {LONGEST_LEASE}")
    taken: list[Claimed] = []
    with write_transaction():
        _expire_leases(wall, now)
        due = _due(now).order_by("severity", "not_before", "message_no").values_list("message_no", "delivery")
        # Numbers first: mostly one row of the page is wanted whole, and two hundred cost as much as the commit.
        for number, delivery in list(due[: max(limit, _PAGE)]):
            # A sender that dies leaves what it held of customers in doubt: let that be one message, not a batch.
            is_customers = delivery == "customer"
            if len(taken) == limit or (is_customers and taken):
                break
            message = OutboxMessage.objects.get(message_no=number)
            if _allowed(message, now, decide):
                taken.append(_lease(message, now, wall + lease))
                if is_customers:
                    break
        crashpoint("outbox.before_claim_commit")
    crashpoint("outbox.after_claim")
    return taken


def anything_due(now: datetime) -> bool:
    """Whether a message waits that could leave, or be decided about, at this moment."""
    return bool(_due(now).exists())


def _due(now: datetime) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(state="pending", not_before__lte=now)


def _expire_leases(wall: datetime, now: datetime) -> None:
    """A sender that has not settled in time is taken for dead."""
    ended = Q(lease_until__lte=wall) | Q(lease_until__gt=wall + LONGEST_LEASE)
    for message in OutboxMessage.objects.filter(ended, state="leased").order_by("message_no"):
        _note(message, "lease_ran_out", now, message.lease_token or "")
        if message.delivery == "customer":
            _park(message, now, "nobody knows whether it left: its sender never said")
        else:
            _save(message, state="pending", lease_token=None, lease_until=None)


def _allowed(message: OutboxMessage, now: datetime, decide: Decide) -> bool:
    if (reason := _pointless(message)) is not None:
        cancel([message], now, reason)
        return False
    if message.delivery != "customer":
        return True
    verdict = decide(message)
    _note(message, f"decided_{verdict.verdict}", now, "; ".join(verdict.reasons))
    if verdict.verdict == "defer":
        # Never into the past or to now: the next claim would ask again at once, for ever.
        _save(message, not_before=max(verdict.until or now, now + _FIRST_WAIT))
    elif verdict.verdict == "suppress":
        _save(message, state="suppressed", settled_at=now)
        _tell_case(message, EventKind.MESSAGE_SUPPRESSED, now, reason="; ".join(verdict.reasons))
    return verdict.verdict == "allow"


def cancel(messages: Iterable[OutboxMessage], now: datetime, reason: str) -> None:
    """Give up messages nobody needs any more; call it in a write transaction, for pending ones only."""
    for message in messages:
        _note(message, "cancelled", now, reason)
        _save(message, state="cancelled", settled_at=now)


def _pointless(message: OutboxMessage) -> str | None:
    """Why nobody needs the message any more; None when somebody does."""
    if message.body is None:
        return "its words were erased"
    if message.delivery == "customer" or message.case_id is None:
        return None
    void = Standing.objects.filter(case_id=message.case_id, state__in=[str(state) for state in _VOID])
    return "the case is merged or invalid" if void.exists() else None


def _lease(message: OutboxMessage, now: datetime, until: datetime) -> Claimed:
    token = secrets.token_hex(16)
    attempt = message.attempts + 1
    _save(message, state="leased", lease_token=token, lease_until=until, attempts=attempt)
    _note(message, "claimed", now, token)
    return Claimed(
        message.message_no, token, message.key, message.case_id, message.delivery, message.purpose, message.channel,
        message.recipient_type, message.recipient_id, message.subject, message.body, attempt,
    )  # fmt: skip


def settle(message_no: int, token: str, result: Result, now: datetime, *, detail: str = "") -> str:
    """Say what became of a claimed message; returns its new state.

    `sent` is final; `failed` is tried again later and dead after the last attempt; `refused` is dead at once; `unknown`
    parks a customer's message and retries an alert. `detail` must hold nothing personal. Raises `LostLease`.
    """
    with write_transaction():
        message = OutboxMessage.objects.filter(message_no=message_no).first()
        if message is None or message.state != "leased" or message.lease_token != token:
            raise LostLease(f"message {message_no} is not under this lease")
        _note(message, result, now, detail)
        if result == "sent":
            _sent(message, now)
        elif result == "unknown" and message.delivery == "customer":
            _park(message, now, detail or "the server never said whether it took the message")
        elif result == "refused" or message.attempts >= MOST_ATTEMPTS:
            _dead(message, now, detail)
        else:
            later = now + _wait(message)
            _save(message, state="pending", not_before=later, lease_token=None, lease_until=None, last_error=detail)
        crashpoint("outbox.before_settle_commit")
    crashpoint("outbox.after_settle")
    return message.state


def _sent(message: OutboxMessage, now: datetime, by: Actor = SYSTEM) -> None:
    _save(message, state="sent", settled_at=now, lease_token=None, lease_until=None)
    if message.delivery == "customer":
        _tell_case(message, EventKind.MESSAGE_SENT, now, by)


def _dead(message: OutboxMessage, now: datetime, detail: str) -> None:
    _note(message, "dead", now, detail)
    _save(message, state="dead", settled_at=now, lease_token=None, lease_until=None, last_error=detail)


def _park(message: OutboxMessage, now: datetime, reason: str) -> None:
    _note(message, "parked", now, reason)
    _save(message, state="parked", lease_token=None, lease_until=None, last_error=reason)
    _tell_case(message, EventKind.MESSAGE_PARKED, now, reason=reason)


def _wait(message: OutboxMessage) -> timedelta:
    """Doubling, with up to a quarter more by the key, so that a thousand failures do not come back at once."""
    spread = int.from_bytes(sha256(message.key.encode()).digest()[:2], "big") / 65_536
    wait: timedelta = min(_FIRST_WAIT * 2 ** min(message.attempts - 1, 12), _LONGEST_WAIT)
    return wait * (1 + spread / 4)


def release(message_no: int, decision: Release, *, by: Actor, reason: str, now: datetime) -> str:
    """A person's word on a parked message; returns its new state. What is sent again is judged again first.

    Raises `NotParked`, and `ValueError` without a reason.
    """
    if not reason.strip():
        raise ValueError("say why: whoever looks later must understand the decision")
    with write_transaction():
        message = OutboxMessage.objects.filter(message_no=message_no, state="parked").first()
        if message is None:
            raise NotParked(f"message {message_no} is not parked")
        _note(message, f"released_{decision.replace('-', '_')}", now, f"{by.id}: {reason}")
        if decision == "send-again":
            _save(message, state="pending", not_before=now, attempts=0)
        elif decision == "was-sent":
            _sent(message, now, by)
        else:
            _save(message, state="cancelled", settled_at=now)
        crashpoint("outbox.before_release_commit")
    return message.state


def park_after_restore(now: datetime) -> int:
    """Park every customer message that might have left after the backup was taken; how many.

    To be called once after a backup was put back: nobody is written to twice because the ledger forgot.
    """
    with write_transaction():
        doubtful = list(OutboxMessage.objects.filter(delivery="customer", state__in=["pending", "leased"]))
        for message in doubtful:
            _park(message, now, "the ledger was restored from a backup; it may have left before")
    return len(doubtful)


def _tell_case(message: OutboxMessage, kind: EventKind, now: datetime, by: Actor = SYSTEM, **said: Any) -> None:
    """What became of a message is part of the case's history, in the same transaction."""
    if message.case_id is None:
        return
    about = {"message_id": message.key, "channel": message.channel, "purpose": message.purpose,
             "template": message.template}  # fmt: skip
    moves = [Move(kind, {**about, **said})]
    standing = Standing.objects.filter(case_id=message.case_id).first()
    if standing is None:
        return
    if kind is EventKind.MESSAGE_SENT and message.purpose == "closure":
        moves += _informed(standing.state, message)
    acting.make(Change(message.case_id, moves, by, now), recorded_at=max(now, message.created_at))


def _informed(state: str, message: OutboxMessage) -> list[Move]:
    """The word that the case is closed has reached the customer, so the loop may close."""
    if state not in (State.RESOLVED, State.CLOSED, State.LOOP_CLOSED):
        return []
    told = Move(EventKind.CUSTOMER_INFORMED, {"channel": message.channel, "message_id": message.key})
    return [told, Move(EventKind.LOOP_CLOSED)] if state == State.CLOSED else [told]


def _note(message: OutboxMessage, kind: str, at: datetime, detail: str) -> None:
    OutboxAttempt.objects.create(message=message, kind=kind, at=at, detail=detail[:500])


def _save(message: OutboxMessage, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(message, name, value)
    message.save(update_fields=list(changes))
