"""Creating and upgrading the tables, and asking whether that has been done.

Belongs here: migrations as functions. Not here: the tables (`cases/models.py`).
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from models.settings import Settings


def migrate(settings: Settings) -> None:
    """Bring the tables up to date. Safe to repeat and to run from several processes at once."""
    with _alone(settings):
        call_command("migrate", interactive=False, verbosity=0)
        _fill_standings()


def _fill_standings() -> None:
    """A ledger from before standings were kept gets them from its events."""
    from cases import standings

    standings.rebuild_missing()


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Two migrations at the same time would both try to create the tables."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "ledger.migrate.lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ledger_ready(settings: Settings) -> bool:
    """Whether the ledger can be reached and has every table of this version. Creates nothing."""
    if not settings.ledger_url and not settings.ledger_path.is_file():
        return False
    try:
        executor = MigrationExecutor(connection)
    except OperationalError:
        return False
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
