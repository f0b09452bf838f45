"""When models are fitted, on what, and whether a new one takes the place of the one in use.

Belongs here: themes and the cause classifier as the classify stage needs them: the stored model, or a new one when there
is none or a refit is asked for. Not here: the models themselves, scoring (`predict.py`), what MLflow is told
(`reports.py`).

Models are functions of vectors: when the encoder moves to another vector space, all are fitted anew.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ml.root_cause import reports
from ml.root_cause.bench import Workbench
from ml.root_cause.candidates import Dated
from ml.root_cause.classifier import (
    KIND,
    CauseModel,
    ClassifierParams,
    Examples,
    NotEnoughData,
    Notes,
    Training,
    load_cause_model,
    train,
)
from ml.root_cause.examples import Floats
from ml.root_cause.gate import Judged, Verdict, gate
from ml.root_cause.labels import audit_slice
from ml.root_cause.naming import Guide
from ml.root_cause.registry import ThemeRegistry
from ml.root_cause.rows import Rows
from ml.root_cause.theme_review import TOPICS, keep_fit
from ml.root_cause.themes import ThemeModel, fit_themes, load_theme_model
from ml.root_cause.topics import TopicParams
from ml.store import ModelRefused, StoredModel
from ml.text.embed import DIMENSIONS, Vectors
from models.programme import Programme

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What classifying works with: both models (None: too little to learn from), and what was done to get them."""

    themes: ThemeModel | None
    causes: CauseModel | None
    training: Training | NotEnoughData | None = None
    verdict: Verdict | None = None
    run_urls: tuple[str, ...] = field(default=())

    @property
    def ids(self) -> tuple[str | None, str | None]:
        """Ids of the cause model and the topic model."""
        return (
            self.causes.model_id if self.causes else None,
            self.themes.topic_model_id if self.themes else None,
        )


def fitted(
    rows: Rows,
    programme: Programme,
    bench: Workbench,
    topics: TopicParams,
    classifier: ClassifierParams,
    *,
    refit: bool,
) -> Fitted:
    """The active models, or new ones where there is none, or with `refit` where a new one may take their place."""
    moved = bench.has_moved()
    causes, training, verdict, cause_url = _cause_model(rows, programme, bench, classifier, refit)
    themes, theme_url = _themes(rows, programme, bench, topics, refit or moved, causes)
    return Fitted(themes, causes, training, verdict, tuple(url for url in (theme_url, cause_url) if url))


def _themes(
    rows: Rows,
    programme: Programme,
    bench: Workbench,
    params: TopicParams,
    refit: bool,
    causes: CauseModel | None,
) -> tuple[ThemeModel | None, str | None]:
    """The themes in force. A fit that changes much is kept aside until a person approves it (`theme_review.py`)."""
    stored = bench.store.active(TOPICS)
    current = load_theme_model(stored) if stored else None
    sample = rows.distinct()[: params.sample]
    if (current is not None and not refit) or len(sample) < params.min_texts:
        return current, None
    texts = [rows.texts[row] for row in sample]
    at = bench.at.isoformat() if bench.at else None
    model, fit = fit_themes(
        texts,
        bench.embed(texts),
        params,
        registry=current.registry if current else ThemeRegistry(),
        previous=current,
        guide=Guide.of(programme.taxonomy),
        causes=_naming_causes(rows, sample, causes, bench),
        dated=_dated(rows, bench, params),
        at=at,
    )
    in_force = keep_fit(bench.store, model, params, at)
    url = reports.track_topics(bench.tracker, model, fit, params, bench.tags)
    return (model if in_force else current), url


def _naming_causes(rows: Rows, sample: Sequence[int], model: CauseModel | None, bench: Workbench) -> list[str | None]:
    """Causes that name topics: as people coded them, else the model's word. Naming teaches no model anything."""
    guessed: list[str | None] = [None] * len(sample) if model is None else predicted(model, rows, sample, bench)
    return [rows.causes[row] if rows.trainable[row] else guess for row, guess in zip(sample, guessed, strict=True)]


def _dated(rows: Rows, bench: Workbench, params: TopicParams) -> Dated:
    """The newest texts, in which rare new problems are looked for; at most as many as a fit reads."""
    newest = sorted(range(len(rows)), key=lambda row: (-rows.occurred[row], rows.ids[row]))[: params.sample]
    texts = [rows.texts[row] for row in newest]
    return Dated(texts, bench.embed(texts), [rows.occurred[row] for row in newest], [rows.ids[row] for row in newest])


