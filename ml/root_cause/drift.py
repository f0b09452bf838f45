"""Whether what comes in, or what the model makes of it, is still what it was: measures by week, each with its limit.

Belongs here: the measures, their limits and intervals, as a table. Not here: alarms about customers' problems
(`ml/detection`), what follows from drift (a retraining passes `gate.py` like any other).

A measure drifts when it is beyond what chance does *and* beyond a size that matters. Chance: a permutation test against
the reference (Good 2005) for shares, mixes and vectors; exact simulation for calibration; Wilson intervals for
accuracy. All measures of a week share one false-alarm rate (Bonferroni): of the weeks in which nothing changed at most
`false_alarms` show any drift. Size: with thousands of texts a week every difference is beyond chance, so each measure
has a floor; 0.1 is the usual one of the population stability index (PSI; Yurdakul 2018). Texts of one week are taken as
exchangeable: where one event brings many alike texts, chance is larger than that and the floor is what protects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.outputs import DRIFT

Floats = NDArray[np.float64]
# Smallest changes worth a warning, by measure, in its own unit.
FLOORS: Mapping[str, float] = MappingProxyType(
    {
        "cause_psi": 0.1, "confidence_psi": 0.1, "language_psi": 0.1, "abstained_share": 0.05, "unassigned_share": 0.05,
        "centroid_cosine": 0.02, "energy_distance": 0.01, "accuracy": 0.05, "calibration_error": 0.05,
    }
)  # fmt: skip
NONE = "(none)"
_DRAWS = 999
# The energy distance is quadratic in texts: 400 a side see a shift of a few hundredths and cost 0.1 CPU-seconds.
_SAMPLE = 400


@dataclass(frozen=True, slots=True)
class Batch:
    """Scored texts of a week, or of the reference, one place each in every field.

    `causes` None: abstained; `topics` None: unassigned; `vectors` (n, dimensions), None where they are not at hand.
    """

    causes: Sequence[str | None]
    confidences: Sequence[float | None]
    topics: Sequence[int | None]
    languages: Sequence[str | None]
    vectors: NDArray[np.floating[Any]] | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """Audit labels that arrived in a week: whether the model was right, and the confidence it had. Chance picked them."""

    right: Sequence[bool]
    confidences: Sequence[float]


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a week. `low` and `high` are its 95 % interval, None where it has none; `is_drift` None: unknown."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    is_drift: bool | None


def measure(
    reference: Batch,
    week: Batch,
    labelled: Labelled | None = None,
    *,
    expected_accuracy: float | None = None,
    false_alarms: float = 0.05,
    min_texts: int = 50,
    min_labels: int = 30,
    floors: Mapping[str, float] = FLOORS,
    seed: int = 0,
) -> list[Measure]:
    """All measures of one week against the reference; under `min_texts` or `min_labels` a value is told, not judged.

    `expected_accuracy` is the accuracy the model was promoted with. Deterministic for equal inputs and seed.
    """
    alpha, rng = false_alarms / len(FLOORS), np.random.default_rng(seed)
    enough = len(week.causes) >= min_texts and len(reference.causes) >= min_texts
    found = [
        *_mixes(reference, week, alpha, floors, rng),
        *_shares(reference, week, alpha, floors, rng),
        *_vectors(reference, week, alpha, floors, rng),
    ]
    if not enough:
        found = [Measure(item.name, item.value, item.low, item.high, None, None) for item in found]
    return [*found, *_labels(labelled, expected_accuracy, alpha, min_labels, floors, rng)]


def table(weeks: Mapping[date, Sequence[Measure]], model_id: str) -> pa.Table:
    """Measures by the Monday of their week as rows of schema `ml.outputs.DRIFT`."""
    rows = [
        {
            "drift_id": hashlib.sha256(f"{week}|{item.name}|{model_id}".encode()).hexdigest()[:16],
            "week": week, "measure": item.name, "value": item.value, "low": item.low, "high": item.high,
            "limit_value": item.limit, "is_drift": item.is_drift, "model_id": model_id,
        }
        for week in sorted(weeks)
        for item in weeks[week]
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=DRIFT)


def psi(reference: Floats, week: Floats) -> Floats:
    """Population stability index of counts (..., categories), half a count added to each so that none is empty."""
    first, second = (
        (counts + 0.5) / (counts + 0.5).sum(axis=-1, keepdims=True) for counts in (np.asarray(reference), week)
    )
    found: Floats = ((second - first) * np.log(second / first)).sum(axis=-1)
    return found


def _mixes(
    reference: Batch, week: Batch, alpha: float, floors: Mapping[str, float], rng: np.random.Generator
) -> list[Measure]:
    edges = _edges(reference.confidences)
    columns = {
        "cause_psi": (list(reference.causes), list(week.causes)),
        "confidence_psi": (_binned(reference.confidences, edges), _binned(week.confidences, edges)),
        "language_psi": (list(reference.languages), list(week.languages)),
    }
    found = []
    for name, (before, now) in columns.items():
        values = sorted({value or NONE for value in (*before, *now)})
        if not before or not now:
            found.append(Measure(name, None, None, None, None, None))
            continue
        counts = [np.array([[v or NONE for v in side].count(value) for value in values]) for side in (before, now)]
        value = float(psi(counts[0], counts[1].astype(np.float64)))
        pooled = counts[0] + counts[1]
        drawn = rng.multivariate_hypergeometric(pooled, int(counts[1].sum()), size=_DRAWS, method="marginals")
        limit = _limit(psi(pooled - drawn, drawn.astype(np.float64)), alpha, floors[name])
        found.append(Measure(name, value, None, None, limit, value > limit))
    return found


def _edges(confidences: Sequence[float | None]) -> Floats:
    known = np.array([value for value in confidences if value is not None], dtype=np.float64)
    edges: Floats = np.unique(np.quantile(known, np.linspace(0.1, 0.9, 9))) if len(known) else np.empty(0)
    return edges


def _binned(confidences: Sequence[float | None], edges: Floats) -> list[str | None]:
    return [None if value is None else f"bin {int(np.searchsorted(edges, value))}" for value in confidences]


def _limit(chance: Floats, alpha: float, floor: float) -> float:
    """What chance exceeds in a share `alpha` of draws, counting the observed one among them; never under the floor."""
    place = min(int(np.ceil((1 - alpha) * (len(chance) + 1))), len(chance)) - 1
    return max(float(np.sort(chance)[place]), floor)


def _shares(
    reference: Batch, week: Batch, alpha: float, floors: Mapping[str, float], rng: np.random.Generator
) -> list[Measure]:
    """Shares with Wilson's interval; the limit is the largest share that is neither chance nor too small a rise."""
    found = []
    for name, before, now in (
        ("abstained_share", reference.causes, week.causes),
        ("unassigned_share", reference.topics, week.topics),
    ):
        n, m = len(now), len(before)
        if not n or not m:
            found.append(Measure(name, None, None, None, None, None))
            continue
        hits, former = sum(value is None for value in now), sum(value is None for value in before)
        drawn = rng.hypergeometric(hits + former, n + m - hits - former, n, size=_DRAWS)
        rises = drawn / n - (hits + former - drawn) / m
        limit = former / m + _limit(rises, alpha, floors[name])
        low, high = _wilson(hits, n)
        found.append(Measure(name, hits / n, low, high, limit, hits / n > limit))
    return found


