"""Follow-ups in one's own calendar, and the address of its feed.

Belongs here: planning, moving, cancelling over HTTP. Not here: the feed itself (`desk/calendar.py`).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from ninja import Router

from cases import access, followups, threads
from casework import discussion
from desk import answers
from desk.auth import wall_clock
from desk.context import Desk, enter
from desk.errors import Refused
from desk.schemas import FollowUpIn, FollowUpMove
from models.followup import FollowUpVersion, in_working_hours

router = Router(tags=["follow-ups"])
_FEED_LASTS = timedelta(days=365)


@router.get("/followups", operation_id="my_followups", summary="Your follow-ups")
def my_followups(request: HttpRequest) -> HttpResponse:
    """By start; cancelled ones too."""
    desk = enter(request)
    desk.cases.need("discuss")
    return answers.answer({"items": [asdict(item) for item in followups.of_owner(desk.principal.id)]})


@router.post("/followups", operation_id="plan_followup", summary="Plan a follow-up")
def plan_followup(request: HttpRequest, body: FollowUpIn) -> HttpResponse:
    """Put into working hours; planning the same again is the same one."""
    desk = enter(request)
    threads.check_may_enter(desk.cases, body.subject_type, body.subject_id)
    start = _working(desk, body.starts_at, body.minutes)
    title = discussion.redacted(desk.engine, body.title)

    def plan() -> tuple[int, object]:
        return 201, asdict(followups.plan(
            desk.principal.id, body.subject_type, body.subject_id, title=title, starts_at=start, minutes=body.minutes,
            recorded_at=desk.engine.recorded_at,
        ))  # fmt: skip

    return answers.once(request, desk, plan)


@router.put("/followups/{uid}", operation_id="move_followup", summary="Move a follow-up")
def move_followup(request: HttpRequest, uid: str, body: FollowUpMove) -> HttpResponse:
    """Your own; a cancelled one comes back."""
    desk = enter(request)
    desk.cases.need("discuss")
    start = _working(desk, body.starts_at, body.minutes)
    moved = followups.move(
        uid, desk.principal.id, starts_at=start, minutes=body.minutes, recorded_at=desk.engine.recorded_at
    )
    return answers.answer(asdict(moved))


@router.delete("/followups/{uid}", operation_id="cancel_followup", summary="Cancel a follow-up")
def cancel_followup(request: HttpRequest, uid: str) -> HttpResponse:
    """It is sent as cancelled, so that it leaves the calendar."""
    desk = enter(request)
    desk.cases.need("discuss")
    gone: FollowUpVersion = followups.cancel(uid, desk.principal.id, recorded_at=desk.engine.recorded_at)
    return answers.answer(asdict(gone))


def _working(desk: Desk, wanted: datetime, minutes: int) -> datetime:
    """The wish in the hours of the owner's team, or of the first calendar there is."""
    engine = desk.engine
    position = desk.engine.org.position(desk.principal.id, engine.at)
    team = next((t for t in engine.programme.teams.teams if position is not None and t.has(position)), None)
    calendar = team.calendar if team is not None else engine.programme.sla.calendars[0].code
    try:
        # A calendar knows whole minutes.
        return in_working_hours(wanted.replace(second=0, microsecond=0), minutes, engine.programme.sla, calendar)
    except ValueError as error:
        raise Refused(422, "no working day is long enough for that") from error


@router.post("/calendar", operation_id="calendar_address", summary="Make the address of your calendar feed")
def calendar_address(request: HttpRequest) -> HttpResponse:
    """Shown once: whoever has it reads the feed, and nothing else. It lasts a year or until revoked."""
    desk = enter(request)
    desk.cases.need("discuss")
    now = wall_clock()
    token = access.issue_token(desk.principal.id, access.FEED_ROLE, at=now, expires_at=now + _FEED_LASTS)
    return answers.answer({"path": f"/calendar/{token}.ics", "expires_at": now + _FEED_LASTS}, 201)
