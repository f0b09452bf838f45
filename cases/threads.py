"""Threads: what colleagues say to each other about a case, a cause, a report or the programme itself.

Belongs here: keeping posts, reading them in the scope of who asks, erasing their words. Not here: taking personal data
out of a body (`casework/discussion.py` does, before it calls), deciding scope (`cases/scope.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from cases.db import write_transaction
from cases.errors import UnknownCase
from cases.models import Post
from cases.rows import text_digest
from cases.scope import CaseRepository
from models.access import POWERS, Principal

SubjectType = Literal["case", "cause", "report", "programme"]
SUBJECT_TYPES: tuple[SubjectType, ...] = get_args(SubjectType)
LONGEST = 8_000


class UnknownThread(UnknownCase):
    """There is no such thread, or it may not be seen, or the post answered is not in it."""


@dataclass(frozen=True, slots=True)
class ThreadPost:
    """One contribution; `body` is None once erased, `body_sha256` says what it was. `created_at` is UTC."""

    post_id: int
    author_id: str
    body: str | None
    body_sha256: str
    created_at: datetime
    reply_to: int | None


def posts(cases: CaseRepository, subject_type: SubjectType, subject_id: str) -> list[ThreadPost]:
    """The posts of a thread, oldest first. Raises `UnknownThread` outside the scope, `Forbidden` without the power."""
    check_may_enter(cases, subject_type, subject_id)
    rows = Post.objects.filter(subject_type=subject_type, subject_id=subject_id).order_by("id")
    return [_post(row) for row in rows]


def add_post(
    cases: CaseRepository,
    subject_type: SubjectType,
    subject_id: str,
    body: str,
    *,
    at: datetime,
    reply_to: int | None = None,
) -> ThreadPost:
    """Say something in a thread; `body` has had personal data taken out by the caller.

    Raises `UnknownThread` outside the scope, and `ValueError` for an empty body or one over `LONGEST` characters.
    """
    if not body.strip() or len(body) > LONGEST:
        raise ValueError(f"a post has between 1 and {LONGEST} characters")
    with write_transaction():
        check_may_enter(cases, subject_type, subject_id)
        if reply_to is not None and not _is_in(reply_to, subject_type, subject_id):
            raise UnknownThread(subject_id)
        row = Post.objects.create(
            subject_type=subject_type, subject_id=subject_id, author_id=cases.principal.id, body=body,
            body_sha256=text_digest(body), created_at=at, reply_to=reply_to,
        )  # fmt: skip
    return _post(row)


def _is_in(post_id: int, subject_type: str, subject_id: str) -> bool:
    return Post.objects.filter(id=post_id, subject_type=subject_type, subject_id=subject_id).exists()


def check_may_enter(cases: CaseRepository, subject_type: SubjectType, subject_id: str) -> None:
    """Refuse whoever may not see a thread, as `posts` does.

    Whoever sees the case sees its thread, whoever sees a case of a cause the cause's; reports are not for agents.
    """
    cases.need("discuss")
    if subject_type == "case":
        cases.require(subject_id, "read")
    elif not _sees(cases, subject_type, subject_id):
        raise UnknownThread(subject_id)


def _sees(cases: CaseRepository, subject_type: SubjectType, subject_id: str) -> bool:
    if subject_type == "report":
        return _sees_reports(cases.principal)
    # Who may count but not read has no case in scope, but causes are what such a role works on.
    return subject_type == "programme" or not cases.principal.may("read") or cases.sees_cause(subject_id)


def _sees_reports(principal: Principal) -> bool:
    return "export" in POWERS[principal.role] or principal.role in ("qa", "analyst")


def _post(row: Post) -> ThreadPost:
    return ThreadPost(row.id, row.author_id, row.body, row.body_sha256, row.created_at, row.reply_to)
