"""How much of a change is a change of who is counted, and how much is real.

Belongs here: the exact division of a change of rate between strata into a mix part and a rate part. Not here: which
change (`windows.py`), or the charts (`charts/`).

Method: Kitagawa (J. Am. Stat. Assoc. 50, 1955), the symmetric form, in which the two parts add up exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.detection.panels import Floats, Key
from ml.detection.windows import Windows, as_places


@dataclass(frozen=True, slots=True)
class Parts:
    """A change as the sum of `mix` (other people) and `rate` (the same people fare worse), in the unit of the effect:
    shares of the usual for counts, points for scores; positive is worse. `strata` is how many groups were told apart."""

    mix: float
    rate: float
    strata: int


def kitagawa(n: Floats, total: Floats, past_n: Floats, past_total: Floats) -> tuple[float, float]:
    """(mix, rate) parts of `total.sum() / n.sum() - past_total.sum() / past_n.sum()`; all arrays are (strata,).

    A stratum without chances on one side has there the rate of the other: its coming or going is mix alone. NaN when
    one side has no chances at all.
    """
    if n.sum() <= 0 or past_n.sum() <= 0:
        return np.nan, np.nan
    share, past_share = n / n.sum(), past_n / past_n.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, past_rate = total / n, past_total / past_n
    rate, past_rate = np.where(n > 0, rate, past_rate), np.where(past_n > 0, past_rate, rate)
    there = (n > 0) | (past_n > 0)
    mix = ((share - past_share) * (rate + past_rate) / 2)[there].sum()
    real = ((rate - past_rate) * (share + past_share) / 2)[there].sum()
    return float(mix), float(real)


def mix_of(windows: Windows, series: int, begin: int, end: int) -> Parts | None:
    """Parts of the change of a series over days `begin` to `end`; None where no finer strata of people are watched.

    Strata are segments and regions: a theme is what people say, not who they are.
    """
    strata = _strata(windows.grid.keys, series)
    if len(strata) < 2:
        return None
    n, total, past_n, past_total = windows.sums(as_places(strata), begin, end)
    mix, rate = kitagawa(n, total, past_n, past_total)
    if not np.isfinite(mix):
        return None
    usual = past_total.sum() / past_n.sum() if windows.chart.is_relative else 1.0
    return Parts(windows.sign * mix / usual, windows.sign * rate / usual, len(strata)) if usual > 0 else None


def _strata(keys: tuple[Key, ...], series: int) -> list[int]:
    """The finest watched cells of people within a series: all of one depth and one set of dimensions."""
    own = keys[series]
    cuts: dict[tuple[bool, bool], list[int]] = {}
    for place, key in enumerate(keys):
        if own.covers(key) and key.subject == own.subject and key != own:
            cuts.setdefault((key.segment is None, key.region is None), []).append(place)
    return max(cuts.values(), key=len, default=[])
