"""Ledgers for the tests of this folder: migrated once, copied for each test.

Real SQLite files, or databases of a real PostgreSQL when `AMENDS_TEST_LEDGER=postgres` (`make test-postgres`).
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cases import conf, services
from models.settings import Settings
from tests import postgres

ON_POSTGRES = os.environ.get("AMENDS_TEST_LEDGER") == "postgres"
_TEMPLATE = "template_ledger"

NewLedger = Callable[[], Settings]


def pytest_pycollect_makemodule() -> None:
    """Modules here import tables at their top, which needs Django set up; each fixture names the real ledger."""
    conf.setup(Settings(home=Path("/nowhere")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Some tests are about the file itself."""
    if ON_POSTGRES:
        for item in items:
            if item.get_closest_marker("sqlite_only"):
                item.add_marker(pytest.mark.skip(reason="about the SQLite file"))


@pytest.fixture(scope="session")
def new_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewLedger]:
    """Makes an empty ledger and points this process at it; each call another."""
    yield from (_on_postgres if ON_POSTGRES else _on_sqlite)(tmp_path_factory)


def _on_sqlite(folders: pytest.TempPathFactory) -> Iterator[NewLedger]:
    from django.db import connection

    template = Settings(home=folders.mktemp("ledger-template"))
    services.migrate(template)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()

    def make() -> Settings:
        settings = Settings(home=folders.mktemp("ledger"))
        shutil.copy(template.ledger_path, settings.ledger_path)
        conf.setup(settings)
        return settings

    yield make


def _on_postgres(folders: pytest.TempPathFactory) -> Iterator[NewLedger]:
    from django.db import connection

    try:
        server = postgres.start()
    except postgres.NoPostgres as error:
        pytest.skip(str(error))
    services.migrate(Settings(home=folders.mktemp("ledger-template"), ledger_url=server.create(_TEMPLATE)))
    connection.close()
    numbers = itertools.count(1)
    last: list[str] = []

    def make() -> Settings:
        connection.close()
        while last:
            server.drop(last.pop())
        last.append(f"ledger_{next(numbers)}")
        settings = Settings(home=folders.mktemp("ledger"), ledger_url=server.create(last[0], template=_TEMPLATE))
        # Children of a test find the ledger as they would in an installation.
        os.environ["AMENDS_LEDGER_URL"] = settings.ledger_url or ""
        conf.setup(settings)
        return settings

    try:
        yield make
    finally:
        connection.close()
        os.environ.pop("AMENDS_LEDGER_URL", None)
        server.stop()


@pytest.fixture
def ledger(new_ledger: NewLedger) -> Settings:
    """One empty ledger, in use."""
    return new_ledger()
