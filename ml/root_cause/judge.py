"""How good probabilities were on texts the model had not seen.

Belongs here: figures from probabilities and truth (accuracy, macro-F1, calibration error, coverage at a precision) with
intervals, and the confidences above which a model may speak or act alone. Not here: making the probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.examples import ClassifierParams, Floats

Truths = NDArray[np.bool_]
# Two-sided 95 % and one-sided 95 % quantiles of the normal distribution.
_TWO_SIDED, _ONE_SIDED = 1.959964, 1.644854
# Precision of 1,700 texts has a standard error of 0.0034 at 0.98; the bound alone was missed by one split in three.
_AUTO_MARGIN = 0.003


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a model did on texts it had not seen: plain figures, and the confusion counts (rows = truth)."""

    metrics: dict[str, float]
    causes: tuple[str, ...]
    confusion: NDArray[np.int64]
    reliability: tuple[tuple[float, float, int], ...]
    per_cause: dict[str, dict[str, float]] = field(default_factory=dict)


def judge(truth: Sequence[str], shares: Floats, causes: tuple[str, ...]) -> Judgement:
    """Accuracy, macro-F1, calibration error and coverage of probabilities (texts, causes) against the truth.

    A cause that only the truth knows counts as a miss and as a class of its own in macro-F1.
    """
    names = tuple(sorted({*truth, *causes}))
    place = {name: index for index, name in enumerate(names)}
    actual = np.array([place[name] for name in truth])
    guess = np.array([place[causes[int(best)]] for best in shares.argmax(axis=1)])
    confidence, right = shares.max(axis=1), actual == guess
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(confusion, (actual, guess), 1)
    per_cause = {name: _scores(confusion, index) for name, index in place.items()}
    error, bins = calibration_error(confidence, right)
    present = [scores["f1"] for name, scores in per_cause.items() if scores["support"] > 0]
    low, high = wilson(np.array([right.sum()]), np.array([len(right)]))
    f1_low, f1_high = _f1_interval(confusion)
    metrics = {
        "texts": float(len(truth)),
        "accuracy": float(right.mean()),
        "accuracy_low": float(low[0]),
        "accuracy_high": float(high[0]),
        "macro_f1": float(np.mean(present)),
        "macro_f1_low": f1_low,
        "macro_f1_high": f1_high,
        "ece": error,
        "accuracy_at_80_coverage": _accuracy_at(confidence, right, 0.8),
        "coverage_at_90_precision": _coverage_at(confidence, right, 0.9),
    }
    return Judgement(metrics, names, confusion, bins, per_cause)


def _f1_interval(confusion: NDArray[np.int64], draws: int = 200) -> tuple[float, float]:
    """95 % interval of macro-F1 by drawing the confusion counts anew (parametric bootstrap, fixed seed)."""
    total = int(confusion.sum())
    share = confusion.ravel() / total
    drawn = np.random.default_rng(0).multinomial(total, share, size=draws).reshape(draws, *confusion.shape)
    hit = np.diagonal(drawn, axis1=1, axis2=2)
    support, called = drawn.sum(axis=2), drawn.sum(axis=1)
    f1 = 2 * hit / np.maximum(support + called, 1)
    values = (f1 * (support > 0)).sum(axis=1) / np.maximum((support > 0).sum(axis=1), 1)
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _scores(confusion: NDArray[np.int64], index: int) -> dict[str, float]:
    hit, called, support = confusion[index, index], confusion[:, index].sum(), confusion[index].sum()
    return {
        "precision": float(hit / called) if called else 0.0,
        "recall": float(hit / support) if support else 0.0,
        "f1": float(2 * hit / (called + support)) if called + support else 0.0,
        "support": float(support),
    }


