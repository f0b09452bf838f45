"""The classify stage: a cause, a topic and a severity for every signal, computing only what is new.

Belongs here: putting embedding, topics, classifier and severity together, and deciding when to fit. Not here: the
models themselves. A row is scored again only when its text, the cause model or the topic model changed; severity is
cheap and follows every change of score or rule, so it is computed for all rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.outputs import PREDICTION, TOPIC
from ml.root_cause import reports
from ml.root_cause.classifier import (
    KIND,
    CauseModel,
    ClassifierParams,
    Examples,
    NotEnoughData,
    Training,
    load_cause_model,
    train,
)
from ml.root_cause.registry import ThemeRegistry
from ml.root_cause.severity import severities
from ml.root_cause.themes import ThemeModel, fit_themes, load_theme_model
from ml.root_cause.topics import TopicParams, assign
from ml.store import ModelStore
from ml.text.embed import Embedder, EmbeddingCache, Progress, Vectors, text_key
from ml.tracking import Tracker
from models.programme import Programme

TOPICS = "topics"
# Praise is not about a root cause. A text beside a score this good gets neither cause nor topic.
CLEARLY_GOOD = 0.75
# Below this cosine to every topic a text belongs to none.
NEAR_ENOUGH = 0.15


@dataclass(frozen=True, slots=True)
class ClassifyParams:
    """Settings of both models."""

    topics: TopicParams = field(default_factory=TopicParams)
    classifier: ClassifierParams = field(default_factory=ClassifierParams)


@dataclass(frozen=True, slots=True)
class Workbench:
    """Where vectors and models live, and who is told about trainings."""

    embedder: Embedder
    cache: EmbeddingCache
    store: ModelStore
    tracker: Tracker
    on_progress: Progress | None = None
    # Written on every tracked run, for example the id of the orchestration run that asked for it.
    tags: Mapping[str, str] = field(default_factory=dict)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, from the cache where they are known."""
        return self.embedder.embed(texts, self.cache, on_progress=self.on_progress)


@dataclass(frozen=True, slots=True)
class Classified:
    """The two output tables, and what was done to get them: plain counts for logs and metadata."""

    prediction: pa.Table
    topic: pa.Table
    scored: int
    kept: int
    training: Training | NotEnoughData | None
    model_id: str | None
    topic_model_id: str | None
    run_urls: tuple[str, ...] = ()


def classify(
    signals: pa.Table,
    programme: Programme,
    bench: Workbench,
    *,
    previous: pa.Table | None = None,
    params: ClassifyParams | None = None,
    refit: bool = False,
) -> Classified:
    """Predictions and topics for all rows of `signals` (columns of int_signal, optionally coded_cause_id).

    `previous` is the last prediction table: its rows are kept where text and models are the same. Models are fitted
    only when there is none in the store or with `refit`. Too few texts or labels leave columns null and say so in
    `training`; nothing is raised for that.
    """
    params = params or ClassifyParams()
    rows = _Rows.of(signals, programme)
    themes, theme_url = _themes(rows, bench, params.topics, refit)
    model, training, model_url = _cause_model(rows, programme, bench, params.classifier, refit)
    ids = (model.model_id if model else None, themes.topic_model_id if themes else None)
    scores, fresh = _scores(rows, bench, (model, themes), ids, previous)
    prediction = _prediction_table(signals, programme, scores, ids)
    return Classified(
        prediction=prediction,
        topic=_topic_table(themes, prediction),
        scored=fresh,
        kept=len(rows.ids) - fresh,
        training=training,
        model_id=ids[0],
        topic_model_id=ids[1],
        run_urls=tuple(url for url in (theme_url, model_url) if url),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """The signals that have a customer's text to understand, in order of signal_id."""

    ids: list[str]
    texts: list[str]
    hashes: list[str]
    causes: list[str | None]
    occurred: list[float]

    @staticmethod
    def of(signals: pa.Table, programme: Programme) -> _Rows:
        """Rows with a customer's text that is not plain praise. The hash is the warehouse's, else made here."""
        wanted = ["signal_id", "text", "text_author", "text_hash", "score_normalised", "occurred_at", "source"]
        wanted += ["reason_code", "coded_cause_id"]
        table = signals.select([name for name in wanted if name in signals.column_names]).sort_by("signal_id")
        readable = pc.and_kleene(
            pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(table.column("text"))), 0),
            pc.equal(table.column("text_author"), "customer"),
        )
        praise = pc.fill_null(pc.greater_equal(table.column("score_normalised"), CLEARLY_GOOD), False)
        table = table.filter(pc.and_(pc.fill_null(readable, False), pc.invert(praise)))
        columns = table.to_pydict()
        texts = columns["text"]
        return _Rows(
            ids=columns["signal_id"],
            texts=texts,
            hashes=[own or text_key(text) for own, text in zip(columns["text_hash"], texts, strict=True)],
            causes=_coded(columns, programme),
            occurred=[moment.timestamp() if moment else 0.0 for moment in columns["occurred_at"]],
        )


