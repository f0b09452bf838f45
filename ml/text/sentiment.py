"""How people feel about what they write: negative, neutral or positive, with a value and a confidence.

Belongs here: sentiment from a model trained on the customers' own scores beside their words, and without one from the
lexicon. Not here: the lexicon's arithmetic (`signs.py`) or sentiment of parts of a text (`ml/root_cause/aspects.py`).

A score a customer gave is a label a person gave; a model never learns from its own output. Where neither model nor
lexicon knows anything of a text, its sentiment is unknown, not neutral.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.text.embed import Vectors
from ml.text.fused import Floats, FusedModel, FusedParams, Labelled, TooFew, train_fused
from ml.text.signs import Signs

KIND = "sentiment"
CLASSES = ("negative", "neutral", "positive")
# Normalised scores (0..1, 1 good): NPS 0-4, CSAT and stars 1-2 are bad; NPS 8-10, CSAT and stars 4-5 are good.
BAD, GOOD = 0.4, 0.75

# Lexicon valence to probabilities: two logistic curves (slope, border) fitted on 8,607 tweets labelled in three classes,
# each class weighing the same. They are a first guess for every company, replaced by its own scores.
_NEGATIVE, _POSITIVE = (3.50, -0.47), (4.59, 2.21)


@dataclass(frozen=True, slots=True)
class Sentiments:
    """Sentiment of many texts: `probabilities` (n, 3) in the order of CLASSES; rows that are not `known` hold thirds."""

    probabilities: Floats
    known: NDArray[np.bool_]
    basis: str

    @property
    def value(self) -> Floats:
        """Probability of positive minus that of negative, in [-1, 1]; NaN where unknown."""
        value = self.probabilities[:, 2] - self.probabilities[:, 0]
        return np.where(self.known, np.round(value, 6), np.nan)

    @property
    def confidence(self) -> Floats:
        """Probability of the likeliest class; NaN where unknown."""
        return np.where(self.known, np.round(self.probabilities.max(axis=1), 6), np.nan)

    @property
    def labels(self) -> list[str | None]:
        """Likeliest class; None where unknown."""
        best = self.probabilities.argmax(axis=1)
        return [CLASSES[int(place)] if known else None for place, known in zip(best, self.known, strict=True)]


def sentiments(signs: Signs, vectors: Vectors | None = None, model: FusedModel | None = None) -> Sentiments:
    """Sentiment of texts by the model, or by the lexicon when there is no model (or no vectors to feed it)."""
    if model is None or vectors is None:
        return by_lexicon(signs)
    shares = model.probabilities(signs, vectors)
    table = np.zeros((len(signs), len(CLASSES)))
    for column, name in enumerate(model.classes):
        table[:, CLASSES.index(name)] = shares[:, column]
    return Sentiments(table, signs.marks[:, 3] > 0, KIND)


def by_lexicon(signs: Signs) -> Sentiments:
    """Sentiment from valence alone; unknown for a text without a word of feeling."""
    known = signs.mass.sum(axis=1) > 0
    negative = 1 / (1 + np.exp(_NEGATIVE[0] * signs.valence - _NEGATIVE[1]))
    positive = np.minimum(1 / (1 + np.exp(-(_POSITIVE[0] * signs.valence - _POSITIVE[1]))), 1 - negative)
    table = np.stack([negative, 1 - negative - positive, positive], axis=1)
    return Sentiments(np.where(known[:, None], table, 1 / 3), known, "lexicon")


def scored_labels(scores: Sequence[float | None]) -> list[str | None]:
    """Class of each normalised score (0..1, 1 good): at most BAD, at least GOOD, or between; None without a score."""
    return [None if score is None or score != score else _class_of(score) for score in scores]


def _class_of(score: float) -> str:
    return "negative" if score <= BAD else "positive" if score >= GOOD else "neutral"


def train_sentiment(
    texts: Sequence[str],
    signs: Signs,
    vectors: Vectors,
    labels: Sequence[str],
    params: FusedParams | None = None,
) -> FusedModel | TooFew:
    """A sentiment model from texts with labels of CLASSES (see `scored_labels`). TooFew also without both ends.

    Raises ValueError for a label that is no class.
    """
    unknown = sorted(set(labels) - set(CLASSES))
    if unknown:
        raise ValueError(f"not a sentiment: {', '.join(unknown)}")
    trained = train_fused(KIND, Labelled(texts, signs, vectors, labels), params)
    if isinstance(trained, FusedModel) and not {"negative", "positive"} <= set(trained.classes):
        return TooFew(len(texts), "needs low and high scores beside words")
    return trained
