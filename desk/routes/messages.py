"""Messages to customers: queueing one, and what is parked for a person to decide.

Belongs here: both over HTTP. Not here: whether a message may leave (`models/contact.py`, asked when it is sent).
"""

from __future__ import annotations

from hashlib import sha256

from django.http import HttpRequest, HttpResponse
from ninja import Router

from cases import outbox
from casework import discussion, telling
from desk import answers
from desk.auth import wall_clock
from desk.context import Desk, enter
from desk.errors import Refused
from desk.schemas import MessageIn, ReleaseIn
from models.template import FIELDS, TemplateFault

router = Router(tags=["messages"])
# What the case and the engine say: nobody writes in another company's or case's name, or makes up the code of an offer.
_OURS = frozenset({"company", "case_reference", "severity", "customer_reference", "state", "team", "redemption_code"})


@router.post("/cases/{case_id}/messages", operation_id="queue_message", summary="Queue a message to the customer")
def queue_message(request: HttpRequest, case_id: str, body: MessageIn) -> HttpResponse:
    """In the programme's words. Idempotency-Key is required; contact policy decides when it is sent."""
    desk = enter(request)
    desk.cases.require(case_id, "change")
    if body.values.keys() - (FIELDS.keys() - _OURS):
        raise Refused(422, f"a message is filled with {', '.join(sorted(FIELDS.keys() - _OURS))}")
    if body.template not in {text.code for text in desk.engine.programme.messages}:
        raise Refused(422, "there is no such message")
    if desk.engine.programme.message(body.template).head.delivery != "customer":
        raise Refused(422, "that message is for colleagues, not for customers")
    return answers.once(request, desk, lambda: _queue(request, desk, case_id, body), required=True)


def _queue(request: HttpRequest, desk: Desk, case_id: str, body: MessageIn) -> tuple[int, object]:
    key = sha256(f"{desk.principal.id}|{request.headers['Idempotency-Key']}".encode()).hexdigest()[:16]
    try:
        state = telling.tell_customer(
            desk.engine, case_id, body.template, body.values, actor=desk.actor, key=key, channel=body.channel
        )
    except TemplateFault as fault:
        raise Refused(422, "the message cannot be written with these values") from fault
    return 202, answers.of_state(case_id, state)


@router.get("/outbox/parked", operation_id="parked_messages", summary="Messages that wait for a person")
def parked_messages(request: HttpRequest) -> HttpResponse:
    """Of cases in scope, without their words."""
    return answers.answer({"items": enter(request).cases.parked_messages()})


@router.post("/outbox/{message_no}/release", operation_id="release_message", summary="Decide about a parked message")
def release_message(request: HttpRequest, message_no: int, body: ReleaseIn) -> HttpResponse:
    """Send it again, note that it was sent, or drop it; who decided and why is kept."""
    desk = enter(request)
    desk.cases.message_case(message_no, "release")

    def decide() -> tuple[int, object]:
        reason = discussion.redacted(desk.engine, body.reason)
        state = outbox.release(message_no, body.decision, by=desk.actor, reason=reason, now=wall_clock())
        return 200, {"message_no": message_no, "state": state}

    return answers.once(request, desk, decide)
