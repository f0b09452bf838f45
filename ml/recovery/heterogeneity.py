"""For whom an effect is larger: groups, and whether differences between them are more than luck.

Belongs here: effects by group with "not enough data" as an answer, and tests of heterogeneity. Not here: the effect of
one customer (`individual.py`), curves over a ranking (`ranking.py`), or who should get what (`policy.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ml.recovery.attempts import Attempts
from ml.recovery.effect import effect_terms
from ml.recovery.nuisance import Nuisances
from ml.recovery.pairs import TRIM, Estimand, Floats, Pair, clustered_error, effective_size, interval, make_pair

# Fewer attempts of either arm in a group (weighted, for the reference) and its interval would be wider than any effect.
LEAST = 30
GROUPINGS: tuple[tuple[str, ...], ...] = (("severity",), ("segment",), ("cause",), ("severity", "segment", "cause"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEffect:
    """The effect in one group; NaN with a `reason` where the group is too small.

    `level` says what the group is of ("severity x segment"), `subject` which one ("1 x large"). `p_value` is that of no
    effect, `q_value` after Benjamini & Hochberg (1995) over the groups of its level. `shrunk` with its ends is drawn
    towards the mean of the level by how little the group knows (empirical Bayes; Morris 1983).
    """

    level: str
    subject: str
    n_treated: int
    n_reference: int
    effective_reference: float
    point: float
    low: float
    high: float
    se: float
    p_value: float
    q_value: float
    shrunk: float
    shrunk_low: float
    shrunk_high: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """Whether groups of a level differ beyond luck: Cochran's Q with its degrees of freedom, p value, and the standard
    deviation between them (DerSimonian & Laird 1986); NaN with fewer than two groups."""

    level: str
    groups: int
    q: float
    p_value: float
    between: float


@dataclass(frozen=True, slots=True)
class LinearPredictor:
    """Best linear predictor of the individual effect by the predicted one (Chernozhukov, Demirer, Duflo &
    Fernandez-Val 2018): a `slope` of 1 says that predicted differences are real, of 0 that they are noise."""

    slope: float
    low: float
    high: float
    se: float
    p_value: float
    n: int


def group_effects(
    attempts: Attempts,
    outcome: str,
    arm: str,
    fitted: Nuisances,
    *,
    by: Sequence[Sequence[str]] = GROUPINGS,
    reference: str | None = None,
    estimand: Estimand = "att",
    trim: tuple[float, float] = TRIM,
    least: int = LEAST,
) -> tuple[GroupEffect, ...]:
    """Effects by each grouping, groups in order of their names. Errors are of the population such groups come from.

    A group with fewer than `least` treated or effective reference attempts gets none. Raises ValueError for unknown
    outcomes, arms, or groups.
    """
    against = attempts.arms[0] if reference is None else reference
    pair = make_pair(attempts, outcome, fitted, arm=arm, reference=against, trim=trim)
    found: list[GroupEffect] = []
    for names in by:
        subjects = _subjects(attempts, names)[pair.rows]
        level = " x ".join(names)
        order = np.argsort(subjects, kind="stable")
        parts = np.split(order, np.flatnonzero(subjects[order][1:] != subjects[order][:-1]) + 1) if len(order) else []
        groups = [_group(level, str(subjects[part[0]]), pair, part, estimand, least) for part in parts]
        found += _shrunk(_adjusted(groups))
    return tuple(found)


def homogeneity(groups: Sequence[GroupEffect]) -> tuple[Homogeneity, ...]:
    """One test per level, over its groups with an estimate."""
    found = []
    for level in dict.fromkeys(group.level for group in groups):
        part = [one for one in groups if one.level == level and one.reason is None and one.se > 0]
        if len(part) < 2:
            found.append(Homogeneity(level, len(part), np.nan, np.nan, np.nan))
            continue
        points, errors = np.array([one.point for one in part]), np.array([one.se for one in part])
        q, between = _between(points, errors)
        found.append(Homogeneity(level, len(part), q, float(stats.chi2.sf(q, len(part) - 1)), float(np.sqrt(between))))
    return tuple(found)


def linear_predictor(
    attempts: Attempts,
    outcome: str,
    arm: str,
    fitted: Nuisances,
    *,
    reference: str | None = None,
    trim: tuple[float, float] = TRIM,
) -> LinearPredictor:
    """Regression of doubly robust scores on cross-fitted predicted effects, errors clustered; NaN when these do not
    vary or attempts are too few."""
    against = attempts.arms[0] if reference is None else reference
    pair = make_pair(attempts, outcome, fitted, arm=arm, reference=against, trim=trim)
    scores, predicted = individual_scores(pair), pair.mu1 - pair.mu0
    if len(scores) < 2 * LEAST or not np.isfinite(predicted).all() or predicted.std() < 1e-12:
        return LinearPredictor(np.nan, np.nan, np.nan, np.nan, np.nan, len(scores))
    centred = predicted - predicted.mean()
    size = float(centred @ centred)
    slope = float(centred @ scores) / size
    left = scores - scores.mean() - slope * centred
    error, freedom = clustered_error(centred * left, pair.cluster, size)
    p_value = float(stats.t.sf(slope / error, freedom)) if error else 0.0
    return LinearPredictor(slope, *interval(slope, error, freedom), error, p_value, len(scores))


def individual_scores(pair: Pair) -> Floats:
    """Doubly robust score of each attempt's effect, (m,): unbiased and very noisy, to be averaged."""
    ones, zeros = pair.weights("ate")
    left1 = np.where(ones > 0, pair.values - pair.mu1, 0.0)
    left0 = np.where(zeros > 0, pair.values - pair.mu0, 0.0)
    return np.asarray(pair.mu1 - pair.mu0 + ones * left1 - zeros * left0)


