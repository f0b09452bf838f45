"""Standings against events: filled where they are missing, compared where somebody doubts them.

Belongs here: recomputing the one derived table from the fold. Not here: keeping it (every write does, `cases/store.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from cases import store
from cases.db import write_transaction
from cases.models import Case, Standing
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
    rows = store.event_rows(case.case_id)
    state = fold(store.as_event(row) for row in rows)
    place = store.place_of(case, store.as_event(rows[0]).payload)
    return standing(case.case_no, case.case_id, state, place, max(row.occurred_at for row in rows))


def differing() -> Iterator[str]:
    """Cases whose standing is not what their events say, or is missing."""
    stored = {row[0]: row for row in Standing.objects.values_list(*StandingRow._fields)}
    for case in Case.objects.order_by("case_no").iterator(_BATCH):
        if stored.pop(case.case_no, None) != tuple(derive(case)):
            yield case.case_id
    yield from (str(row[1]) for row in stored.values())
