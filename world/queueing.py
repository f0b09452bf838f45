"""How long contacts wait: one first-come first-served queue per region with a limited number of agent hours.

Belongs here: the exact vectorised queue. Not here: what waiting does to customers (recovery.py). Method: Lindley's recursion
D(i) = max(A(i), D(i-1)) + s(i), solved with running maxima over cumulative work; working hours and the planted slow queue
enter through a change of clock (cumulative capacity instead of time).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from world.breakdowns import Breakdown
from world.clock import DAY, HOUR, Horizon, LocalClock
from world.config import RATES
from world.draws import Bools, Floats, Ints, stream


def capacity_curve(span: Horizon, clock: LocalClock, slow: Breakdown | None) -> tuple[Ints, Floats]:
    """Hourly grid (UTC seconds) and cumulative open minutes of one unit of capacity, from the start to 120 days past the end."""
    grid = np.arange(span.start, span.end + 120 * DAY, HOUR, dtype=np.int64)
    local = clock.local(grid)
    hour, weekday = local // HOUR % 24, (local // DAY + 3) % 7
    open_share = np.where((weekday < 5) & (hour >= 8) & (hour < 18), 1.0, 0.0)
    open_share = np.where((weekday == 5) & (hour >= 9) & (hour < 13), 0.5, open_share)
    if slow is not None:
        open_share = open_share * np.where((grid >= slow.start) & (grid < slow.end), slow.size, 1.0)
    # A trickle outside hours keeps the curve strictly rising, so that it can be inverted.
    minutes = np.maximum(open_share, 1e-6) * 60
    return grid, np.concatenate([[0.0], np.cumsum(minutes)[:-1]])


def fifo_starts(arrivals: Floats, service: Floats) -> Floats:
    """Start of service of each job on one server, jobs in order of arrival; all in the same unit."""
    work = np.cumsum(service)
    return np.asarray(np.maximum.accumulate(arrivals - (work - service)) + work - service)


def first_actions(
    at: Ints,
    region: NDArray[np.integer],
    severity: NDArray[np.integer],
    span: Horizon,
    clock: LocalClock,
    slow: Breakdown,
    seed: int,
) -> Ints:
    """When each contact (ordered by time) gets its first action. The worst severity jumps the queue, around the clock."""
    rng = stream(seed, "queue")
    service = RATES.service_minutes * rng.lognormal(-0.18, 0.6, len(at))
    urgent = 12 * 60 + rng.lognormal(np.log(55 * 60), 0.7, len(at))
    started = at + urgent.astype(np.int64)
    routine: Bools = severity > 1
    for place in range(int(region.max()) + 1 if len(region) else 0):
        mine = np.flatnonzero(routine & (region == place))
        if len(mine):
            grid, minutes = capacity_curve(span, clock, slow if place == slow.region else None)
            started[mine] = _starts_in(at[mine], service[mine], grid, minutes, span)
    return started


def _starts_in(at: Ints, service: Floats, grid: Ints, minutes: Floats, span: Horizon) -> Ints:
    days = (span.end - span.start) / DAY
    open_minutes = days / 7 * (50 + 2) * 60
    agents = max(service.sum() / open_minutes / RATES.queue_utilisation, 0.05)
    arrivals = np.interp(at, grid, minutes * agents)
    begun = np.interp(fifo_starts(arrivals, service), minutes * agents, grid)
    return np.asarray(np.maximum(begun, at + 240), dtype=np.int64)
