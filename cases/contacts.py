"""What customers said about being contacted, who must not be contacted at all, and what they have been sent.

Belongs here: storing consents and the do-not-contact list, and the facts the contact policy asks for. Not here: the
policy (`models/contact.py`). The list holds keyed hashes of addresses, so it works after a person was erased.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from cases import outbox_reading
from cases.db import write_transaction
from cases.models import Consent, DoNotContact, Standing
from models.contact import ContactFacts

CONSENT_PURPOSES = ("service", "survey", "marketing")


def record_consent(
    customer_id: str,
    channel: str,
    purpose: str,
    *,
    is_allowed: bool,
    since: datetime,
    recorded_at: datetime,
    source: str,
) -> None:
    """Note a customer's word about a channel and a kind of message; the word of the latest `since` counts.

    Raises `ValueError` for a kind nobody consents to.
    """
    if purpose not in CONSENT_PURPOSES:
        raise ValueError(f"consent is given to {', '.join(CONSENT_PURPOSES)}, not to {purpose}")
    with write_transaction():
        Consent.objects.create(
            customer_id=customer_id, channel=channel, purpose=purpose, is_allowed=is_allowed, since=since,
            recorded_at=recorded_at, source=source,
        )  # fmt: skip


def forbid(contact_hash: str, *, reason: str, since: datetime) -> bool:
    """Put an address on the do-not-contact list (HMAC of the normalised address, hex); True when it was not there."""
    with write_transaction():
        said = {"reason": reason, "since": since}
        _, is_new = DoNotContact.objects.get_or_create(contact_hash=contact_hash, defaults=said)
    return bool(is_new)


def facts_about(
    customer_id: str,
    *,
    case_id: str | None,
    contact_hashes: Collection[str] = (),
    flags: Collection[str] = (),
    zone: str | None = None,
    uncounted: Collection[str] = (),
) -> ContactFacts:
    """What the contact policy asks about a person at this moment; call it inside the transaction of the claim.

    Messages of `uncounted` purposes are no contacts.
    """
    newest: dict[tuple[str, str], bool] = {}
    words = Consent.objects.filter(customer_id=customer_id).order_by("since", "id")
    for channel, purpose, is_allowed in words.values_list("channel", "purpose", "is_allowed"):
        newest[channel, purpose] = is_allowed
    suppressed = case_id is not None and Standing.objects.filter(case_id=case_id, outreach_suppressed=True).exists()
    return ContactFacts(
        do_not_contact=DoNotContact.objects.filter(contact_hash__in=list(contact_hashes)).exists(),
        consents=newest,
        contacts=outbox_reading.sent_to(customer_id, uncounted),
        flags=frozenset(flags),
        zone=zone,
        outreach_suppressed=suppressed,
    )
