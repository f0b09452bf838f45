"""A served ledger per test: real SQLite, the bank's programme applied, a small organisation, a client per person."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases import conf, services
from models.settings import Settings
from models.staff import Position
from tests.unit.desk.client import Client

AS_OF = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
SINCE = date(2020, 1, 1)
PEOPLE = (
    Position("E-dir", "director", "T0009", SINCE),
    Position("E-mgr", "manager", "T0008", SINCE, manager_id="E-dir", branch_id="B1", region="south"),
    Position("E-lead", "team_lead", "T0001", SINCE, manager_id="E-mgr", branch_id="B1", region="south"),
    Position("E-ann", "agent", "T0001", SINCE, manager_id="E-lead", branch_id="B1", region="south", capacity_units=20),
    Position(
        "E-bob", "agent", "T0001", SINCE, manager_id="E-lead", branch_id="B1", skills=frozenset({"security"}),
        capacity_units=20,
    ),
    Position("E-mno", "manager", "T0007", SINCE, manager_id="E-dir", branch_id="B9", region="north"),
    Position("E-qia", "qa", "T0009", SINCE, manager_id="E-dir"),
)  # fmt: skip


def pytest_pycollect_makemodule() -> None:
    """Modules here import tables and routes at their top, which needs Django set up; each test names its ledger."""
    from desk import conf as desk_conf

    desk_conf.setup(Settings(home=Path("/nowhere")))


@pytest.fixture(scope="session")
def _served_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from django.db import connection

    from cases import people
    from casework.programme import active_programme

    settings = Settings(home=tmp_path_factory.mktemp("desk-template"), as_of=AS_OF)
    services.migrate(settings)
    active_programme(settings, AS_OF)
    people.record_positions(PEOPLE, AS_OF)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return settings.ledger_path


@pytest.fixture(scope="session")
def new_desk(_served_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Settings]:
    """Makes a ledger without a case and serves it in this process; each call another."""
    from desk import conf as desk_conf

    def make() -> Settings:
        settings = Settings(home=tmp_path_factory.mktemp("desk"), as_of=AS_OF)
        shutil.copy(_served_template, settings.ledger_path)
        conf.setup(settings)
        desk_conf.setup(settings)
        return settings

    return make


@pytest.fixture
def desk(new_desk: Callable[[], Settings]) -> Settings:
    """One served ledger."""
    return new_desk()


@pytest.fixture
def sign_in(desk: Settings) -> Callable[..., Client]:
    """A client with a token for somebody in some role."""
    return client_for


def client_for(who: str, role: str, **more: Any) -> Client:
    """A client that carries a fresh token."""
    from cases import access

    now = datetime.now(UTC)
    token = access.issue_token(who, role, at=now - timedelta(minutes=1), expires_at=now + timedelta(hours=1), **more)
    return Client(token)
