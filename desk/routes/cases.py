"""Looking at cases, and opening one by hand.

Belongs here: reads in scope and the one way to open. Not here: moves (`desk/routes/actions.py`).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from cases import services
from cases.listing import CaseFilter
from cases.scope import COUNTED_BY
from desk import answers
from desk.context import Desk, enter
from desk.errors import Refused
from desk.schemas import CaseQuery, OpenCaseIn

router = Router(tags=["cases"])


@router.get("/cases", operation_id="list_cases", summary="A page of cases in scope, newest first")
def list_cases(request: HttpRequest, query: Annotated[CaseQuery, Query()]) -> HttpResponse:
    """50 per page; go on with `after=<next_after>`. A search ignores the other filters."""
    desk = enter(request)
    # A filter spelt wrong must not answer with everything.
    if request.GET.keys() - CaseQuery.model_fields.keys():
        raise Refused(422, f"a list is narrowed by {', '.join(CaseQuery.model_fields)}")
    if query.search is not None:
        return answers.unless_known(request, answers.page(desk.cases.search(query.search)))
    found = desk.cases.page(_filter(query), after=query.after)
    return answers.unless_known(request, answers.page(found))


def _filter(query: CaseQuery) -> CaseFilter:
    return CaseFilter(
        states=tuple(query.state), teams=tuple(query.team), owner_id=query.owner, is_unowned=query.unowned,
        severities=tuple(query.severity), kinds=tuple(query.kind), opened_from=query.opened_from,
        opened_before=query.opened_before, is_overdue=query.overdue, due_within_seconds=query.due_within_seconds,
    )  # fmt: skip


@router.get("/cases/{case_id}", operation_id="show_case", summary="Everything about one case")
def show_case(request: HttpRequest, case_id: str) -> HttpResponse:
    """The ETag is the version an edit names."""
    found = enter(request).cases.get(case_id)
    return answers.versioned(found, int(found["state"]["version"]))


@router.get("/cases/{case_id}/history", operation_id="case_history", summary="The events of one case")
def case_history(request: HttpRequest, case_id: str) -> HttpResponse:
    """In order; what people typed is in it until erased."""
    events = enter(request).cases.history(case_id)
    return answers.versioned({"events": events}, len(events))


@router.get("/queue", operation_id="queue", summary="Open cases nobody owns, worst and longest waiting first")
def queue(request: HttpRequest) -> HttpResponse:
    """At most one page: what comes next, not everything."""
    found = enter(request).cases.queue()
    return answers.answer({"items": [answers.line(item) for item in found]})


@router.get("/counts", operation_id="count_cases", summary="How many cases there are by one attribute")
def count_cases(request: HttpRequest, by: str = "state") -> HttpResponse:
    """Small cells are suppressed for those who may count but not read."""
    if by not in COUNTED_BY:
        raise Refused(422, f"cases are counted by {', '.join(COUNTED_BY)}")
    cells = enter(request).cases.counts(by)
    return answers.answer({"by": by, "cells": [{"value": cell.value, "cases": cell.cases} for cell in cells]})


@router.post("/cases", operation_id="open_case", summary="Open a case by hand")
def open_case(request: HttpRequest, body: OpenCaseIn) -> HttpResponse:
    """Routed and under targets like any other. Idempotency-Key is required: a retry opens nothing twice."""
    desk = enter(request)
    desk.cases.need("change")
    if (body.subject_type is None) != (body.subject_id is None) or not (body.customer_id or body.subject_id):
        raise Refused(422, "a case is about a customer, or about a subject with its type")
    return answers.once(request, desk, lambda: _open(request, desk, body), required=True)


def _open(request: HttpRequest, desk: Desk, body: OpenCaseIn) -> tuple[int, object]:
    from casework.moves import open_by_hand

    subject = (body.subject_type, body.subject_id) if body.subject_type and body.subject_id else None
    key = sha256(f"{desk.principal.id}|{request.headers['Idempotency-Key']}".encode()).hexdigest()[:32]
    case_id = open_by_hand(
        desk.engine, actor=desk.actor, reason=body.reason, severity=body.severity, customer_id=body.customer_id,
        kind=body.kind, cause_id=body.cause_id, journey=body.journey, subject=subject, value_usd=body.value_usd,
        segment=body.segment, region=body.region, branch_id=body.branch_id, key=key,
    )  # fmt: skip
    # It may have been routed out of sight, or an open case of somebody else took the request in.
    if not desk.cases.visible([case_id]):
        return 202, {"case_id": None, "taken_in": True}
    return 201, answers.of_state(case_id, services.state_of(case_id))
