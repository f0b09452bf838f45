"""What colleagues type to each other, redacted like any text that comes in by the door.

Belongs here: one text at a time, for rooms that may not know `ml`. Not here: deliveries (`intake/door.py`).
"""

from __future__ import annotations

from intake.vault import names_of
from ml.text.redact import redact
from models.settings import Settings


def without_personal_data(settings: Settings, text: str, customer_id: str | None = None) -> str:
    """The text with addresses, numbers and the customer's own names replaced by `[EMAIL]`, `[NAME]` and so on."""
    names = names_of(settings, [customer_id]).get(customer_id, ()) if customer_id else ()
    return redact(text, names).text
