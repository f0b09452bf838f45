"""Alarms: the first day on which something is worse than its usual for longer or by more than chance allows.

Belongs here: running filter and charts over a panel day by day, limits for the whole family of series, and what an alarm
tells (onset, probability). Not here: the filter (`usual.py`), the charts (`bank.py`), grouping (`ml/detection/grouping.py`).

One number is promised: false alarms per year of all series together, while nothing happens. It is split evenly over series
(a per-family error rate; daily Benjamini-Hochberg on such charts realises two to five times the share of false ones it
states). Real scores are neither quite normal nor independent, so the limits are stretched by how far improvements, which
are no alarms, exceed what a normal score would give: learnt from the past alone, anew every four weeks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from ml.detection.charts.bank import CHARTS, TAIL, TAIL_QUANTILES, Bank
from ml.detection.charts.panel import Flags, Floats, Ints, Panel
from ml.detection.charts.usual import Day, Memory, Usual, is_doubled

YEAR = 365.25
# An alarm is over, and may come again, when every chart has fallen below this share of its limit.
_OVER = 0.5
# A day is learnt a week later, when it is known whether an alarm began by then.
_LAG = 7
# A change that lasts this long is the usual from then on.
_LONGEST = 42
_ONSET_DAYS = 60
_BLOCK, _FEWEST = 28, 1000
# Statistics of neighbouring days are nearly the same: every third tells as much.
_EACH = 3
_MOST_STRETCH = 2.5
# In an alarm a single day raises another when its score is this many times the worst so far, and past the limit.
_WORSE = 2.0


@dataclass(frozen=True, slots=True)
class ChartParams:
    """`false_alarms_per_year` of the whole family; series are watched from `min_days` of own past; an alarm rests on at
    least `min_n` opportunities (means) or events expected or seen (counts) since its onset."""

    false_alarms_per_year: float = 6.0
    min_days: float = 28.0
    min_n: float = 8.0
    memory: Memory = field(default_factory=Memory)
    is_calibrated: bool = True


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; `series`, `day` and `onset` are places in the panel, onset between `onset_low` and `onset_high` (a 95 %
    likelihood interval). `level` is the statistic as a share of its limit, `p` the chance of as rare a chart on one day of
    one series in control, `q` the expected share of false ones among the alarms so far that are at least as rare."""

    series: int
    day: int
    onset: int
    onset_low: int
    onset_high: int
    level: float
    p: float
    q: float
    observed: float
    expected: float
    n: float


@dataclass(frozen=True, slots=True)
class Watched:
    """What a run over a panel gave: alarms in order of day and series, days taken for delivered twice, the scores (S, T)
    and by how much the limits of each chart were stretched on each day (T, CHARTS)."""

    alarms: tuple[Alarm, ...]
    doubled_days: tuple[int, ...]
    scores: Floats
    stretch: Floats


def find_alarms(panel: Panel, params: ChartParams, made_of: Sequence[Ints | None] | None = None) -> tuple[Alarm, ...]:
    """Alarms of a panel; see `watch`."""
    return watch(panel, params, made_of).alarms


def watch(panel: Panel, params: ChartParams, made_of: Sequence[Ints | None] | None = None) -> Watched:
    """Run the charts over all days of a panel.

    `made_of` gives for a series the finer ones it is the sum of: it is then held against the sum of their own expectations
    (direct standardisation), so that a mere shift of who is counted raises no alarm. The alarms of a day are the same
    whether the panel ends there or later. Raises ValueError for a false-alarm rate that is not positive.
    """
    if params.false_alarms_per_year <= 0:
        raise ValueError("false_alarms_per_year must be positive")
    run = _Run(panel, params, _matrix(panel, made_of))
    for day in range(panel.days):
        run.day(day)
    return Watched(tuple(run.alarms), tuple(run.doubled), run.scores, run.stretches)


def _matrix(panel: Panel, made_of: Sequence[Ints | None] | None) -> sparse.csr_matrix | None:
    """(S, S) with a one where a row's series is made of a column's."""
    if made_of is None or all(parts is None for parts in made_of):
        return None
    rows = [np.full(len(parts), place) for place, parts in enumerate(made_of) if parts is not None]
    columns = [np.asarray(parts) for parts in made_of if parts is not None]
    where = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix((np.ones(len(where[0])), where), shape=(panel.series, panel.series))


