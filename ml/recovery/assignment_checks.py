"""Whether choices were made as the log says: counts against logged chances, and nobody tried on who may not be.

Belongs here: checks of logged recommendations before anything is estimated from them. Not here: the draw
(`models/recommendation.py`) and the estimates (`off_policy.py`).

The sample-ratio test compares, within strata, how often each arm was given with the sum of its logged chances. With
chances that differ by case, counts vary less than Pearson's statistic takes for granted; so the exact covariance of the
counts is used, sum of diag(p) - p p' (as in the score test of a multinomial logit with only intercepts). A mismatch means
that a filter, a retry or an override stands between the draw and the deed (Fabijan et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Fabijan et al. (2019): a mismatch is called at this p-value over all strata, so that one in 2,000 sound weeks is.
ALARM_P = 0.0005
_LEAST_COUNT = 5.0


@dataclass(frozen=True, slots=True)
class RatioCheck:
    """Counts against chances in one stratum ("all": over all of them). `p_value` is None where too little was tried."""

    stratum: str
    n: int
    statistic: float
    freedom: int
    p_value: float | None
    is_mismatch: bool
    most_off: str | None
    expected: float
    given: int


@dataclass(frozen=True, slots=True)
class Breach:
    """Choices that should not have been: how many, of what kind, and the first few case ids."""

    kind: str
    cases: int
    examples: tuple[str, ...]


def sample_ratio(
    action: Ints, propensity: Floats, arms: Sequence[str], strata: NDArray[np.str_] | None = None
) -> tuple[RatioCheck, ...]:
    """One check over all choices, then one for each stratum (such as the day).

    `action` (n,) is what was given, `propensity` (n, A) the logged chances. Strata are judged with the error rate shared
    out (Bonferroni). Raises ValueError when chances do not sum to 1 or something without a chance was given.
    """
    n = len(action)
    if propensity.shape != (n, len(arms)):
        raise ValueError(f"propensities have shape {propensity.shape}, {n} choices among {len(arms)} arms were logged")
    if problems := propensity_faults(action, propensity):
        raise ValueError("; ".join(problems))
    names = np.unique(strata).tolist() if strata is not None else []
    parts = [("all", np.ones(n, dtype=bool)), *((name, strata == name) for name in names)]
    levels = [ALARM_P, *([ALARM_P / max(len(names), 1)] * len(names))]
    return tuple(
        _check(str(name), action[mask], propensity[mask], arms, level)
        for (name, mask), level in zip(parts, levels, strict=True)
    )


def propensity_faults(action: Ints, propensity: Floats) -> list[str]:
    """What is wrong with logged chances, in words; empty when nothing is."""
    found = []
    off = ~np.isclose(propensity.sum(axis=1), 1.0, atol=1e-6)
    if off.any():
        found.append(f"the chances of {int(off.sum())} choices do not sum to 1")
    if (wrong := ((propensity < 0) | (propensity > 1) | np.isnan(propensity)).any(axis=1)).any():
        found.append(f"{int(wrong.sum())} choices have a chance outside 0 to 1")
    if (never := propensity[np.arange(len(action)), action] <= 0).any():
        found.append(f"{int(never.sum())} choices had no chance of being made")
    return found


def guardrails(
    case_ids: NDArray[np.str_], action: Ints, propensity: Floats, *, severity: Floats, barred: Mapping[str, Flags]
) -> tuple[Breach, ...]:
    """Cases that were tried on and may never be, one entry per reason; empty when every guard held.

    A case is tried on when more than one arm had a chance. `severity` (n,) is NaN where unknown; severity 1 and unknown
    are always barred. `barred` adds flags (n,) by reason: vulnerable, regulated, escalated. Reference arm 0 is doing
    nothing: giving it to a barred case is a breach even without a draw.
    """
    tried = (propensity > 0).sum(axis=1) > 1
    grave = np.isnan(severity) | (severity == 1)
    found = list[Breach]()
    for reason, mask in {"severity 1 or unknown": grave, **barred}.items():
        for what, cases in (("tried on", tried & mask), ("left alone", (action == 0) & mask)):
            if cases.any():
                found.append(Breach(f"{what}: {reason}", int(cases.sum()), tuple(case_ids[cases][:5].tolist())))
    return tuple(found)


def _check(name: str, action: Ints, propensity: Floats, arms: Sequence[str], level: float) -> RatioCheck:
    given = np.bincount(action, minlength=len(arms)).astype(np.float64)
    expected = propensity.sum(axis=0)
    off = given - expected
    spread = np.diag(expected) - propensity.T @ propensity
    drawn = np.diag(spread) > 1e-9
    # Arms that were certain or impossible do not vary; arms of few expected cases are one group, which keeps the law
    # of large numbers on the test's side.
    groups = _groups(drawn, np.minimum(expected, len(action) - expected))
    statistic, freedom = _quadratic(groups @ off, groups @ spread @ groups.T)
    p_value = float(stats.chi2.sf(statistic, freedom)) if freedom else None
    worst = int(np.abs(off / np.sqrt(np.maximum(np.diag(spread), 1e-9)) * drawn).argmax()) if drawn.any() else None
    return RatioCheck(
        name, len(action), statistic, freedom, p_value, p_value is not None and p_value < level,
        None if worst is None else arms[worst],
        0.0 if worst is None else float(expected[worst]),
        0 if worst is None else int(given[worst]),
    )  # fmt: skip


def _groups(drawn: Flags, least: Floats) -> Floats:
    """Rows that add arms up: one per arm with enough expected cases, one for the rest together."""
    alone = np.flatnonzero(drawn & (least >= _LEAST_COUNT))
    rest = np.flatnonzero(drawn & (least < _LEAST_COUNT))
    rows = [np.eye(len(drawn))[place] for place in alone]
    if len(rest) and least[rest].sum() >= _LEAST_COUNT:
        rows.append(np.isin(np.arange(len(drawn)), rest).astype(np.float64))
    return np.array(rows).reshape(len(rows), len(drawn))


def _quadratic(off: Floats, spread: Floats) -> tuple[float, int]:
    """off' spread^- off and the rank: one direction is lost where counts sum to the number of choices."""
    if not len(off):
        return 0.0, 0
    values, vectors = np.linalg.eigh(spread)
    kept = values > 1e-9 * max(values.max(), 1e-12)
    along = vectors[:, kept].T @ off
    return float((along**2 / values[kept]).sum()), int(kept.sum())
