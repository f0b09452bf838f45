"""One word to everybody an incident touched: a message per customer, without those who already have a case.

Belongs here: who is written to about one cause, and the keys that keep a second word from going out. Not here: whether
each may be contacted (decided at sending).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cases import listing, outbox
from casework import messages
from casework.engine import Engine
from models.message import OutgoingMessage
from models.template import Value


@dataclass(frozen=True, slots=True)
class OutreachReport:
    """Customers asked for, left out because a case of theirs is open, already written to, and newly queued."""

    asked: int
    in_a_case: int
    known: int
    queued: int


def tell_everybody(
    engine: Engine,
    incident: str,
    customer_ids: Iterable[str],
    values: Mapping[str, Value],
    *,
    case_id: str | None = None,
) -> OutreachReport:
    """Queue the `incident` message once per customer and incident. Raises `MissingField` for words that lack a value."""
    asked = sorted(set(customer_ids))
    busy = listing.customers_with_open_cases(asked)
    free = [customer for customer in asked if customer not in busy]
    words = [_word(engine, incident, customer, values, case_id) for customer in free]
    queued = outbox.queue(words, engine.recorded_at)
    return OutreachReport(len(asked), len(busy), len(free) - queued, queued)


def _word(
    engine: Engine, incident: str, customer: str, values: Mapping[str, Value], case_id: str | None
) -> OutgoingMessage:
    return messages.compose(
        engine, "incident", key=f"incident|{incident}|{customer}", recipient=("customer", customer), values=values,
        case_id=case_id,
    )  # fmt: skip
