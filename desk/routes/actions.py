"""Moves on a case: each asks the scope, names the version seen, and says what the engine lets a person say.

Belongs here: events, assignment, notes and offers over HTTP. Not here: which move is legal (`models/case.py`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from cases import offers
from casework import discussion
from desk import answers
from desk.context import Desk, enter
from desk.errors import Refused
from desk.schemas import PAYLOADS, AssignIn, EventIn, NoteIn, OfferIn, OriginalIn
from models.case import CaseState, EventKind
from models.playbook import Offer

router = Router(tags=["moves"])


@router.post("/cases/{case_id}/events", operation_id="add_event", summary="Say what happened to a case")
def add_event(request: HttpRequest, case_id: str, body: EventIn) -> HttpResponse:
    """If-Match names the version seen: 428 without it, 412 with the difference when the case has moved on."""
    desk = enter(request)
    desk.cases.require(case_id, "change")
    seen = answers.seen_version(request)
    payload = _payload(desk, body)
    return answers.once(request, desk, lambda: _moved(case_id, _act(desk, case_id, body.kind, payload, seen)))


def _payload(desk: Desk, body: EventIn) -> dict[str, Any]:
    """What the kind may say, and nothing else; reasons stay in the chain for ever, so personal data is taken out."""
    if body.kind not in PAYLOADS:
        raise Refused(422, f"{body.kind} is not said this way")
    if body.payload.keys() - PAYLOADS[body.kind]:
        raise Refused(422, f"{body.kind} says {', '.join(sorted(PAYLOADS[body.kind])) or 'nothing more'}")
    payload: dict[str, Any] = {key: value for key, value in body.payload.items() if value is not None}
    if isinstance(payload.get("reason"), str):
        payload["reason"] = discussion.redacted(desk.engine, payload["reason"])
    if body.kind is EventKind.ROUTED:
        desk.cases.need("approve")
        if desk.engine.programme.teams.team(payload.get("team")) is None:
            raise Refused(422, "there is no such team")
    if body.kind is EventKind.MERGED and isinstance(payload.get("into"), str):
        desk.cases.require(payload["into"], "change")
    if "playbook_code" in payload and payload["playbook_code"] not in {p.code for p in desk.engine.programme.playbooks}:
        raise Refused(422, "there is no such playbook")
    if body.kind is EventKind.ESCALATED:
        payload["kind"] = "manual"
    return payload | ({"by": "person"} if body.kind is EventKind.PLAYBOOK_CHOSEN else {})


def _act(desk: Desk, case_id: str, kind: EventKind, payload: dict[str, Any], seen: int | None) -> CaseState:
    from casework import moves

    return moves.act(desk.engine, case_id, kind, payload, actor=desk.actor, expected_version=seen)


def _moved(case_id: str, state: CaseState) -> tuple[int, object]:
    return 200, answers.of_state(case_id, state)


@router.post("/cases/{case_id}/assign", operation_id="assign_case", summary="Give a case to a person")
def assign_case(request: HttpRequest, case_id: str, body: AssignIn) -> HttpResponse:
    """The person must be there; If-Match as for events."""
    from casework.assignment import assign_by_hand

    desk = enter(request)
    desk.cases.require(case_id, "change")
    seen = answers.seen_version(request)
    if desk.engine.org.positions and not desk.engine.org.is_present(body.owner_id, desk.engine.at):
        raise Refused(422, "that person is away or holds no position")
    reason = discussion.redacted(desk.engine, body.reason)

    def assign() -> tuple[int, object]:
        state = assign_by_hand(
            desk.engine, case_id, body.owner_id, reason=reason, actor=desk.actor, expected_version=seen
        )
        return _moved(case_id, state)

    return answers.once(request, desk, assign)


@router.post("/cases/{case_id}/notes", operation_id="add_note", summary="Add a note to a case")
def add_note(request: HttpRequest, case_id: str, body: NoteIn) -> HttpResponse:
    """A note changes nothing somebody else could have changed, so it needs no version."""
    desk = enter(request)
    desk.cases.require(case_id, "change")
    note = {"note": body.note}
    return answers.once(request, desk, lambda: _moved(case_id, _act(desk, case_id, EventKind.NOTE_ADDED, note, None)))


@router.post(
    "/cases/{case_id}/originals", operation_id="open_original", summary="Read a signal's words before redaction"
)
def open_original(request: HttpRequest, case_id: str, body: OriginalIn) -> HttpResponse:
    """For the present owner only, with a reason; every look is an event of the case. 410 once the person was erased.

    An Idempotency-Key is of no account here: answers given once are kept, and these words are kept nowhere.
    """
    from casework import originals

    desk = enter(request)
    desk.cases.require(case_id, "change")
    found = originals.open_original(desk.engine, case_id, body.signal_id, actor=desk.actor, reason=body.reason)
    said = {"case_id": case_id, "signal_id": found.signal_id, "texts": dict(found.texts)}
    return answers.versioned(said, found.version)


@router.post("/cases/{case_id}/offers", operation_id="offer", summary="Ask for, agree to, refuse or issue an offer")
def offer(request: HttpRequest, case_id: str, body: OfferIn) -> HttpResponse:
    """Idempotency-Key is required. Caps are checked in the transaction that issues; nobody agrees to their own request."""
    desk = enter(request)
    desk.cases.require(case_id, "approve" if body.step in ("approve", "refuse") else "change")
    found = _offer(desk, body.offer_code)
    return answers.once(request, desk, lambda: _step(desk, case_id, found, body), required=True)


def _offer(desk: Desk, code: str) -> Offer:
    offered = (item for text in desk.engine.programme.playbooks for item in text.playbook.offers)
    found = next((item for item in offered if item.code == code), None)
    if found is None:
        raise Refused(422, "there is no such offer")
    return found


def _step(desk: Desk, case_id: str, found: Offer, body: OfferIn) -> tuple[int, object]:
    engine = desk.engine
    when: dict[str, Any] = {"by": desk.actor, "at": engine.at, "recorded_at": engine.recorded_at}
    said: dict[str, Any] = {"case_id": case_id, "offer_code": found.code, "step": body.step}
    if body.step == "request":
        if body.amount_usd is None:
            raise Refused(422, "a request names an amount")
        amount = Decimal(str(body.amount_usd)).quantize(Decimal("0.01"))
        said["needs_role"] = offers.request(case_id, found, amount, **when)
    elif body.step == "approve":
        offers.approve(case_id, found, role=desk.principal.role, **when)
    elif body.step == "refuse":
        if body.reason is None:
            raise Refused(422, "a refusal has a reason")
        offers.refuse(case_id, found.code, reason=discussion.redacted(engine, body.reason), **when)
    else:
        said["redemption_code"] = offers.issue(case_id, found, **when)
    return 200, said
