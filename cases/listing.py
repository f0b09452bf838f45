"""Lines of a list of cases: standing, head and clocks put together in a fixed number of queries.

Belongs here: the filter, the line and how it is filled. Not here: who may see it (`cases/scope.py`), what the clocks
mean (`models/clocks.py`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from cases.db import chunks, select_in
from cases.models import Case, CaseEvent, Standing
from models.case import OPEN_STATES, EventKind, State
from models.case import CaseEvent as Event
from models.clocks import SlaClock, clocks
from models.sla import SlaPolicy

# In these no clock counts any more.
_OVER = frozenset({State.LOOP_CLOSED, State.EXPIRED, State.INVALID, State.MERGED})
_HEAD = ("case_no", "customer_id", "cause_id", "theme_id", "subject_type", "subject_id", "value_usd", "segment")


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case in a list. `due_at` is when the next live clock falls due, None while it is paused or without one;
    `seconds_left` counts on that clock (business time where the target says so), negative once overdue."""

    case_id: str
    case_kind: str
    state: str
    severity: int
    version: int
    opened_at: datetime
    last_event_at: datetime
    team: str | None
    owner_id: str | None
    branch_id: str | None
    region: str | None
    customer_id: str | None
    cause_id: str | None
    theme_id: str | None
    subject_type: str
    subject_id: str
    value_usd: float | None
    segment: str | None
    next_metric: str | None = None
    due_at: datetime | None = None
    seconds_left: int | None = None
    is_overdue: bool = False


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list is narrowed to; what is None or empty narrows nothing. `due_within_seconds` counts on the clock."""

    states: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    owner_id: str | None = None
    is_unowned: bool = False
    severities: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()
    opened_from: datetime | None = None
    opened_before: datetime | None = None
    is_overdue: bool | None = None
    due_within_seconds: int | None = None

    @property
    def asks_for_time(self) -> bool:
        """Whether the clocks must be read to answer."""
        return self.is_overdue is not None or self.due_within_seconds is not None

    def condition(self) -> Q:
        """The part the database can answer."""
        lists = {"state__in": self.states, "team__in": self.teams, "severity__in": self.severities,
                 "case_kind__in": self.kinds}  # fmt: skip
        condition = Q(**{key: list(values) for key, values in lists.items() if values})
        if self.owner_id is not None:
            condition &= Q(owner_id=self.owner_id)
        if self.is_unowned:
            condition &= Q(owner_id=None)
        if self.opened_from is not None:
            condition &= Q(opened_at__gte=self.opened_from)
        if self.opened_before is not None:
            condition &= Q(opened_at__lt=self.opened_before)
        if self.is_overdue or self.due_within_seconds is not None:
            condition &= ~Q(state__in=list(_OVER))
        return condition

    def fits_in_time(self, line: CaseLine) -> bool:
        """The part the clocks answer."""
        if self.is_overdue is not None and line.is_overdue is not self.is_overdue:
            return False
        limit = self.due_within_seconds
        return limit is None or (line.seconds_left is not None and line.seconds_left <= limit)


def lines(rows: Sequence[Standing], sla: SlaPolicy | None, at: datetime) -> list[CaseLine]:
    """The lines of these standings in their order; two queries however many there are."""
    heads = {
        head["case_no"]: head for head in Case.objects.filter(case_no__in=[r.case_no for r in rows]).values(*_HEAD)
    }
    running = [row.case_id for row in rows if row.state not in _OVER]
    events = _events(running) if sla is not None else {}
    return [_line(row, heads[row.case_no], _next_clock(events.get(row.case_id, []), sla, at)) for row in rows]


def time_of(line: CaseLine) -> dict[str, Any]:
    """The part of a line that is about time, as JSON-ready values."""
    said = asdict(line)
    due_at = None if line.due_at is None else line.due_at.isoformat()
    return {name: said[name] for name in ("next_metric", "seconds_left", "is_overdue")} | {"due_at": due_at}


def _events(case_ids: Sequence[str]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    rows = CaseEvent.objects.filter(case_id__in=case_ids).order_by("event_id")
    columns = ("case_id", "kind", "occurred_at", "payload", "seq", "actor_type", "actor_id")
    for case_id, kind, occurred_at, payload, seq, actor_type, actor_id in rows.values_list(*columns):
        # Of the payloads only the targets matter to a clock.
        said = json.loads(payload) if kind == EventKind.SLA_APPLIED else {}
        found[case_id].append(Event(EventKind(kind), occurred_at, said, seq, actor_type, actor_id))
    return found


def _next_clock(events: Sequence[Event], sla: SlaPolicy | None, at: datetime) -> SlaClock | None:
    """The live clock with the least time left; one that is overdue comes first."""
    if sla is None or not events:
        return None
    live = [clock for clock in clocks(events, sla, at) if clock.is_live]
    return min(live, key=_seconds_left, default=None)


def _seconds_left(clock: SlaClock) -> int:
    return clock.target_seconds - clock.used_seconds


def _line(row: Standing, head: dict[str, Any], clock: SlaClock | None) -> CaseLine:
    value = head["value_usd"]
    return CaseLine(
        case_id=row.case_id, case_kind=row.case_kind, state=row.state, severity=row.severity, version=row.version,
        opened_at=row.opened_at, last_event_at=row.last_event_at, team=row.team, owner_id=row.owner_id,
        branch_id=row.branch_id, region=row.region, customer_id=head["customer_id"], cause_id=head["cause_id"],
        theme_id=head["theme_id"], subject_type=head["subject_type"], subject_id=head["subject_id"],
        value_usd=None if value is None else float(value), segment=head["segment"],
        next_metric=clock.metric if clock else None, due_at=clock.due_at if clock else None,
        seconds_left=_seconds_left(clock) if clock else None, is_overdue=clock is not None and _is_overdue(clock),
    )  # fmt: skip


def _is_overdue(clock: SlaClock) -> bool:
    return clock.breached_at is not None


def customers_with_open_cases(customer_ids: Sequence[str]) -> frozenset[str]:
    """Those of the customers about whom a case is open."""
    rows = select_in("case_no, customer_id", "cases_case", "customer_id", customer_ids)
    numbers = [int(number) for number, _ in rows]
    still_open: set[int] = set()
    for part in chunks(numbers):
        found = Standing.objects.filter(case_no__in=part, state__in=list(OPEN_STATES))
        still_open.update(found.values_list("case_no", flat=True))
    return frozenset(str(customer) for number, customer in rows if number in still_open)