def _cause_model(
    rows: Rows, programme: Programme, bench: Workbench, params: ClassifierParams, refit: bool
) -> tuple[CauseModel | None, Training | NotEnoughData | None, Verdict | None, str | None]:
    causes = {cause.id for cause in programme.taxonomy.causes}
    champion = None if bench.has_moved() else _champion(bench.store.active(KIND), causes)
    if champion is not None and not refit:
        return champion, None, None, None
    places = [row for row, cause in enumerate(rows.causes) if cause in causes and rows.trainable[row]]
    if len(places) < params.min_texts:
        reason = f"needs {params.min_texts} coded texts; has {len(places)}"
        different = len({rows.causes[row] for row in places})
        return champion, NotEnoughData(len(places), different, reason), None, None
    training = train(_examples(rows, places, bench), params)
    if isinstance(training, NotEnoughData):
        return champion, training, None, None
    verdict = _verdict(rows, bench, champion, training)
    bench.store.save(KIND, training.model.model_id, training.model.files())
    decide = bench.promote if verdict.is_promoted else bench.keep
    decide(KIND, training.model.model_id, verdict.reason)
    url = reports.track_classifier(bench.tracker, training, verdict, bench.tags)
    return (training.model if verdict.is_promoted or champion is None else champion), training, verdict, url


def _champion(stored: StoredModel | None, causes: set[str]) -> CauseModel | None:
    """The model in use, unless it was made by older code or knows causes of another programme: those mean nothing here."""
    try:
        model = load_cause_model(stored) if stored else None
    except ModelRefused as error:
        log.warning("a new model is fitted: %s", error)
        return None
    return model if model is not None and set(model.causes) <= causes else None


def _examples(rows: Rows, places: Sequence[int], bench: Workbench) -> Examples:
    texts = [rows.texts[row] for row in places]
    bases = rows.table.column("coded_cause_basis").take(np.asarray(places)).to_pylist()
    return Examples(
        texts=texts,
        vectors=bench.embed(texts),
        causes=[cause for cause in (rows.causes[row] for row in places) if cause is not None],
        groups=[rows.hashes[row] for row in places],
        occurred=[rows.occurred[row] for row in places],
        notes=notes_of([rows.notes[row] for row in places], bench),
        codes=[rows.codes[row] for row in places],
        own_code=[basis == "reason_code" for basis in bases],
        ids=[rows.ids[row] for row in places],
    )


def notes_of(notes: Sequence[str | None], bench: Workbench) -> Notes | None:
    """Notes with their vectors (zero where there is none); None when nobody noted anything."""
    known = [place for place, note in enumerate(notes) if note and note.strip()]
    if not known:
        return None
    vectors: Vectors = np.zeros((len(notes), DIMENSIONS), dtype=np.float32)
    vectors[known] = bench.embed([notes[place] or "" for place in known])
    return Notes(texts=notes, vectors=vectors)


def _verdict(rows: Rows, bench: Workbench, champion: CauseModel | None, training: Training) -> Verdict:
    """Champion against challenger where people judged what chance picked, else on the newest texts."""
    if champion is None:
        return gate(has_champion=False)
    names = rows.table.column_names
    audit = audit_slice(rows.table) if "audit_inclusion" in names else None
    judged = None
    if audit is not None and len(audit.rows):
        said = [predicted(model, rows, list(audit.rows), bench, abstain=False) for model in (champion, training.model)]
        judged = Judged(audit.values, said[0], said[1], [float(weight) for weight in audit.weights])
    return gate(has_champion=True, audit=judged, time_split=_newest(rows, bench, champion, training))


def _newest(rows: Rows, bench: Workbench, champion: CauseModel, training: Training) -> Judged | None:
    """Labelled texts written since the champion was trained: by the champion, which has not seen them, and by models of
    the challenger's recipe that have not seen them either (out of fold)."""
    held = training.held_out
    place = {signal_id: row for row, signal_id in enumerate(rows.ids)}
    unseen = [
        (place[signal_id], number)
        for number, signal_id in enumerate(held.ids or ())
        if rows.occurred[place[signal_id]] > champion.trained_until
    ]
    if not unseen:
        return None
    best = held.shares.argmax(axis=1)
    said = predicted(champion, rows, [row for row, _ in unseen], bench, abstain=False)
    return Judged(
        [held.truth[number] for _, number in unseen], said, [held.causes[int(best[number])] for _, number in unseen]
    )


def predicted(
    model: CauseModel, rows: Rows, places: Sequence[int], bench: Workbench, *, abstain: bool = True
) -> list[str | None]:
    """The likeliest cause of the given rows; None below the confidence to abstain when `abstain`."""
    shares = cause_shares(model, rows, places, bench)
    if abstain:
        return model.decide(shares)[0]
    return [model.causes[int(best)] for best in shares.argmax(axis=1)]


def cause_shares(model: CauseModel, rows: Rows, places: Sequence[int], bench: Workbench) -> Floats:
    """Probabilities (places, causes) of rows by everything known of them."""
    texts = [rows.texts[row] for row in places]
    return model.probabilities(
        texts,
        bench.embed(texts),
        notes=notes_of([rows.notes[row] for row in places], bench),
        codes=[rows.codes[row] for row in places],
    )
