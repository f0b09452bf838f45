"""Where faults happen: ledgers copied from one template, and children forked from a process that has imported all.

A new interpreter would spend a second on imports before it could be killed; a forked child starts in hundredths. It is
a process like any other: its own connections (the parent closes its own before it forks), killed by a real SIGKILL.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from django.db import connections

from cases import conf, crash, invariants, services
from casework.engine import Engine, start
from casework.invariants import offers_at
from models.facts import TriggerFact
from models.settings import Settings

# A weekday noon of the companies' customers, so that no quiet hours stand in the way.
NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
Job = Callable[[], object]


@dataclass
class Arena:
    """One run of the suite: a folder, a seed, and how long recoveries took (seconds)."""

    folder: Path
    seed: int
    dice: random.Random = field(init=False)
    recoveries: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        _import_heavy()
        self.dice = random.Random(self.seed)
        self.template = Settings(home=self.folder / "template", programme="bank")
        services.migrate(self.template)
        self.pattern = start(self.template, at=NOON)
        with connections["default"].cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connections.close_all()

    def ledger(self, name: str) -> Settings:
        """An empty ledger with a programme in force, in use by this process."""
        settings = Settings(home=self.folder / name, programme="bank")
        settings.home.mkdir()
        shutil.copy(self.template.ledger_path, settings.ledger_path)
        conf.setup(settings)
        return settings

    def engine(self, settings: Settings, *, after: timedelta = timedelta(0)) -> Engine:
        """The engine of a ledger so long after noon of the first day."""
        at = NOON + after
        return replace(self.pattern, settings=settings, at=at, recorded_at=at + timedelta(days=365))

    def recover(self, job: Job) -> None:
        """Run a job to its end and note how long that took; a job that fails is a fault of the suite."""
        started = time.perf_counter()
        code = wait(spawn(job))
        if code != 0:
            raise RuntimeError(f"a restart ended with {code}")
        self.recoveries.append(time.perf_counter() - started)


def _import_heavy() -> None:
    """What children would each import anew. Neither starts a thread before it is used, so forking stays safe."""
    import duckdb  # noqa: F401
    import pyarrow.dataset
    import pyarrow.parquet  # noqa: F401

    from casework import notes  # noqa: F401
    from fast_lane import compiled, lane  # noqa: F401
    from publishing import publish  # noqa: F401

    if threading.active_count() > 1:
        raise RuntimeError("this process has threads: its forked children could hang")


def spawn(job: Job, *, crash_at: str = "", prepare: Job | None = None) -> int:
    """Fork a child that does the job and ends; returns its process id. `crash_at` as in `AMENDS_CRASH_AT`."""
    connections.close_all()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _be_child(job, crash_at, prepare)
    return child


def _be_child(job: Job, crash_at: str, prepare: Job | None) -> NoReturn:
    code = 1
    try:
        crash._passed.clear()
        os.environ["AMENDS_CRASH_AT"] = crash_at
        if prepare is not None:
            prepare()
        job()
        code = 0
    finally:
        if code:
            traceback.print_exc()
        # Not sys.exit: the parent's handlers and buffers are not the child's to run or flush.
        os._exit(code)


def wait(child: int) -> int:
    """Exit code of a child, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def was_killed(job: Job, crash_at: str) -> bool:
    """Let a child do the job with a crash point armed; whether it died there (else it had nothing more to do)."""
    code = wait(spawn(job, crash_at=crash_at))
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"a child armed with {crash_at} ended with {code}")
    return code != 0


def ask(question: Callable[[], Any]) -> Any:
    """The answer of a child: for libraries whose threads must not be running when this process forks."""
    reader, writer = os.pipe()

    def answer() -> None:
        os.close(reader)
        with os.fdopen(writer, "w", encoding="utf-8") as pipe:
            json.dump(question(), pipe)

    child = spawn(answer)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        told = pipe.read()
    if wait(child) != 0:
        raise RuntimeError("a question could not be answered")
    return json.loads(told)


def broken(settings: Settings, triggers: list[TriggerFact]) -> list[str]:
    """Invariants of the ledger that do not hold, with the first problem of each."""
    conf.setup(settings)
    found = invariants.of_ledger(triggers=triggers, terms=lambda at: offers_at(settings, at))
    return [f"{name}: {one.problems[0]}" for name, one in found.items() if not one.ok]
