"""A thread that runs the lane of a home for as long as somebody keeps asking for it.

Belongs here: the thread, its lease, its lock and what it has to tell. Not here: a step (`lane.py`), or who asks (a Dagster
sensor, or `amends lane run`). A sensor is looked at every five seconds at best (the daemon's own loop), so the work cannot
wait for it: the sensor renews the lease and reports, the thread works in between. When nobody renews it, the thread ends.
"""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import IO

from fast_lane.lane import Lane, Step
from models.settings import Settings

log = logging.getLogger(__name__)

LEASE_SECONDS = 120.0
_POLL_SECONDS = 0.1
_BACK_OFF = (1.0, 2.0, 5.0, 15.0, 30.0)
# Steps nobody has asked about; only the telling is lost beyond that, never a decision.
_MOST_UNTOLD = 10_000


@dataclass(frozen=True, slots=True)
class Told:
    """What happened since the last question: steps, and the last failure in words (type and place, never a value)."""

    steps: tuple[Step, ...]
    failure: str | None
    waits_for: str | None


@dataclass
class Keeper:
    """The lane of one home in this process. Several processes may keep one; the lock lets one of them work."""

    settings: Settings
    make: Callable[[Settings], Lane] = Lane
    clock: Callable[[], float] = time.monotonic
    _steps: deque[Step] = field(default_factory=lambda: deque(maxlen=_MOST_UNTOLD))
    _failure: str | None = None
    _waits_for: str | None = "the first look"
    _until: float = 0.0
    _thread: threading.Thread | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def renew(self) -> Told:
        """Keep the lane going for another `LEASE_SECONDS` and hear what it did."""
        with self._guard:
            self._until = self.clock() + LEASE_SECONDS
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="fast-lane", daemon=True)
                self._thread.start()
            steps = []
            while self._steps:
                steps.append(self._steps.popleft())
            failure, self._failure = self._failure, None
            return Told(tuple(steps), failure, self._waits_for)

    def end(self, wait_seconds: float = 10.0) -> None:
        """Let the lease run out now and wait for the thread."""
        self._until = 0.0
        if self._thread is not None:
            self._thread.join(wait_seconds)

    def _run(self) -> None:
        with _lock(self.settings) as lock:
            lane: Lane | None = None
            failures = 0
            while self.clock() < self._until:
                if not _is_mine(lock):
                    self._waits_for = "another process that keeps this lane"
                    time.sleep(1.0)
                    continue
                # Whatever is wrong with one delivery or one store must not end the lane: it is told and tried again.
                try:
                    if lane is None:
                        lane = self.make(self.settings)
                        lane.warm_up()
                    step = self._look(lane)
                    failures = 0
                    if step is None:
                        time.sleep(_POLL_SECONDS)
                except Exception as error:
                    log.exception("a step of the fast lane failed")
                    self._failure = _in_words(error)
                    time.sleep(_BACK_OFF[min(failures, len(_BACK_OFF) - 1)])
                    failures += 1
        _close_ledger()

    def _look(self, lane: Lane) -> Step | None:
        was_waiting, self._waits_for = self._waits_for, lane.waits_for()
        if self._waits_for is None and was_waiting is not None:
            lane.warm_up()
        step = lane.step()
        if step is not None:
            self._steps.append(step)
        return step


@cache
def keeper_of(settings: Settings) -> Keeper:
    """The one keeper of a home in this process."""
    return Keeper(settings)


def _lock(settings: Settings) -> IO[str]:
    settings.state.mkdir(parents=True, exist_ok=True)
    return (settings.state / "fast_lane.lock").open("w", encoding="utf-8")


def _is_mine(lock: IO[str]) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _in_words(error: BaseException) -> str:
    """Type and place: the message may hold a value of a row."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "nowhere"
    return f"{type(error).__name__} at {place}; the log of the code server has the rest"


def _close_ledger() -> None:
    """Connections belong to their thread."""
    from django.db import connections

    connections.close_all()
