"""What MLflow is told about trainings: parameters, figures, tables and model cards.

Belongs here: turning a fit or a training into one tracked run. Not here: MLflow itself (`ml/tracking.py`). Nothing here
holds a customer's text: names of causes, words that many texts share, and numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from ml.root_cause.classifier import Judgement, Training
from ml.root_cause.figures import confusion_figure, drift_figure, reliability_figure, topic_map
from ml.root_cause.gate import Verdict
from ml.root_cause.severity_model import SeverityModel
from ml.root_cause.themes import ThemeModel
from ml.root_cause.topics import TopicFit, TopicParams
from ml.text.fused import FusedModel
from ml.tracked_run import ModelRecord
from ml.tracking import EXPERIMENTS, Tracker

CLASSIFIER_NAME = "root-cause-classifier"
_SERVED = Path(__file__).with_name("served.py")


def track_topics(
    tracker: Tracker, model: ThemeModel, fit: TopicFit, params: TopicParams, tags: Mapping[str, str]
) -> str | None:
    """One run for a topic fit; returns its path below the MLflow server, None when it could not be written."""
    events = [event for event in model.registry.events if event.topic_model_id == model.topic_model_id]
    with tracker.run(
        "root-cause-topics", model.topic_model_id, tags={**tags, "topic_model_id": model.topic_model_id}
    ) as run:
        run.log_params(asdict(params))
        run.log_metrics(fit.metrics)
        for kind in sorted(
            {"born", "kept", "split", "merged", "retired", "candidate"} | {event.kind for event in events}
        ):
            run.log_metrics({f"themes_{kind}": sum(event.kind == kind for event in events)})
        run.log_table(
            "topics.json",
            {
                "topic_id": [topic.topic_id for topic in model.topics],
                "theme_id": list(model.theme_ids),
                "name": [topic.name for topic in model.topics],
                "keywords": [", ".join(topic.keywords) for topic in model.topics],
                "sample_texts": [topic.size for topic in model.topics],
            },
        )
        run.log_figure("topic_map.png", topic_map(model))
        digest = hashlib.sha256(model.topic_model_id.encode()).hexdigest()
        run.log_dataset(
            "int_signal (sample of customer texts)",
            digest=digest,
            rows=len(fit.labels),
            columns=["text_hash", "vector"],
            context="training",
        )
    return run.path


def track_classifier(tracker: Tracker, training: Training, verdict: Verdict, tags: Mapping[str, str]) -> str | None:
    """One run for a training, with one nested run per split and source; registers the model as `champion`, or as
    `challenger` when the gate kept the one in use."""
    model_id = training.model.model_id
    with tracker.run("root-cause-classifier", model_id, tags={**tags, "model_id": model_id}) as run:
        run.log_params({**asdict(training.params), "causes": len(training.model.causes)})
        run.log_metrics({**training.metrics(), "training_texts": training.texts})
        run.log_dataset(
            "int_signal (texts with a coded cause)",
            digest=model_id.removeprefix("cause-"),
            rows=training.texts,
            columns=["text_hash", "vector", "words", "coded_cause_id"],
            context="training",
        )
        run.log_figure("confusion.png", confusion_figure(training.random_split))
        run.log_figure("reliability.png", reliability_figure(training.random_split))
        run.log_table("per_cause.json", _per_cause(training.random_split))
        run.log_text("model_card.md", model_card(training, verdict))
        run.log_text("gate.md", verdict.reason)
        run.log_params({"gate": verdict.decision, "gate_basis": verdict.basis})
        run.register(_record(training, verdict))
        judged = {"random split": training.random_split, "time split": training.time_split}
        judged |= {f"{source} alone": own for source, own in training.by_source.items()}
        for name, judgement in judged.items():
            if judgement is not None:
                with tracker.run("root-cause-classifier", f"{model_id} {name}", parent=run.run_id) as child:
                    child.log_params({"split": name})
                    child.log_metrics(judgement.metrics)
    return run.path


def track_reading(
    tracker: Tracker, kind: str, model: FusedModel | SeverityModel, labels: int, tags: Mapping[str, str]
) -> str | None:
    """One run for a training of tone or severity, judged on a fifth of the labelled texts."""
    with tracker.run(kind, model.model_id, tags={**tags, "model_id": model.model_id}) as run:
        run.log_metrics({**model.metrics, "training_texts": labels})
        run.log_dataset(
            "int_signal (texts with a label people gave)",
            digest=hashlib.sha256(model.model_id.encode()).hexdigest(),
            rows=labels,
            columns=["text_hash", "vector", "words", "label"],
            context="training",
        )
        run.log_text("model_card.md", reading_card(kind, model))
    return run.path


def track_drift(tracker: Tracker, drift: pa.Table, tags: Mapping[str, str]) -> str | None:
    """One run per look at the weeks: figures of the newest week, and how each measure went, against its limit."""
    rows = drift.to_pylist()
    newest = max(row["week"] for row in rows)
    with tracker.run("text-drift", f"week of {newest}", tags={**tags, "week": str(newest)}) as run:
        run.log_params({"model_id": rows[0]["model_id"]})
        own = [row for row in rows if row["week"] == newest]
        run.log_metrics({row["measure"]: row["value"] for row in own if row["value"] is not None})
        run.log_metrics({"drifting_measures": sum(bool(row["is_drift"]) for row in own)})
        run.log_table(
            "drift.json",
            {name: [str(value) for value in drift.column(name).to_pylist()] for name in drift.column_names},
        )
        run.log_figure("drift.png", drift_figure(rows))
    return run.path


def reading_card(kind: str, model: FusedModel | SeverityModel) -> str:
    """Markdown a person reads before trusting a model of tone or severity."""
    figures = [f"| {name} | {value:.4g} |" for name, value in sorted(model.metrics.items())]
    return "\n".join(
        [
            f"# {kind}",
            "",
            f"Model `{model.model_id}`. {EXPERIMENTS[kind]}",
            "",
            "## Intended use",
            "Beside rules, which speak where there is no model. Severity by rule is a floor no model lowers.",
            "",
            "## Training data",
            "Labels people gave: customers by the score beside their words, reviewers by their answers. Never a model's.",
            "",
            "## Figures on texts it had not seen",
            "| figure | value |",
            "|---|---|",
            *figures,
        ]
    )


def _record(training: Training, verdict: Verdict) -> ModelRecord:
    return ModelRecord(
        name=CLASSIFIER_NAME,
        files=training.model.files(),
        code=_SERVED,
        inputs=(("text", "string"),),
        outputs=(("cause_id", "string"), ("confidence", "double")),
        card=model_card(training, verdict),
        alias="champion" if verdict.is_promoted else "challenger",
        requirements=("scikit-learn", "skops", "scipy", "numpy", "pandas", "sentence-transformers"),
        tags={"model_id": training.model.model_id},
    )


def _per_cause(judgement: Judgement) -> dict[str, list[str | float]]:
    rows = sorted(judgement.per_cause.items())
    columns: dict[str, list[str | float]] = {"cause_id": [name for name, _ in rows]}
    for key in ("precision", "recall", "f1", "support"):
        columns[key] = [round(scores[key], 4) for _, scores in rows]
    return columns


def model_card(training: Training, verdict: Verdict) -> str:
    """Markdown a person reads before trusting the model."""
    random, later = training.random_split.metrics, training.time_split
    lines = [
        "# Root-cause classifier",
        "",
        f"Model `{training.model.model_id}`: kernel ridge over the MiniLM sentence vector beside words and letters, calibrated.",
        "",
        "## Intended use",
        "Suggest the most likely known root cause of a customer's redacted text. A reason code written by a person is "
        "used first; below the abstain confidence the cause stays unknown.",
        "",
        "## Training data",
        f"{training.texts} customer texts with a coded cause; labels are reason codes, never the model's own output.",
        f"Causes: {', '.join(training.model.causes)}.",
        f"Left out for too few texts: {', '.join(training.left_out) or 'none'}.",
        "",
        "## Figures on unseen texts",
        "Copies of a text are never on both sides of a split.",
        "",
        "| split | texts | accuracy | macro-F1 | calibration error | coverage at 90 % precision |",
        "|---|---|---|---|---|---|",
        _card_line("random", random),
        *([_card_line("newest 20 %", later.metrics)] if later is not None else []),
        "",
        f"Abstains below confidence {training.model.abstain_below:.2f}.",
        f"Gate: {verdict.reason}.",
        "",
        "## Limits",
        "Knows only the causes it was trained on; codes are sometimes wrong; languages with few coded texts do worse.",
    ]
    return "\n".join(lines)


def _card_line(name: str, figures: dict[str, float]) -> str:
    return (
        f"| {name} | {figures['texts']:.0f} | {figures['accuracy']:.3f} | {figures['macro_f1']:.3f} | "
        f"{figures['ece']:.3f} | {figures['coverage_at_90_precision']:.3f} |"
    )
