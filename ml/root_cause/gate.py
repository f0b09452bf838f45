"""Whether a newly trained model takes the place of the one in use: only when it is better where chance picked the texts.

Belongs here: the pure decision and its interval. Not here: training, the labels (`labels.py`), promoting (`ml/store.py`).

Rules, in this order:
1. There is no champion: the challenger is promoted on its held-out splits, and the verdict says so.
2. There are audit labels: fewer than `min_labels` keep the champion; else the challenger must be better, with the whole
   95 % interval of the paired difference of accuracy above zero, and not be worse in macro-F1 with its whole interval.
3. There is no audit label at all: the challenger must be no worse than `margin` on the newest held-out texts, with the
   whole interval; the verdict says that no audit has confirmed it.

The interval is Newcombe's for paired proportions (1998, "Improved confidence intervals for the difference between
binomial proportions based on paired data", method 10), which holds with few disagreements, where a bootstrap collapses.
Unequal weights enter as weighted shares on the effective sample size of Kish (1965).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_Z = 1.959963984540054
MIN_LABELS = 50
# Told apart from chance with about 500 newest texts; a smaller margin would ask for thousands.
MARGIN = 0.02


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger minus champion on the same texts, with a 95 % interval. `effective` is the effective number of texts."""

    n: int
    effective: float
    champion: float
    challenger: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the challenger, by what evidence (`audit`, `time_split`, `held_out`), in words and numbers."""

    decision: Literal["promoted", "kept"]
    basis: Literal["audit", "time_split", "held_out"]
    reason: str
    accuracy: Difference | None = None
    macro_f1: Difference | None = None

    @property
    def is_promoted(self) -> bool:
        """Whether the challenger becomes the champion."""
        return self.decision == "promoted"


@dataclass(frozen=True, slots=True)
class Judged:
    """What two models said about the same labelled texts; `weights` are one over the inclusion probability."""

    truth: Sequence[str]
    champion: Sequence[str | None]
    challenger: Sequence[str | None]
    weights: Sequence[float] | None = None

    @property
    def right(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Per text, whether the champion and whether the challenger was right."""
        both = (self.champion, self.challenger)
        first, second = (np.array([a == b for a, b in zip(said, self.truth, strict=True)], bool) for said in both)
        return first, second


def gate(
    *,
    has_champion: bool,
    audit: Judged | None = None,
    time_split: Judged | None = None,
    min_labels: int = MIN_LABELS,
    margin: float = MARGIN,
    seed: int = 0,
) -> Verdict:
    """The whole rule. `audit` holds labels of the audit, `time_split` the newest held-out texts."""
    if not has_champion:
        return Verdict(
            "promoted", "held_out", "first model: promoted on held-out splits, not yet confirmed by an audit"
        )
    if audit is not None and len(audit.truth):
        f1 = macro_f1_difference(audit, seed=seed) if len(audit.truth) >= min_labels else None
        return decide(*audit.right, audit.weights, macro_f1=f1, min_labels=min_labels)
    if time_split is None or not len(time_split.truth):
        return Verdict("kept", "time_split", "kept: no audit labels and no newest held-out texts to compare on")
    return no_worse(*time_split.right, margin=margin, min_labels=min_labels)


def decide(
    champion_right: ArrayLike,
    challenger_right: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    macro_f1: Difference | None = None,
    min_labels: int = MIN_LABELS,
) -> Verdict:
    """Rule 2, from which texts each model got right. Raises `ValueError` as `paired_difference` does."""
    n = len(np.asarray(champion_right))
    if n < min_labels:
        found = paired_difference(champion_right, challenger_right, weights) if n else None
        return Verdict("kept", "audit", f"kept: too few audit labels, {n} of {min_labels}", found)
    found = paired_difference(champion_right, challenger_right, weights)
    told = f"accuracy {found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f}) on {n} audit labels"
    if found.low <= 0:
        return Verdict("kept", "audit", f"kept: not better, {told}", found, macro_f1)
    if macro_f1 is not None and macro_f1.high < 0:
        worse = f"macro-F1 {macro_f1.value:+.3f} ({macro_f1.low:+.3f} to {macro_f1.high:+.3f})"
        return Verdict("kept", "audit", f"kept: worse on rare causes, {worse}, though {told}", found, macro_f1)
    return Verdict("promoted", "audit", f"promoted: better, {told}", found, macro_f1)