def _coded(columns: dict[str, list[Any]], programme: Programme) -> list[str | None]:
    """Cause by code: as the warehouse joined it, else by the programme's own table; unmapped stays None."""
    if "coded_cause_id" in columns:
        return columns["coded_cause_id"]
    meaning = {(source, code): cause_id for source, code, cause_id in programme.taxonomy.codes()}
    codes = columns.get("reason_code", [None] * len(columns["signal_id"]))
    return [meaning.get((source, code)) for source, code in zip(columns["source"], codes, strict=True)]


def _themes(rows: _Rows, bench: Workbench, params: TopicParams, refit: bool) -> tuple[ThemeModel | None, str | None]:
    """The active theme model, or a new one when there is none or a refit is asked for."""
    stored = bench.store.active(TOPICS)
    current = load_theme_model(stored) if stored else None
    if current is not None and not refit:
        return current, None
    first: dict[str, int] = {}
    for place, key in enumerate(rows.hashes):
        first.setdefault(key, place)
    sample = [first[key] for key in sorted(first)][: params.sample]
    if len(sample) < params.min_texts:
        return current, None
    texts = [rows.texts[place] for place in sample]
    model, fit = fit_themes(
        texts,
        bench.embed(texts),
        params,
        registry=current.registry if current else ThemeRegistry(),
        embed=bench.embed,
    )
    bench.store.save(TOPICS, model.topic_model_id, model.files())
    bench.store.promote(TOPICS, model.topic_model_id)
    return model, reports.track_topics(bench.tracker, model, fit, params, bench.tags)


def _cause_model(
    rows: _Rows, programme: Programme, bench: Workbench, params: ClassifierParams, refit: bool
) -> tuple[CauseModel | None, Training | NotEnoughData | None, str | None]:
    """The active cause model of this programme, or a new one; None with the reason when there are too few labels."""
    causes = {cause.id for cause in programme.taxonomy.causes}
    stored = bench.store.active(KIND)
    current = load_cause_model(stored) if stored else None
    if current is not None and not set(current.causes) <= causes:
        # Trained for another programme: its causes mean nothing here.
        current = None
    if current is not None and not refit:
        return current, None, None
    labelled = [(place, cause) for place, cause in enumerate(rows.causes) if cause in causes and cause is not None]
    if len(labelled) < params.min_texts:
        reason = f"needs {params.min_texts} coded texts; has {len(labelled)}"
        return current, NotEnoughData(len(labelled), len({cause for _, cause in labelled}), reason), None
    places = [place for place, _ in labelled]
    texts = [rows.texts[place] for place in places]
    examples = Examples(
        texts=texts,
        vectors=bench.embed(texts),
        causes=[cause for _, cause in labelled],
        groups=[rows.hashes[place] for place in places],
        occurred=[rows.occurred[place] for place in places],
    )
    training = train(examples, params)
    if isinstance(training, NotEnoughData):
        return current, training, None
    bench.store.save(KIND, training.model.model_id, training.model.files())
    bench.store.promote(KIND, training.model.model_id)
    return training.model, training, reports.track_classifier(bench.tracker, training, bench.tags)


Score = tuple[str | None, float | None, int | None]


