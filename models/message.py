"""A message that shall leave: what it is, who gets it, and how often it may.

Belongs here: the fact an outbox row is written from. Not here: words (`models/template.py`), whether it may be sent now
(`models/contact.py`), sending (`messaging/`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Delivery = Literal["alert", "customer"]
RecipientType = Literal["employee", "team", "customer"]
Withheld = Literal["digest", "grouped", "held"]
WITHHELD: tuple[Withheld, ...] = ("digest", "grouped", "held")


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message for the outbox. Times are UTC; `not_before` is the first moment it may leave.

    `key` makes it exist at most once: the same key again is the same message, whatever its words. `alert` goes out at
    least once, `customer` at most once. Raises `ValueError` for a time without a zone or an empty key or recipient.
    """

    key: str
    delivery: Delivery
    purpose: str
    channel: str
    recipient_type: RecipientType
    recipient_id: str
    template: str
    template_version: str
    not_before: datetime
    body: str
    subject: str | None = None
    case_id: str | None = None
    severity: int = 4
    # Not sent by itself, and why: `digest`, `grouped` or `held` (models/alerts.py); its row is kept like any other.
    withheld: Withheld | None = None
    withheld_reason: str | None = None

    def __post_init__(self) -> None:
        if not self.key or not self.recipient_id:
            raise ValueError("a message needs a key and a recipient")
        if self.not_before.tzinfo is None:
            raise ValueError(f"message {self.key}: not_before has no time zone")
        if (self.withheld is None) != (self.withheld_reason is None) or (self.withheld and self.delivery != "alert"):
            raise ValueError(f"message {self.key}: only alerts are withheld, and with a reason")
        if self.delivery == "customer" and self.recipient_type != "customer":
            raise ValueError(f"message {self.key}: a customer message goes to a customer")
