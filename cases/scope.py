"""The one way to read cases for somebody: every query carries the scope of who asks.

Belongs here: `CaseRepository` and the scope as SQL. Not here: how far a role reaches (`models/access.py`), the lines of
a list (`cases/listing.py`), changing a case (ask `require` first, then `cases.services`). What does not exist and what
may not be seen are the same refusal, `UnknownCase`: nobody learns which ids there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from cases import incidents, listing, reading
from cases.db import chunks, read_snapshot
from cases.errors import UnknownCase
from cases.listing import CaseFilter, CaseLine
from cases.models import Case, OutboxMessage, Standing, SubjectRef
from models.access import Power, Principal, Reach, reaches
from models.case import OPEN_STATES, CaseKind, CaseState
from models.sla import SlaPolicy
from models.staff import OrgChart, Teams

PAGE = 50
# A filter that asks for time reads the clocks case by case, so one page looks at so many cases and then says where to
# go on: a page may come back short, never slow.
LOOKED_AT = 500
SMALL_CELL = 5
COUNTED_BY = ("state", "severity", "case_kind", "team", "region", "branch_id", "owner_id")
# For those who may count but not read: nothing that names a person or a place so small that it is one.
COUNTED_BLIND = ("state", "severity", "case_kind", "team", "region")


class Forbidden(PermissionError):
    """The role does not have that power on any case."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, newest case first; `next_after` is the case to go on after, None at the end."""

    items: tuple[CaseLine, ...]
    next_after: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """How many cases have a value; `cases` is None where the cell is too small to be told."""

    value: str | None
    cases: int | None


