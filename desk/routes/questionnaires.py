"""The owner's questionnaire: what is open, answering it, and the counts that name nobody.

Belongs here: the three over HTTP. Not here: who is asked (`casework/questions.py`), counting
(`models/questionnaire.py`).
"""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse
from ninja import Router

from cases import questionnaires
from cases.questionnaires import Scalar
from casework import discussion
from desk import answers
from desk.context import Desk, enter
from desk.errors import Refused
from desk.schemas import AnswersIn
from models.questionnaire import Given, counted

router = Router(tags=["questionnaires"])


@router.get("/questionnaires", operation_id="my_questions", summary="What you have been asked and not answered")
def my_questions(request: HttpRequest) -> HttpResponse:
    """Your own only, with the questions."""
    desk = enter(request)
    desk.cases.need("answer")
    questions = [question.model_dump() for question in desk.engine.programme.questionnaire.questions]
    found = questionnaires.open_questions(desk.principal.id)
    items = [{"case_id": item.case_id, "asked_at": item.asked_at} for item in found]
    return answers.answer({"items": items, "questions": questions})


@router.post("/questionnaires/{case_id}/answers", operation_id="answer_questions", summary="Answer about a closed case")
def answer_questions(request: HttpRequest, case_id: str, body: AnswersIn) -> HttpResponse:
    """Once, by who was asked; texts have personal data taken out."""
    desk = enter(request)
    desk.cases.need("answer")
    try:
        desk.engine.programme.questionnaire.check(body.answers)
    except ValueError as error:
        raise Refused(422, str(error)) from error
    return answers.once(request, desk, lambda: _keep(desk, case_id, body.answers))


def _keep(desk: Desk, case_id: str, given: dict[str, Scalar]) -> tuple[int, object]:
    clean = {
        code: discussion.redacted(desk.engine, said) if isinstance(said, str) else said for code, said in given.items()
    }
    questionnaires.answer(case_id, desk.principal.id, clean, at=desk.engine.recorded_at)
    return 200, {"case_id": case_id, "answered": True}


@router.get("/questionnaires/summary", operation_id="count_answers", summary="Answers counted so that nobody shows")
def count_answers(request: HttpRequest) -> HttpResponse:
    """Over everything, by question; texts are left out, small cells withheld."""
    desk = enter(request)
    desk.cases.need("count")
    plan = desk.engine.programme.questionnaire
    countable = {question.code for question in plan.questions if question.kind != "text"}
    given = [
        Given(item.owner_id, code, str(said))
        for item in questionnaires.given_answers()
        for code, said in item.answers.items()
        if code in countable and said is not None
    ]
    return answers.answer({"cells": [asdict(cell) for cell in counted(given, plan.smallest_cell)]})