def calibration_error(
    confidence: Floats, right: NDArray[np.bool_], bins: int = 10
) -> tuple[float, tuple[tuple[float, float, int], ...]]:
    """Expected calibration error over equal-width bins, and per bin (mean confidence, accuracy, count)."""
    bucket = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = [
        (
            float(confidence[bucket == number].mean()),
            float(right[bucket == number].mean()),
            int((bucket == number).sum()),
        )
        for number in range(bins)
        if (bucket == number).any()
    ]
    error = sum(count * abs(mean - accuracy) for mean, accuracy, count in rows) / len(confidence)
    return float(error), tuple(rows)


def _accuracy_at(confidence: Floats, right: NDArray[np.bool_], coverage: float) -> float:
    order = np.argsort(-confidence, kind="stable")
    return float(right[order[: max(1, int(coverage * len(order)))]].mean())


def _coverage_at(confidence: Floats, right: NDArray[np.bool_], precision: float) -> float:
    order = np.argsort(-confidence, kind="stable")
    running = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(running >= precision)
    return float((enough[-1] + 1) / len(order)) if len(enough) else 0.0


def abstain_threshold(confidence: Floats, right: NDArray[np.bool_], params: ClassifierParams) -> float:
    """Lowest confidence at which the texts above it are right often enough; bounded, on a grid of 0.05."""
    for step in range(round(params.highest_abstain / 0.05) + 1):
        above = confidence >= step * 0.05
        if not above.any() or right[above].mean() >= params.wanted_precision:
            return round(step * 0.05, 2)
    return params.highest_abstain


def auto_threshold(confidence: Floats, right: Truths, precision: float) -> float | None:
    """Lowest confidence above which texts need nobody's look: the one-sided 95 % lower bound (Wilson 1927) of the share
    that was right among them is at least `precision` and a margin. None when no such confidence exists.

    Bound and margin, not the share, are asked for, so that the promise also holds on the next two thousand texts.
    """
    precision = min(precision + _AUTO_MARGIN, 1.0)
    order = np.argsort(-confidence, kind="stable")
    count = np.arange(1, len(order) + 1)
    low, _ = wilson(np.cumsum(right[order]), count, quantile=_ONE_SIDED)
    # Texts of equal confidence are on the same side: only the last of them is a possible border.
    last = np.append(confidence[order][1:] < confidence[order][:-1], True)
    enough = np.flatnonzero((low >= precision) & last)
    return float(confidence[order[enough[-1]]]) if len(enough) else None


def auto_figures(confidence: Floats, right: Truths, threshold: float | None) -> dict[str, float]:
    """Share of texts at or above the threshold, and the precision there (left out when there are none)."""
    above = np.zeros(len(confidence), dtype=bool) if threshold is None else confidence >= threshold
    coverage = {"auto_coverage": float(above.mean())}
    return coverage | ({"auto_precision": float(right[above].mean())} if above.any() else {})


def wilson(hits: NDArray[np.int64], count: NDArray[np.int64], *, quantile: float = _TWO_SIDED) -> tuple[Floats, Floats]:
    """Lower and upper bounds of shares hits / count (Wilson 1927), 95 % two-sided; (0, 1) where count is 0."""
    hits, count = np.asarray(hits, dtype=np.float64), np.asarray(count, dtype=np.float64)
    size = np.maximum(count, 1)
    share, square = hits / size, quantile**2
    middle = (share + square / (2 * size)) / (1 + square / size)
    half = quantile / (1 + square / size) * np.sqrt(share * (1 - share) / size + square / (4 * size**2))
    low, high = np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
    return np.where(count > 0, low, 0.0), np.where(count > 0, high, 1.0)


def paired_gain(with_it: Truths, without: Truths) -> dict[str, float]:
    """Accuracy with and without something on the same texts, and the difference with its 95 % interval (normal, paired)."""
    gain = with_it.astype(np.float64) - without
    half = _TWO_SIDED * float(gain.std(ddof=1)) / np.sqrt(len(gain)) if len(gain) > 1 else float("nan")
    middle = float(gain.mean())
    figures = {"accuracy_with": float(with_it.mean()), "accuracy_without": float(without.mean()), "gain": middle}
    return {"texts": float(len(gain)), **figures, "gain_low": middle - half, "gain_high": middle + half}