def _vectors(
    reference: Batch, week: Batch, alpha: float, floors: Mapping[str, float], rng: np.random.Generator
) -> list[Measure]:
    """How near the texts are to the middle of the reference, and how far the two clouds lie apart."""
    if reference.vectors is None or week.vectors is None or not len(reference.vectors) or not len(week.vectors):
        return [Measure(name, None, None, None, None, None) for name in ("centroid_cosine", "energy_distance")]
    before, now = np.asarray(reference.vectors, np.float64), np.asarray(week.vectors, np.float64)
    total = before.sum(axis=0)
    # Each text of the reference against the middle of the others: against its own it would look nearer than any new one.
    cosines = _cosines(before, total - before), _cosines(now, total[None, :])
    return [_nearness(cosines[0], cosines[1], alpha, floors, rng), _energy(before, now, alpha, floors, rng)]


def _cosines(texts: Floats, middles: Floats) -> Floats:
    lengths = np.linalg.norm(texts, axis=1) * np.linalg.norm(middles, axis=1)
    found: Floats = (texts * middles).sum(axis=1) / np.maximum(lengths, 1e-12)
    return found


def _nearness(
    before: Floats, now: Floats, alpha: float, floors: Mapping[str, float], rng: np.random.Generator
) -> Measure:
    n, pooled = len(now), np.concatenate([before, now])
    drawn = np.array([pooled[rng.permutation(len(pooled))[:n]].mean() for _ in range(_DRAWS)])
    rest = (pooled.sum() - drawn * n) / len(before)
    limit = float(before.mean()) - _limit(rest - drawn, alpha, floors["centroid_cosine"])
    value, error = float(now.mean()), float(now.std(ddof=1) / np.sqrt(n)) if n > 1 else None
    low, high = (None, None) if error is None else (value - 1.96 * error, value + 1.96 * error)
    return Measure("centroid_cosine", value, low, high, limit, value < limit)


