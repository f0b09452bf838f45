"""The control: the same harness against the design everybody writes first, so that the harness is known to find faults.

A sensor keeps a cursor and requests one run per trigger; the run opens a case, tells the team and ends. There is no
unique key, and the telling lies outside the transaction. When a run dies there are two schools: try it again (then
cases and words come twice) or take it for failed (then they never come). Both are here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from cases.crash import crashpoint
from tests.faults.arena import Arena, spawn, wait, was_killed
from tests.faults.tally import Score, tally

CRASH_POINTS = ("naive.after_request", "naive.after_start", "naive.after_case", "naive.after_word", "naive.after_end")
ROUNDS = 8
_PER_ROUND = 5
_SCHEMA = """
    CREATE TABLE cursor (done INTEGER); INSERT INTO cursor VALUES (0);
    CREATE TABLE runs (trigger_id TEXT, state TEXT);
    CREATE TABLE cases (trigger_id TEXT);
"""


class Naive:
    """One installation of the naive design; `retries` says to which school it belongs."""

    def __init__(self, folder: Path, *, retries: bool) -> None:
        self.database, self.wire, self.retries = folder / "naive.db", folder / "wire.log", retries
        folder.mkdir()
        with closing(sqlite3.connect(self.database)) as connection:
            connection.executescript("PRAGMA journal_mode=WAL;" + _SCHEMA)

    def tick(self, triggers: list[str]) -> None:
        """What the daemon does: pick up dead runs or not, request new ones, work through them."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as db:
            db.execute("UPDATE runs SET state = ? WHERE state = 'started'", ("queued" if self.retries else "failed",))
            self._request(db, triggers)
            queued = db.execute("SELECT rowid, trigger_id FROM runs WHERE state = 'queued' ORDER BY rowid").fetchall()
            for run, trigger_id in queued:
                self._run(db, run, trigger_id)

    def _request(self, db: sqlite3.Connection, triggers: list[str]) -> None:
        (done,) = db.execute("SELECT done FROM cursor").fetchone()
        for number in range(done, len(triggers)):
            db.execute("INSERT INTO runs VALUES (?, 'queued')", (triggers[number],))
            crashpoint("naive.after_request")
            db.execute("UPDATE cursor SET done = ?", (number + 1,))

    def _run(self, db: sqlite3.Connection, run: int, trigger_id: str) -> None:
        db.execute("UPDATE runs SET state = 'started' WHERE rowid = ?", (run,))
        crashpoint("naive.after_start")
        db.execute("INSERT INTO cases VALUES (?)", (trigger_id,))
        crashpoint("naive.after_case")
        line = os.open(self.wire, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(line, trigger_id.encode() + b"\n")
        os.close(line)
        crashpoint("naive.after_word")
        db.execute("UPDATE runs SET state = 'done' WHERE rowid = ?", (run,))
        crashpoint("naive.after_end")

    def score(self, triggers: Iterable[str]) -> Score:
        """Cases and words to the team, each counted like ours."""
        wanted = list(triggers)
        with closing(sqlite3.connect(self.database)) as db:
            score = tally(wanted, [row[0] for row in db.execute("SELECT trigger_id FROM cases")])
        score.add(tally(wanted, self.wire.read_text(encoding="utf-8").split()))
        return score


def control(arena: Arena, *, retries: bool) -> Score:
    """Kill the naive design at each of its points, restart it each time, and count what it made of it."""
    total = Score()
    for point in CRASH_POINTS:
        naive = Naive(arena.folder / f"{point}-{retries}", retries=retries)
        triggers: list[str] = []
        for number in range(ROUNDS):
            triggers = [f"t{i}" for i in range(_PER_ROUND * (number + 1))]

            def work(naive: Naive = naive, triggers: list[str] = triggers) -> None:
                naive.tick(triggers)

            total.kills += was_killed(work, f"{point}:{1 + number % 3}")
            if wait(spawn(work)) != 0:
                raise RuntimeError("the control could not be restarted")
        total.add(naive.score(triggers))
    return total
