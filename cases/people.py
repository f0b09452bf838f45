"""Positions and absences in the ledger: what HR said when, and who is away; the org chart is made of these.

Belongs here: storing them and reading the chart as it was known. Not here: questions about it (`models/staff.py`), where
HR's rows come from (`casework/staffing.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max

from cases.chain import hash_fields, stamp
from cases.db import write_transaction
from cases.models import Absence as AbsenceRow
from cases.models import Position as PositionRow
from models.staff import Absence, OrgChart, Position


class UnknownAbsence(LookupError):
    """There is no absence of that key to withdraw."""


@dataclass(frozen=True, slots=True)
class ToldAbsence:
    """An absence that stands, with the key it is withdrawn by and who told it when (UTC)."""

    key: str
    absence: Absence
    recorded_at: datetime
    recorded_by: str


def record_positions(positions: Iterable[Position], recorded_at: datetime) -> int:
    """Store what HR reports; what is known already is skipped. Returns how many versions are new.

    Known is what the newest word about the person and first day says: a correction that is taken back is news again.
    """
    said = {(position.employee_id, position.valid_from): position for position in positions}
    with write_transaction():
        known = _newest(None)
        fresh = [position for key, position in said.items() if known.get(key) != position]
        PositionRow.objects.bulk_create([_row(position, recorded_at) for position in fresh], batch_size=1_000)
    return len(fresh)


def _content_hash(position: Position, recorded_at: datetime) -> str:
    said = (position.employee_id, position.role, position.team_id, position.manager_id, position.branch_id,
            position.region, ";".join(sorted(position.skills)), position.capacity_units, position.valid_from,
            position.valid_to, stamp(recorded_at))  # fmt: skip
    return hash_fields(*(str(value) for value in said))


def _row(position: Position, recorded_at: datetime) -> PositionRow:
    return PositionRow(
        content_hash=_content_hash(position, recorded_at), employee_id=position.employee_id, role=position.role,
        team_id=position.team_id, manager_id=position.manager_id, branch_id=position.branch_id, region=position.region,
        skills=";".join(sorted(position.skills)), capacity_units=position.capacity_units,
        valid_from=position.valid_from, valid_to=position.valid_to, recorded_at=recorded_at,
    )  # fmt: skip


def record_absence(
    key: str, employee_id: str, starts_at: datetime, ends_at: datetime, *, recorded_at: datetime, by: str
) -> bool:
    """Note that a person is away (UTC, half open); the same key again changes nothing (False).

    Raises `ValueError` for an empty span or a time without a zone.
    """
    if starts_at.tzinfo is None or ends_at.tzinfo is None:
        raise ValueError("an absence begins and ends at times with a time zone")
    if ends_at <= starts_at:
        raise ValueError("an absence ends after it begins")
    with write_transaction():
        _, is_new = AbsenceRow.objects.get_or_create(
            key=key,
            defaults={
                "employee_id": employee_id, "starts_at": starts_at, "ends_at": ends_at, "recorded_at": recorded_at,
                "recorded_by": by,
            },
        )  # fmt: skip
    return bool(is_new)


def withdraw_absence(key: str, *, recorded_at: datetime, by: str) -> None:
    """Take an absence back; twice is once, and the record of both stays. Raises `UnknownAbsence`."""
    with write_transaction():
        row = AbsenceRow.objects.filter(key=key, withdraws__isnull=True).first()
        if row is None:
            raise UnknownAbsence(key)
        AbsenceRow.objects.get_or_create(
            key=f"{key}|withdrawn",
            defaults={
                "employee_id": row.employee_id, "starts_at": row.starts_at, "ends_at": row.ends_at,
                "recorded_at": recorded_at, "recorded_by": by, "withdraws": key,
            },
        )  # fmt: skip


def org_chart(known_at: datetime) -> OrgChart:
    """The chart as it was known at a moment: of one person's versions from one day on, the newest recorded counts."""
    return OrgChart(tuple(_newest(known_at).values()), tuple(told.absence for told in absences(known_at)))


def chart_version() -> tuple[int, int]:
    """Changes whenever a position or an absence is recorded: what a kept chart is kept under."""
    top_position = PositionRow.objects.aggregate(top=Max("id"))["top"]
    top_absence = AbsenceRow.objects.aggregate(top=Max("id"))["top"]
    return int(top_position or 0), int(top_absence or 0)


def absences(known_at: datetime) -> list[ToldAbsence]:
    """Absences that stand as it was known at a moment, in the order they were told."""
    rows = list(AbsenceRow.objects.filter(recorded_at__lte=known_at).order_by("id"))
    withdrawn = {row.withdraws for row in rows if row.withdraws}
    return [
        ToldAbsence(row.key, Absence(row.employee_id, row.starts_at, row.ends_at), row.recorded_at, row.recorded_by)
        for row in rows
        if row.withdraws is None and row.key not in withdrawn
    ]


def _newest(known_at: datetime | None) -> dict[tuple[str, date], Position]:
    """The newest word about each person and first day, as known at a moment (None: all there is)."""
    rows = PositionRow.objects.order_by("recorded_at", "id")
    if known_at is not None:
        rows = rows.filter(recorded_at__lte=known_at)
    return {(row.employee_id, row.valid_from): _position(row) for row in rows}


def _position(row: PositionRow) -> Position:
    return Position(
        employee_id=row.employee_id, role=row.role, team_id=row.team_id, valid_from=row.valid_from,
        valid_to=row.valid_to, manager_id=row.manager_id, branch_id=row.branch_id, region=row.region,
        skills=frozenset(filter(None, row.skills.split(";"))), capacity_units=row.capacity_units,
    )  # fmt: skip