def _scores(
    rows: _Rows,
    bench: Workbench,
    models: tuple[CauseModel | None, ThemeModel | None],
    ids: tuple[str | None, str | None],
    previous: pa.Table | None,
) -> tuple[dict[str, Score], int]:
    """(cause, confidence, topic) by signal id, and how many had to be computed."""
    known = _known_scores(previous, ids)
    result: dict[str, Score] = {}
    fresh: list[int] = []
    for place, (signal_id, key) in enumerate(zip(rows.ids, rows.hashes, strict=True)):
        old = known.get((signal_id, key))
        if old is None:
            fresh.append(place)
        else:
            result[signal_id] = old
    for begin in range(0, len(fresh), 8_192):
        chunk = fresh[begin : begin + 8_192]
        for place, score in zip(chunk, _score([rows.texts[place] for place in chunk], bench, models), strict=True):
            result[rows.ids[place]] = score
    return result, len(fresh)


def _known_scores(previous: pa.Table | None, ids: tuple[str | None, str | None]) -> dict[tuple[str, str], Score]:
    """Earlier scores made by exactly these two models, by signal and text."""
    if previous is None or previous.num_rows == 0:
        return {}
    columns = previous.select(
        ["signal_id", "text_hash", "model_id", "topic_model_id", "model_cause_id", "model_confidence", "topic_id"]
    ).to_pydict()
    rows = zip(*columns.values(), strict=True)
    return {
        (signal_id, key): (cause, confidence, topic)
        for signal_id, key, model_id, topic_model_id, cause, confidence, topic in rows
        if key is not None and (model_id, topic_model_id) == ids
    }


def _score(texts: Sequence[str], bench: Workbench, models: tuple[CauseModel | None, ThemeModel | None]) -> list[Score]:
    """Scores of texts; without any model nothing is embedded."""
    model, themes = models
    if model is None and themes is None:
        return [(None, None, None)] * len(texts)
    vectors = bench.embed(texts)
    causes: list[str | None] = [None] * len(texts)
    confidence: list[float | None] = [None] * len(texts)
    topics: list[int | None] = [None] * len(texts)
    if model is not None:
        causes, shares = model.predict(texts, vectors)
        confidence = [float(share) for share in shares]
    if themes is not None:
        labels, nearness = assign(vectors, themes.centroids)
        topics = [int(label) if near >= NEAR_ENOUGH else None for label, near in zip(labels, nearness, strict=True)]
    return list(zip(causes, confidence, topics, strict=True))


def _prediction_table(
    signals: pa.Table, programme: Programme, scores: dict[str, Score], ids: tuple[str | None, str | None]
) -> pa.Table:
    """One row per signal, sorted by signal_id: scores where there is a text to score, severity for all."""
    ordered = signals.sort_by("signal_id")
    keys = ordered.column("signal_id").to_pylist()
    found = [scores.get(key, (None, None, None)) for key in keys]
    scored = [key in scores for key in keys]
    grave = severities(ordered, programme.severity)
    columns: dict[str, Any] = {
        "signal_id": keys,
        "text_hash": _text_hashes(ordered),
        "model_cause_id": [cause for cause, _, _ in found],
        "model_confidence": [confidence for _, confidence, _ in found],
        "severity": grave.column("severity").to_pylist(),
        "severity_reason": grave.column("severity_reason").to_pylist(),
        "topic_id": [topic for _, _, topic in found],
        "model_id": [ids[0] if own else None for own in scored],
        "topic_model_id": [ids[1] if own else None for own in scored],
    }
    return pa.table(columns, schema=PREDICTION)


def _text_hashes(signals: pa.Table) -> list[str | None]:
    texts, own = signals.column("text").to_pylist(), signals.column("text_hash").to_pylist()
    return [key or (text_key(text) if text else None) for key, text in zip(own, texts, strict=True)]


def _topic_table(themes: ThemeModel | None, prediction: pa.Table) -> pa.Table:
    """One row per topic of the active model with the number of signals it has now."""
    if themes is None:
        return TOPIC.empty_table()
    counts = np.bincount(prediction.column("topic_id").drop_null().to_numpy(), minlength=len(themes.topics))
    rows = [
        {
            "topic_id": topic.topic_id,
            "theme_id": theme_id,
            "name": themes.registry.theme(theme_id).name,
            "keywords": ", ".join(topic.keywords),
            "signals": int(counts[topic.topic_id]),
            "topic_model_id": themes.topic_model_id,
        }
        for topic, theme_id in zip(themes.topics, themes.theme_ids, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=TOPIC)
