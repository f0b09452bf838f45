"""The disk gives out, or yesterday's backup is put back: what was acknowledged is there, nobody is written to twice."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

from django.db import DatabaseError, connections

from cases import outbox
from cases.models import CaseTrigger, OutboxMessage
from casework import delivery
from casework.opening import open_with
from models.settings import Settings
from tests.faults.arena import NOON, Arena, broken, spawn, wait
from tests.faults.outside_jobs import Sending
from tests.faults.tally import Score
from tests.faults.work import cases_of, facts

BATCH = 20
# Room for some batches each time, too little for all.
_ROOM = (150_000, 400_000, 900_000)


def disk_full(arena: Arena) -> Score:
    """No file may grow past a limit: opening fails cleanly, keeps what it acknowledged, and heals with the space."""
    total = Score()
    for room in _ROOM:
        settings = arena.ledger(f"disk-{room}")
        triggers = facts(600)
        acknowledged = _open_with_room(arena, settings, room)
        held = set(CaseTrigger.objects.values_list("trigger_id", flat=True))
        gone = [trigger.trigger_id for trigger in triggers[:acknowledged] if trigger.trigger_id not in held]
        problems = [f"{one} was acknowledged and is gone" for one in gone]
        problems += broken(settings, triggers[:acknowledged])
        arena.recover(lambda settings=settings, triggers=triggers: open_with(arena.engine(settings), triggers, ()))
        score = cases_of(triggers)
        score.problems += [*problems, *broken(settings, triggers)]
        if not 0 < acknowledged < len(triggers):
            score.problems.append(f"{acknowledged} of {len(triggers)} went in: the disk was not full")
        total.add(score)
    total.told = {"times_full": len(_ROOM)}
    return total


def _open_with_room(arena: Arena, settings: Settings, room: int) -> int:
    """How many triggers a child with so many bytes left was told are in."""
    reader, writer = os.pipe()
    limit = settings.ledger_path.stat().st_size + room

    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        engine, triggers = arena.engine(settings), facts(600)
        with suppress(DatabaseError):
            for start in range(0, len(triggers), BATCH):
                open_with(engine, triggers[start : start + BATCH], (), batch_size=BATCH)
                os.write(writer, b".")

    child = spawn(fill)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        batches = len(pipe.read())
    if wait(child) != 0:
        raise RuntimeError("the child did not fail cleanly")
    return batches * BATCH


def restored_backup(arena: Arena) -> Score:
    """A backup taken before messages went out is put back: cases come again by themselves, messages do not."""
    settings = arena.ledger("restore")
    job = Sending(arena, settings)
    for job.round in range(3):
        job.prepare()
    backup = settings.home / "backup.db"
    _copy(settings.ledger_path, backup)
    engine = arena.engine(settings, after=timedelta(days=3))
    delivery.send_due(engine, transport=job.wire(), clock=lambda: engine.at)
    open_with(engine, facts(40), ())
    before = job.wire().arrivals()

    connections.close_all()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{settings.ledger_path}{suffix}").unlink(missing_ok=True)
    _copy(backup, settings.ledger_path)
    outbox.park_after_restore(NOON + timedelta(days=3))
    open_with(engine, facts(40), ())
    delivery.send_due(engine, transport=job.wire(), clock=lambda: engine.at)

    customers = OutboxMessage.objects.filter(delivery="customer").values_list("key", flat=True)
    ids = [delivery.message_id(settings, key) for key in customers]
    score = cases_of(facts(40))
    score.dup += sum(max(0, job.wire().arrivals()[one] - before[one]) for one in ids if before[one])
    score.problems += broken(settings, facts(40))
    score.problems += [] if all(before[one] for one in ids) else ["no message had left before the backup came back"]
    score.told = {"messages": len(ids), "parked": OutboxMessage.objects.filter(state="parked").count()}
    return score


def _copy(source: Path, target: Path) -> None:
    """A consistent copy of a database that may be in use."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