class _Run:
    """One pass over the days."""

    def __init__(self, panel: Panel, params: ChartParams, made_of: sparse.csr_matrix | None) -> None:
        size, days = panel.series, panel.days
        self.panel, self.params, self.made_of = panel, params, made_of
        self.usual, self.bank, self.mirror = Usual(panel, params.memory), Bank(size), Bank(size)
        self.run_length = max(2.0, size * YEAR / params.false_alarms_per_year)
        self.scores, self.expected = np.full((size, days), np.nan), np.full((size, days), np.nan)
        self.stretches, self.stretch = np.ones((days, CHARTS)), np.ones(CHARTS)
        self.alarmed: Flags = np.zeros(size, dtype=bool)
        self.worst = np.zeros(size)
        # First day whose scores are about the usual of now.
        self.anew = np.zeros(size, dtype=np.int64)
        self.since = np.full(size, days)
        self.unusual: Flags = np.zeros((size, days), dtype=bool)
        self.tail: list[Floats] = []
        self.skew = _Skew()
        self.seen: dict[int, Day] = {}
        self.alarms: list[Alarm] = []
        self.rarities: list[float] = []
        self.watched_days = 0
        self.doubled: list[int] = []

    def day(self, day: int) -> None:
        """What is usual, how far today is from it, what the charts say, and what is learnt of last week."""
        seen = self._seen(day)
        if (not self.doubled or self.doubled[-1] != day - 1) and is_doubled(self.panel, day, seen, self._recent(day)):
            self.doubled.append(day)
            self.unusual[:, day] = True
            seen = Day(seen.expected, seen.deviation, np.full(self.panel.series, np.nan))
        if not self.panel.is_count:
            seen.score = self.skew.normal(seen.score, self.panel.n[:, day])
        self.scores[:, day], self.expected[:, day], self.seen[day] = seen.score, seen.expected, seen
        self.bank.take(seen.score)
        self.mirror.take(-seen.score)
        self.watched_days += int(np.isfinite(seen.score).sum())
        self._calibrate(day, np.isfinite(seen.score))
        self._raise(day, np.isfinite(seen.score))
        self._learn(day - _LAG)

    def _seen(self, day: int) -> Day:
        seen = self.usual.day(day, self.params.min_days)
        if self.made_of is None:
            return seen
        # A part with opportunities today whose usual is not known yet leaves the whole to its own usual.
        unknown = (self.panel.n[:, day] > 0) & ~np.isfinite(seen.expected)
        own = (self.made_of.getnnz(axis=1) > 0) & (self.made_of @ unknown.astype(float) == 0)
        dispersion = self.usual.dispersion()
        expected = self.made_of @ np.nan_to_num(seen.expected)
        variance = self.made_of @ np.nan_to_num(np.square(seen.deviation) / dispersion)
        merged = Day(
            np.where(own, expected, seen.expected),
            np.where(own, np.sqrt(dispersion * variance), seen.deviation),
            seen.score,
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            score = self.panel.direction * self.usual._score(
                self.panel.total[:, day], merged.expected, merged.deviation
            )
        usable = np.isfinite(seen.score) & np.isfinite(score) & (merged.deviation > 0)
        merged.score = np.where(own, np.where(usable, score, np.nan), seen.score)
        return merged

    def _recent(self, day: int) -> float:
        """All outcomes of the week before over what was expected of it."""
        week = slice(max(0, day - _LAG), day)
        there = np.isfinite(self.scores[:, week])
        expected = np.where(there, np.nan_to_num(self.expected[:, week]), 0.0).sum()
        return float(np.where(there, self.panel.total[:, week], 0.0).sum() / expected) if expected > 0 else 0.0

    def _calibrate(self, day: int, there: Flags) -> None:
        """Stretch the limits by the tails of improvements seen up to the last block of days."""
        if self.params.is_calibrated:
            if day % _EACH == 0:
                self.tail.append(self.mirror.statistics()[:, there])
            if (day + 1) % _BLOCK == 0:
                self.skew.settle()
                # The whole past: a stretch learnt from four weeks of few series is mostly chance.
                past = np.concatenate(self.tail, axis=1)
                self.tail = [past]
                if past.shape[1] >= _FEWEST:
                    tails = np.quantile(past, 1 - TAIL, axis=1) / np.array(TAIL_QUANTILES)
                    self.stretch = np.clip(tails, 1.0, _MOST_STRETCH)
        self.stretches[day] = self.stretch

    def _raise(self, day: int, there: Flags) -> None:
        levels = self.bank.levels(self.run_length, self.stretch)
        level, single = levels.max(axis=0), levels[1]
        score = np.nan_to_num(self.scores[:, day])
        worse = self.alarmed & (single >= 1) & (score >= _WORSE * np.maximum(self.worst, 1.0))
        for place in np.flatnonzero(there & ((level >= 1) & ~self.alarmed | worse)):
            self._alarm(int(place), day, float(level[place]))
        self.alarmed &= ~(there & (level < _OVER))
        self.since = np.where(self.alarmed, self.since, self.panel.days)
        self.worst = np.where(self.alarmed, np.maximum(self.worst, score), 0.0)
        self._settle(day)
        self.unusual[self.alarmed, day] = True

    def _settle(self, day: int) -> None:
        """What has lasted for six weeks is the usual: its series starts anew from the last four."""
        settled = self.alarmed & (day - self.since >= _LONGEST)
        if settled.any():
            self.usual.start_again(settled, slice(max(0, day - _BLOCK + 1), day + 1))
            self.bank.forget(settled)
            self.alarmed &= ~settled
            self.since[settled], self.anew[settled] = self.panel.days, day + 1

    def _alarm(self, place: int, day: int, level: float) -> None:
        begin = int(self.anew[place])
        onset, low, high = (begin + found for found in onset_of(self.scores[place, begin : day + 1]))
        span = slice(onset, day + 1)
        n, observed = float(self.panel.n[place, span].sum()), float(self.panel.total[place, span].sum())
        expected = float(np.nansum(self.expected[place, span]))
        enough = max(observed, expected) if self.panel.is_count else n
        if enough < self.params.min_n:
            return
        self.alarmed[place], self.since[place] = True, onset
        self.unusual[place, span] = True
        run = self.bank.rarity(place, self.stretch)
        self.rarities.append(run)
        as_rare = sum(rare >= run for rare in self.rarities)
        q = min(1.0, self.watched_days / run / as_rare)
        self.alarms.append(Alarm(place, day, onset, low, high, level, min(1.0, 1 / run), q, observed, expected, n))

    def _learn(self, day: int) -> None:
        if day >= 0:
            self.usual.learn(day, self.seen.pop(day), (~self.unusual[:, day]).astype(float))


@dataclass(slots=True)
class _Skew:
    """Skewness of one answer, shared by the family: means of few skewed answers stray further on one side.

    Scores are made symmetric by the first term of the Cornish-Fisher expansion (Hall, J. R. Stat. Soc. B 54, 1992).
    """

    cubes: float = 0.0
    count: float = 0.0
    answer: float = 0.0

    def normal(self, score: Floats, n: Floats) -> Floats:
        """Scores with the skewness learnt up to the last block taken out; this day's is noted for the next."""
        there = np.isfinite(score) & (n > 0)
        self.cubes += float((np.clip(score[there], -5, 5) ** 3 * np.sqrt(n[there])).sum())
        self.count += float(there.sum())
        skew = self.answer / np.sqrt(np.maximum(n, 1.0))
        # Beyond its turning point the correction would lower larger scores.
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = np.where(skew > 0, 3 / np.maximum(skew, 1e-9), np.inf)
            back = np.where(skew < 0, 3 / np.minimum(skew, -1e-9), -np.inf)
        bounded = np.clip(score, back, turn)
        made: Floats = bounded - skew / 6 * (np.square(bounded) - 1)
        return made

    def settle(self) -> None:
        """From the next day on, what was noted so far counts."""
        if self.count >= _FEWEST:
            self.answer = self.cubes / self.count


def onset_of(scores: Floats) -> tuple[int, int, int]:
    """Most likely first day of a lasting shift that reaches the last day, and a 95 % likelihood interval of it.

    `scores` (T,) are standard normal before the shift and shifted by an unknown mean after it; NaN days count for nothing.
    The log likelihood of an onset is (sum of scores since)^2 / 2 / days since (Hinkley, Biometrika 57, 1970).
    """
    begin = max(0, len(scores) - _ONSET_DAYS)
    recent = scores[begin:]
    there = np.isfinite(recent)
    sums = np.cumsum(np.where(there, recent, 0.0)[::-1])[::-1]
    days = np.maximum(np.cumsum(there[::-1])[::-1], 1)
    likelihood = np.where(there & (sums > 0), np.square(np.maximum(sums, 0)) / (2 * days), -np.inf)
    if not np.isfinite(likelihood).any():
        return len(scores) - 1, len(scores) - 1, len(scores) - 1
    best = int(np.argmax(likelihood))
    inside = np.flatnonzero(likelihood >= likelihood[best] - 1.92)
    return begin + best, begin + int(inside[0]), begin + int(inside[-1])
