"""What open cases stand on: the teams they lie with and the calendars their promises run on.

Belongs here: questions a change of the programme must ask. Not here: the change (`casework/programme.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from cases.db import select_in
from cases.models import Standing
from models.case import OPEN_STATES, EventKind


def teams_of_open_cases() -> frozenset[str]:
    """Teams with at least one open case."""
    rows = Standing.objects.filter(state__in=list(OPEN_STATES), team__isnull=False).values_list("team", flat=True)
    return frozenset(str(team) for team in rows.distinct())


def calendars_of_open_cases() -> frozenset[str]:
    """Calendars that a promise to an open case runs on."""
    return frozenset(str(target["calendar"]) for targets in _promises() for target in targets if target.get("calendar"))


def _promises() -> Iterator[list[dict[str, object]]]:
    ids = [
        str(case_id)
        for case_id in Standing.objects.filter(state__in=list(OPEN_STATES)).values_list("case_id", flat=True)
    ]
    rows = select_in("kind, payload", "cases_caseevent", "case_id", ids)
    for kind, payload in rows:
        if kind == EventKind.SLA_APPLIED:
            yield json.loads(payload)["targets"]
