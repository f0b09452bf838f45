"""The Numenta Anomaly Benchmark's scoring, version 1.1: what early and false alarms are worth over a collection.

Belongs here: windows, weights, the threshold chosen once for the collection, normalisation. Not here: any detector.

Method: Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms", ICMLA 2015, and the code published with
it. The first 15 % of a series (at most 750 points) is probation and counts for nothing. The earliest detection in a
window earns up to 1, less the later it comes; a window without any costs the missed weight; every detection outside
costs up to the false weight, less right behind a window. One threshold is chosen for the whole collection; the sum is
put between the detector that never speaks (0) and the perfect one (100).
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PROBATION = 0.15
PROBATION_AT_MOST = 750


@dataclass(frozen=True)
class Profile:
    """What one true, one false and one missed detection weigh."""

    true: float
    false: float
    missed: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "low_fp": Profile(1.0, 0.22, 1.0),
    "low_fn": Profile(1.0, 0.11, 2.0),
}


@dataclass(frozen=True)
class Labelled:
    """One series: values and instants of shape (n,), and labelled windows as first and last index, both inclusive."""

    name: str
    values: Array
    timestamps: npt.NDArray[np.datetime64]
    windows: tuple[tuple[int, int], ...]


def read_collection(folder: Path) -> list[Labelled]:
    """Every series with labels under `folder` (data/**/*.csv or .csv.gz, labels/combined_windows.json), by name."""
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    found = []
    for path in sorted([*folder.glob("data/**/*.csv"), *folder.glob("data/**/*.csv.gz")]):
        name = str(path.relative_to(folder / "data")).removesuffix(".gz")
        if name in labels:
            found.append(_read(path, name, labels[name]))
    return found


def _read(path: Path, name: str, windows: Sequence[Sequence[str]]) -> Labelled:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        rows = list(csv.DictReader(lines))
    timestamps = np.array([row["timestamp"] for row in rows], dtype="datetime64[us]")
    ends = np.array(windows, dtype="datetime64[us]").reshape(-1, 2)
    firsts = np.searchsorted(timestamps, ends[:, 0])
    lasts = np.searchsorted(timestamps, ends[:, 1], side="right") - 1
    values = np.array([float(row["value"]) for row in rows])
    return Labelled(name, values, timestamps, tuple(zip(firsts.tolist(), lasts.tolist(), strict=True)))


def probation(n: int) -> int:
    """How many points at the start of a series of `n` are not scored."""
    return min(int(PROBATION * n), PROBATION_AT_MOST)


def worth(n: int, windows: Sequence[tuple[int, int]]) -> tuple[Array, npt.NDArray[np.int64]]:
    """What a detection at each point is worth before the profile's weights, and its window (-1: none), each (n,).

    In a window from near 1 at its start down to nearly 0 at its end; outside from near 0 right behind a window to -1.
    """
    value, owner = np.full(n, -1.0), np.full(n, -1, dtype=np.int64)
    ordered = sorted(windows)
    for number, (first, last) in enumerate(ordered):
        width = last - first + 1
        inside = np.arange(first, last + 1)
        value[inside] = _sigmoid((inside - last - 1) / width) / _sigmoid(np.array(-1.0))
        owner[inside] = number
        after = np.arange(last + 1, ordered[number + 1][0] if number + 1 < len(ordered) else n)
        past = (after - last) / max(width - 1, 1)
        value[after] = np.where(past >= 3.0, -1.0, _sigmoid(np.minimum(past, 3.0)))
    return value, owner


def _sigmoid(position: Array) -> Array:
    return np.asarray(2.0 / (1.0 + np.exp(5.0 * position)) - 1.0, dtype=np.float64)


@dataclass(frozen=True)
class Curve:
    """Normalised scores of a collection at every threshold that makes a difference, thresholds falling."""

    thresholds: Array
    scores: Array

    @property
    def best(self) -> tuple[float, float]:
        """The highest normalised score, and the threshold it is reached at."""
        at = int(np.argmax(self.scores))
        return float(self.scores[at]), float(self.thresholds[at])

    def at(self, threshold: float) -> float:
        """Normalised score when every score of at least `threshold` is a detection."""
        return float(self.scores[np.flatnonzero(self.thresholds >= threshold)[-1]])


def curve(collection: Sequence[Labelled], scores: Sequence[Array], profile: Profile) -> Curve:
    """Score a collection at every threshold. `scores` has, for each series, one score per point in 0..1.

    Raises `ValueError` if a series has not as many scores as values, or if no window can be scored.
    """
    levels, gains, windows = [], [], 0
    for series, given in zip(collection, scores, strict=True):
        if len(given) != len(series.values):
            raise ValueError(f"{series.name} has {len(series.values)} values but {len(given)} scores")
        level, gain, counted = _gains(np.asarray(given), series.windows, profile)
        levels.append(level)
        gains.append(gain)
        windows += counted
    if not windows:
        raise ValueError("no labelled window lies behind probation: nothing to score")
    return _normalised(np.concatenate(levels), np.concatenate(gains), windows, profile)


def _gains(given: Array, windows: Sequence[tuple[int, int]], profile: Profile) -> tuple[Array, Array, int]:
    """Per scored point, falling by score: the score, what lowering the threshold to it adds; and windows counted."""
    start = probation(len(given))
    value, owner = worth(len(given), windows)
    order = np.argsort(-given[start:], kind="stable") + start
    gain = value[order] * profile.false
    counted = np.unique(owner[start:][owner[start:] >= 0])
    for window in counted:
        mine = np.flatnonzero(owner[order] == window)
        best = np.maximum.accumulate(value[order][mine] * profile.true)
        gain[mine] = np.diff(best, prepend=-profile.missed)
    return given[order], gain, len(counted)


def _normalised(levels: Array, gains: Array, windows: int, profile: Profile) -> Curve:
    order = np.argsort(-levels, kind="stable")
    levels, raised = levels[order], np.cumsum(gains[order])
    ends = np.append(np.flatnonzero(np.diff(levels)), len(levels) - 1)
    share = 100.0 / (windows * (profile.true + profile.missed))
    return Curve(np.append(np.inf, levels[ends]), np.append(0.0, raised[ends] * share))


def windowed_gaussian(values: Array, *, window: int = 1000) -> Array:
    """The benchmark's own baseline: one minus the normal tail probability of a value among the `window` before it.

    Values below the mean count like those above, which scores higher than the one-sided form of early releases.
    """
    from scipy.special import erfc

    sums, squares = (np.concatenate(([0.0], np.cumsum(part))) for part in (values, values**2))
    ends = np.arange(len(values))
    begins = np.maximum(ends - window, 0)
    size = np.maximum(ends - begins, 1)
    mean = (sums[ends] - sums[begins]) / size
    deviation = np.sqrt(np.maximum((squares[ends] - squares[begins]) / size - mean**2, 0.0))
    distance = np.abs(values - mean) / np.where(deviation > 0.0, deviation, 1e-6)
    scores = 1.0 - 0.5 * erfc(distance / np.sqrt(2.0))
    scores[0] = 0.0
    return np.asarray(scores, dtype=np.float64)


def scored(
    collection: Sequence[Labelled], detect: Callable[[Labelled], Array], *, profiles: Mapping[str, Profile] = PROFILES
) -> dict[str, Curve]:
    """One curve per profile of a detector run over the collection."""
    scores = [detect(series) for series in collection]
    return {name: curve(collection, scores, profile) for name, profile in profiles.items()}
