"""Ledgers for the tests of this folder: real SQLite files, migrated once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cases import conf, services
from models.settings import Settings


def pytest_pycollect_makemodule() -> None:
    """Modules here import tables at their top, which needs Django set up; each fixture names the real ledger."""
    conf.setup(Settings(home=Path("/nowhere")))


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from django.db import connection

    settings = Settings(home=tmp_path_factory.mktemp("ledger-template"))
    services.migrate(settings)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return settings.ledger_path


@pytest.fixture(scope="session")
def new_ledger(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Settings]:
    """Makes an empty ledger and points this process at it; each call another."""

    def make() -> Settings:
        settings = Settings(home=tmp_path_factory.mktemp("ledger"))
        shutil.copy(_template, settings.ledger_path)
        conf.setup(settings)
        return settings

    return make


@pytest.fixture
def ledger(new_ledger: Callable[[], Settings]) -> Settings:
    """One empty ledger, in use."""
    return new_ledger()
