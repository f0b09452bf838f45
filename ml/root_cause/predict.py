"""The classify stage: what every signal is about, how grave it is and how it feels, computing only what is new.

Belongs here: putting rows, models and readings together into the output tables. Not here: when models are fitted
(`fitting.py`), the models themselves, or how a text is read (`readings.py`). A row is scored again only when what is known
of it or a model changed; severity by rule is cheap and follows every change of score or rule, so it is computed for all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from ml.outputs import DRIFT, MISCODING, THEME_EVENT
from ml.root_cause import reports
from ml.root_cause.asked import review_queue
from ml.root_cause.bench import Workbench
from ml.root_cause.classifier import ClassifierParams, NotEnoughData, Training
from ml.root_cause.felt import ReadingModels
from ml.root_cause.fitting import Fitted, fitted
from ml.root_cause.gate import Verdict
from ml.root_cause.miscoding import miscoding_table
from ml.root_cause.readings import readings
from ml.root_cause.rows import Rows
from ml.root_cause.scoring import CauseScore, cause_scores
from ml.root_cause.tables import prediction_table, topic_table
from ml.root_cause.theme_events import event_table
from ml.root_cause.topics import TopicParams
from ml.root_cause.weeks import drift_by_week
from models.programme import Programme

Tables = Mapping[str, pa.Table]


@dataclass(frozen=True, slots=True)
class ClassifyParams:
    """Settings of the models."""

    topics: TopicParams = field(default_factory=TopicParams)
    classifier: ClassifierParams = field(default_factory=ClassifierParams)


@dataclass(frozen=True, slots=True)
class Classified:
    """The output tables by name, and what was done to get them: plain counts for logs and metadata."""

    tables: Tables
    scored: int
    kept: int
    training: Training | NotEnoughData | None
    verdict: Verdict | None
    model_id: str | None
    topic_model_id: str | None
    run_urls: tuple[str, ...] = ()

    @property
    def prediction(self) -> pa.Table:
        """One row per signal."""
        return self.tables["ml_root_cause__prediction"]

    @property
    def topic(self) -> pa.Table:
        """One row per topic of the active topic model."""
        return self.tables["ml_root_cause__topic"]


def classify(
    signals: pa.Table,
    programme: Programme,
    bench: Workbench,
    *,
    previous: Tables | None = None,
    params: ClassifyParams | None = None,
    refit: bool = False,
    answered: Collection[str] = (),
) -> Classified:
    """All output tables for the rows of `signals` (columns of the hand-over of int_signal).

    `previous` are the last output tables: rows are kept where evidence and models are the same. Models are fitted only
    when there is none in the store or with `refit`, and a new one takes over only past its gate. Too few texts or labels
    leave columns null and say so in `training`; nothing is raised for that. `answered` are the signals reviewers have
    said enough about.
    """
    params, previous = params or ClassifyParams(), previous or {}
    everything = Rows.of(signals, programme)
    rows = everything.about_failures()
    models = fitted(rows, programme, bench, params.topics, params.classifier, refit=refit)
    types = {cause.id: cause.failure_type for cause in programme.taxonomy.causes}
    scores, fresh = cause_scores(rows, bench, models, types, previous.get("ml_root_cause__prediction"))
    read = readings(signals, everything, scores, models.causes, programme, bench, previous=previous, refit=refit)
    bench.settle()
    prediction = prediction_table(signals, everything, scores, models, read.columns)
    miscoding = _miscoding(models, previous)
    tables = {
        "ml_root_cause__prediction": prediction,
        "ml_root_cause__topic": topic_table(models.themes, prediction),
        "ml_root_cause__theme_event": event_table(models.themes.registry)
        if models.themes
        else THEME_EVENT.empty_table(),
        "ml_root_cause__aspect": read.aspects,
        "ml_root_cause__miscoding": miscoding,
        "ml_root_cause__review": review_queue(rows, scores, models.causes, miscoding, bench, answered),
        "ml_root_cause__drift": _drift(rows, scores, models, bench, previous, fresh),
    }
    urls = (*models.run_urls, *read.run_urls, *_told_drift(tables["ml_root_cause__drift"], previous, bench))
    return Classified(tables, fresh, len(rows) - fresh, models.training, models.verdict, *models.ids, run_urls=urls)


def predict_rows(
    signals: pa.Table, programme: Programme, bench: Workbench, models: Fitted, reading_models: ReadingModels
) -> pa.Table:
    """The prediction table of some signals by models at hand; nothing is fitted. The same figures as `classify` gives."""
    everything = Rows.of(signals, programme)
    rows = everything.about_failures()
    types = {cause.id: cause.failure_type for cause in programme.taxonomy.causes}
    scores, _ = cause_scores(rows, bench, models, types, None)
    read = readings(
        signals, everything, scores, models.causes, programme, bench, previous={}, refit=False, models=reading_models
    )
    return prediction_table(signals, everything, scores, models, read.columns)


def _drift(
    rows: Rows, scores: Mapping[str, CauseScore], models: Fitted, bench: Workbench, previous: Tables, fresh: int
) -> pa.Table:
    """Drift by week; where no text is new and the model is the same, what was found before."""
    known = previous.get("ml_root_cause__drift")
    if not fresh and known is not None and set(known.column("model_id").to_pylist()) == {models.ids[0]}:
        return known
    return drift_by_week(rows, scores, models.ids[0], bench)


def _told_drift(found: pa.Table, previous: Tables, bench: Workbench) -> tuple[str, ...]:
    """MLflow hears of drift when a week has ended that was not told before."""
    known = previous.get("ml_root_cause__drift", DRIFT.empty_table()).column("week").to_pylist()
    weeks = set(found.column("week").to_pylist()) - set(known)
    url = reports.track_drift(bench.tracker, found, bench.tags) if weeks else None
    return (url,) if url else ()


def _miscoding(models: Fitted, previous: Tables) -> pa.Table:
    """Codes against words, from probabilities out of fold; those of the last training until there is another one."""
    training = models.training
    if not isinstance(training, Training) or not (models.verdict and models.verdict.is_promoted):
        return previous.get("ml_root_cause__miscoding", MISCODING.empty_table())
    held = training.held_out
    return miscoding_table(held.ids or (), held.truth, held.shares, held.causes)
