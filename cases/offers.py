"""Offers: asked for, agreed to by somebody else where they must be, and issued once, under every cap.

Belongs here: the checks that need sums over other cases, taken in the transaction that issues. Not here: the caps
themselves (`models/playbook.py`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from cases import acting, queue
from cases.acting import Change, Move
from cases.crash import crashpoint
from cases.db import write_transaction
from cases.errors import UnknownCase
from cases.models import Offer as OfferRow
from cases.queue import OpenCase
from models.case import Actor, EventKind
from models.playbook import Offer

_YEAR = timedelta(days=365)
_CENT = Decimal("0.01")
_NEXT = {"offer_requested": "asked", "offer_approved": "approved", "offer_refused": "refused", "offer_issued": "issued"}


class OfferRefused(ValueError):
    """The offer may not be made, with the reason in words."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one offer stands on one case: none, asked, approved, refused or issued, and who asked for how much."""

    state: str
    amount_usd: Decimal
    asked_by: str | None
    needs_role: str | None


@dataclass(frozen=True, slots=True)
class Given:
    """What a customer was given in the twelve months before a moment."""

    count: int
    total_usd: Decimal


def given(customer_id: str | None, at: datetime) -> Given:
    """Offers issued to a customer in the 12 months before `at`, over all cases; an unknown customer has none.

    Those issued after `at` count too: of two callers the one whose clock is behind must see what the other has given.
    """
    if customer_id is None:
        return Given(0, Decimal(0))
    rows = OfferRow.objects.filter(customer_id=customer_id, issued_at__gt=at - _YEAR)
    return Given(rows.count(), rows.aggregate(total=Sum("amount_usd"))["total"] or Decimal(0))


def request(
    case_id: str, offer: Offer, amount_usd: Decimal, *, by: Actor, at: datetime, recorded_at: datetime
) -> str | None:
    """Ask for an offer; returns the role that must agree, None when it may be issued at once.

    Raises `OfferRefused` over a cap or when it was asked for before, `UnknownCase`.
    """
    with write_transaction():
        case = _case(case_id)
        if standing(case, offer.code).state in ("asked", "approved", "issued"):
            raise OfferRefused(f"{offer.code} was asked for on this case before")
        role = _check(case, offer, amount_usd, at)
        said = {"offer_code": offer.code, "amount_usd": str(amount_usd), "needs_role": role,
                "flagged": offer.is_flagged(given(case.facts["customer_id"], at).count)}  # fmt: skip
        _record(case_id, EventKind.OFFER_REQUESTED, said, by, at, recorded_at)
    return role


def approve(case_id: str, offer: Offer, *, by: Actor, role: str, at: datetime, recorded_at: datetime) -> None:
    """Agree to an offer somebody else asked for. Raises `OfferRefused` for the same person, or a role too low."""
    with write_transaction():
        case = _case(case_id)
        asked = standing(case, offer.code)
        if asked.state != "asked":
            raise OfferRefused(f"{offer.code} is {asked.state}, so there is nothing to agree to")
        if asked.asked_by == by.id:
            raise OfferRefused("nobody agrees to their own request")
        # Since the request the customer may have become one whose offers somebody must look at.
        for needed in (_check(case, offer, asked.amount_usd, at), asked.needs_role, "team_lead"):
            if needed is not None and not _stands_for(role, needed):
                raise OfferRefused(f"a {needed} must agree, not a {role}")
        _record(case_id, EventKind.OFFER_APPROVED, {"offer_code": offer.code, "role": role}, by, at, recorded_at)


def refuse(case_id: str, offer_code: str, *, by: Actor, reason: str, at: datetime, recorded_at: datetime) -> None:
    """Say no to an offer that was asked for. Raises `OfferRefused` when none is waiting."""
    with write_transaction():
        if standing(_case(case_id), offer_code).state not in ("asked", "approved"):
            raise OfferRefused(f"{offer_code} does not wait for anybody")
        said = {"offer_code": offer_code, "reason": reason}
        _record(case_id, EventKind.OFFER_REFUSED, said, by, at, recorded_at)


