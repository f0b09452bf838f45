"""The feed of one person's follow-ups, for calendar programs that can send no header.

Belongs here: the address with its own token. Not here: planning follow-ups (`desk/routes/followups.py`).
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from cases import access, followups, people
from desk.auth import wall_clock
from models.followup import feed as as_calendar


@require_GET
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """The owner's follow-ups as `text/calendar`; 404 for any token that is not a feed's, and for who has left."""
    now = wall_clock()
    owner = access.feed_owner(token, at=now)
    if owner is None or _has_left(owner):
        return JsonResponse({"error": "there is nothing here"}, status=404)
    text = as_calendar(followups.of_owner(owner), name="Follow-ups")
    return HttpResponse(text, content_type="text/calendar; charset=utf-8")


def _has_left(owner: str) -> bool:
    """Known to HR once, but holding no position today."""
    now = wall_clock()
    org = people.org_chart(now)
    return any(p.employee_id == owner for p in org.positions) and org.position(owner, now) is None
