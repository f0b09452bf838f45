"""Killed and racing processes: real processes, real files, every crash point."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cases import services
from cases.crash import CRASH_POINTS
from models.settings import Settings
from tests.support import ROOT
from tests.unit.cases.builders import NOW, resolution, trigger

OPENER = """
import sys
from pathlib import Path
from cases import conf, services
from models.settings import Settings
from models.case import EventKind
from tests.unit.cases.builders import ANNA, NOW, day, resolution, trigger
from tests.unit.cases.test_faults import facts, what

settings = Settings(home=Path(sys.argv[1]))
conf.setup(settings)
what(sys.argv[2], settings, int(sys.argv[3]), int(sys.argv[4]))
"""


def facts(count: int) -> list:
    """So many triggers of half as many customers."""
    return [trigger(f"t{i:05d}", i % 97, customer=f"C{i % (count // 2)}") for i in range(count)]


def what(name: str, settings: Settings, count: int, batch_size: int) -> None:
    """What a child process does."""
    if name == "open":
        ends = [resolution(f"r{i}", 98, about=f"t{i:05d}") for i in range(count // 10)]
        services.open_cases(facts(count), ends, recorded_at=NOW, batch_size=batch_size)
    elif name == "act":
        from models.case import EventKind
        from tests.unit.cases.builders import act

        act(services.list_cases(limit=1)[0].case_id, EventKind.NOTE_ADDED, note="seen")
    elif name == "programme":
        from cases import programmes

        programmes.store({"a.yml": "a"}, company="bank", applied_at=NOW, effective_from=NOW, applied_by="E1")
    else:
        services.export(settings)


def child(settings: Settings, name: str, *, count: int = 60, batch_size: int = 20, crash: str = "") -> subprocess.Popen:
    environment = {**os.environ, "AMENDS_CRASH_AT": crash, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OPENER, str(settings.home), name, str(count), str(batch_size)]
    return subprocess.Popen(command, env=environment, cwd=ROOT)


def test_two_openers_racing_over_the_same_triggers_open_each_case_once(ledger: Settings) -> None:
    racers = [child(ledger, "open", count=2_000, batch_size=100) for _ in range(2)]
    assert [racer.wait(timeout=300) for racer in racers] == [0, 0]
    counts = services.counts()
    assert (counts.triggers, counts.cases) == (2_000, 1_000)
    assert services.reconcile(facts(2_000)).ok
    assert services.verify_chain().ok


# Sending and giving have a world outside the ledger to be held against: test_outbox_faults.py.
POINTS = [point for point in CRASH_POINTS if point.partition(".")[0] not in ("outbox", "offer")]


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_loses_and_doubles_nothing(ledger: Settings, point: str) -> None:
    name = point.partition(".")[0].replace("_cases", "").replace("write", "act")
    if name != "open":
        services.open_cases(facts(60), recorded_at=NOW)
    killed = child(ledger, name, crash=f"{point}:2" if name == "open" else point)
    assert killed.wait(timeout=120) == -signal.SIGKILL
    assert services.verify_chain().ok

    assert child(ledger, name).wait(timeout=120) == 0
    counts = services.counts()
    assert (counts.triggers, counts.cases) == (60, 30)
    assert services.reconcile(facts(60)).ok
    assert services.verify_chain().ok
    if name == "export":
        assert not any(Path(ledger.ledger_export).rglob("*.tmp"))
