"""How many texts feel, at once: sentiment, urgency, kind and severity, by models where there are any and by rules else.

Belongs here: the learnt parts of a reading as one bundle, the columns they make for a whole table, and the evidence that
needs no vectors. Not here: causes and themes (`reading.py` puts those beside it for texts people look at), training
(`ml/text/sentiment.py`, `tone.py`, `severity_model.py`). Rules alone read about 7,000 short texts a CPU-second.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.root_cause.severity import phrase_places, with_model
from ml.root_cause.severity_model import KIND as SEVERITY
from ml.root_cause.severity_model import Context, SeverityModel
from ml.text import sentiment, tone
from ml.text.clauses import Place
from ml.text.embed import Vectors
from ml.text.fused import Floats, FusedModel
from ml.text.sentiment import Sentiments, sentiments
from ml.text.signs import Signs, clause_valences, parse, read_signs
from ml.text.tone import FeedbackKinds, Urgency, feedback_kinds, urgencies
from models.programme import SeverityRules

# Part of every reading id: raise it when the rules or the lexicon would read the same text differently.
RULES_VERSION = 1
# Evidence shows at most so many places.
MOST_PLACES = 2

Evidence = Mapping[str, Sequence[Place]]


@dataclass(frozen=True, slots=True)
class ReadingModels:
    """The learnt parts of a reading; None where there is nothing to learn from yet and rules speak."""

    sentiment: FusedModel | None = None
    urgency: FusedModel | None = None
    kind: FusedModel | None = None
    severity: SeverityModel | None = None

    @property
    def parts(self) -> dict[str, FusedModel | SeverityModel | None]:
        """Model by its kind in the store."""
        return {
            sentiment.KIND: self.sentiment,
            tone.URGENCY: self.urgency,
            tone.FEEDBACK_KIND: self.kind,
            SEVERITY: self.severity,
        }

    @property
    def reading_id(self) -> str:
        """Id of what the readings are a function of: the rules and the models."""
        ids = [f"{kind}={model.model_id if model else ''}" for kind, model in sorted(self.parts.items())]
        return f"reading-{hashlib.sha256(repr((RULES_VERSION, ids)).encode()).hexdigest()[:12]}"

    @property
    def missing(self) -> tuple[str, ...]:
        """Kinds of models that are not there."""
        return tuple(kind for kind, model in self.parts.items() if model is None)

    @property
    def need_vectors(self) -> bool:
        """Whether any model is there: without one nothing has to be embedded."""
        return any(model is not None for model in self.parts.values())


@dataclass(frozen=True, slots=True)
class Felt:
    """What many texts say by tone, one entry per text: what `readings` computes first and in bulk."""

    signs: Signs
    sentiments: Sentiments
    urgency: Urgency
    kinds: FeedbackKinds
    severity: tuple[int, ...] | None


def feel(
    texts: Sequence[str],
    vectors: Vectors | None,
    models: ReadingModels,
    *,
    scores: Sequence[float | None] | None = None,
    channels: Sequence[str | None] | None = None,
) -> Felt:
    """Sentiment, urgency, kind and the model's severity of redacted texts; `scores` are normalised (0..1, 1 good)."""
    signs = read_signs(texts)
    unknown: list[None] = [None] * len(texts)
    feeling = sentiments(signs, vectors, models.sentiment)
    grave: tuple[int, ...] | None = None
    if models.severity is not None and vectors is not None:
        context = Context(scores or unknown, channels or unknown, feeling.value)
        grave = tuple(models.severity.predict(signs, vectors, context).tolist())
    return Felt(
        signs,
        feeling,
        urgencies(signs, vectors, models.urgency),
        feedback_kinds(signs, feeling, scores, vectors, models.kind),
        grave,
    )


def felt_columns(felt: Felt, rows: NDArray[np.int64], floor: pa.Table, reading_id: str) -> pa.Table:
    """The reading columns of a prediction table for all rows of `floor` (what `severities` gave), in order.

    `rows` are the places in `floor` of the texts that were read; every other row keeps its severity by rule and is null
    elsewhere.
    """
    count = floor.num_rows

    def spread(values: Sequence[object], kind: pa.DataType) -> pa.Array:
        column: list[object] = [None] * count
        for row, value in zip(rows.tolist(), values, strict=True):
            column[row] = None if isinstance(value, float) and value != value else value
        return pa.array(column, kind)

    model = spread(felt.severity or [None] * len(rows), pa.int64())
    columns: dict[str, pa.Array] = {
        "sentiment": spread(felt.sentiments.value.tolist(), pa.float64()),
        "sentiment_confidence": spread(felt.sentiments.confidence.tolist(), pa.float64()),
        "urgency": spread(felt.urgency.probability.tolist(), pa.float64()),
        "urgency_reasons": spread([", ".join(names) or None for names in felt.urgency.reasons], pa.string()),
        "feedback_kind": spread(felt.kinds.labels, pa.string()),
        "feedback_kind_confidence": spread(felt.kinds.confidence.tolist(), pa.float64()),
        "reading_id": spread([reading_id] * len(rows), pa.string()),
    }
    table = with_model(floor, model.to_pylist())
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


def rule_places(texts: Sequence[str], reasons: Sequence[str | None], rules: SeverityRules) -> list[list[Place]]:
    """Places of the words that gave each text its severity; empty where the reason is no phrase."""
    spoken = {rule.id for rule in rules.phrases}
    return [
        phrase_places(text, reason, rules)[:MOST_PLACES] if reason in spoken and reason else []
        for text, reason in zip(texts, reasons, strict=True)
    ]


def feeling_places(texts: Sequence[str], values: Floats) -> list[list[Place]]:
    """Places of the clauses whose words carry the sentiment (NaN unknown) of each text by the lexicon, strongest two.

    Needs no vectors. Empty where no clause speaks in the sense of the sentiment.
    """
    result: list[list[Place]] = []
    for text, value in zip(texts, values.tolist(), strict=True):
        if value != value or not value:
            result.append([])
            continue
        parsed = parse(text)
        own = np.sign(value) * clause_valences(parsed)
        order = [place for place in np.argsort(-own, kind="stable").tolist() if own[place] > 0][:MOST_PLACES]
        result.append(sorted(parsed.clauses[place] for place in order))
    return result


def as_json(evidence: Evidence) -> str | None:
    """Evidence as the `evidence` column holds it; None when there is none."""
    known = {name: [list(place) for place in places] for name, places in evidence.items() if places}
    return json.dumps(known, sort_keys=True) if known else None
