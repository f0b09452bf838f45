"""What is to be told about one daily volume: sudden days, and lasting changes with the days they may have begun.

Belongs here: turning scores and change points into findings. Not here: how they are found (anomalies.py, changes.py),
many series at once with one false alarm rate (the control charts).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from ml.detection.series.anomalies import ALARM, DAILY, Kind, anomaly_scores
from ml.detection.series.changes import change_points, onset_between
from ml.detection.series.windows import Array


@dataclass(frozen=True)
class Finding:
    """One thing to look at; `before` and `after` are in the values' unit.

    sudden: one point far from everything before it, `score` at least `ALARM`, `after` its value, `before` the median of
    the points before it (as many as are needed before anything is scored), `low` and `high` its own index.
    lasting: level or slope changed for good, `score` None, `before` and `after` the medians of the segments beside it,
    `low` and `high` the 95 % interval of the index, None where two levels do not tell it.
    """

    index: int
    kind: Literal["sudden", "lasting"]
    before: float
    after: float
    score: float | None
    low: int | None
    high: int | None


def watch(values: npt.ArrayLike, *, timestamps: npt.ArrayLike | None = None, kind: Kind = DAILY) -> tuple[Finding, ...]:
    """Findings of one series of shape (n,), rising by index; NaN where a value is missing (a day not delivered yet).

    Sudden points are judged by values up to them only, lasting changes by the whole series. A day counted double is one
    sudden point and no lasting change. On quiet daily counts about two sudden points are told per series and year.
    Raises `ValueError` as `anomaly_scores` does.
    """
    x = np.asarray(values, dtype=np.float64)
    scores = anomaly_scores(x, timestamps=timestamps, kind=kind)
    found = [_sudden(x, int(t), float(scores[t]), kind) for t in np.flatnonzero(scores >= ALARM)]
    edges = [0, *change_points(x), len(x)]
    found += [_lasting(x, *edges[at : at + 3]) for at in range(len(edges) - 2)]
    return tuple(sorted(found, key=lambda finding: (finding.index, finding.kind)))


def _sudden(x: Array, t: int, score: float, kind: Kind) -> Finding:
    usual = float(np.nanmedian(x[max(0, t - kind.first) : t]))
    return Finding(t, "sudden", usual, float(x[t]), score, t, t)


def _lasting(x: Array, begin: int, at: int, end: int) -> Finding:
    dated = onset_between(x, begin, end)
    before, after = (float(np.nanmedian(x[first:last])) for first, last in pairwise((begin, at, end)))
    low, high = (min(dated.low, at), max(dated.high, at)) if dated else (None, None)
    return Finding(at, "lasting", before, after, None, low, high)
