"""A risk model: a linear or a tree score, brought to probabilities, with the interval its past justifies.

Belongs here: scoring, reasons, and the files of a model. Not here: training and judging (`training.py`, `judge.py`).
Calibration is a line through log-odds (Platt 1999), fitted on rows later than those the score was fitted on. The
interval of a probability is that of the share observed among earlier rows with like scores (Wilson), counting subjects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.early_warning.encoding import Encoder
from ml.early_warning.judge import wilson
from ml.early_warning.trees import Trees
from ml.store import StoredModel, dump_array, dump_json

Floats = NDArray[np.float64]
_EDGE = 1e-6
_MOST_BINS, _BIN_SUBJECTS = 12, 60


@dataclass(frozen=True, slots=True)
class Linear:
    """Logistic regression on standardised columns; an unknown number counts as typical, and by `missing` for being so."""

    centre: Floats
    scale: Floats
    weights: Floats
    missing: Floats
    intercept: float

    def log_odds(self, matrix: Floats) -> Floats:
        """Log-odds (n,) of rows (n, width)."""
        unknown = np.isnan(matrix)
        scaled = np.where(unknown, 0.0, np.clip((matrix - self.centre) / self.scale, -5, 5))
        return np.asarray(self.intercept + scaled @ self.weights + unknown @ self.missing, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Band:
    """Earlier rows with a probability up to `upto`: how many subjects, and the interval of the share that came true."""

    upto: float
    subjects: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RiskModel:
    """One fitted risk. `line` is (slope, offset) of the calibration; `horizon_days` is None where each subject has its own."""

    kind: str
    encoder: Encoder
    score: Linear | Trees
    line: tuple[float, float]
    bands: tuple[Band, ...]
    base_rate: float
    horizon_days: int | None

    def probabilities(self, table: pa.Table) -> Floats:
        """Probability (n,) of each row of a table with the columns the model was fitted on."""
        return self._of(self.encoder.matrix(table))

    def intervals(self, probability: Floats) -> tuple[Floats, Floats]:
        """Lower and upper ends (n,) of the 95 % intervals; each holds its probability."""
        edges = np.array([band.upto for band in self.bands[:-1]])
        place = np.searchsorted(edges, probability, side="left")
        low = np.array([band.low for band in self.bands])[place]
        high = np.array([band.high for band in self.bands])[place]
        return np.minimum(low, probability), np.maximum(high, probability)

    def contributions(self, table: pa.Table) -> dict[str, Floats]:
        """Per column, how much log-odds (n,) each row gains over being typical in that column alone."""
        matrix, typical = self.encoder.matrix(table), self.encoder.reference_row()
        whole, found = self._odds(matrix), {}
        for name, place in self.encoder.places().items():
            without = matrix.copy()
            without[:, place] = typical[place]
            found[name] = whole - self._odds(without)
        return found

    def files(self) -> dict[str, bytes]:
        """The model as JSON and plain arrays."""
        about: dict[str, Any] = {
            "kind": self.kind, "encoder": self.encoder.as_json(), "line": self.line, "base_rate": self.base_rate,
            "horizon_days": self.horizon_days, "form": "linear" if isinstance(self.score, Linear) else "trees",
            "bands": [[band.upto, band.subjects, band.low, band.high] for band in self.bands],
        }  # fmt: skip
        if isinstance(self.score, Linear):
            linear = self.score
            parts = np.vstack([linear.centre, linear.scale, linear.weights, linear.missing])
            return {
                "model.json": dump_json(about | {"intercept": linear.intercept}),
                "linear.npy": dump_array(parts),
            }
        trees = self.score
        return {
            "model.json": dump_json(about | {"baseline": trees.baseline}),
            "nodes.npy": dump_array(trees.nodes),
            "roots.npy": dump_array(trees.roots),
        }

    def _odds(self, matrix: Floats) -> Floats:
        slope, offset = self.line
        return np.asarray(slope * self.score.log_odds(matrix) + offset, dtype=np.float64)

    def _of(self, matrix: Floats) -> Floats:
        return np.clip(_share(self._odds(matrix)), _EDGE, 1 - _EDGE)


def load_risk_model(stored: StoredModel) -> RiskModel:
    """The model of checked files. Raises KeyError when a file is missing, ModelRefused when an array is no plain one."""
    about: Mapping[str, Any] = stored.json("model.json")
    score: Linear | Trees
    if about["form"] == "linear":
        centre, scale, weights, missing = stored.array("linear.npy")
        score = Linear(centre, scale, weights, missing, about["intercept"])
    else:
        score = Trees(stored.array("nodes.npy"), stored.array("roots.npy"), about["baseline"])
    slope, offset = about["line"]
    return RiskModel(
        kind=about["kind"], encoder=Encoder.from_json(about["encoder"]), score=score, line=(slope, offset),
        bands=tuple(Band(*band) for band in about["bands"]), base_rate=about["base_rate"],
        horizon_days=about["horizon_days"],
    )  # fmt: skip


def bands(outcome: NDArray[np.bool_], probability: Floats, subjects: NDArray[np.int64]) -> tuple[Band, ...]:
    """At most 12 equally filled bands of at least 60 subjects each; rows of one subject count as one observation."""
    order = np.argsort(probability, kind="stable")
    wanted = max(min(_MOST_BINS, len(np.unique(subjects)) // _BIN_SUBJECTS), 1)
    found = []
    for part in np.array_split(order, wanted):
        people = len(np.unique(subjects[part]))
        share = float(outcome[part].mean())
        figure = wilson(round(share * people), people)
        assert figure.low is not None and figure.high is not None, "a band has rows"
        found.append(Band(float(probability[part[-1]]), people, figure.low, figure.high))
    return tuple(found)


def fit_line(odds: Floats, outcome: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of log-odds by Newton's method; a slope below zero becomes a flat line at the share.

    A weak ridge keeps the slope near 1 where there are few rows.
    """
    slope, offset = 1.0, 0.0
    for _ in range(50):
        share = _share(slope * odds + offset)
        weight = np.maximum(share * (1 - share), 1e-9)
        gap = outcome - share
        gradient = np.array([odds @ gap - (slope - 1.0), gap.sum()])
        curve = np.array([[weight @ odds**2 + 1.0, weight @ odds], [weight @ odds, weight.sum()]])
        step = np.clip(np.linalg.solve(curve, gradient), -2, 2)
        slope, offset = slope + step[0], offset + step[1]
        if np.abs(step).max() < 1e-9:
            break
    if slope > 0:
        return float(slope), float(offset)
    rate = float(np.clip(outcome.mean(), _EDGE, 1 - _EDGE))
    return 0.0, float(np.log(rate / (1 - rate)))


def _share(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), dtype=np.float64)
