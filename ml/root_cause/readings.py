"""How every customer's text feels and where its words carried each decision, computing only what is new.

Belongs here: readings in bulk, the models they use and when those are trained. Not here: how a text is read (`felt.py`),
one text at a time (`reading.py`), causes and themes (`scoring.py`).

Sentiment learns from the scores customers gave beside their words, kind and severity from what reviewers said; where there
is too little to learn from, rules speak. Evidence for a cause is by the words and letters of its model alone: a vector for
every clause of a warehouse would cost several times the classification.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.outputs import ASPECT, PREDICTION
from ml.root_cause import reports
from ml.root_cause.aspects import SURE, Aspect, aspects
from ml.root_cause.bench import Workbench
from ml.root_cause.cause_model import CauseModel
from ml.root_cause.evidence import carried, pieces_of
from ml.root_cause.felt import MOST_PLACES, ReadingModels, as_json, feel, feeling_places, felt_columns, rule_places
from ml.root_cause.reading import load_reading_models
from ml.root_cause.rows import Rows
from ml.root_cause.scoring import UNKNOWN, CauseScore
from ml.root_cause.severity import severities, with_model
from ml.root_cause.severity_model import KIND as SEVERITY
from ml.root_cause.severity_model import Context, SeverityModel, train_severity
from ml.text import sentiment, tone
from ml.text.clauses import Place
from ml.text.embed import DIMENSIONS, Vectors, text_key
from ml.text.fused import FusedModel, TooFew
from ml.text.sentiment import scored_labels, sentiments, train_sentiment
from ml.text.signs import read_signs
from ml.text.tone import train_kinds
from models.programme import Programme

# Columns that are a function of words, note and score alone, and may be kept from an earlier reading of the same.
FELT = (
    "severity_model", "sentiment", "sentiment_confidence", "urgency", "urgency_reasons", "feedback_kind",
    "feedback_kind_confidence",
)  # fmt: skip
# Fewer different texts with a label teach nothing.
FEWEST = 200
_CHUNK = 8_192


Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Readings:
    """Columns of a prediction in order of signal_id, the aspects, and the MLflow paths of what was trained."""

    columns: pa.Table
    aspects: pa.Table
    run_urls: tuple[str, ...]


def readings(
    signals: pa.Table,
    rows: Rows,
    scores: Mapping[str, CauseScore],
    causes: CauseModel | None,
    programme: Programme,
    bench: Workbench,
    *,
    previous: Mapping[str, pa.Table],
    refit: bool,
    models: ReadingModels | None = None,
) -> Readings:
    """Readings of all `signals`; `rows` are those with a customer's words, `scores` what causes were found in them.

    With `models` those are used and none is trained.
    """
    urls: tuple[str, ...] = ()
    if models is None:
        models, urls = _models(rows, bench, refit=refit)
    ordered = signals.sort_by("signal_id")
    floor = severities(ordered, programme.severity)
    ids = ordered.column("signal_id").to_pylist()
    reading_id = f"{models.reading_id}-{causes.model_id if causes else 'rules'}"
    records = _kept(rows, previous.get("ml_root_cause__prediction"), reading_id)
    fresh = [row for row, signal_id in enumerate(rows.ids) if signal_id not in records]
    for begin in range(0, len(fresh), _CHUNK):
        chunk = fresh[begin : begin + _CHUNK]
        records |= _read(rows, chunk, scores, causes, models, bench, reading_id)
    # Rules may have changed since: the floor and the words it rests on are never kept.
    graver = with_model(floor, [records.get(key, {}).get("severity_model") for key in ids])
    told = _rule_words(rows, dict(zip(ids, graver.column("severity_reason").to_pylist(), strict=True)), programme)
    for name in (*FELT[1:], "reading_id", "reading_key"):
        values = [records.get(key, {}).get(name) for key in ids]
        graver = graver.append_column(name, pa.array(values, PREDICTION.field(name).type))
    evidence = [_evidence(records.get(key, {}).get("evidence"), told.get(key)) for key in ids]
    graver = graver.append_column("evidence", pa.array(evidence, pa.string()))
    return Readings(graver, _aspects(rows, fresh, scores, causes, models, bench, previous), urls)


def _kept(rows: Rows, previous: pa.Table | None, reading_id: str) -> dict[str, Record]:
    """Earlier readings by the same models of the same words beside the same score, by signal."""
    if previous is None or previous.num_rows == 0:
        return {}
    names = ["signal_id", *FELT, "evidence", "reading_id", "reading_key"]
    wanted = dict(zip(rows.ids, _keys(rows), strict=True))
    return {
        own["signal_id"]: own
        for own in previous.select(names).to_pylist()
        if own["reading_id"] == reading_id and own["reading_key"] == wanted.get(own["signal_id"])
    }


def _keys(rows: Rows) -> list[str]:
    return [
        reading_key(key, score)
        for key, score in zip(rows.evidence_keys(), rows.column("score_normalised"), strict=True)
    ]


def _read(
    rows: Rows,
    chunk: Sequence[int],
    scores: Mapping[str, CauseScore],
    causes: CauseModel | None,
    models: ReadingModels,
    bench: Workbench,
    reading_id: str,
) -> dict[str, Record]:
    """Readings of the given rows, by signal."""
    some = rows.take(chunk)
    vectors = bench.embed(some.texts) if models.need_vectors else None
    felt = feel(some.texts, vectors, models, scores=some.column("score_normalised"), channels=some.column("channel"))
    flat = pa.table(
        {"severity": pa.array([4] * len(some), pa.int64()), "severity_reason": pa.nulls(len(some), pa.string())}
    )
    columns = felt_columns(felt, np.arange(len(some)), flat, reading_id).select([*FELT, "reading_id"]).to_pylist()
    feeling = feeling_places(some.texts, felt.sentiments.value)
    decided = _cause_places(some, scores, causes)
    return {
        signal_id: {**own, "reading_key": key, "evidence": as_json({"cause": because, "sentiment": words})}
        for signal_id, own, key, because, words in zip(some.ids, columns, _keys(some), decided, feeling, strict=True)
    }


def _cause_places(rows: Rows, scores: Mapping[str, CauseScore], causes: CauseModel | None) -> list[list[Place]]:
    """Clauses whose words and letters speak most for the cause of each text; empty where there is no cause."""
    found: list[list[Place]] = [[] for _ in rows.ids]
    named = [scores[key].model_cause_id if key in scores else None for key in rows.ids]
    told = [row for row, cause in enumerate(named) if cause is not None]
    if causes is None or not told:
        return found
    column = np.array([causes.causes.index(named[row] or "") for row in told], dtype=np.int64)
    kernel = causes.text.kernel

    def support(words: Sequence[str], _: Vectors, own: NDArray[np.int64]) -> NDArray[np.float64]:
        spoken = np.asarray(kernel.terms.transform(words) @ kernel.weights, dtype=np.float64)
        return np.asarray(spoken[np.arange(len(own)), column[own]])

    texts = [rows.texts[row] for row in told]
    for row, places in zip(told, carried(texts, pieces_of(texts, _no_vectors), support, most=MOST_PLACES), strict=True):
        found[row] = places
    return found


def _no_vectors(texts: Sequence[str]) -> Vectors:
    return np.zeros((len(texts), DIMENSIONS), dtype=np.float32)


def _rule_words(rows: Rows, reasons: Mapping[str, str | None], programme: Programme) -> dict[str, list[Place]]:
    """Places of the words that gave each text its severity, by signal."""
    spoken = [row for row, key in enumerate(rows.ids) if reasons[key] is not None]
    texts = [rows.texts[row] for row in spoken]
    places = rule_places(texts, [reasons[rows.ids[row]] for row in spoken], programme.severity)
    return {rows.ids[row]: own for row, own in zip(spoken, places, strict=True) if own}


def _evidence(kept: str | None, severity: list[Place] | None) -> str | None:
    """Evidence with the words of the severity rule as they are now."""
    known = json.loads(kept) if kept else {}
    known.pop("severity", None)
    return as_json({**known, "severity": severity or []})


def _aspects(
    rows: Rows,
    fresh: Sequence[int],
    scores: Mapping[str, CauseScore],
    causes: CauseModel | None,
    models: ReadingModels,
    bench: Workbench,
    previous: Mapping[str, pa.Table],
) -> pa.Table:
    """Aspects of texts of which several causes may be true; of texts that were read before, those found then."""
    again = {rows.ids[row] for row in fresh}
    known = set(rows.ids) - again
    kept = [
        row
        for row in previous.get("ml_root_cause__aspect", ASPECT.empty_table()).to_pylist()
        if row["signal_id"] in known
    ]
    several = [row for row in fresh if len((scores.get(rows.ids[row], UNKNOWN)).cause_set or ()) > 1]
    if causes is None or not several:
        return pa.Table.from_pylist(kept, schema=ASPECT)
    pieces = pieces_of([rows.texts[row] for row in several], bench.embed)
    shares = causes.probabilities(pieces.texts, pieces.vectors)
    feelings = sentiments(read_signs(pieces.texts), pieces.vectors, models.sentiment).value
    found = aspects(len(several), pieces, shares, causes.causes, feelings, sure=max(SURE, causes.abstain_below))
    for row, own in zip(several, found, strict=True):
        kept += [_aspect(rows.ids[row], aspect) for aspect in own]
    return pa.Table.from_pylist(kept, schema=ASPECT)


def _aspect(signal_id: str, aspect: Aspect) -> Record:
    return {
        "aspect_id": text_key(f"{signal_id}|{aspect.aspect_no}"),
        "signal_id": signal_id,
        "aspect_no": aspect.aspect_no,
        "begin_char": aspect.start,
        "end_char": aspect.end,
        "cause_id": aspect.cause_id,
        "confidence": round(aspect.confidence, 6),
        "sentiment": aspect.sentiment,
    }


def _models(rows: Rows, bench: Workbench, *, refit: bool) -> tuple[ReadingModels, tuple[str, ...]]:
    """The active models of tone and severity. Where there is none, and with `refit`, those are trained that have labels."""
    models = load_reading_models(bench.store)
    kinds = (sentiment.KIND, tone.FEEDBACK_KIND, SEVERITY)
    wanted = [kind for kind in kinds if refit or bench.has_moved() or models.parts[kind] is None]
    urls = []
    for kind in wanted:
        labels = _labels(kind, rows)
        trained = _trained(kind, labels, rows, bench, models)
        if trained is None:
            continue
        bench.store.save(kind, trained.model_id, trained.files())
        bench.promote(kind, trained.model_id, f"trained on {len(labels):,} labels people gave")
        urls.append(reports.track_reading(bench.tracker, kind, trained, len(labels), bench.tags))
        models = load_reading_models(bench.store)
    return models, tuple(url for url in urls if url)


def _labels(kind: str, rows: Rows) -> dict[int, str]:
    """What people said of each row that they said something of: customers by their score, reviewers by their answer."""
    labels: Sequence[Any] = {
        sentiment.KIND: scored_labels(rows.column("score_normalised")),
        tone.FEEDBACK_KIND: rows.column("labelled_kind"),
        SEVERITY: rows.column("labelled_severity"),
    }[kind]
    return {row: str(label) for row, label in enumerate(labels) if label is not None}


def _trained(
    kind: str, labels: Mapping[int, str], rows: Rows, bench: Workbench, models: ReadingModels
) -> FusedModel | SeverityModel | None:
    """A model of one kind from the labels people gave; None where they are too few."""
    some, scores = list(labels), rows.column("score_normalised")
    if len({rows.hashes[row] for row in some}) < FEWEST:
        return None
    texts, own = [rows.texts[row] for row in some], list(labels.values())
    signs, vectors = read_signs(texts), bench.embed(texts)
    trained: FusedModel | SeverityModel | TooFew
    if kind == SEVERITY:
        channels, feeling = rows.column("channel"), sentiments(signs, vectors, models.sentiment).value
        context = Context([scores[row] for row in some], [channels[row] for row in some], feeling)
        trained = train_severity(texts, signs, vectors, context, [int(label) for label in own])
    else:
        train = train_sentiment if kind == sentiment.KIND else train_kinds
        trained = train(texts, signs, vectors, own)
    return None if isinstance(trained, TooFew) else trained


def reading_key(evidence_key: str, score: float | None) -> str:
    """What a reading depends on besides the models: the evidence of the cause and the score beside the words."""
    return evidence_key if score is None else text_key(f"{evidence_key}|{score:.6f}")
