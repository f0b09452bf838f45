"""The Turing Change Point Dataset's scoring: F1 and covering against several annotators.

Belongs here: the two measures and reading the collection. Not here: any detector.

Method: van den Burg and Williams, "An evaluation of change point detection algorithms", 2020 (arXiv 2003.06222).
Indices are zero-based and name the first point of a new segment; index 0 belongs to every set. Predictions at the very
first or last point are dropped, as published.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MARGIN = 5


@dataclass(frozen=True)
class Annotated:
    """One univariate series of shape (n,), missing values NaN, with each annotator's change points."""

    name: str
    values: Array
    annotations: Mapping[str, tuple[int, ...]]


def read_collection(folder: Path) -> list[Annotated]:
    """Every annotated univariate series under `folder` (datasets/*/*.json, annotations.json), by name."""
    annotations = json.loads((folder / "annotations.json").read_text())
    found = []
    for path in sorted(folder.glob("datasets/*/*.json")):
        told = json.loads(path.read_text())
        if told.get("n_dim") == 1 and told["name"] in annotations:
            raw = [np.nan if value is None else float(value) for value in told["series"][0]["raw"]]
            points = {who: tuple(marks) for who, marks in annotations[told["name"]].items()}
            found.append(Annotated(told["name"], np.array(raw), points))
    return found


def f1(annotations: Mapping[str, Iterable[int]], predictions: Iterable[int], *, margin: int = MARGIN) -> float:
    """F1 of predictions: precision against everybody's change points, recall as the mean over annotators; 0..1.

    A prediction counts for at most one change point, at most `margin` points away.
    """
    sets = [{0, *marks} for marks in annotations.values()]
    told = {0, *predictions}
    precision = matched(set.union(*sets), told, margin=margin) / len(told)
    recall = sum(matched(marks, told, margin=margin) / len(marks) for marks in sets) / len(sets)
    return 2.0 * precision * recall / (precision + recall)


def matched(true: Iterable[int], told: Iterable[int], *, margin: int = MARGIN) -> int:
    """How many of `true` have a prediction of their own within `margin`; the nearest is taken, in order of time."""
    left, count = set(told), 0
    for mark in sorted(true):
        near = min(((abs(mark - other), other) for other in left), default=None)
        if near is not None and near[0] <= margin:
            left.remove(near[1])
            count += 1
    return count


def covering(annotations: Mapping[str, Iterable[int]], predictions: Iterable[int], n: int) -> float:
    """How well the predicted segments of `n` points cover the annotators' (length-weighted best Jaccard); 0..1."""
    told = _segments(predictions, n)
    return sum(_cover(_segments(marks, n), told) for marks in annotations.values()) / len(annotations)


def _segments(marks: Iterable[int], n: int) -> list[tuple[int, int]]:
    edges = sorted({0, n, *(mark for mark in marks if 0 < mark < n)})
    return list(itertools.pairwise(edges))


def _cover(true: Sequence[tuple[int, int]], told: Sequence[tuple[int, int]]) -> float:
    best = [(last - first) * max(_jaccard((first, last), other) for other in told) for first, last in true]
    return sum(best) / true[-1][1]


def _jaccard(one: tuple[int, int], other: tuple[int, int]) -> float:
    common = max(0, min(one[1], other[1]) - max(one[0], other[0]))
    return common / (one[1] - one[0] + other[1] - other[0] - common)


def scored(collection: Sequence[Annotated], detect: Callable[[Array], Sequence[int]]) -> dict[str, tuple[float, float]]:
    """F1 and covering of a detector, by name of series."""
    result = {}
    for series in collection:
        n = len(series.values)
        told = [mark for mark in detect(series.values) if 1 <= mark < n - 1]
        result[series.name] = (f1(series.annotations, told), covering(series.annotations, told, n))
    return result


def default_binary_segmentation(values: Array) -> tuple[int, ...]:
    """Stock: binary segmentation of the mean after scaling, modified BIC penalty, at most five changes."""
    x = np.asarray(values, dtype=np.float64)
    x = np.interp(np.arange(len(x)), np.flatnonzero(np.isfinite(x)), x[np.isfinite(x)])
    spread = x.std()
    x = (x - x.mean()) / spread if spread > 0.0 else x - x.mean()
    found: list[int] = []
    while len(found) < 5:
        edges = [0, *sorted(found), len(x)]
        gain, mark = max(_best_split(x, a, b) for a, b in itertools.pairwise(edges))
        if gain <= 3.0 * np.log(len(x)):
            break
        found.append(mark)
    return tuple(sorted(found))


def _best_split(x: Array, first: int, last: int) -> tuple[float, int]:
    part = x[first:last] - x[first:last].mean()
    if len(part) < 2:
        return 0.0, first
    left = np.arange(1, len(part))
    gains = np.cumsum(part)[:-1] ** 2 * len(part) / (left * (len(part) - left))
    return float(gains.max()), first + 1 + int(gains.argmax())
