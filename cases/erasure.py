"""Erasing what was typed about a customer: the words go, the record that something was said stays.

Belongs here: which texts of the ledger are a customer's, and removing them. Not here: who may ask (`models/access.py`),
the sealed originals (`intake/vault.py`), the other stores. The chain holds digests only, so it still verifies.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cases import outbox
from cases.db import write_transaction
from cases.models import Case, EventText, OutboxMessage, Post


@dataclass(frozen=True, slots=True)
class Erased:
    """How many texts were removed."""

    cases: int
    typed_texts: int
    posts: int
    messages: int


def erase_customer(customer_id: str, *, at: datetime | None = None) -> Erased:
    """Remove typed texts, posts and message bodies of a customer's cases and messages to the customer. Safe to repeat.

    Messages that have not left are cancelled: an empty one must not go out. `at` (UTC) is when, default now.
    """
    with write_transaction():
        ids = list(Case.objects.filter(customer_id=customer_id).values_list("case_id", flat=True))
        typed, _ = EventText.objects.filter(event__case_id__in=ids).delete()
        about = Post.objects.filter(subject_type="case", subject_id__in=ids).exclude(body=None)
        messages = OutboxMessage.objects.filter(case_id__in=ids) | OutboxMessage.objects.filter(
            recipient_type="customer", recipient_id=customer_id
        )
        outbox.cancel(messages.filter(state="pending"), at or datetime.now(UTC), "its words were erased")
        wordy = messages.exclude(body=None, subject=None)
        return Erased(len(ids), typed, about.update(body=None), wordy.update(body=None, subject=None))
