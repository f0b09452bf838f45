"""The programme in force: applied from a folder, kept in the ledger, effective-dated; the last good one stays.

Belongs here: applying a folder and finding what is in force. Not here: comparing two programmes
(`casework/programme_plan.py`), reading and checking files (`intake/programme.py`). The engine never reads the folder
while it works: a broken edit there stops nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from cases import conf
from intake.programme import parse_programme, read_files
from models.programme import Programme
from models.settings import Settings

# The first version holds for all the history that is loaded before anybody has changed anything.
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
SHORT = 12


@dataclass(frozen=True, slots=True)
class Active:
    """A programme with the short form of its content hash, which events carry as `policy_version`."""

    programme: Programme
    version: str
    effective_from: datetime


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying did: the version now on record, and whether it is new."""

    version: str
    effective_from: datetime
    is_new: bool


class StillInUse(ValueError):
    """The folder leaves out something that open cases stand on."""


def active_programme(settings: Settings, at: datetime) -> Active:
    """The programme in force at a moment; the first call of an installation applies the folder.

    Raises `intake.programme.ProgrammeError` when none was ever applied and the folder's is invalid.
    """
    from cases import programmes

    conf.setup(settings)
    stored = programmes.in_force(at)
    if stored is None:
        apply_folder(settings, settings.programme_dir, effective_from=BEGINNING, by="setup")
        stored = programmes.in_force(at)
        assert stored is not None
    files = tuple(sorted(stored.files.items()))
    return Active(_parsed(stored.company, stored.version, files), stored.version[:SHORT], stored.effective_from)


# A programme takes a quarter of a second to check; a process works with one or two of them.
@lru_cache(maxsize=8)
def _parsed(company: str, version: str, files: tuple[tuple[str, str], ...]) -> Programme:
    programme = parse_programme(company, dict(files))
    return programme.model_copy(update={"sla": programme.sla.model_copy(update={"version": version[:SHORT]})})


def apply_folder(
    settings: Settings, folder: Path, *, effective_from: datetime | None = None, by: str, now: datetime | None = None
) -> Applied:
    """Check a folder and put it in force from `effective_from` (default now) on; the tables for dbt follow.

    Raises `intake.programme.ProgrammeError` (nothing is changed), `cases.programmes.NotAfterTheLast`, or `StillInUse`.
    """
    from cases import programmes

    conf.setup(settings)
    moment = now or datetime.now(UTC)
    files = read_files(folder)
    programme = parse_programme(folder.name, files)
    refuse_removals(programme)
    stored, is_new = programmes.store(
        files, company=programme.company.name, applied_at=moment, effective_from=effective_from or moment, applied_by=by
    )
    return Applied(stored.version[:SHORT], stored.effective_from, is_new)


def refuse_removals(programme: Programme) -> None:
    """Open cases must keep their team and the calendars their promises run on. Raises `StillInUse`."""
    from cases import usage

    teams = {team.code for team in programme.teams.teams}
    calendars = {calendar.code for calendar in programme.sla.calendars}
    gone = [f"team {code}" for code in sorted(usage.teams_of_open_cases() - teams)]
    gone += [f"calendar {code}" for code in sorted(usage.calendars_of_open_cases() - calendars)]
    if gone:
        raise StillInUse(f"open cases still use {', '.join(gone)}; move or close them first")
