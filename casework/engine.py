"""What every duty of the case engine needs, put together once: programme in force, moment, people, ledger.

Belongs here: loading that context. Not here: any duty (the modules beside this one), any rule (`models/`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from cases import conf
from casework import moment
from casework.programme import active_programme
from intake import learned_policy
from models.programme import Programme
from models.settings import Settings
from models.staff import OrgChart
from models.trial import RollOut


@dataclass(frozen=True)
class Engine:
    """The case engine at one moment. `at` is the moment duties are done for, `recorded_at` the wall clock (UTC)."""

    settings: Settings
    programme: Programme
    version: str
    at: datetime
    recorded_at: datetime

    @cached_property
    def org(self) -> OrgChart:
        """The people, their positions and absences, as the ledger knows them."""
        from cases import people

        return people.org_chart(self.recorded_at)

    @cached_property
    def roll_out(self) -> RollOut:
        """The learned playbook policies in force; read once for the engine's moment."""
        return learned_policy.in_force(self.settings)


def start(settings: Settings, *, at: datetime | None = None) -> Engine:
    """The engine at `at` (default: now, see `casework.moment`), with the programme in force then.

    Raises `intake.programme.ProgrammeError` when no programme was ever applied and the folder's is invalid.
    """
    conf.setup(settings)
    instant = at or moment.now(settings)
    active = active_programme(settings, instant)
    return Engine(settings, active.programme, active.version, instant, max(datetime.now(UTC), instant))
