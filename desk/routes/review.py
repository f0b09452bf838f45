"""The queue of review: signals that wait for somebody's word, and that word.

Belongs here: both over HTTP, within reach. Not here: which signals are asked about (`ml/`), how an answer is kept
(`casework/review.py`). What the model thinks is in the answer to a label and in nothing before it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router

from casework import review
from desk import answers
from desk.context import Desk, enter
from desk.errors import Refused
from desk.schemas import LabelIn
from models.access import Reach, reaches

router = Router(tags=["review"])
Asked = Literal["cause", "severity", "sentiment", "kind", "theme", "is_valid"]


def _reach(desk: Desk) -> tuple[Reach, ...]:
    """How far the reader sees: those of a region or branch label what came from there."""
    desk.cases.need("label")
    return reaches(desk.principal, desk.engine.org, desk.engine.programme.teams, desk.engine.at)


@router.get("/review", operation_id="review_queue", summary="Signals that wait for your word, most urgent first")
def review_queue(request: HttpRequest, question: Asked | None = None, limit: int = 20) -> HttpResponse:
    """At most 50, with their redacted words; items you answered, or enough others did, are left out."""
    desk = enter(request)
    reach = _reach(desk)
    found = review.waiting(desk.engine, desk.principal.id, question=question, limit=max(1, min(limit, 50)), reach=reach)
    asked = sorted({item.question for item in found})
    allowed = {name: review.answers_allowed(desk.engine, name) for name in asked}
    return answers.answer({"items": [asdict(item) for item in found], "answers": allowed})


@router.post("/review/labels", operation_id="label_signal", summary="Say what a signal is about")
def label_signal(request: HttpRequest, body: LabelIn) -> HttpResponse:
    """`value` null says you cannot tell. Another answer of yours replaces the first; both stay on record."""
    desk = enter(request)
    reach = _reach(desk)
    return answers.once(request, desk, lambda: _keep(desk, body, reach))


def _keep(desk: Desk, body: LabelIn, reach: tuple[Reach, ...]) -> tuple[int, object]:
    try:
        told = review.label(
            desk.engine, body.signal_id, body.question, body.value, who=desk.principal.id,
            is_quality_review=desk.principal.role == "qa", reach=reach,
        )  # fmt: skip
    except review.UnknownSignal as error:
        raise Refused(404, "there is no such signal in your sight") from error
    except ValueError as error:
        raise Refused(422, str(error)) from error
    said = {name: getattr(told.label, name) for name in ("label_id", "signal_id", "question", "value", "supersedes")}
    thought = {"model_value": told.model_value, "model_confidence": told.model_confidence}
    return 200, said | thought | {"model_agrees": told.model_agrees}