class CaseRepository:
    """Cases as one principal sees them at one moment (UTC). Raises `Forbidden` where the role lacks the power."""

    def __init__(
        self, principal: Principal, org: OrgChart, at: datetime, *, teams: Teams, sla: SlaPolicy | None = None
    ) -> None:
        self.principal = principal
        self.at = at
        self._sla = sla
        self._scope = scope_of(reaches(principal, org, teams, at))

    def _scoped(self, power: Power) -> QuerySet[Standing]:
        self.need(power)
        return Standing.objects.filter(self._scope)

    def need(self, power: Power) -> None:
        """Raise `Forbidden` unless the role has the power."""
        if not self.principal.may(power):
            raise Forbidden(f"the role {self.principal.role} may not {power}")

    def require(self, case_id: str, power: Power = "read") -> None:
        """Raise `UnknownCase` unless the case exists and is in scope: asked before everything done to a case."""
        if not self._scoped(power).filter(case_id=case_id).exists():
            raise UnknownCase(case_id)

    def visible(self, case_ids: Iterable[str], power: Power = "read") -> frozenset[str]:
        """Those of the ids that are in scope."""
        scoped = self._scoped(power)
        found: set[str] = set()
        for chunk in chunks(sorted(set(case_ids))):
            found.update(scoped.filter(case_id__in=chunk).values_list("case_id", flat=True))
        return frozenset(found)

    def page(self, wanted: CaseFilter | None = None, *, after: str | None = None, limit: int = PAGE) -> Page:
        """A page of cases that fit, newest first, going on after a case seen. A fixed number of queries.

        Raises `UnknownCase` when `after` is not in scope.
        """
        wanted = wanted or CaseFilter()
        with read_snapshot():
            rows = self._scoped("read").filter(wanted.condition()).order_by("-case_no")
            if after is not None:
                rows = rows.filter(case_no__lt=self._number(after))
            if wanted.asks_for_time:
                return self._timed_page(rows, wanted, limit)
            found = list(rows[: limit + 1])
            lines = listing.lines(found[:limit], self._sla, self.at)
        return Page(tuple(lines), found[limit - 1].case_id if len(found) > limit else None)

    def _timed_page(self, rows: QuerySet[Standing], wanted: CaseFilter, limit: int) -> Page:
        found = list(rows[: LOOKED_AT + 1])
        looked_at = found[:LOOKED_AT]
        fitting = [line for line in listing.lines(looked_at, self._sla, self.at) if wanted.fits_in_time(line)]
        if len(fitting) > limit:
            return Page(tuple(fitting[:limit]), fitting[limit - 1].case_id)
        return Page(tuple(fitting), looked_at[-1].case_id if len(found) > LOOKED_AT else None)

    def _number(self, case_id: str, power: Power = "read") -> int:
        number = self._scoped(power).filter(case_id=case_id).values_list("case_no", flat=True).first()
        if number is None:
            raise UnknownCase(case_id)
        return int(number)

    def get(self, case_id: str) -> dict[str, Any]:
        """Everything behind a case as JSON-ready values, with what its clocks say now.

        `incidents` are those in scope that its signals belong to; `members` whom it has hit, where it is one itself.
        """
        with read_snapshot():
            self.require(case_id)
            row = Standing.objects.get(case_id=case_id)
            (line,) = listing.lines([row], self._sla, self.at)
            told = reading.explain(case_id) | {"time": listing.time_of(line)}
            is_incident = row.case_kind == CaseKind.BREAKDOWN.value
            return told | {
                "incidents": sorted(self.visible(incidents.incidents_of(case_id))),
                "members": asdict(incidents.members(case_id)) if is_incident else None,
            }

    def state(self, case_id: str, power: Power = "read") -> CaseState:
        """State of a case in scope."""
        with read_snapshot():
            self.require(case_id, power)
            return reading.state_of(case_id)

    def history(self, case_id: str) -> list[dict[str, Any]]:
        """The events of a case in scope, in order."""
        events: list[dict[str, Any]] = self.get(case_id)["events"]
        return events

    def search(self, term: str, *, limit: int = PAGE) -> Page:
        """Cases whose number, customer or subject is the term or whose number begins with it; typed text is not searched.

        Terms under three characters find nothing: they would list, not search.
        """
        if len(term.strip()) < 3:
            self.need("read")
            return Page((), None)
        word = term.strip()
        heads = Case.objects.filter(Q(customer_id=word) | Q(subject_id=word)).values("case_no")
        about = SubjectRef.objects.filter(ref_id=word).values("case_id")
        with read_snapshot():
            fitting = Q(case_id__startswith=word) | Q(case_no__in=heads) | Q(case_id__in=about)
            found = list(self._scoped("read").filter(fitting).order_by("-case_no")[:limit])
            return Page(tuple(listing.lines(found, self._sla, self.at)), None)

    def queue(self, *, limit: int = PAGE) -> tuple[CaseLine, ...]:
        """Open cases nobody owns, worst first, then those that wait longest."""
        with read_snapshot():
            rows = self._scoped("read").filter(state__in=list(OPEN_STATES), owner_id=None)
            found = list(rows.order_by("severity", "opened_at", "case_no")[:limit])
            return tuple(listing.lines(found, self._sla, self.at))

    def counts(self, by: str = "state") -> tuple[Cell, ...]:
        """How many cases there are by one attribute.

        For a role that may count but not read, cells with fewer than `SMALL_CELL` customers are suppressed, and if the
        suppressed ones could be worked out from the total, the next smallest as well. Raises `ValueError` for an
        attribute that is not counted by, and `Forbidden` for one such a role may not count by.
        """
        if by not in COUNTED_BY:
            raise ValueError(f"cases are counted by {', '.join(COUNTED_BY)}")
        is_blind = not self.principal.may("read")
        if is_blind and by not in COUNTED_BLIND:
            raise Forbidden(f"the role {self.principal.role} counts by {', '.join(COUNTED_BLIND)} only")
        customer = Case.objects.filter(case_no=OuterRef("case_no")).values("customer_id")
        rows = self._scoped("count").annotate(customer=Subquery(customer)).values_list(by)
        cells = rows.annotate(cases=Count("case_no"), people=Count("customer", distinct=True)).order_by(by)
        found = [(None if value is None else str(value), cases, people) for value, cases, people in cells]
        return _suppressed(found) if is_blind else tuple(Cell(value, cases) for value, cases, _ in found)

    def parked_messages(self, *, limit: int = PAGE) -> list[dict[str, Any]]:
        """Messages whose fate is unknown and that wait for a person, oldest first, without their words."""
        mine = self._scoped("read").values("case_id")
        rows = OutboxMessage.objects.filter(state="parked", case_id__in=mine).order_by("message_no")
        return list(
            rows.values(
                "message_no", "case_id", "purpose", "channel", "template", "severity", "created_at", "attempts"
            )[:limit]
        )

    def message_case(self, message_no: int, power: Power) -> str:
        """The case a message belongs to. Raises `UnknownCase` when there is none in scope."""
        case_id = OutboxMessage.objects.filter(message_no=message_no).values_list("case_id", flat=True).first()
        if case_id is None:
            raise UnknownCase(str(message_no))
        self.require(case_id, power)
        return str(case_id)

    def sees_cause(self, cause_id: str) -> bool:
        """Whether at least one case of the cause is in scope."""
        of_cause = Case.objects.filter(cause_id=cause_id).values("case_no")
        return self._scoped("read").filter(case_no__in=of_cause).exists()

    def export(self, *, after: str | None = None, limit: int = LOOKED_AT) -> Page:
        """A piece of everything in scope, newest first; go on with `next_after` until it is None."""
        rows = self._scoped("export").order_by("-case_no")
        with read_snapshot():
            if after is not None:
                rows = rows.filter(case_no__lt=self._number(after, "export"))
            found = list(rows[: limit + 1])
            lines = listing.lines(found[:limit], self._sla, self.at)
        return Page(tuple(lines), found[limit - 1].case_id if len(found) > limit else None)


def scope_of(found: Sequence[Reach]) -> Q:
    """The scope as a condition on `Standing`: true where any reach covers the case, as `Reach.covers` says it."""
    condition = Q(pk__in=[])
    for reach in found:
        condition |= _reach(reach)
    return condition


def _reach(reach: Reach) -> Q:
    if reach.is_everything:
        within = Q()
    else:
        within = Q(owner_id__in=sorted(reach.people)) | Q(team__in=sorted(reach.teams))
        within |= Q(branch_id__in=sorted(reach.branches)) | Q(branch_id=None, region__in=sorted(reach.regions))
    if reach.opened_from is not None:
        within &= Q(opened_at__gte=reach.opened_from)
    if reach.opened_before is not None:
        within &= Q(opened_at__lt=reach.opened_before)
    # An empty condition means everything only on purpose.
    return within if within else ~Q(pk__in=[])


def _suppressed(cells: list[tuple[str | None, int, int]]) -> tuple[Cell, ...]:
    """Small cells without their number, and one more if a single hidden cell would follow from the total."""
    hidden = {index for index, (_, _, people) in enumerate(cells) if people < SMALL_CELL}
    if len(hidden) == 1 and len(cells) > 1:
        hidden.add(min((i for i in range(len(cells)) if i not in hidden), key=lambda i: cells[i][1]))
    return tuple(Cell(value, None if i in hidden else cases) for i, (value, cases, _) in enumerate(cells))
