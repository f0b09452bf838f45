"""Threads on cases, causes, reports and the programme.

Belongs here: reading and adding posts over HTTP. Not here: scope of a thread (`cases/threads.py`).
"""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse
from ninja import Router

from cases import threads
from cases.threads import SubjectType
from casework import discussion
from desk import answers
from desk.context import Desk, enter
from desk.schemas import PostIn

router = Router(tags=["threads"])


@router.get("/threads/{subject_type}/{subject_id}", operation_id="read_thread", summary="The posts of a thread")
def read_thread(request: HttpRequest, subject_type: SubjectType, subject_id: str) -> HttpResponse:
    """Oldest first."""
    found = threads.posts(enter(request).cases, subject_type, subject_id)
    return answers.answer({"posts": [asdict(post) for post in found]})


@router.post("/threads/{subject_type}/{subject_id}", operation_id="add_post", summary="Say something in a thread")
def add_post(request: HttpRequest, subject_type: SubjectType, subject_id: str, body: PostIn) -> HttpResponse:
    """Personal data is taken out before it is kept."""
    desk = enter(request)
    threads.check_may_enter(desk.cases, subject_type, subject_id)
    return answers.once(request, desk, lambda: _say(desk, subject_type, subject_id, body))


def _say(desk: Desk, subject_type: SubjectType, subject_id: str, body: PostIn) -> tuple[int, object]:
    post = discussion.say(desk.engine, desk.cases, subject_type, subject_id, body.body, reply_to=body.reply_to)
    # Without the body: answers kept under a key must not outlive the erasure of what was said.
    return 201, {name: value for name, value in asdict(post).items() if name != "body"}
