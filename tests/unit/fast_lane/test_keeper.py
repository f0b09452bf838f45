"""The thread that keeps the lane going for as long as somebody asks."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable

from fast_lane.keeper import LEASE_SECONDS, Keeper, Told
from fast_lane.lane import Step
from models.settings import Settings

STEP = Step((1,), 1, 1, 1, 0, 0, 0.5, {})


class Scripted:
    """A lane that does what it is told, once each, and says when it was asked in vain."""

    def __init__(self, *acts: Step | Exception) -> None:
        self.acts, self.idle, self.warmed = list(acts), threading.Event(), 0

    def waits_for(self) -> str | None:
        return None

    def warm_up(self) -> None:
        self.warmed += 1

    def step(self) -> Step | None:
        if not self.acts:
            self.idle.set()
            return None
        act = self.acts.pop(0)
        if isinstance(act, Exception):
            raise act
        return act


def keeper(home: Settings, lane: Scripted, clock: Callable[[], float]) -> Keeper:
    """A keeper of that lane by that clock."""
    return Keeper(home, make=lambda _: lane, clock=clock)  # type: ignore[arg-type, return-value]


def test_steps_are_told_once_to_whoever_renews(home: Settings) -> None:
    lane = Scripted(STEP, STEP)
    kept = keeper(home, lane, lambda: 0.0)
    first = kept.renew()
    assert lane.idle.wait(10)
    second = kept.renew()
    assert (*first.steps, *second.steps) == (STEP, STEP)
    assert kept.renew() == Told((), None, None)
    kept.end()


def test_a_step_that_fails_is_told_by_type_and_place_and_the_lane_goes_on(home: Settings) -> None:
    lane = Scripted(ValueError("jane.roe@example.org"), STEP)
    kept = keeper(home, lane, lambda: 0.0)
    first = kept.renew()
    assert lane.idle.wait(20)
    second = kept.renew()
    assert (*first.steps, *second.steps) == (STEP,)
    failure = first.failure or second.failure
    assert failure is not None and "ValueError" in failure and "jane" not in failure
    kept.end()


def test_the_lane_ends_when_nobody_renews_its_lease(home: Settings) -> None:
    now = [0.0]
    lane = Scripted(STEP)
    kept = keeper(home, lane, lambda: now[0])
    kept.renew()
    assert lane.idle.wait(10)
    now[0] = LEASE_SECONDS + 1
    thread = kept._thread
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()


def test_a_lane_another_process_keeps_is_left_to_it(home: Settings) -> None:
    lane = Scripted(STEP)
    with (home.state / "fast_lane.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = keeper(home, lane, lambda: 0.0)
        kept.renew()
        kept.end()
        assert lane.acts == [STEP]
        assert kept._waits_for == "another process that keeps this lane" or kept._waits_for == "the first look"