def no_worse(
    champion_right: ArrayLike, challenger_right: ArrayLike, *, margin: float = MARGIN, min_labels: int = MIN_LABELS
) -> Verdict:
    """Rule 3: not worse by more than `margin` with the whole interval."""
    n = len(np.asarray(champion_right))
    if n < min_labels:
        return Verdict("kept", "time_split", f"kept: too few newest held-out texts, {n} of {min_labels}")
    found = paired_difference(champion_right, challenger_right)
    told = f"accuracy {found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f}) on {n} newest held-out texts"
    if found.low < -margin:
        return Verdict("kept", "time_split", f"kept: may be worse by more than {margin:.3f}, {told}", found)
    return Verdict("promoted", "time_split", f"promoted: no worse, {told}; not yet confirmed by an audit", found)


def paired_difference(
    champion_right: ArrayLike, challenger_right: ArrayLike, weights: ArrayLike | None = None
) -> Difference:
    """Difference of accuracy on the same texts with Newcombe's interval.

    Raises `ValueError` when lengths differ, there is no text, or a weight is not a positive number.
    """
    first, second = np.asarray(champion_right, bool), np.asarray(challenger_right, bool)
    weighed = np.ones(len(first)) if weights is None else np.asarray(weights, np.float64)
    if not len(first) == len(second) == len(weighed) or not len(first):
        raise ValueError("two models are compared on the same texts, of which there is at least one")
    if not (np.isfinite(weighed).all() and (weighed > 0).all()):
        raise ValueError("weights are positive numbers")
    share, effective = weighed / weighed.sum(), float(weighed.sum() ** 2 / (weighed**2).sum())
    both, gained, lost = (float(share[cell].sum()) for cell in (first & second, ~first & second, first & ~second))
    low, high = _newcombe(both, gained, lost, effective)
    return Difference(len(first), effective, both + lost, both + gained, gained - lost, low, high)


def _newcombe(both: float, gained: float, lost: float, n: float) -> tuple[float, float]:
    """Interval of (both + gained) - (both + lost), all as shares of n texts."""
    p1, p2 = both + gained, both + lost
    (l1, u1), (l2, u2) = _wilson(p1, n), _wilson(p2, n)
    spread = p1 * (1 - p1) * p2 * (1 - p2)
    phi = _correlation(both, gained, lost, n) / sqrt(spread) if spread > 1e-12 else 0.0
    below = sqrt(max((p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2, 0.0))
    above = sqrt(max((p2 - l2) ** 2 - 2 * phi * (p2 - l2) * (u1 - p1) + (u1 - p1) ** 2, 0.0))
    return p1 - p2 - below, p1 - p2 + above


def _correlation(both: float, gained: float, lost: float, n: float) -> float:
    """Numerator of phi with Newcombe's continuity correction, which only ever makes it smaller."""
    product = both * (1 - both - gained - lost) - gained * lost
    return max(product - 1 / (2 * n), 0.0) if product > 0 else product


def _wilson(p: float, n: float) -> tuple[float, float]:
    middle, width = p + _Z**2 / (2 * n), _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    return (middle - width) / (1 + _Z**2 / n), (middle + width) / (1 + _Z**2 / n)


def macro_f1_difference(judged: Judged, *, draws: int = 1_000, seed: int = 0) -> Difference:
    """Difference of macro-F1 over the causes people named, percentile interval over resampled texts (paired)."""
    causes = sorted(set(judged.truth))
    place = {cause: number for number, cause in enumerate(causes)}
    truth = np.array([place[value] for value in judged.truth])
    n = len(truth)
    weights = np.ones(n) if judged.weights is None else np.asarray(judged.weights, np.float64)
    rng = np.random.default_rng(seed)
    counts = np.vstack([np.ones(n), rng.multinomial(n, np.full(n, 1 / n), size=draws)]) * weights
    scores = [_macro_f1(truth, said, place, counts) for said in (judged.champion, judged.challenger)]
    apart = scores[1] - scores[0]
    low, high = (float(value) for value in np.quantile(apart[1:], [0.025, 0.975]))
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    return Difference(n, effective, float(scores[0][0]), float(scores[1][0]), float(apart[0]), low, high)


def _macro_f1(truth: NDArray[np.int64], said: Sequence[str | None], place: dict[str, int], counts: Floats) -> Floats:
    """Macro-F1 for each row of weights (draws x texts); a cause that does not occur in a draw is left out of its mean."""
    guess = np.array([place.get(value, -1) if value is not None else -1 for value in said])
    scores = []
    for cause in range(len(place)):
        hits = counts @ ((truth == cause) & (guess == cause))
        there, named = counts @ (truth == cause), counts @ (guess == cause)
        with np.errstate(divide="ignore", invalid="ignore"):
            scores.append(np.where(there > 0, 2 * hits / (there + named), np.nan))
    means: Floats = np.nanmean(np.array(scores), axis=0)
    return means
