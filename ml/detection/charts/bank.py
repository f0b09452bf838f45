"""The charts run side by side on the scores of a day, and how rare their statistics are.

Belongs here: an EWMA for small lasting shifts, two CUSUMs, and single days for large ones; their limits so that all together
run as long as stated. Not here: scores (`usual.py`), alarms (`monitor.py`).

All are one-sided towards worse. Limits share the false alarms equally (Bonferroni), so the bank runs at least as long as
stated. A series' days without a score leave its charts as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np

from ml.detection.charts.panel import Flags, Floats
from ml.detection.charts.run_length import arl_cusum, arl_ewma, arl_shewhart, limit_cusum, limit_ewma, limit_shewhart

LAMBDA, ALLOWANCES = 0.1, (0.25, 0.5)
CHARTS = 2 + len(ALLOWANCES)
# Stationary quantile of each chart at 99 %, in control, on independent normal scores; the tests derive them again.
TAIL, TAIL_QUANTILES = 0.01, (2.51, 2.33, 8.70, 4.06)
_SIGMA = float(np.sqrt(LAMBDA / (2 - LAMBDA)))
# Statistics are placed between tabled limits by the logarithm of their run length; longer ones count as the last.
_STEPS, _LONGEST = 48, 1e10


@dataclass(slots=True)
class Bank:
    """Statistics (S,) of every chart; `ewma` in its long-run standard deviations."""

    size: int
    ewma: Floats = field(init=False)
    cusum: Floats = field(init=False)
    single: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.ewma, self.single = np.zeros(self.size), np.zeros(self.size)
        self.cusum = np.zeros((len(ALLOWANCES), self.size))

    def take(self, score: Floats) -> None:
        """One more day; NaN leaves a series as it is (but its single day is over)."""
        there = np.isfinite(score)
        z = np.where(there, score, 0.0)
        moved = np.maximum(0.0, (1 - LAMBDA) * self.ewma + LAMBDA * z / _SIGMA)
        self.ewma = np.where(there, moved, self.ewma)
        for row, allowance in enumerate(ALLOWANCES):
            self.cusum[row] = np.where(there, np.maximum(0.0, self.cusum[row] + z - allowance), self.cusum[row])
        self.single = np.where(there, z, 0.0)

    def statistics(self) -> Floats:
        """(CHARTS, S): the EWMA, the single day and the CUSUMs."""
        return np.stack([self.ewma, self.single, *self.cusum])

    def levels(self, run_length: float, stretch: Floats) -> Floats:
        """(CHARTS, S) statistics as shares of their limits times `stretch` (CHARTS,): 1 is at the limit."""
        limits = np.array(limits_for(run_length)) * stretch
        found: Floats = self.statistics() / limits[:, None]
        return found

    def rarity(self, place: int, stretch: Floats) -> float:
        """Run length in control (days) of a bank whose limits stood exactly at today's statistics of one series."""
        own = self.statistics()[:, place] / stretch
        runs = [np.interp(value, limits, logs) for value, (limits, logs) in zip(own, _table(), strict=True)]
        return float(np.exp(max(runs))) / CHARTS

    def forget(self, places: Flags) -> None:
        """Start the charts of some series anew."""
        self.ewma[places], self.single[places], self.cusum[:, places] = 0.0, 0.0, 0.0


def limits_for(run_length: float) -> tuple[float, ...]:
    """Limits of EWMA, single days and CUSUMs whose bank runs at least `run_length` days in control."""
    own = CHARTS * run_length
    return limit_ewma(LAMBDA, own), limit_shewhart(own), *(limit_cusum(k, own) for k in ALLOWANCES)


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[Floats, Floats], ...]:
    """Of each chart alone: limits, and the logarithm of the run length with each."""
    charts: tuple[tuple[Callable[[float], float], float], ...] = (
        (lambda limit: arl_ewma(LAMBDA, limit, states=101), limit_ewma(LAMBDA, _LONGEST)),
        (arl_shewhart, limit_shewhart(_LONGEST)),
        *((partial(arl_cusum, k, states=101), limit_cusum(k, _LONGEST)) for k in ALLOWANCES),
    )
    return tuple(_tabled(run, top) for run, top in charts)


def _tabled(run: Callable[[float], float], top: float) -> tuple[Floats, Floats]:
    limits = np.linspace(0.1, top, _STEPS)
    return limits, np.log([run(float(limit)) for limit in limits])
