"""Follow-ups in somebody's calendar: each change is a new version under the same UID.

Belongs here: planning, moving and cancelling, and the version that counts. Not here: what a calendar program is sent
(`models/followup.py`), who may see a case (`cases/scope.py`). RFC 5545: the UID stays, SEQUENCE counts up, a cancelled
event is sent as cancelled so that it leaves the calendar.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

from cases.chain import stamp
from cases.db import write_transaction
from cases.models import FollowUp
from cases.rows import text_digest
from models.followup import FollowUpVersion, Status

LONGEST_MINUTES = 8 * 60


class UnknownFollowUp(LookupError):
    """This person has no follow-up of that UID."""


def plan(
    owner_id: str,
    subject_type: str,
    subject_id: str,
    *,
    title: str,
    starts_at: datetime,
    minutes: int,
    recorded_at: datetime,
) -> FollowUpVersion:
    """Put a follow-up into the owner's calendar; planning the same one again gives the one there is.

    Raises `ValueError` for an empty title, one of several lines, a time without a zone or an impossible length.
    """
    _check(title, starts_at, minutes)
    key = "|".join((owner_id, subject_type, subject_id, title, stamp(starts_at)))
    uid = f"{text_digest(key)[:32]}@amends"
    with write_transaction():
        if (known := _latest(uid)) is not None:
            return known
        return _write(FollowUpVersion(
            uid, 0, owner_id, subject_type, subject_id, title, starts_at, minutes, "CONFIRMED", recorded_at
        ))  # fmt: skip


def move(uid: str, owner_id: str, *, starts_at: datetime, minutes: int, recorded_at: datetime) -> FollowUpVersion:
    """Move a follow-up. Raises `UnknownFollowUp`, or `ValueError` as in `plan`."""
    return _next(uid, owner_id, starts_at, minutes, "CONFIRMED", recorded_at)


def cancel(uid: str, owner_id: str, *, recorded_at: datetime) -> FollowUpVersion:
    """Take a follow-up out of the calendar; it can be planned again by moving it. Raises `UnknownFollowUp`."""
    return _next(uid, owner_id, None, None, "CANCELLED", recorded_at)


def of_owner(owner_id: str) -> list[FollowUpVersion]:
    """The version that counts of each follow-up of a person, cancelled ones too, by start."""
    latest: dict[str, FollowUpVersion] = {}
    for row in FollowUp.objects.filter(owner_id=owner_id).order_by("sequence"):
        latest[row.uid] = _version(row)
    return sorted(latest.values(), key=lambda version: (version.starts_at, version.uid))


def _next(
    uid: str, owner_id: str, starts_at: datetime | None, minutes: int | None, status: Status, recorded_at: datetime
) -> FollowUpVersion:
    with write_transaction():
        known = _latest(uid)
        if known is None or known.owner_id != owner_id:
            raise UnknownFollowUp(uid)
        start, length = starts_at or known.starts_at, known.minutes if minutes is None else minutes
        _check(known.title, start, length)
        if (start, length, status) == (known.starts_at, known.minutes, known.status):
            return known
        return _write(FollowUpVersion(
            uid, known.sequence + 1, owner_id, known.subject_type, known.subject_id, known.title, start, length,
            status, recorded_at,
        ))  # fmt: skip


def _check(title: str, starts_at: datetime, minutes: int) -> None:
    if not title.strip() or len(title) > 200 or not title.isprintable():
        raise ValueError("a follow-up has a title of one printable line of up to 200 characters")
    if starts_at.tzinfo is None or not 5 <= minutes <= LONGEST_MINUTES:
        raise ValueError("a follow-up has a start with a time zone and lasts 5 minutes to 8 hours")


def _latest(uid: str) -> FollowUpVersion | None:
    row = FollowUp.objects.filter(uid=uid).order_by("-sequence").first()
    return None if row is None else _version(row)


def _write(version: FollowUpVersion) -> FollowUpVersion:
    FollowUp.objects.create(
        uid=version.uid, sequence=version.sequence, owner_id=version.owner_id, subject_type=version.subject_type,
        subject_id=version.subject_id, title=version.title, starts_at=version.starts_at, minutes=version.minutes,
        status=version.status, recorded_at=version.recorded_at,
    )  # fmt: skip
    return version


def _version(row: FollowUp) -> FollowUpVersion:
    return FollowUpVersion(
        row.uid, row.sequence, row.owner_id, row.subject_type, row.subject_id, row.title, row.starts_at, row.minutes,
        cast(Status, row.status), row.recorded_at,
    )  # fmt: skip
