"""Open cases as the engine works through them: what waits for an owner, who carries what, whose clocks run.

Belongs here: set-wise reads for the engine's duties, built from the events. Not here: what is done about it
(`casework/`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cases import store
from cases.db import chunks, read_snapshot
from cases.models import Case, CaseEvent, Standing
from models.case import OPEN_STATES, SETTLED_STATES, CaseState, EventKind, fold
from models.case import CaseEvent as Event


@dataclass(frozen=True, slots=True)
class OpenCase:
    """One case with its history: the head's facts by name, the events, their fold, and whether people may be told."""

    case_id: str
    facts: dict[str, Any]
    events: tuple[Event, ...]
    state: CaseState
    outreach_suppressed: bool

    @property
    def last_touch(self) -> datetime:
        """When a person or a source last did something, else when the case opened."""
        touched = [event.occurred_at for event in self.events if event.actor_type != "system"]
        return max(touched, default=self.state.opened_at)


def waiting() -> list[OpenCase]:
    """Open cases without an owner."""
    with read_snapshot():
        rows = Standing.objects.filter(state__in=list(OPEN_STATES), owner_id__isnull=True)
        return list(_loaded(list(rows.order_by("case_no").values_list("case_id", flat=True))))


def owned() -> list[OpenCase]:
    """Open cases with an owner."""
    with read_snapshot():
        rows = Standing.objects.filter(state__in=list(OPEN_STATES), owner_id__isnull=False)
        return list(_loaded(list(rows.order_by("case_no").values_list("case_id", flat=True))))


def under_clock() -> list[OpenCase]:
    """Cases whose clocks may still run: open ones, and settled ones whose customer was not told yet."""
    with read_snapshot():
        states = [*OPEN_STATES, *SETTLED_STATES]
        ids = Standing.objects.filter(state__in=states).exclude(case_kind="excellence")
        cases = list(_loaded(list(ids.order_by("case_no").values_list("case_id", flat=True))))
    return [case for case in cases if case.state.is_open or case.state.customer_informed_at is None]


def opened_by(moment: datetime) -> list[OpenCase]:
    """Open cases, but praise, that opened at or before a moment: no other can have lain untouched since then."""
    with read_snapshot():
        rows = Standing.objects.filter(state__in=list(OPEN_STATES), opened_at__lte=moment).exclude(
            case_kind="excellence"
        )
        return list(_loaded(list(rows.order_by("case_no").values_list("case_id", flat=True))))


def opened_since(moment: datetime) -> list[OpenCase]:
    """Cases in whatever state, but praise, that opened at or after a moment: what targets were met and missed."""
    with read_snapshot():
        rows = Standing.objects.filter(opened_at__gte=moment).exclude(case_kind="excellence")
        return list(_loaded(list(rows.order_by("case_no").values_list("case_id", flat=True))))


def one(case_id: str) -> OpenCase | None:
    """One case whatever its state; None when there is none."""
    return next(_loaded([case_id]), None)


def load_by_owner(weigh: Any) -> dict[str, float]:
    """Work units of open cases per owner; `weigh(severity, kind)` gives the units of one."""
    load: dict[str, float] = defaultdict(float)
    rows = Standing.objects.filter(state__in=list(OPEN_STATES), owner_id__isnull=False)
    for owner, severity, kind in rows.values_list("owner_id", "severity", "case_kind"):
        load[str(owner)] += weigh(severity=severity, kind=kind)
    return dict(load)


def _loaded(ids: Sequence[str]) -> Iterator[OpenCase]:
    for chunk in chunks(ids):
        heads = {case.case_id: case for case in Case.objects.filter(case_id__in=chunk)}
        histories: dict[str, list[Event]] = defaultdict(list)
        rows = CaseEvent.objects.filter(case_id__in=chunk).order_by("case_id", "seq")
        for row in rows.values_list("case_id", "kind", "occurred_at", "payload", "seq", "actor_type", "actor_id"):
            case_id, kind, at, payload, seq, actor_type, actor_id = row
            histories[case_id].append(Event(EventKind(kind), at, json.loads(payload), seq, actor_type, actor_id))
        for case_id in chunk:
            if case_id in heads:
                yield _open_case(heads[case_id], histories[case_id])


def _open_case(head: Case, events: list[Event]) -> OpenCase:
    opening = events[0].payload
    state = fold(events)
    facts = store.case_facts(head, opening) | {"severity": state.severity}
    return OpenCase(head.case_id, facts, tuple(events), state, store.place_of(head, opening).outreach_suppressed)
