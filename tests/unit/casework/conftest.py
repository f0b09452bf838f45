"""An engine on a real ledger: the bank's programme in force, a small staff, a moment in the test year."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cases import conf, services
from models.settings import Settings
from models.staff import Position

if TYPE_CHECKING:
    from casework.engine import Engine

# Monday morning, half past nine in New York: the bank is open.
MONDAY = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
SINCE = date(2020, 1, 1)
STAFF = (
    Position("E-dir", "director", "T0", SINCE),
    Position("E-man", "manager", "T0", SINCE, manager_id="E-dir", region="south"),
    Position("E-lead", "team_lead", "T1", SINCE, manager_id="E-man", region="south"),
    Position("E-ann", "agent", "T1", SINCE, manager_id="E-lead", region="south", capacity_units=10),
    Position("E-bob", "agent", "T1", SINCE, manager_id="E-lead", region="north", capacity_units=10,
             skills=frozenset({"security"})),
)  # fmt: skip


def pytest_pycollect_makemodule() -> None:
    """Modules here import tables at their top, which needs Django set up; each fixture names the real ledger."""
    conf.setup(Settings(home=Path("/nowhere")))


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A migrated ledger without anybody in it."""
    settings = Settings(home=tmp_path / "home")
    settings.state.mkdir(parents=True)
    services.migrate(settings)
    return settings


@pytest.fixture
def at(home: Settings) -> Callable[[datetime], Engine]:
    """The engine at a moment, with the staff known."""
    from cases import people
    from casework.engine import start

    people.record_positions(STAFF, datetime(2025, 12, 1, tzinfo=UTC))

    def engine(moment: datetime) -> Engine:
        return replace(start(home, at=moment), recorded_at=datetime(2026, 12, 31, tzinfo=UTC))

    return engine
