"""Many alarms of nested and neighbouring series are one breakdown: which series tells it best, from when, till when.

Belongs here: joining alarms into episodes, day by day, looking at nothing later. Not here: raising alarms (`charts/`),
or the tables (`breakdowns.py`).

An outage in one region raises the alarm of its cause, of its region, of both and perhaps of everything at once. The
series that explains them is the one with the largest likelihood ratio (a scan statistic, see `windows.py`); a finer one
must beat the alarmed one by the logarithm of how many finer ones there are to pick from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Protocol

import numpy as np

from ml.detection.mix import mix_of
from ml.detection.panels import Key
from ml.detection.windows import LONGEST_DAYS, Change, Windows, as_places

# An alarm whose change is still too small to matter is looked at again for this long.
_PENDING_DAYS = 14
# An episode is over when a week taken together shows less than half of what would be worth a case.
_QUIET_DAYS = 7
_QUIET_SHARE = 0.5
# An alarm within this many days of the end of an episode of the same thing takes it up again.
_REOPEN_DAYS = 7


class Alarm(Protocol):
    """What is needed of an alarm of a chart: `series` and `day` are places in the grid, `p` and `q` its probabilities."""

    @property
    def series(self) -> int:
        """Place of the series."""

    @property
    def day(self) -> int:
        """Place of the day."""

    @property
    def p(self) -> float:
        """Chance of as extreme a chart on one day while nothing happens."""

    @property
    def q(self) -> float:
        """Share of false ones among alarms at least as clear."""


@dataclass(slots=True)
class Episode:
    """One breakdown: the series that explains it, the day it was detected, began and ended (places in the grid).

    `members` maps every alarmed series to the day it joined. `over` is None while it lasts.
    """

    series: int
    day: int
    begin: int
    low: int
    high: int
    p: float
    q: float
    change: Change
    members: dict[int, int] = field(default_factory=dict)
    over: int | None = None


def episodes(windows: Windows, alarms: Iterable[Alarm]) -> list[Episode]:
    """All breakdowns in order of detection. Days later than one an episode was detected on do not change its series,
    day, onset or id; they may end it, take it up again or add members."""
    by_day: dict[int, list[Alarm]] = {}
    for alarm in alarms:
        by_day.setdefault(alarm.day, []).append(alarm)
    found: list[Episode] = []
    pending: list[Alarm] = []
    for day in range(min(by_day, default=windows.grid.days), windows.grid.days):
        for episode in found:
            _live_on(episode, windows, day)
        waiting = [*(alarm for alarm in pending if day - alarm.day < _PENDING_DAYS), *by_day.get(day, [])]
        pending = _taken_up(windows, found, waiting, day)
    return found


def _live_on(episode: Episode, windows: Windows, day: int) -> None:
    """One more day of an episode: over when its week is quiet again, or when it lasted so long that it is the usual."""
    if episode.over is not None or day <= episode.day:
        return
    _mark(windows, episode.series, day, day)
    lasted = day - episode.begin >= LONGEST_DAYS
    if lasted or _is_quiet(windows, episode, day):
        episode.over = day


def _is_quiet(windows: Windows, episode: Episode, day: int) -> bool:
    begin = day - _QUIET_DAYS + 1
    if begin <= episode.day:
        return False
    change = windows.change(episode.series, begin, day)
    return not change.effect >= _QUIET_SHARE * windows.chart.smallest_effect


def _taken_up(windows: Windows, found: list[Episode], waiting: Sequence[Alarm], day: int) -> list[Alarm]:
    """Alarms of a day into the episodes they belong to or into new ones; returns those that are too small so far."""
    left: list[Alarm] = []
    for alarm in sorted(waiting, key=lambda alarm: (alarm.p, windows.grid.keys[alarm.series].depth, alarm.series)):
        begin = windows.onset(alarm.series, day).day
        home = next((one for one in found if _belongs(windows, found, one, alarm.series, begin, day)), None)
        if home is not None:
            home.members.setdefault(alarm.series, day)
            home.over = None if day - (home.over or day) <= _REOPEN_DAYS else home.over
            continue
        fresh = _opened(windows, alarm, begin, day)
        if fresh is None:
            left.append(alarm)
            continue
        # What explains the alarm may be part of a breakdown that is known already.
        told = next((one for one in found if _belongs(windows, found, one, fresh.series, fresh.begin, day)), None)
        if told is None:
            _mark(windows, fresh.series, fresh.begin, day)
            found.append(fresh)
        else:
            told.members.setdefault(alarm.series, day)
    return left


def _opened(windows: Windows, alarm: Alarm, begin: int, day: int) -> Episode | None:
    """A new episode around an alarm; None while what explains it is too small, too rare or but a change of mix."""
    series = _explaining(windows, alarm, begin, day)
    onset = windows.onset(series, day)
    change = windows.change(series, onset.day, day)
    chart = windows.chart
    if not (change.effect >= chart.smallest_effect and change.low > 0 and _seen(change, windows) >= chart.min_n):
        return None
    parts = mix_of(windows, series, onset.day, day)
    if parts is not None and parts.rate < chart.smallest_effect and parts.mix > 0:
        return None
    members = {alarm.series: day}
    return Episode(series, day, onset.day, onset.low, onset.high, alarm.p, alarm.q, change, members)


def _seen(change: Change, windows: Windows) -> float:
    """What an alarm rests on: complaints and answers in the window; of resolutions those that were to be expected."""
    if windows.chart.measure == "delay" and change.observed > 0:
        return change.n * change.expected / change.observed
    return change.n


def _explaining(windows: Windows, alarm: Alarm, begin: int, day: int) -> int:
    """The series among those nested with the alarmed one that tells of the change best."""
    keys, own = windows.grid.keys, windows.grid.keys[alarm.series]
    nested = [place for place, key in enumerate(keys) if key.covers(own) or own.covers(key)]
    finer: dict[int, int] = {}
    for place in nested:
        finer[keys[place].depth] = finer.get(keys[place].depth, 0) + 1
    evidence = windows.evidence(as_places(nested), begin, day)
    score = [
        value - (log(finer[keys[place].depth]) if keys[place].depth > own.depth else 0.0)
        for place, value in zip(nested, evidence, strict=True)
    ]
    return nested[int(np.nanargmax(score))] if np.isfinite(score).any() else alarm.series


def _belongs(windows: Windows, found: Sequence[Episode], episode: Episode, series: int, begin: int, day: int) -> bool:
    """Whether what a series shows tells of an episode that lasts or has just ended."""
    if episode.over is not None and day - episode.over > _REOPEN_DAYS:
        return False
    head, own = windows.grid.keys[episode.series], windows.grid.keys[series]
    if _same_thing(head, own):
        return True
    if head.covers(own):
        return not windows.change(series, begin, day).low > _now(windows, episode, day).high
    return own.covers(head) and _is_explained(windows, found, series, begin, day)


def _is_explained(windows: Windows, found: Sequence[Episode], series: int, begin: int, day: int) -> bool:
    """Whether a coarser series, without the excess of the breakdowns within it, shows less than would be worth a case."""
    own = windows.grid.keys[series]
    within = {
        one.series for one in found
        if own.covers(windows.grid.keys[one.series]) and (one.over is None or day - one.over <= _REOPEN_DAYS)
    } - {series}  # fmt: skip
    keys = windows.grid.keys
    widest = [place for place in within if not any(keys[other].covers(keys[place]) for other in within - {place})]
    excess = windows.excess(as_places([series, *widest]), begin, day)
    n, _, past_n, past_total = (float(part[0]) for part in windows.sums(as_places([series]), begin, day))
    usual = n * past_total / past_n if windows.chart.is_relative else n
    rest = float(excess[0]) - float(np.nansum(np.maximum(excess[1:], 0.0)))
    return bool(rest < windows.chart.smallest_effect * usual)


def _now(windows: Windows, episode: Episode, day: int) -> Change:
    return windows.change(episode.series, episode.begin, day)


def _same_thing(one: Key, other: Key) -> bool:
    """The same theme or cause wherever it is; without either, the same place or segment."""
    if one.subject is not None or other.subject is not None:
        return one.subject == other.subject
    same_region = one.region is not None and one.region == other.region
    return same_region or (one.segment is not None and one.segment == other.segment)


def _mark(windows: Windows, series: int, begin: int, end: int) -> None:
    """Days of a breakdown are nobody's usual: neither of the series, nor of what it is part of or made of."""
    own = windows.grid.keys[series]
    for place, key in enumerate(windows.grid.keys):
        if key.covers(own) or own.covers(key):
            windows.unusual[place, begin : end + 1] = True
