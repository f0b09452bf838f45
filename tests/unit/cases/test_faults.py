"""Killed and racing processes, a few quick ones; `python -m tests.faults` kills at every crash point there is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cases import services
from models.settings import Settings
from tests.support import ROOT
from tests.unit.cases.builders import NOW, resolution, trigger

OPENER = """
import sys
from pathlib import Path
from cases import conf
from models.settings import Settings

settings = Settings(home=Path(sys.argv[1]))
conf.setup(settings)
from tests.unit.cases.test_faults import work
work(settings, int(sys.argv[2]), int(sys.argv[3]))
"""


def facts(count: int) -> list:
    """So many triggers of half as many customers."""
    return [trigger(f"t{i:05d}", i % 97, customer=f"C{i % (count // 2)}") for i in range(count)]


def work(settings: Settings, count: int, batch_size: int) -> None:
    """What a child process does: open cases, then copy the ledger out."""
    ends = [resolution(f"r{i}", 98, about=f"t{i:05d}") for i in range(count // 10)]
    services.open_cases(facts(count), ends, recorded_at=NOW, batch_size=batch_size)
    services.export(settings)


def child(settings: Settings, *, count: int = 60, batch_size: int = 20, crash: str = "") -> subprocess.Popen:
    environment = {**os.environ, "AMENDS_CRASH_AT": crash, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OPENER, str(settings.home), str(count), str(batch_size)]
    return subprocess.Popen(command, env=environment, cwd=ROOT)


def test_two_processes_racing_over_the_same_triggers_open_and_export_each_case_once(ledger: Settings) -> None:
    racers = [child(ledger, count=2_000, batch_size=100) for _ in range(2)]
    assert [racer.wait(timeout=300) for racer in racers] == [0, 0]
    counts = services.counts()
    assert (counts.triggers, counts.cases) == (2_000, 1_000)
    assert services.reconcile(facts(2_000)).ok
    assert services.verify_chain().ok
    files = sorted((ledger.ledger_export / "case").glob("[0-9]*.parquet"))
    assert sum(pq.read_metadata(path).num_rows for path in files) == 1_000


@pytest.mark.parametrize("point", ["open_cases.after_events:2", "open_cases.after_commit:2", "export.before_replace:2"])
def test_a_kill_loses_and_doubles_nothing(ledger: Settings, point: str) -> None:
    assert child(ledger, crash=point).wait(timeout=120) == -signal.SIGKILL
    assert services.verify_chain().ok

    assert child(ledger).wait(timeout=120) == 0
    counts = services.counts()
    assert (counts.triggers, counts.cases) == (60, 30)
    assert services.reconcile(facts(60)).ok
    assert services.verify_chain().ok
    assert not any(Path(ledger.ledger_export).rglob("*.tmp"))
