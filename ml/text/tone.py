"""How urgent a text sounds, with reasons, and what kind it is: a problem, a suggestion, praise, or something else.

Belongs here: urgency and kind from signs by rule, and from people's labels where there are any. Not here: the phrases
(`ml/text/lexicon`), severity, which is how grave a matter is and not how loud, or what is done about it.

The rules are points that anybody can add up: see `_REASON_POINTS`. They are no calibrated probability until a model is
trained on labels (an escalation within seven days, an agent's priority).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.text.embed import Vectors
from ml.text.fused import Floats, FusedModel, FusedParams, Labelled, TooFew, train_fused
from ml.text.sentiment import BAD, GOOD, Sentiments
from ml.text.signs import KINDS, REASONS, Signs

URGENCY, FEEDBACK_KIND = "urgency", "feedback-kind"
URGENT, CALM = "urgent", "calm"
FEEDBACK_KINDS = (*KINDS, "other")

# Points of the first, and of every further, sign of a reason; a text without any starts at `_NO_REASON`.
_REASON_POINTS = {
    "urgent": (2.0, 0.5),
    "deadline": (0.8, 0.3),
    "desperate": (1.8, 0.5),
    "anger": (1.4, 0.5),
    "repeated_contact": (1.4, 0.5),
    "threat": (1.8, 0.4),
    "shouting": (0.8, 0.0),
    "exclamation": (0.3, 0.3),
}
_NO_REASON = -2.6
_MOST = 3


@dataclass(frozen=True, slots=True)
class Urgency:
    """Probability (n,) in 0..1 that a text is urgent, and the names of the reasons found in each, from REASONS."""

    probability: Floats
    reasons: tuple[tuple[str, ...], ...]
    basis: str


@dataclass(frozen=True, slots=True)
class FeedbackKinds:
    """Probabilities (n, 4) in the order of FEEDBACK_KINDS; a text without a word has kind None."""

    probabilities: Floats
    known: Floats
    basis: str

    @property
    def labels(self) -> list[str | None]:
        """Likeliest kind of each text."""
        best = self.probabilities.argmax(axis=1)
        return [FEEDBACK_KINDS[int(place)] if known else None for place, known in zip(best, self.known, strict=True)]

    @property
    def confidence(self) -> Floats:
        """Probability of the likeliest kind; NaN where unknown."""
        return np.where(self.known > 0, np.round(self.probabilities.max(axis=1), 6), np.nan)


def urgencies(signs: Signs, vectors: Vectors | None = None, model: FusedModel | None = None) -> Urgency:
    """Urgency of texts. Reasons always come from the rules; the probability from the model where there is one."""
    found = tuple(tuple(name for name, count in zip(REASONS, row, strict=True) if count) for row in signs.reasons)
    if model is None or vectors is None:
        return Urgency(np.round(_by_points(signs), 6), found, "lexicon")
    shares = model.probabilities(signs, vectors)
    return Urgency(np.round(shares[:, model.classes.index(URGENT)], 6), found, URGENCY)


def _by_points(signs: Signs) -> Floats:
    first = np.array([_REASON_POINTS[name][0] for name in REASONS])
    more = np.array([_REASON_POINTS[name][1] for name in REASONS])
    counts = np.minimum(signs.reasons, _MOST)
    points = _NO_REASON + (counts > 0) @ first + np.maximum(counts - 1, 0) @ more
    return np.asarray(1 / (1 + np.exp(-points)))


def train_urgency(
    texts: Sequence[str],
    signs: Signs,
    vectors: Vectors,
    was_urgent: Sequence[bool],
    params: FusedParams | None = None,
) -> FusedModel | TooFew:
    """A calibrated urgency model from what became of texts (escalated within seven days, priority given by an agent)."""
    labels = [URGENT if urgent else CALM for urgent in was_urgent]
    return train_fused(URGENCY, Labelled(texts, signs, vectors, labels), params)


def feedback_kinds(
    signs: Signs,
    feeling: Sentiments,
    scores: Sequence[float | None] | None = None,
    vectors: Vectors | None = None,
    model: FusedModel | None = None,
) -> FeedbackKinds:
    """Kind of texts from phrases, sentiment and normalised scores (0..1), or from the model where there is one."""
    known = signs.marks[:, 3]
    if model is None or vectors is None:
        return FeedbackKinds(_kind_points(signs, feeling, scores), known, "lexicon")
    shares = model.probabilities(signs, vectors)
    table = np.zeros((len(signs), len(FEEDBACK_KINDS)))
    for column, name in enumerate(model.classes):
        table[:, FEEDBACK_KINDS.index(name)] = shares[:, column]
    return FeedbackKinds(table, known, FEEDBACK_KIND)


def _kind_points(signs: Signs, feeling: Sentiments, scores: Sequence[float | None] | None) -> Floats:
    """Softmax of points per kind. A proposal counts whatever its mood; praise needs a mood or score that fits."""
    counts = np.minimum(signs.kinds, 3)
    proposal, praise, problem = (counts[:, KINDS.index(name)] for name in ("suggestion", "praise", "problem"))
    mood = np.nan_to_num(feeling.value)
    score = np.full(len(signs), np.nan) if scores is None else np.array([np.nan if s is None else s for s in scores])
    good, bad = score >= GOOD, score <= BAD
    points = {
        "suggestion": 2.5 * np.minimum(proposal, 2) - 0.5 * problem - 0.5 * (mood < -0.5),
        "praise": 1.0 * np.minimum(praise, 2) + 2.0 * mood + 1.5 * good - 2.0 * bad - 0.8 * problem,
        "problem": 1.0 * problem - 2.0 * mood + 1.5 * bad - 0.7 * good,
        "other": np.full(len(signs), 0.8),
    }
    table = np.stack([points[name] for name in FEEDBACK_KINDS], axis=1)
    table = np.exp(table - table.max(axis=1, keepdims=True)) if len(table) else table
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def train_kinds(
    texts: Sequence[str],
    signs: Signs,
    vectors: Vectors,
    labels: Sequence[str],
    params: FusedParams | None = None,
) -> FusedModel | TooFew:
    """A model of the kind of text from people's labels. Raises ValueError for a label that is no kind."""
    unknown = sorted(set(labels) - set(FEEDBACK_KINDS))
    if unknown:
        raise ValueError(f"not a kind of feedback: {', '.join(unknown)}")
    return train_fused(FEEDBACK_KIND, Labelled(texts, signs, vectors, labels), params)