def _energy(
    before: Floats, now: Floats, alpha: float, floors: Mapping[str, float], rng: np.random.Generator
) -> Measure:
    """Energy distance (Szekely and Rizzo 2013) of samples of both sides, with the limit of a permutation test."""
    sides = [side[np.sort(rng.permutation(len(side))[:_SAMPLE])] for side in (before, now)]
    both = np.vstack(sides)
    squares = (both**2).sum(axis=1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * both @ both.T, 0.0))
    n, m = len(sides[0]), len(sides[1])
    marks = np.zeros((_DRAWS + 1, n + m))
    marks[0, n:] = 1
    for draw in range(1, _DRAWS + 1):
        marks[draw, rng.permutation(n + m)[:m]] = 1
    within, across = _pair_sums(marks, apart)
    total = float(apart.sum())
    # Sums over all ordered pairs: both in the week, one in each, both in the reference.
    distance = 2 * (across / (n * m)) - within / m**2 - (total - within - 2 * across) / n**2
    limit = _limit(distance[1:], alpha, floors["energy_distance"])
    return Measure("energy_distance", float(distance[0]), None, None, limit, bool(distance[0] > limit))


def _pair_sums(marks: Floats, apart: Floats) -> tuple[Floats, Floats]:
    reached = marks @ apart
    within: Floats = (reached * marks).sum(axis=1)
    across: Floats = reached.sum(axis=1) - within
    return within, across


def _labels(
    labelled: Labelled | None,
    expected: float | None,
    alpha: float,
    min_labels: int,
    floors: Mapping[str, float],
    rng: np.random.Generator,
) -> list[Measure]:
    if labelled is None or not len(labelled.right):
        return [Measure(name, None, None, None, None, None) for name in ("accuracy", "calibration_error")]
    right, confidences = np.array(labelled.right, dtype=np.float64), np.array(labelled.confidences, dtype=np.float64)
    n, enough = len(right), len(right) >= min_labels
    low, high = _wilson(int(right.sum()), n)
    limit = None if expected is None else expected - floors["accuracy"]
    # Below what is tolerated with the whole interval at the rate all measures share, not only the 95 % one shown.
    surely = _wilson(int(right.sum()), n, _normal_quantile(1 - alpha))[1]
    accuracy = Measure(
        "accuracy", float(right.mean()), low, high, limit, surely < limit if enough and limit is not None else None
    )
    value = float(_calibration(right[None, :], confidences)[0])
    chance = _calibration((rng.random((_DRAWS, n)) < confidences).astype(np.float64), confidences)
    bound = _limit(chance, alpha, floors["calibration_error"])
    return [
        accuracy,
        Measure("calibration_error", value, None, None, bound if enough else None, value > bound if enough else None),
    ]


def _calibration(right: Floats, confidences: Floats, bins: int = 10) -> Floats:
    """Expected calibration error (Naeini et al. 2015) for each row of outcomes (draws x texts)."""
    places = np.minimum((confidences * bins).astype(int), bins - 1)
    total = np.zeros(len(right))
    for place in range(bins):
        chosen = places == place
        if chosen.any():
            total += np.abs(right[:, chosen].mean(axis=1) - confidences[chosen].mean()) * chosen.mean()
    return total


def _wilson(hits: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    p = hits / n
    middle, width = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return float((middle - width) / (1 + z**2 / n)), float((middle + width) / (1 + z**2 / n))


def _normal_quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)
