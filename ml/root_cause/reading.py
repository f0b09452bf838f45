"""Everything that is read off one text, for a handful of texts that people look at.

Belongs here: putting cause, theme, severity, sentiment, urgency, kind, aspects and evidence together for redacted texts.
Not here: any of those (`classifier.py`, `severity.py`, `ml/text/sentiment.py`, ...), the bulk columns (`felt.py`),
redaction, which has happened before, or when models are fitted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.root_cause.aspects import SURE, Aspect, aspects
from ml.root_cause.bench import SPACE
from ml.root_cause.cause_model import CauseModel, load_cause_model
from ml.root_cause.classifier import KIND as CAUSE
from ml.root_cause.evidence import Floats, Pieces, carried, pieces_of
from ml.root_cause.felt import MOST_PLACES, Evidence, ReadingModels, feel, feeling_places, felt_columns, rule_places
from ml.root_cause.scoring import NEAR_ENOUGH
from ml.root_cause.severity import severities
from ml.root_cause.severity_model import KIND as SEVERITY
from ml.root_cause.severity_model import load_severity_model
from ml.root_cause.theme_review import TOPICS
from ml.root_cause.themes import ThemeModel, load_theme_model
from ml.root_cause.topics import assign
from ml.store import ModelRefused, ModelStore, StoredModel
from ml.text import sentiment, tone
from ml.text.clauses import Place
from ml.text.embed import Embedder, Encode, Vectors
from ml.text.fused import load_fused
from ml.text.sentiment import sentiments
from ml.text.signs import LANGUAGES, read_signs
from models.programme import Programme

log = logging.getLogger(__name__)
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class CauseReading:
    """What the cause model says of one text; all unknown without a model.

    `unsure` says why a person should look, None where the model can be left alone; `places` carried the decision.
    """

    cause_id: str | None = None
    confidence: float | None = None
    cause_set: tuple[str, ...] = ()
    unsure: str | None = None
    failure_type: str | None = None
    places: tuple[Place, ...] = ()
    aspects: tuple[Aspect, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything read off one redacted text. None is unknown; `evidence` holds places of the text by decision."""

    language: str
    cause: CauseReading
    theme_id: str | None
    theme: str | None
    severity: int
    severity_reason: str | None
    severity_floor: int
    severity_model: int | None
    sentiment: float | None
    sentiment_label: str | None
    sentiment_confidence: float | None
    sentiment_basis: str
    urgency: float
    urgency_reasons: tuple[str, ...]
    urgency_basis: str
    feedback_kind: str | None
    feedback_kind_confidence: float | None
    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """A programme with the models it may use; each of them may be missing."""

    programme: Programme
    models: ReadingModels = field(default_factory=ReadingModels)
    causes: CauseModel | None = None
    themes: ThemeModel | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Kinds of models that are not there: what they would say is unknown, or said by rules."""
        own = [(CAUSE, self.causes), (TOPICS, self.themes)]
        return (*(kind for kind, model in own if model is None), *self.models.missing)

    @property
    def need_vectors(self) -> bool:
        """Whether reading needs an encoder at all."""
        return self.models.need_vectors or self.causes is not None or self.themes is not None

    def read(
        self,
        texts: Sequence[str],
        embed: Encode,
        *,
        scores: Sequence[float | None] | None = None,
        channels: Sequence[str | None] | None = None,
    ) -> list[Reading]:
        """Readings of redacted texts, in order. `embed` is called only when a model needs vectors.

        `scores` are normalised (0..1, 1 good). Evidence leaves clauses out one by one: meant for texts people look at,
        not for a whole warehouse.
        """
        if not texts:
            return []
        vectors = embed(texts) if self.need_vectors else None
        felt = feel(texts, vectors, self.models, scores=scores, channels=channels)
        floor = severities(_signals(texts, scores), self.programme.severity)
        table = felt_columns(felt, np.arange(len(texts)), floor, self.models.reading_id).to_pylist()
        places = {
            "severity": rule_places(texts, floor.column("severity_reason").to_pylist(), self.programme.severity),
            "sentiment": feeling_places(texts, felt.sentiments.value),
        }
        causes = self._causes(texts, vectors, embed)
        themes = self._themes(vectors, len(texts))
        return [
            Reading(
                language=LANGUAGES[int(felt.signs.language[row])],
                cause=causes[row],
                theme_id=themes[row][0],
                theme=themes[row][1],
                severity=own["severity"],
                severity_reason=own["severity_reason"],
                severity_floor=own["severity_floor"],
                severity_model=own["severity_model"],
                sentiment=own["sentiment"],
                sentiment_label=felt.sentiments.labels[row],
                sentiment_confidence=own["sentiment_confidence"],
                sentiment_basis=felt.sentiments.basis,
                urgency=own["urgency"],
                urgency_reasons=felt.urgency.reasons[row],
                urgency_basis=felt.urgency.basis,
                feedback_kind=own["feedback_kind"],
                feedback_kind_confidence=own["feedback_kind_confidence"],
                evidence={"cause": causes[row].places, **{name: each[row] for name, each in places.items()}},
            )
            for row, own in enumerate(table)
        ]

    def _themes(self, vectors: Vectors | None, count: int) -> list[tuple[str | None, str | None]]:
        themes = self.themes
        if themes is None or vectors is None or not len(themes.centroids):
            return [(None, None)] * count
        labels, nearness = assign(vectors, themes.centroids)
        ids = [
            themes.theme_ids[int(label)] if near >= NEAR_ENOUGH else None
            for label, near in zip(labels, nearness, strict=True)
        ]
        return [(own, None if own is None else themes.registry.theme(own).name) for own in ids]

    def _causes(self, texts: Sequence[str], vectors: Vectors | None, embed: Encode) -> list[CauseReading]:
        model = self.causes
        if model is None or vectors is None:
            return [CauseReading() for _ in texts]
        shares = model.probabilities(texts, vectors)
        named, confidence = model.decide(shares)
        sets, unsure = model.sets(shares), model.unsure(shares)
        types = {cause.id: cause.failure_type for cause in self.programme.taxonomy.causes}
        pieces = pieces_of(texts, embed)
        best = shares.argmax(axis=1)

        def score(words: Sequence[str], own: Vectors, rows: NDArray[np.int64]) -> Floats:
            # A text that was one clause is empty without it; the model says nothing then, and nothing supports.
            given = model.probabilities(words, own)
            return np.asarray(given[np.arange(len(rows)), best[rows]])

        places = carried(texts, pieces, score, embed=embed, most=MOST_PLACES)
        apart = self._aspects(len(texts), pieces, model)
        return [
            CauseReading(
                cause_id=name,
                confidence=float(confidence[row]),
                cause_set=sets[row],
                unsure=unsure[row],
                failure_type=types.get(name) if name else None,
                places=tuple(places[row]),
                aspects=apart[row],
            )
            for row, name in enumerate(named)
        ]

    def _aspects(self, count: int, pieces: Pieces, model: CauseModel) -> list[tuple[Aspect, ...]]:
        if not len(pieces):
            return [()] * count
        shares = model.probabilities(pieces.texts, pieces.vectors)
        feelings = sentiments(read_signs(pieces.texts), pieces.vectors, self.models.sentiment).value
        return aspects(count, pieces, shares, model.causes, feelings, sure=max(SURE, model.abstain_below))


def open_reader(store: ModelStore, programme: Programme) -> Reader:
    """The active models of a store for this programme. One that is refused, or was made for other causes, is missing."""
    causes = _active(store, CAUSE, load_cause_model)
    if causes is not None and not set(causes.causes) <= {cause.id for cause in programme.taxonomy.causes}:
        causes = None
    return Reader(programme, load_reading_models(store), causes, _active(store, TOPICS, load_theme_model))


def load_reading_models(store: ModelStore) -> ReadingModels:
    """The active models of tone and severity of a store; one that is refused is missing."""
    return ReadingModels(
        sentiment=_active(store, sentiment.KIND, load_fused),
        urgency=_active(store, tone.URGENCY, load_fused),
        kind=_active(store, tone.FEEDBACK_KIND, load_fused),
        severity=_active(store, SEVERITY, load_severity_model),
    )


def encoder_of(store: ModelStore) -> Embedder:
    """The encoder whose vectors the models of a store are functions of: the student in use, else single precision."""
    # Only here: a home without models never needs an encoder.
    from ml.text import student

    stored = store.active(student.KIND)
    space = store.note(SPACE)
    if stored is None or space not in (None, stored.model_id):
        return Embedder()
    own = student.load_student(stored)
    return Embedder(own.model_id, own)


def _active(store: ModelStore, kind: str, load: Callable[[StoredModel], M]) -> M | None:
    stored = store.active(kind)
    if stored is None:
        return None
    try:
        return load(stored)
    except ModelRefused as error:
        log.warning("left out: %s", error)
        return None


def _signals(texts: Sequence[str], scores: Sequence[float | None] | None) -> pa.Table:
    return pa.table(
        {
            "text": pa.array(list(texts), pa.string()),
            "score_normalised": pa.array(list(scores or [None] * len(texts)), pa.float64()),
        }
    )
