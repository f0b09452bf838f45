"""How long a chart runs until it cries wolf, and the limit that makes it run as long as stated.

Belongs here: average run lengths of one-sided CUSUM, EWMA and Shewhart charts on independent standard normal scores, by a
Markov chain over the chart's states (Brook and Evans, Biometrika 59, 1972; for the EWMA Lucas and Saccucci, Technometrics
32, 1990), and limits solved from them. Not here: scores (`usual.py`), which are only nearly normal; what that costs is
measured and made good in `monitor.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

_STATES = 161
_LONGEST = 1e14


def arl_cusum(k: float, h: float, shift: float = 0.0, states: int = _STATES) -> float:
    """Average run length (days) of a one-sided CUSUM max(0, C + z - k) > h when z has mean `shift`, from C = 0."""
    width = 2 * h / (2 * states - 1)
    here = np.arange(states)
    move = (here[None, :] - here[:, None]) * width + k - shift
    chances = norm.cdf(move + width / 2) - norm.cdf(move - width / 2)
    chances[:, 0] = norm.cdf(-here * width + width / 2 + k - shift)
    return float(np.linalg.solve(np.eye(states) - chances, np.ones(states))[0])


def arl_ewma(lam: float, limit: float, shift: float = 0.0, *, two_sided: bool = False, states: int = _STATES) -> float:
    """Average run length of an EWMA with weight `lam`, limit in its long-run standard deviations, from 0.

    One-sided charts are held at 0 from below (reflected), so that a good spell saves nothing up against a bad one.
    """
    sigma = np.sqrt(lam / (2 - lam))
    top = limit * sigma
    if two_sided:
        width = 2 * top / states
        centre = -top + width * (np.arange(states) + 0.5)
        start = states // 2
    else:
        width = 2 * top / (2 * states - 1)
        centre = width * np.arange(states)
        start = 0
    upper = (centre[None, :] + width / 2 - (1 - lam) * centre[:, None]) / lam - shift
    lower = (centre[None, :] - width / 2 - (1 - lam) * centre[:, None]) / lam - shift
    chances = norm.cdf(upper) - norm.cdf(lower)
    if not two_sided:
        chances[:, 0] = norm.cdf(upper[:, 0])
    return float(np.linalg.solve(np.eye(states) - chances, np.ones(states))[start])


def arl_shewhart(limit: float, shift: float = 0.0, *, two_sided: bool = False) -> float:
    """Average run length of single scores above a limit (or outside both)."""
    chance = norm.sf(limit - shift) + (norm.cdf(-limit - shift) if two_sided else 0.0)
    return float(1 / chance)


@lru_cache(maxsize=256)
def limit_cusum(k: float, run_length: float) -> float:
    """The decision interval h of a one-sided CUSUM with this run length in control. Raises ValueError below 2 days."""
    return _solved(lambda h: arl_cusum(k, h), run_length, 0.05, 60.0)


@lru_cache(maxsize=256)
def limit_ewma(lam: float, run_length: float) -> float:
    """The limit (in long-run standard deviations) of a one-sided reflected EWMA with this run length in control."""
    return _solved(lambda limit: arl_ewma(lam, limit, states=101), run_length, 0.05, 9.0)


def limit_shewhart(run_length: float) -> float:
    """The limit of single scores with this run length in control."""
    return float(norm.isf(1 / run_length))


def _solved(arl: Callable[[float], float], run_length: float, low: float, high: float) -> float:
    if run_length < 2:
        raise ValueError("a chart that alarms every other day is no chart: state a run length of 2 days or more")

    def excess(limit: float) -> float:
        found = arl(limit)
        # Beyond 1e14 days the linear system has no digits left; that is above anything asked for.
        known = np.isfinite(found) and 0 < found < _LONGEST
        return float(np.log(found if known else _LONGEST) - np.log(run_length))

    return float(brentq(excess, low, high, xtol=1e-3))
