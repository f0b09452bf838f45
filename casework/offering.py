"""Offers as people make them: found in the programme, asked for, and put before somebody who may agree.

Belongs here: which offer a code means on a case, which role HR gives whoever agrees, the word to the approver. Not here:
caps, sums and events (`cases/offers.py`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cases import offers, outbox, queue
from cases.db import write_transaction
from cases.errors import UnknownCase
from cases.offers import OfferRefused
from cases.queue import OpenCase
from casework import discussion, expiry, messages
from casework.engine import Engine
from models.case import Actor
from models.escalation import Recipient, Rung, whom
from models.message import OutgoingMessage
from models.playbook import Offer

_RUNG_OF: dict[str, Rung] = {"team_lead": "lead", "manager": "manager", "director": "director"}


def find(engine: Engine, case_id: str, code: str) -> Offer:
    """The offer of that code: of the case's playbook before any other. Raises `OfferRefused` for none or several."""
    case = _case(case_id)
    all_offers = [(text.code, offer) for text in engine.programme.playbooks for offer in text.playbook.offers]
    named = [(playbook, offer) for playbook, offer in all_offers if offer.code == code]
    own = [offer for playbook, offer in named if playbook == case.state.playbook_code]
    if own or len(named) == 1:
        return own[0] if own else named[0][1]
    if named:
        several = ", ".join(playbook for playbook, _ in named)
        raise OfferRefused(
            f"{code} is an offer of several playbooks ({several}): choose the playbook of the case first"
        )
    known = ", ".join(sorted({offer.code for _, offer in all_offers})) or "none"
    raise OfferRefused(f"there is no offer {code}; there are {known}")


def request(engine: Engine, case_id: str, code: str, amount_usd: Decimal, *, by: Actor) -> str | None:
    """Ask for an offer; returns the role that must agree and tells somebody of it, in the same transaction."""
    offer = find(engine, case_id, code)
    with write_transaction():
        role = offers.request(case_id, offer, amount_usd, by=by, at=engine.at, recorded_at=engine.recorded_at)
        if role is not None:
            outbox.queue([_word(engine, _case(case_id), offer, amount_usd, role, by)], engine.recorded_at)
    return role


def approve(engine: Engine, case_id: str, code: str, *, by: Actor) -> None:
    """Agree to an offer in the role HR gives the person. Raises `OfferRefused`."""
    position = engine.org.position(by.id, engine.at)
    if position is None:
        raise OfferRefused(f"HR knows no position of {by.id}, so they cannot agree to anything")
    offers.approve(
        case_id, find(engine, case_id, code), by=by, role=position.role, at=engine.at, recorded_at=engine.recorded_at
    )


def refuse(engine: Engine, case_id: str, code: str, *, by: Actor, reason: str) -> None:
    """Say no to an offer that was asked for. Raises `OfferRefused`."""
    offers.refuse(
        case_id, code, by=by, reason=discussion.redacted(engine, reason), at=engine.at, recorded_at=engine.recorded_at
    )


def issue(engine: Engine, case_id: str, code: str, *, by: Actor) -> str:
    """Issue an offer; returns the code that redeems it. Raises `OfferRefused`."""
    return offers.issue(case_id, find(engine, case_id, code), by=by, at=engine.at, recorded_at=engine.recorded_at)


def of_case(engine: Engine, case_id: str) -> list[dict[str, Any]]:
    """The offers of a case as JSON-ready values. Raises `UnknownCase`."""
    return [
        {"offer_code": code, "state": standing.state, "amount_usd": str(standing.amount_usd),
         "asked_by": standing.asked_by, "needs_role": standing.needs_role, "redemption_code": redeems}
        for code, standing, redeems in offers.of_case(case_id)
    ]  # fmt: skip


def _word(engine: Engine, case: OpenCase, offer: Offer, amount_usd: Decimal, role: str, by: Actor) -> OutgoingMessage:
    """To the nearest present person of the role or above, else the team; a second request is a second word."""
    to = _approver(engine, case, role, by)
    return messages.compose(
        engine, "approval_needed", key=f"{case.case_id}|approval|{offer.code}|{case.state.version}",
        recipient=(to.type, to.id), case_id=case.case_id, severity=case.state.severity,
        values={"amount": f"{amount_usd:.2f} USD", "offer": offer.title, "owner_reference": by.id},
    )  # fmt: skip


def _approver(engine: Engine, case: OpenCase, role: str, by: Actor) -> Recipient:
    around = expiry.surroundings(engine)
    found = whom(case.state, _RUNG_OF.get(role, "lead"), around)
    # Who asks may not agree, so they need not be told either.
    return found if found.id != by.id else Recipient("team", case.state.team or "unrouted")


def _case(case_id: str) -> OpenCase:
    case = queue.one(case_id)
    if case is None:
        raise UnknownCase(case_id)
    return case