def false_discovery(p_values: Floats) -> Floats:
    """Adjusted p values of Benjamini & Hochberg (1995); NaN stays NaN and does not count as a test."""
    found = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(-p_values[tested])]
    ranks = np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.minimum.accumulate(p_values[order] * len(order) / ranks), 1.0)
    return found


def _subjects(attempts: Attempts, names: Sequence[str]) -> NDArray[np.str_]:
    unknown = [name for name in names if name not in attempts.groups]
    if unknown or not names:
        raise ValueError(f"unknown groups {unknown}: known are {', '.join(attempts.groups)}")
    found = attempts.groups[names[0]].astype(np.str_)
    for name in names[1:]:
        found = np.char.add(np.char.add(found, " x "), attempts.groups[name].astype(np.str_))
    return found


def _group(
    level: str, subject: str, pair: Pair, part: NDArray[np.int64], estimand: Estimand, least: int
) -> GroupEffect:
    known = ~np.isnan(pair.values[part])
    treated = int((known & pair.treated[part]).sum())
    reference = int(known.sum()) - treated
    few = pair.take(part)
    effective = effective_size(few.weights(estimand)[1]) if reference and treated else 0.0
    point = low = high = error = p_value = np.nan
    reason: str | None = None
    if treated < least or effective < least:
        reason = f"not enough data: {treated} treated, reference worth {effective:.0f}; {least} of each are needed"
    elif np.isnan(few.mu1).any() or np.isnan(few.mu0).any():
        reason = "not enough data: in some split nobody had a known outcome under one of the arms"
    else:
        point, influence = effect_terms(few, estimand, "population")
        error, freedom = clustered_error(influence, few.cluster, few.target(estimand).sum())
        low, high = interval(point, error, freedom)
        p_value = float(2 * stats.t.sf(abs(point) / error, freedom)) if error else 1.0
    return GroupEffect(
        level=level,
        subject=subject,
        n_treated=treated,
        n_reference=reference,
        effective_reference=effective,
        point=point,
        low=low,
        high=high,
        se=error,
        p_value=p_value,
        q_value=np.nan,
        shrunk=np.nan,
        shrunk_low=np.nan,
        shrunk_high=np.nan,
        reason=reason,
    )


def _adjusted(groups: list[GroupEffect]) -> list[GroupEffect]:
    values = false_discovery(np.array([one.p_value for one in groups], dtype=np.float64))
    return [replace(one, q_value=float(value)) for one, value in zip(groups, values, strict=True)]


def _shrunk(groups: list[GroupEffect]) -> list[GroupEffect]:
    told = [one for one in groups if one.reason is None and one.se > 0]
    if len(told) < 3:
        return groups
    points, errors = np.array([one.point for one in told]), np.array([one.se for one in told])
    between = _between(points, errors)[1]
    weights = 1 / (errors**2 + between)
    centre, centre_error = float(weights @ points / weights.sum()), float(1 / np.sqrt(weights.sum()))

    def drawn(one: GroupEffect) -> GroupEffect:
        if one.reason is not None or not one.se > 0:
            return one
        trust = between / (between + one.se**2)
        point = trust * one.point + (1 - trust) * centre
        spread = np.sqrt(trust * one.se**2 + ((1 - trust) * centre_error) ** 2)
        low, high = interval(point, float(spread), np.inf)
        return replace(one, shrunk=point, shrunk_low=low, shrunk_high=high)

    return [drawn(one) for one in groups]


def _between(points: Floats, errors: Floats) -> tuple[float, float]:
    """Cochran's Q and the variance between groups (DerSimonian & Laird 1986)."""
    weights = 1 / errors**2
    mean = weights @ points / weights.sum()
    q = float(weights @ (points - mean) ** 2)
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    return q, max((q - (len(points) - 1)) / scale, 0.0) if scale > 0 else 0.0
