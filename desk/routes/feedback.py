"""Feedback from the company's own systems: accepted once it is on disk, and what became of it.

Belongs here: both over HTTP. Not here: keeping it (`intake/spool.py`), taking it in (`intake/`, the fast lane), shapes
(`desk/feedback_schemas.py`). A request is refused whole when one item does not fit: a sender that is told "half of it"
has to keep two books, one that is told "nothing" mends the item and sends the same request again.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from hashlib import md5
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Body, Router

from cases import reading
from cases.crash import crashpoint
from desk import answers
from desk.auth import wall_clock
from desk.conf import served
from desk.context import enter
from desk.errors import Refused
from desk.feedback_schemas import Items
from intake import receipts, spool
from models.access import Principal

router = Router(tags=["feedback"])
_RECEIPT = re.compile(r"F-[A-Z2-7]{8}-[A-Z2-7]{20}")
_DISK_RETRY = 60


@router.post("/feedback", operation_id="send_feedback", summary="Hand in feedback: one item, or a list of up to 500")
def send_feedback(request: HttpRequest, items: Annotated[Items, Body()]) -> HttpResponse:
    """202 with a receipt once all of it is on disk; Idempotency-Key is required and holds for ever.

    409: the key was used for another request. 429: too much waits, come again after `Retry-After` seconds. 503: the disk
    refuses. Whatever was not answered with 202 may be sent again under the same key.
    """
    sender = _sender(request)
    receipt = spool.receipt_of(sender.id, answers.idempotency_key(request))
    request.audit_subject = receipt  # type: ignore[attr-defined]
    at = wall_clock()
    rows = [item.row(sender.id, at) for item in items]
    try:
        is_new = spool.accept(served(), receipt, request.body, rows, at=at, on_step=crashpoint)
    except spool.OtherContent as error:
        raise Refused(409, "the idempotency key was used for another request") from error
    except spool.NoRoom as error:
        raise Refused(429, str(error), retry_after=error.retry_after) from error
    except OSError as error:
        raise Refused(503, "the feedback could not be kept", retry_after=_DISK_RETRY) from error
    response = answers.answer({"receipt": receipt, "items": len(rows)}, 202)
    response["Location"] = f"/api/feedback/{receipt}"
    response["Idempotent-Replay"] = "false" if is_new else "true"
    return response


@router.get("/feedback/{receipt}", operation_id="show_receipt", summary="What became of feedback you handed in")
def show_receipt(request: HttpRequest, receipt: str) -> HttpResponse:
    """received, taken, quarantined (with the place, field and reason of each item set aside) or refused.

    `cases` lists cases of these signals to those who may read them; a sender sees none. 404 for receipts of others.
    """
    sender = _sender(request)
    if not _RECEIPT.fullmatch(receipt) or not spool.belongs_to(receipt, sender.id):
        raise Refused(404, "there is nothing here")
    request.audit_subject = receipt  # type: ignore[attr-defined]
    found = receipts.standing(served(), receipt)
    if found is None:
        raise Refused(404, "there is nothing here")
    said = {"receipt": receipt, **asdict(found)}
    return answers.answer(said | ({"cases": _cases(request, receipt)} if sender.may("read") else {}))


def _sender(request: HttpRequest) -> Principal:
    """Who sends. 403 for a token that may not: a person's words come in by the case desk, not by this door."""
    principal: Principal = request.auth  # type: ignore[attr-defined]
    if not principal.may("send"):
        raise Refused(403, f"the role {principal.role} may not send")
    return principal


def _cases(request: HttpRequest, receipt: str) -> list[str]:
    """Cases in sight that the items opened or joined."""
    keys = receipts.signals_of(served(), receipt)
    name = f"{spool.SOURCE}|{spool.ENTITY}"
    signals = [md5(f"{name}|{key}".encode(), usedforsecurity=False).hexdigest() for key in keys]
    return sorted(enter(request).cases.visible(reading.cases_of_signals(signals)))
