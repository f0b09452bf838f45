"""The question put to the owner of a closed case, and the one answer to it.

Belongs here: asking within a weekly budget, taking each answer once, handing answers out for counting. Not here: which
closings are sampled, what is asked and how answers are counted (`models/questionnaire.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases import acting
from cases.acting import Change, Move
from cases.chain import canonical
from cases.db import write_transaction
from cases.errors import UnknownCase
from cases.models import Answer, Case
from cases.rows import SYSTEM
from models.case import EventKind

_WEEK = timedelta(days=7)
Scalar = str | int | float | bool | None


class AlreadyAnswered(ValueError):
    """An answer is given once: who said what about a case does not change afterwards."""


@dataclass(frozen=True, slots=True)
class Question:
    """One questionnaire put to an owner; `answers` is None until answered. Times are UTC."""

    case_id: str
    owner_id: str
    asked_at: datetime
    answered_at: datetime | None
    answers: Mapping[str, Scalar] | None


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """Answers to one questionnaire beside what the ledger thinks was the cause."""

    owner_id: str
    cause_id: str | None
    answers: Mapping[str, Scalar]


def ask(case_id: str, owner_id: str, *, asked_at: datetime, recorded_at: datetime, budget: int) -> bool:
    """Put the question to the owner unless asked before for this case or `budget` times in the last seven days.

    True when asked now; the case then says so in its history, in the same transaction.
    """
    with write_transaction():
        if Answer.objects.filter(case_id=case_id).exists():
            return False
        lately = Answer.objects.filter(owner_id=owner_id, asked_at__gt=asked_at - _WEEK, asked_at__lte=asked_at)
        if lately.count() >= budget:
            return False
        said = Move(EventKind.EMPLOYEE_ASKED, {"owner_id": owner_id})
        acting.make(Change(case_id, [said], SYSTEM, asked_at), recorded_at=recorded_at)
        Answer.objects.create(case_id=case_id, owner_id=owner_id, asked_at=asked_at)
    return True


def open_questions(owner_id: str) -> list[Question]:
    """What an owner has been asked and has not answered, oldest first."""
    return [_question(row) for row in Answer.objects.filter(owner_id=owner_id, answered_at=None).order_by("id")]


def answer(case_id: str, owner_id: str, answers: Mapping[str, Scalar], *, at: datetime) -> None:
    """Keep the owner's answers.

    Raises `UnknownCase` when this person was not asked about the case, and `AlreadyAnswered` the second time.
    """
    with write_transaction():
        row = Answer.objects.filter(case_id=case_id, owner_id=owner_id).first()
        if row is None:
            raise UnknownCase(case_id)
        if row.answered_at is not None:
            raise AlreadyAnswered("this questionnaire was answered before")
        row.answered_at, row.answers = at, canonical(dict(answers))
        row.save(update_fields=["answered_at", "answers"])


def given_answers() -> list[GivenAnswer]:
    """Every answer given, in the order of asking, for counting; never to be shown one by one."""
    rows = list(Answer.objects.exclude(answered_at=None).order_by("id"))
    heads = Case.objects.filter(case_id__in=[row.case_id for row in rows])
    causes: dict[str, str | None] = dict(heads.values_list("case_id", "cause_id"))
    return [GivenAnswer(row.owner_id, causes.get(row.case_id), json.loads(row.answers or "{}")) for row in rows]


def _question(row: Answer) -> Question:
    given = None if row.answers is None else json.loads(row.answers)
    return Question(row.case_id, row.owner_id, row.asked_at, row.answered_at, given)
