"""Standings against events: filled where they are missing, compared where somebody doubts them.

Belongs here: recomputing the one derived table from the fold. Not here: keeping it (every write does, `cases/store.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models.functions import Mod

from cases import store
from cases.chain import EventRow
from cases.db import chunks, write_transaction
from cases.models import Case, CaseEvent, Standing
from cases.rows import StandingRow, standing
from models.case import fold

_BATCH = 1_000


def rebuild_missing() -> int:
    """Write the standing of every case that has none; how many. Safe to repeat."""
    written = 0
    while True:
        known = Standing.objects.values("case_no")
        missing = list(Case.objects.exclude(case_no__in=known).order_by("case_no")[:_BATCH])
        if not missing:
            return written
        with write_transaction():
            store.write_standings([derive(case) for case in missing])
        written += len(missing)


def derive(case: Case) -> StandingRow:
    """The standing of a case from its events alone."""
    return _derived(case, store.event_rows(case.case_id))


def _derived(case: Case, rows: Sequence[EventRow]) -> StandingRow:
    events = [store.as_event(row) for row in rows]
    place = store.place_of(case, events[0].payload)
    return standing(case.case_no, case.case_id, fold(events), place, max(event.occurred_at for event in events))


def differing(step: int = 1) -> Iterator[str]:
    """Cases whose standing is not what their events say, or is missing; only every `step`-th case is looked at."""
    looked_at = Case.objects.annotate(rest=Mod("case_no", step)).filter(rest=0).order_by("case_no")
    numbers = list(looked_at.values_list("case_no", flat=True))
    for part in chunks(numbers):
        stored = {row[0]: row for row in Standing.objects.filter(case_no__in=part).values_list(*StandingRow._fields)}
        cases = list(Case.objects.filter(case_no__in=part).order_by("case_no"))
        histories = _histories([case.case_id for case in cases])
        for case in cases:
            if not _agrees(case, histories.get(case.case_id, []), stored.get(case.case_no)):
                yield case.case_id
    homeless = Standing.objects.exclude(case_no__in=Case.objects.values("case_no"))
    yield from homeless.values_list("case_id", flat=True)


def _agrees(case: Case, rows: Sequence[EventRow], stored: tuple[object, ...] | None) -> bool:
    try:
        return bool(rows) and stored == tuple(_derived(case, rows))
    except ValueError:
        # A history that cannot have happened has no standing to agree with.
        return False


def _histories(ids: Sequence[str]) -> dict[str, list[EventRow]]:
    histories: dict[str, list[EventRow]] = {}
    rows = CaseEvent.objects.filter(case_id__in=ids).order_by("case_id", "seq").values_list(*EventRow._fields)
    for row in rows.iterator(20_000):
        histories.setdefault(row[1], []).append(EventRow(*row))
    return histories
