"""The classify stage: what every signal is about, how grave it is and how it feels, computing only what is new.

Belongs here: putting rows, models and readings together into the output tables. Not here: when models are fitted
(`fitting.py`), the models themselves, or how one text is read (`reading.py`). A row is scored again only when what is known
of it or a model changed; severity by rule is cheap and follows every change of score or rule, so it is computed for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from ml.outputs import MISCODING, OUTPUTS, PREDICTION
from ml.root_cause.bench import Workbench
from ml.root_cause.classifier import ClassifierParams, NotEnoughData, Training
from ml.root_cause.fitting import Fitted, fitted
from ml.root_cause.gate import Verdict
from ml.root_cause.miscoding import miscoding_table
from ml.root_cause.rows import Rows
from ml.root_cause.scoring import cause_scores
from ml.root_cause.severity import severities
from ml.root_cause.tables import prediction_table, topic_table
from ml.root_cause.theme_events import event_table
from ml.root_cause.topics import TopicParams
from models.programme import Programme

Tables = Mapping[str, pa.Table]
MADE_HERE = frozenset(name for name in OUTPUTS if name.startswith("ml_root_cause__")) - {"ml_root_cause__driver"}
# Columns of a prediction that come from reading a text, not from the cause or the topic model.
READ = (
    "severity", "severity_reason", "severity_floor", "severity_model", "sentiment", "sentiment_confidence", "urgency",
    "urgency_reasons", "feedback_kind", "feedback_kind_confidence", "evidence", "reading_id",
)  # fmt: skip


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
) -> Classified:
    """All output tables for the rows of `signals` (columns of the hand-over of int_signal).

    `previous` are the last output tables: rows are kept where evidence and models are the same. Models are fitted only
    when there is none in the store or with `refit`, and a new one takes over only past its gate. Too few texts or labels
    leave columns null and say so in `training`; nothing is raised for that.
    """
    params, previous = params or ClassifyParams(), previous or {}
    everything = Rows.of(signals, programme)
    rows = everything.about_failures()
    models = fitted(rows, programme, bench, params.topics, params.classifier, refit=refit)
    types = {cause.id: cause.failure_type for cause in programme.taxonomy.causes}
    scores, fresh = cause_scores(rows, bench, models, types, previous.get("ml_root_cause__prediction"))
    readings = _readings(signals, programme)
    prediction = prediction_table(signals, rows, scores, models, readings)
    tables = {name: schema.empty_table() for name, (schema, _) in OUTPUTS.items() if name in MADE_HERE}
    tables |= {
        "ml_root_cause__prediction": prediction,
        "ml_root_cause__topic": topic_table(models.themes, prediction),
        "ml_root_cause__miscoding": _miscoding(models, previous),
    }
    if models.themes is not None:
        tables["ml_root_cause__theme_event"] = event_table(models.themes.registry)
    return Classified(
        tables, fresh, len(rows) - fresh, models.training, models.verdict, *models.ids, run_urls=models.run_urls
    )


def _readings(signals: pa.Table, programme: Programme) -> pa.Table:
    """Severity by rule for every signal in order of signal_id; no reading of feeling yet."""
    ordered = signals.sort_by("signal_id")
    grave = severities(ordered, programme.severity)
    empty = {name: pa.nulls(ordered.num_rows, PREDICTION.field(name).type) for name in READ}
    return pa.table({**empty, "severity_floor": grave.column("severity"), "severity": grave.column("severity"),
                     "severity_reason": grave.column("severity_reason")})  # fmt: skip


def _miscoding(models: Fitted, previous: Tables) -> pa.Table:
    """Codes against words, from probabilities out of fold; those of the last training until there is another one."""
    training = models.training
    if not isinstance(training, Training) or not (models.verdict and models.verdict.is_promoted):
        return previous.get("ml_root_cause__miscoding", MISCODING.empty_table())
    held = training.held_out
    return miscoding_table(held.ids or (), held.truth, held.shares, held.causes)
