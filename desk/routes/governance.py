"""Taking data out, taking words away, and seeing who looked: for those whose office it is.

Belongs here: export, erasure and the audit over HTTP. Not here: what is erased (`cases/erasure.py`).
"""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse
from ninja import Router

from cases import audit
from cases.erasure import erase_customer
from desk import answers
from desk.context import enter
from desk.schemas import ErasureIn

router = Router(tags=["governance"])


@router.get("/export", operation_id="export_cases", summary="Every case in scope, piece by piece")
def export_cases(request: HttpRequest, after: str | None = None) -> HttpResponse:
    """500 per piece; go on with `after=<next_after>`. No typed text is in it."""
    return answers.answer(answers.page(enter(request).cases.export(after=after)))


@router.post("/erasure", operation_id="erase", summary="Remove what was typed about a customer")
def erase(request: HttpRequest, body: ErasureIn) -> HttpResponse:
    """Typed texts, posts and message bodies go, the record that something was said stays. Safe to repeat."""
    desk = enter(request)
    desk.cases.need("erase")
    request.audit_subject = body.customer_id  # type: ignore[attr-defined]
    return answers.once(request, desk, lambda: (200, asdict(erase_customer(body.customer_id))))


@router.get("/audit", operation_id="read_audit", summary="Who looked at or did what, newest first")
def read_audit(request: HttpRequest, before: int | None = None, subject_id: str | None = None) -> HttpResponse:
    """100 per page; go on with `before=<entry_id>`."""
    enter(request).cases.need("audit")
    found = audit.entries(before=before, subject_id=subject_id)
    return answers.answer({"items": [asdict(item) for item in found]})
