"""Calling the ML rooms on the stores: read a hand-over, call one function, write the output, tell the numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import dagster as dg
from pydantic import Field

from cases.feed import DETECTION
from models.settings import Settings
from orchestration import watermark
from orchestration.programme import in_force, rules_in_force

Metadata = dict[str, dict[str, Any]]


class ClassifyConfig(dg.Config):
    """How a classification run behaves; shown with its description in the launchpad."""

    refit: bool = Field(default=False, description="Fit topics and the root-cause classifier anew on all evidence.")


def run_classification(
    settings: Settings, config: ClassifyConfig, *, run_id: str, log: Callable[[str], None]
) -> Metadata:
    """Classify what is new and write both outputs; returns metadata per asset."""
    import pyarrow.parquet as pq

    from ml.outputs import read_output, write_output
    from ml.root_cause.predict import Workbench, classify
    from ml.store import ModelStore
    from ml.text.embed import Embedder, EmbeddingCache
    from ml.tracking import tracker_for

    embedder = Embedder()
    bench = Workbench(
        embedder=embedder,
        cache=EmbeddingCache(settings.embeddings, embedder.model_id),
        store=ModelStore(settings.model_store),
        tracker=tracker_for(settings),
        tags={"dagster.run_id": run_id},
        on_progress=lambda done, total: log(f"{done:,} of {total:,} texts embedded"),
    )
    found = classify(
        pq.read_table(settings.handoff / "int_signal.parquet"),
        in_force(settings).programme,
        bench,
        previous=read_output(settings.ml_outputs, "ml_root_cause__prediction"),
        refit=config.refit,
    )
    write_output(settings.ml_outputs, "ml_root_cause__prediction", found.prediction)
    write_output(settings.ml_outputs, "ml_root_cause__topic", found.topic)
    return _classification_metadata(found)


def _classification_metadata(found: Any) -> Metadata:
    shared = {"mlflow_runs": dg.MetadataValue.json(list(found.run_urls))} if found.run_urls else {}
    topics = [dg.TableRecord(row) for row in found.topic.select(["theme_id", "name", "signals"]).to_pylist()]
    prediction: dict[str, Any] = {
        "dagster/row_count": found.prediction.num_rows,
        "scored_now": found.scored,
        "kept_from_before": found.kept,
        "model_id": found.model_id or "no model: not enough coded texts",
        **shared,
    }
    if found.training is not None:
        metrics = getattr(found.training, "metrics", None)
        prediction["training"] = dg.MetadataValue.json(metrics() if metrics else {"not_trained": found.training.reason})
    topic: dict[str, Any] = {
        "dagster/row_count": found.topic.num_rows,
        "topic_model_id": found.topic_model_id or "no model: too few texts",
        **shared,
    }
    if topics:
        topic["themes"] = dg.MetadataValue.table(topics)
    return {"ml_root_cause__prediction": prediction, "ml_root_cause__topic": topic}


def run_detection(settings: Settings, *, as_of: str, run_id: str) -> dict[str, Any]:
    """Hold the live rules against the evidence, write the triggers and name this detection for the ledger."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from ml.detection.triggers import Window, detect_in_force
    from ml.outputs import write_output

    company, rules = in_force(settings).programme.company, rules_in_force(settings)
    window = Window(as_of=datetime.fromisoformat(f"{as_of}+00:00"), historic_after_days=company.historic_after_days)
    triggers = detect_in_force(
        pq.read_table(settings.handoff / "fct_signal.parquet"),
        pq.read_table(settings.handoff / "agg_theme_week.parquet"),
        rules.live,
        rules.former,
        window,
    )
    path = write_output(settings.ml_outputs, "ml_detection__trigger", triggers)
    note = {"token": run_id, "triggers": triggers.num_rows, "dagster_run_id": run_id, "as_of": as_of}
    watermark.write_json(settings.ml_outputs / DETECTION, note)
    counts = triggers.group_by("rule_id").aggregate([("trigger_id", "count")]).sort_by("rule_id").to_pylist()
    return {
        "dagster/row_count": triggers.num_rows,
        "historic": int(pc.sum(triggers.column("is_historic")).as_py() or 0),
        "rules": len(rules.live),
        "by_rule": dg.MetadataValue.table(
            [dg.TableRecord({"rule": row["rule_id"], "triggers": row["trigger_id_count"]}) for row in counts]
        )
        if counts
        else "no rule fired",
        "bytes": path.stat().st_size,
        "as_of": json.dumps(as_of),
    }
