"""How grave people judged signals to be, learnt: an ordinal model that may only raise what the rules found.

Belongs here: training, judging, storing and scoring the severity model. Not here: the rule floor and putting both
together (`severity.py`), or where people's severities come from (labels of cases; never the model's own output).

Method: Frank & Hall 2001, "A simple approach to ordinal classification": one logistic regression per step of the scale
(is it at least this grave?), their probabilities made monotone; the median of the result is the severity, which keeps
the mean distance to the truth smallest. Agreement is Cohen's kappa with quadratic weights (Cohen 1968), with a
bootstrap interval over texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.store import ModelRefused, StoredModel, dump_estimator, dump_json
from ml.text.embed import Vectors
from ml.text.fused import (
    Floats,
    FusedParams,
    Labelled,
    Rows,
    TooFew,
    features,
    fit_words,
    group_share,
    matrix,
    model_id,
    usable,
)
from ml.text.signs import Signs
from ml.text.tfidf import load_tfidf, tfidf_files

KIND = "severity"
# Part of what makes a stored model readable: raise it when the columns of `Context.columns` change.
CODE_VERSION = 2
# A logistic regression on words and vectors: 20,000 texts take about half a CPU-minute, and more tell little more.
DEFAULT = FusedParams(min_texts=300, max_texts=20_000, regularisation=1.0)
_BOOTSTRAPS = 400

Levels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of signals besides their text, one entry per row.

    `scores` are normalised (0..1, 1 good), `sentiment` is in [-1, 1]; NaN or None where unknown.
    """

    scores: Sequence[float | None]
    channels: Sequence[str | None]
    sentiment: Floats

    def columns(self, channels: tuple[str, ...]) -> Floats:
        """Columns for a linear model: score and sentiment with flags for unknown, and one column per known channel."""
        score = np.array([np.nan if value is None else value for value in self.scores], dtype=np.float64)
        known = ~np.isnan(score)
        felt = ~np.isnan(self.sentiment)
        plain = [np.where(known, 1 - score, 0.0), np.where(known, (1 - score) ** 2, 0.0), known.astype(float)]
        plain += [np.where(felt, self.sentiment, 0.0), felt.astype(float)]
        ways = [np.array([own == channel for own in self.channels], dtype=np.float64) for channel in channels]
        table = np.stack([*plain, *ways], axis=1)
        return np.asarray(np.nan_to_num(table), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class SeverityModel:
    """A trained model: one step per severity but the mildest. `metrics` are figures on a fifth it had not seen."""

    model_id: str
    vectoriser: Any
    steps: tuple[Any, ...]
    levels: tuple[int, ...]
    channels: tuple[str, ...]
    metrics: dict[str, float]

    def probabilities(self, signs: Signs, vectors: Vectors, context: Context) -> Floats:
        """Probabilities (texts, levels) of each severity, in the order of `levels` (worst first)."""
        if not len(signs):
            return np.zeros((0, len(self.levels)))
        table = features(self.vectoriser, signs, vectors, context.columns(self.channels))
        return _shares(self.steps, table)

    def predict(self, signs: Signs, vectors: Vectors, context: Context) -> Levels:
        """Severity per text (1 worst): the median of its probabilities."""
        return _medians(self.probabilities(signs, vectors, context), self.levels)

    def files(self) -> dict[str, bytes]:
        """The model as files for the store (no pickle)."""
        about = {
            "levels": list(self.levels),
            "channels": list(self.channels),
            "metrics": self.metrics,
            "code_version": CODE_VERSION,
        }
        return {
            **tfidf_files("words", self.vectoriser),
            "model.skops": dump_estimator(list(self.steps)),
            "about.json": dump_json(about),
        }


def load_severity_model(stored: StoredModel) -> SeverityModel:
    """The model of a checked stored model. Raises ModelRefused for one of another version of this code."""
    about = stored.json("about.json")
    if about.get("code_version") != CODE_VERSION:
        raise ModelRefused(f"{stored.model_id}: made by version {about.get('code_version')} of the severity model")
    return SeverityModel(
        model_id=stored.model_id,
        vectoriser=load_tfidf(stored, "words"),
        steps=tuple(stored.estimator("model.skops")),
        levels=tuple(int(level) for level in about["levels"]),
        channels=tuple(about["channels"]),
        metrics=dict(about["metrics"]),
    )


def train_severity(
    texts: Sequence[str],
    signs: Signs,
    vectors: Vectors,
    context: Context,
    severities: Sequence[int],
    params: FusedParams = DEFAULT,
    *,
    floors: Sequence[int] | None = None,
) -> SeverityModel | TooFew:
    """Train on severities people gave (1 worst .. 4 mildest), after judging the recipe on a fifth of the texts.

    `floors`, what the rules say of each row, adds the figures of the rules alone and of both together to `metrics`. The
    order of the rows does not matter. Returns TooFew below `min_texts` texts or two severities.
    """
    channels = tuple(sorted({channel for channel in context.channels if channel is not None}))
    data = Labelled(texts, signs, vectors, [str(level) for level in severities], context.columns(channels))
    keys, rows = usable(data, params)
    levels = tuple(sorted({int(data.labels[row]) for row in rows.tolist()}))
    if len(rows) < params.min_texts or len(levels) < 2:
        return TooFew(len(rows), f"needs {params.min_texts} texts of two severities; has {len(rows)} of {len(levels)}")
    share = np.array([group_share(keys[row], params.seed) for row in rows.tolist()])
    learnt, tested = rows[share >= params.test_share], rows[share < params.test_share]
    metrics = _judged(data, (learnt, tested), levels, params, floors)
    vectoriser, steps = _fit(data, rows, levels, params)
    return SeverityModel(model_id(KIND, data, keys, rows, params), vectoriser, steps, levels, channels, metrics)


def _fit(data: Labelled, rows: Rows, levels: tuple[int, ...], params: FusedParams) -> tuple[Any, tuple[Any, ...]]:
    from sklearn.linear_model import LogisticRegression

    vectoriser = fit_words(data.signs, rows, params)
    table = matrix(vectoriser, data, rows)
    truth = np.array([int(data.labels[row]) for row in rows.tolist()])
    steps = tuple(
        LogisticRegression(C=params.regularisation, max_iter=300).fit(table, truth <= level) for level in levels[:-1]
    )
    return vectoriser, steps


def _shares(steps: Sequence[Any], table: Any) -> Floats:
    """Probabilities of the levels from the steps: "at least this grave" may only become likelier down the scale."""
    reached = np.stack([step.predict_proba(table)[:, 1] for step in steps], axis=1)
    reached = np.maximum.accumulate(reached, axis=1)
    edges = np.hstack([np.zeros((len(reached), 1)), reached, np.ones((len(reached), 1))])
    return np.asarray(np.diff(edges, axis=1))


def _medians(shares: Floats, levels: tuple[int, ...]) -> Levels:
    reached = np.cumsum(shares, axis=1)[:, :-1] >= 0.5
    place = np.where(reached.any(axis=1), reached.argmax(axis=1), len(levels) - 1)
    return np.asarray(levels, dtype=np.int64)[place]


def _judged(
    data: Labelled,
    split: tuple[Rows, Rows],
    levels: tuple[int, ...],
    params: FusedParams,
    floors: Sequence[int] | None,
) -> dict[str, float]:
    """Figures on the tested rows; empty when a level is missing among the rows to learn from."""
    learnt, tested = split
    if not len(tested) or {int(data.labels[row]) for row in learnt.tolist()} != set(levels):
        return {}
    vectoriser, steps = _fit(data, learnt, levels, params)
    guess = _medians(_shares(steps, matrix(vectoriser, data, tested)), levels)
    truth = np.array([int(data.labels[row]) for row in tested.tolist()])
    figures = {"texts": float(len(truth)), **agreement(truth, guess, "model", params.seed)}
    if floors is not None:
        rule = np.array([floors[row] for row in tested.tolist()])
        figures |= agreement(truth, rule, "rules", params.seed)
        figures |= agreement(truth, np.minimum(rule, guess), "both", params.seed)
    return figures


def agreement(truth: Levels, guess: Levels, name: str, seed: int) -> dict[str, float]:
    """Quadratic weighted kappa with its 95 % bootstrap interval over texts, accuracy, and mean distance in steps."""
    rng = np.random.default_rng(seed)
    draws = [rng.integers(0, len(truth), len(truth)) for _ in range(_BOOTSTRAPS)]
    spread = [quadratic_kappa(truth[draw], guess[draw]) for draw in draws]
    low, high = np.nanquantile(spread, [0.025, 0.975]) if not np.isnan(spread).all() else (np.nan, np.nan)
    return {
        f"{name}_kappa": quadratic_kappa(truth, guess),
        f"{name}_kappa_low": float(low),
        f"{name}_kappa_high": float(high),
        f"{name}_accuracy": float((truth == guess).mean()),
        f"{name}_distance": float(np.abs(truth - guess).mean()),
    }


def quadratic_kappa(truth: Levels, guess: Levels) -> float:
    """Cohen's kappa with quadratic weights: 1 is full agreement, 0 is chance; NaN when both are one same constant."""
    observed = float(((truth - guess) ** 2).mean())
    expected = float(truth.var() + guess.var() + (truth.mean() - guess.mean()) ** 2)
    return 1 - observed / expected if expected > 0 else float("nan")
