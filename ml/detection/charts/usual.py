"""What is usual for each series today, learnt from its own past alone, and how far today is from it.

Belongs here: level, weekday pattern, over-dispersion and the normal score of a day, for all series at once, one day after
the other. Not here: what is made of the scores (`monitor.py`).

Method: a discounted gamma-Poisson filter (West and Harrison, Bayesian Forecasting and Dynamic Models, 1997, ch. 14) per
series for counts and its mean-and-variance analogue for scores (whose variance within a day is that of the single answers,
so an NPS has its multinomial variance); dispersion as in Laney's p' and u' charts (Quality Engineering 14, 2002), shrunk
towards the family's; outcomes clipped before they are learnt (Farrington's down-weighting in its simplest form), so that an
outbreak does not become the usual. Thin series lean on their parent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.detection.charts.panel import Flags, Floats, Panel

# A day that stands out by more is learnt only as far as this many standard deviations.
_CLIP = 2.5
# Mean square of a standard normal that is clipped there: what it takes the dispersion down by.
_CLIPPED = 0.9767
# Events of the parent a thin series is taken to have seen beside its own, and days of the family's dispersion.
_PARENT_EVENTS, _FAMILY_DAYS = 5.0, 30.0
# Days' worth of "no weekday pattern" each weekday starts with.
_FLAT_DAYS = 6.0
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Memory:
    """Half-lives in days: of the level, of the weekday pattern and of the dispersion."""

    level: float = 45.0
    weekday: float = 180.0
    dispersion: float = 120.0


@dataclass(slots=True)
class Day:
    """One day of every series, shape (S,) each: expected outcome, its standard deviation and the normal score, signed so
    that positive is worse; NaN where the day does not count or too little is known."""

    expected: Floats
    deviation: Floats
    score: Floats


@dataclass(slots=True)
class Usual:
    """The state of all series. Call `day` for each day in order, then `learn` of that day (or a later one)."""

    panel: Panel
    memory: Memory = field(default_factory=Memory)
    total: Floats = field(init=False)
    chances: Floats = field(init=False)
    squares: Floats = field(init=False)
    weekday_total: Floats = field(init=False)
    weekday_expected: Floats = field(init=False)
    strays: Floats = field(init=False)
    stray_days: Floats = field(init=False)
    seen_days: Floats = field(init=False)
    is_born: Flags = field(init=False)

    def __post_init__(self) -> None:
        size = self.panel.series
        for name in ("total", "chances", "squares", "strays", "stray_days", "seen_days"):
            setattr(self, name, np.zeros(size))
        # A count nobody has ever seen is not zero usually: its series begins with its first event.
        self.is_born = np.full(size, not self.panel.is_count)
        self.weekday_total, self.weekday_expected = np.zeros((_WEEK, size)), np.zeros((_WEEK, size))

    def level(self) -> Floats:
        """(S,) outcome per opportunity; a thin series lies between its own and its parent's."""
        with np.errstate(invalid="ignore", divide="ignore"):
            own = self.total / self.chances
        if self.panel.parent is None:
            return own
        level, parent = own.copy(), self.panel.parent
        leaning = parent >= 0
        above = own[parent]
        with np.errstate(invalid="ignore", divide="ignore"):
            weight = _PARENT_EVENTS / np.abs(above) if self.panel.is_count else np.full(len(own), _PARENT_EVENTS)
            shrunk = (self.total + weight * above) / (self.chances + weight)
        usable = leaning & np.isfinite(shrunk)
        level[usable] = shrunk[usable]
        return level

    def within(self, level: Floats) -> Floats:
        """(S,) variance of one answer around the level; for counts the level itself (Poisson)."""
        if self.panel.is_count:
            return np.maximum(level, 1e-12)
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = self.squares / self.chances - np.square(self.total / self.chances)
        family = float(np.nanmedian(spread[spread > 0])) if np.any(spread > 0) else np.nan
        with np.errstate(invalid="ignore"):
            # Twenty answers' worth of the family's spread: five that agree by chance are no proof of agreement.
            shrunk = (self.chances * np.nan_to_num(spread) + 20 * family) / (self.chances + 20)
        return np.maximum(shrunk, 1e-9)

    def dispersion(self) -> Floats:
        """(S,) how many times its sampling variance a day varies by, at least once; shrunk towards the family's median."""
        with np.errstate(invalid="ignore", divide="ignore"):
            own = self.strays / self.stray_days
        known = self.stray_days > _FAMILY_DAYS / 2
        family = max(1.0, float(np.median(own[known]))) if known.any() else 1.0
        shrunk = (self.strays + _FAMILY_DAYS * family) / (self.stray_days + _FAMILY_DAYS)
        return np.maximum(shrunk, 1.0)

    def factor(self, weekday: int) -> Floats:
        """(S,) the weekday's share of an average day."""
        usual = self.weekday_expected.mean(axis=0)
        flat = _FLAT_DAYS / 10 * np.where(usual > 0, usual, 1.0)
        if not self.panel.is_count:
            return np.ones(self.panel.series)
        found = (self.weekday_total[weekday] + flat) / (self.weekday_expected[weekday] + flat)
        whole = (self.weekday_total + flat) / (self.weekday_expected + flat)
        share: Floats = found / np.maximum(whole.mean(axis=0), 1e-12)
        return share

    def shift(self, weekday: int) -> Floats:
        """(S,) points by which scores of the weekday differ (means only); zero for counts."""
        if self.panel.is_count:
            return np.zeros(self.panel.series)
        points: Floats = self.weekday_total[weekday] / (self.weekday_expected[weekday] + 20.0 * _FLAT_DAYS)
        return points

    def day(self, day: int, min_days: float) -> Day:
        """Today against what is usual, without having looked at today."""
        n, level, weekday = self.panel.n[:, day], self.level(), self.panel.day_of_week(day)
        expected = n * (level * self.factor(weekday) + self.shift(weekday))
        within = self.within(level)
        with np.errstate(invalid="ignore", divide="ignore"):
            sampling = np.maximum(expected, 1e-12) if self.panel.is_count else n * within
            learnt = np.square(n) * within / self.chances
            deviation = np.sqrt(self.dispersion() * (sampling + learnt))
            score = self._score(self.panel.total[:, day], expected, deviation)
        usable = self.panel.counts(day) & (self.seen_days >= min_days) & np.isfinite(score) & (self.chances > 0)
        return Day(expected, deviation, np.where(usable, self.panel.direction * score, np.nan))

    def _score(self, total: Floats, expected: Floats, deviation: Floats) -> Floats:
        """Standardised; counts by the square root, whose scores of skewed counts are nearly normal (Anscombe, Biometrika
        35, 1948), centred so that their mean is nearly zero."""
        if not self.panel.is_count:
            distance: Floats = (total - expected) / deviation
            return distance
        spread = np.square(deviation) / np.maximum(expected, 1e-12)
        # With k = expected / (spread - 1) this is Anscombe's transform of the negative binomial to first order.
        raw = 2 * (np.sqrt(total / spread + 0.375) - np.sqrt(expected / spread + 0.375))
        centred: Floats = raw + 0.25 / np.sqrt(expected / spread + 0.375) * (1 - np.exp(-expected / spread))
        return centred

    def learn(self, day: int, seen: Day, trust: Floats) -> None:
        """Take a day into what is usual: (S,) `trust` 0 to 1, 0 where nothing is to be learnt of it."""
        self.is_born |= self.panel.total[:, day] > 0
        counts = self.panel.counts(day) & (trust > 0) & self.is_born
        n, total = self.panel.n[:, day], self.panel.total[:, day]
        known = np.isfinite(seen.deviation) & np.isfinite(seen.expected) & (self.seen_days >= _WEEK)
        with np.errstate(invalid="ignore"):
            low, high = seen.expected - _CLIP * seen.deviation, seen.expected + _CLIP * seen.deviation
            clipped = np.where(known, np.clip(total, low, high), total)
        clipped = np.maximum(clipped, 0.0) if self.panel.is_count else clipped
        weight = np.where(counts, trust, 0.0)
        self._learn_spread(seen, clipped, weight * known)
        self._learn_weekday(self.panel.day_of_week(day), n, clipped, weight * known)
        factor, shift = self.factor(self.panel.day_of_week(day)), self.shift(self.panel.day_of_week(day))
        self._learn_level(day, n * factor, clipped - n * shift, weight)
        self.seen_days += counts

    def _learn_level(self, day: int, chances: Floats, total: Floats, weight: Floats) -> None:
        kept = np.where(weight > 0, 0.5 ** (1 / self.memory.level), 1.0)
        self.total = kept * self.total + weight * total
        self.chances = kept * self.chances + weight * chances
        if self.panel.squares is not None:
            self.squares = kept * self.squares + weight * self.panel.squares[:, day]

    def _learn_weekday(self, weekday: int, n: Floats, total: Floats, weight: Floats) -> None:
        kept = np.where(weight > 0, 0.5 ** (_WEEK / self.memory.weekday), 1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            flat = n * np.nan_to_num(self.total / self.chances)
        add_total, add_expected = (total, flat) if self.panel.is_count else (total - flat, n)
        self.weekday_total[weekday] = kept * self.weekday_total[weekday] + weight * add_total
        self.weekday_expected[weekday] = kept * self.weekday_expected[weekday] + weight * add_expected

    def _learn_spread(self, seen: Day, clipped: Floats, weight: Floats) -> None:
        kept = np.where(weight > 0, 0.5 ** (1 / self.memory.dispersion), 1.0)
        now = self.dispersion()
        with np.errstate(invalid="ignore", divide="ignore"):
            stray = np.square((clipped - seen.expected) / seen.deviation) * now / _CLIPPED
        # Clipped outcomes stray by no more than this; more comes of a deviation that was not known yet.
        stray = np.where(np.isfinite(stray), np.minimum(stray, _CLIP**2 * now / _CLIPPED), 0.0)
        self.strays = kept * self.strays + weight * stray
        self.stray_days = kept * self.stray_days + weight

    def start_again(self, places: Flags, days: slice) -> None:
        """Take the level of some series from these days alone: what has lasted this long is the usual."""
        self.total[places] = self.panel.total[places, days].sum(axis=1)
        self.chances[places] = self.panel.n[places, days].sum(axis=1)
        if self.panel.squares is not None:
            self.squares[places] = self.panel.squares[places, days].sum(axis=1)


def is_doubled(panel: Panel, day: int, seen: Day, recent: float) -> bool:
    """Whether nearly every series counted about twice its usual at once: a day delivered twice, not a breakdown.

    `recent` is all outcomes of the week before over what was expected of it. Rows delivered again under new numbers make
    every count even, which twelve independent counts are once in four thousand days; without that the day must be
    twice the usual everywhere alike, in five series with twenty expected at least. No real event doubles every theme,
    segment and place, and one that did is believed the day after.
    """
    if not panel.is_count:
        return False
    usable: Flags = np.isfinite(seen.score)
    total, expected = panel.total[usable, day], seen.expected[usable]
    if expected.sum() < 20 or recent <= 0:
        return False
    whole = total.sum() / expected.sum() / recent
    some = total[total > 0]
    # On a quiet weekday after a holiday twice the usual may look like three times.
    if len(some) >= 12 and 1.3 <= whole <= 4.0 and not np.any(some % 2):
        return True
    if not 1.5 <= whole <= 2.7:
        return False
    large = expected >= 20
    ratio = total[large] / np.maximum(expected[large], 1e-12) / recent
    if len(ratio) < 5:
        return False
    alike = np.mean(np.abs(ratio - 2) <= 0.25 + 2 * seen.deviation[usable][large] / expected[large])
    return bool(1.85 <= np.median(ratio) <= 2.15 and alike >= 0.9)
