"""Letting the outbox out: claim what is due, ask the contact policy, send, settle.

Belongs here: the round. Not here: leases and states (`cases/outbox.py`), the policy (`models/contact.py`), which
transport takes what (`casework/ways.py`). Every step between two durable writes has a crash point.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import cast

from cases import contacts, outbox
from cases.crash import crashpoint
from cases.models import OutboxMessage
from cases.outbox import Claimed, LostLease
from casework import addresses, moment
from casework.engine import Engine
from casework.ways import Ways, ways_of
from intake.vault import key_file
from messaging.envelope import Envelope, Outcome, Transport
from messaging.files import FileTransport
from models.contact import ContactFacts, Decision, Purpose, decide
from models.message import Delivery, RecipientType
from models.settings import Settings

LEASE_SECONDS = 300
BATCH = 200
# No message of a batch is begun later than this after the claim: the slowest transport needs less than the rest.
_TIME_TO_BEGIN = timedelta(seconds=LEASE_SECONDS / 2)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What one round did, in messages. `lost`: the lease had run out, so somebody else settles them."""

    claimed: int
    sent: int
    failed: int
    refused: int
    unknown: int
    lost: int


def send_due(
    engine: Engine,
    *,
    limit: int = 2_000,
    transport: Transport | None = None,
    clock: Callable[[], datetime] = moment.wall_clock,
) -> DeliveryReport:
    """Send what is due at the engine's moment, at most `limit` messages; leases run on the wall clock.

    Raises `ValueError` for a transport that lacks its settings.
    """
    ways = Ways(transport, transport) if transport else ways_of(engine.settings)
    counts: Counter[str] = Counter()
    claimed = 0
    while claimed < limit:
        batch = outbox.claim(
            engine.at, limit=min(BATCH, limit - claimed), lease_seconds=LEASE_SECONDS,
            decide=lambda message: judge(engine, message), clock=clock(),
        )  # fmt: skip
        if not batch and not outbox.anything_due(engine.at):
            break
        claimed += len(batch)
        counts.update(_send_batch(engine, ways, batch, clock))
    return DeliveryReport(
        claimed, counts["sent"], counts["failed"], counts["refused"], counts["unknown"], counts["lost"]
    )


def _send_batch(engine: Engine, ways: Ways, batch: list[Claimed], clock: Callable[[], datetime]) -> list[str]:
    """What became of each; what could not be begun in time comes back when its lease runs out."""
    latest = clock() + _TIME_TO_BEGIN
    return [_send(engine, ways, message) if clock() <= latest else "lost" for message in batch]


def _send(engine: Engine, ways: Ways, message: Claimed) -> str:
    outcome = _try(engine.settings, ways.way(message.channel, cast(Delivery, message.delivery)), message)
    crashpoint("outbox.after_send")
    try:
        outbox.settle(message.message_no, message.token, outcome.result, engine.at, detail=outcome.detail)
    except LostLease:
        return "lost"
    return outcome.result


def _try(settings: Settings, way: Transport, message: Claimed) -> Outcome:
    if message.body is None:
        return Outcome("refused", "the words were erased")
    try:
        to = _address(settings, way, message)
    except addresses.NoAddress as error:
        return Outcome("refused", str(error))
    return way.send(
        Envelope(message_id(settings, message.key), message.channel, to, message.subject or "", message.body)
    )


def _address(settings: Settings, way: Transport, message: Claimed) -> str:
    """A file names the pseudonym; only what really leaves opens the sealed address."""
    if isinstance(way, FileTransport):
        return f"{message.recipient_type}:{message.recipient_id}"
    return addresses.address(
        settings, cast(RecipientType, message.recipient_type), message.recipient_id, message.channel
    )


def message_id(settings: Settings, key: str) -> str:
    """The Message-ID of a message: the same each time it is tried, and telling nothing about the case."""
    secret = key_file(settings.home / "message.key")
    return f"{hmac.new(secret, key.encode(), sha256).hexdigest()[:40]}@amends"


def judge(engine: Engine, message: OutboxMessage) -> Decision:
    """The contact policy's verdict on a message to a customer; asked inside the transaction of the claim."""
    known = addresses.person(engine.settings, "customer", message.recipient_id)
    policy = engine.programme.contact
    facts = contacts.facts_about(
        message.recipient_id, case_id=message.case_id, contact_hashes=known.hashes, flags=known.flags,
        uncounted=policy.exempt,
    )  # fmt: skip
    return decide(message.channel, cast(Purpose, message.purpose), _with_crm(facts, known), policy, engine.at)


def _with_crm(facts: ContactFacts, known: addresses.Person) -> ContactFacts:
    """What the customer told us counts before what the CRM has on file."""
    on_file = {(channel, "service"): allowed for channel, allowed in known.consents.items()}
    return replace(facts, consents={**on_file, **facts.consents})