def issue(case_id: str, offer: Offer, *, by: Actor, at: datetime, recorded_at: datetime) -> str:
    """Issue an offer that was asked for and agreed to where it must be; returns its code, usable once.

    The sums are taken again here, under the write lock: two cases of one customer cannot both use the last of a budget.
    Raises `OfferRefused`.
    """
    with write_transaction():
        case = _case(case_id)
        asked = standing(case, offer.code)
        if asked.state == "issued":
            raise OfferRefused(f"{offer.code} was issued on this case before")
        role = _check(case, offer, asked.amount_usd, at) if asked.state in ("asked", "approved") else None
        if asked.state not in ("asked", "approved") or (asked.state == "asked" and (asked.needs_role or role)):
            raise OfferRefused(
                f"{offer.code} is {asked.state}; it needs {'an approval' if role else 'a request'} first"
            )
        code = secrets.token_urlsafe(12)
        OfferRow.objects.create(
            case_id=case_id, offer_code=offer.code, customer_id=case.facts["customer_id"],
            amount_usd=asked.amount_usd, issued_at=at, issued_by=by.id, approved_by=_approver(case, offer.code),
            redemption_code=code,
        )  # fmt: skip
        crashpoint("offer.after_row")
        said = {"offer_code": offer.code, "amount_usd": str(asked.amount_usd)}
        _record(case_id, EventKind.OFFER_ISSUED, said, by, at, recorded_at)
    crashpoint("offer.after_commit")
    return code


def of_case(case_id: str) -> list[tuple[str, Standing, str | None]]:
    """Offers of a case: code, how each stands, and what redeems an issued one. Raises `UnknownCase`."""
    case = _case(case_id)
    codes = [str(event.payload["offer_code"]) for event in case.events if event.kind is EventKind.OFFER_REQUESTED]
    issued = dict(OfferRow.objects.filter(case_id=case_id).values_list("offer_code", "redemption_code"))
    return [(code, standing(case, code), issued.get(code)) for code in dict.fromkeys(codes)]


def standing(case: OpenCase, offer_code: str) -> Standing:
    """How an offer stands, from the events of the case."""
    state, amount, asked_by, role = "none", Decimal(0), None, None
    for event in case.events:
        if event.kind.value in _NEXT and event.payload.get("offer_code") == offer_code:
            state = _NEXT[event.kind.value]
            if state == "asked":
                amount, asked_by = Decimal(str(event.payload["amount_usd"])), event.actor_id
                role = event.payload.get("needs_role")
    return Standing(state, amount, asked_by, role)


def _approver(case: OpenCase, offer_code: str) -> str | None:
    found = [
        event.actor_id
        for event in case.events
        if event.kind is EventKind.OFFER_APPROVED and event.payload.get("offer_code") == offer_code
    ]
    return found[-1] if found else None


def _check(case: OpenCase, offer: Offer, amount_usd: Decimal, at: datetime) -> str | None:
    """The role that must agree; raises `OfferRefused` when the amount is over what is left."""
    if not amount_usd.is_finite():
        raise OfferRefused("an amount is a number of dollars")
    had = given(case.facts["customer_id"], at)
    value = case.facts["value_usd"]
    most = offer.allowed_usd(
        severity=case.state.severity, spent_12_months_usd=had.total_usd, given_12_months=had.count,
        value_usd=None if value is None else Decimal(str(value)),
    )  # fmt: skip
    if amount_usd <= 0 or amount_usd > most:
        raise OfferRefused(f"{amount_usd} is not within what is left for this customer ({most})")
    if amount_usd != amount_usd.quantize(_CENT):
        raise OfferRefused("an amount is in whole cents")
    return offer.approver(amount_usd, given_12_months=had.count)


def _stands_for(role: str, needed: str) -> bool:
    """Whether somebody of one role may agree where another is needed: a boss may, anybody else only the same."""
    order = ("agent", "team_lead", "manager", "director")
    if role in order and needed in order:
        return order.index(role) >= order.index(needed)
    return role == needed


def _case(case_id: str) -> OpenCase:
    case = queue.one(case_id)
    if case is None:
        raise UnknownCase(case_id)
    return case


def _record(
    case_id: str, kind: EventKind, said: dict[str, Any], by: Actor, at: datetime, recorded_at: datetime
) -> None:
    acting.make(Change(case_id, [Move(kind, said)], by, at), recorded_at=recorded_at)
