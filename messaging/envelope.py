"""What a transport is given and what it answers.

Belongs here: the two plain types and the protocol. Not here: any transport (the modules beside this one), retries and
leases (`cases/outbox.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Result = Literal["sent", "failed", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message to one address. `message_id` is the same each time the message is tried, so a server may dedupe."""

    message_id: str
    channel: str
    address: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it. `sent`: the other side took it. `failed`: it did not, try later. `refused`: it never will.
    `unknown`: it may have. `detail` says why without anything personal.
    """

    result: Result
    detail: str = ""


class Transport(Protocol):
    """Sends one envelope. Never raises for what a network can do; a programming error may surface."""

    def send(self, envelope: Envelope) -> Outcome:
        """Try once."""
        ...
