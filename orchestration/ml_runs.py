"""Calling the ML rooms on the stores: read a hand-over, call one function, write the output, tell the numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import dagster as dg
from pydantic import Field

from cases import feed
from models.settings import Settings
from orchestration import watermark
from orchestration.programme import in_force, rules_in_force

Metadata = dict[str, dict[str, Any]]
# Outputs of the last classification that the next one may keep rows of.
KEPT = tuple(f"ml_root_cause__{name}" for name in ("prediction", "aspect", "miscoding", "drift"))


class ClassifyConfig(dg.Config):
    """How a classification run behaves; shown with its description in the launchpad."""

    refit: bool = Field(default=False, description="Fit topics and the root-cause classifier anew on all evidence.")


def run_classification(
    settings: Settings, config: ClassifyConfig, *, as_of: str, run_id: str, log: Callable[[str], None]
) -> Metadata:
    """Classify what is new and write every output; returns metadata per asset."""
    import pyarrow.parquet as pq

    from ml.outputs import read_output, write_output
    from ml.root_cause.bench import bench_for
    from ml.root_cause.predict import classify
    from ml.tracking import tracker_for

    signals = pq.read_table(settings.handoff / "int_signal.parquet")
    bench = bench_for(
        settings,
        signals,
        tracker=tracker_for(settings),
        tags={"dagster.run_id": run_id},
        at=datetime.fromisoformat(f"{as_of}+00:00"),
        on_progress=lambda done, total: log(f"{done:,} of {total:,} texts embedded"),
    )
    log(f"encoder: {bench.embedder.model_id} ({bench.embedder.reason or 'default'})")
    found = classify(
        signals,
        in_force(settings).programme,
        bench,
        previous={name: read_output(settings.ml_outputs, name) for name in KEPT},
        refit=config.refit,
        answered=_answered(settings),
    )
    for name, table in found.tables.items():
        write_output(settings.ml_outputs, name, table)
    return _classification_metadata(found, bench.embedder.model_id)


def models_in_use(settings: Settings) -> str:
    """The active model of every kind that reads texts, in words: a retraining, a roll-back or a renamed theme changes it.

    Models of risks are left out: they are fitted within the very run that uses them.
    """
    from ml.store import ModelStore

    store = ModelStore(settings.model_store)
    found = ((kind, next(iter(store.history(kind)), None)) for kind in store.kinds() if not kind.startswith("risk-"))
    return " ".join(f"{kind}={model_id}" for kind, model_id in found)


def _answered(settings: Settings) -> set[str]:
    """Signals reviewers have said enough about; nobody is asked again."""
    from cases import conf
    from casework import review

    conf.setup(settings)
    return review.answered("cause")


def _classification_metadata(found: Any, encoder: str) -> Metadata:
    shared = {"mlflow_runs": dg.MetadataValue.json(list(found.run_urls))} if found.run_urls else {}
    metadata: Metadata = {name: {"dagster/row_count": table.num_rows} for name, table in found.tables.items()}
    metadata["ml_root_cause__prediction"] |= {
        "scored_now": found.scored,
        "kept_from_before": found.kept,
        "model_id": found.model_id or "no model: not enough coded texts",
        "encoder": encoder,
        **shared,
    }
    if found.training is not None:
        metrics = getattr(found.training, "metrics", None)
        told = metrics() if metrics else {"not_trained": found.training.reason}
        metadata["ml_root_cause__prediction"]["training"] = dg.MetadataValue.json(told)
    if found.verdict is not None:
        metadata["ml_root_cause__prediction"]["gate"] = found.verdict.reason
    topics = found.tables["ml_root_cause__topic"].select(["theme_id", "name", "signals"]).to_pylist()
    metadata["ml_root_cause__topic"] |= {
        "topic_model_id": found.topic_model_id or "no model: too few texts",
        **({"themes": dg.MetadataValue.table([dg.TableRecord(row) for row in topics])} if topics else {}),
        **shared,
    }
    return metadata


def run_drivers(settings: Settings, *, as_of: str) -> dict[str, Any]:
    """Estimate what goes with low and high scores and write the output; returns metadata."""
    import pyarrow.parquet as pq

    from ml.outputs import read_output, write_output
    from ml.root_cause.bench import bench_for
    from ml.root_cause.drivers import drivers
    from ml.root_cause.mentions import mentions
    from ml.tracking import tracker_for

    topics = read_output(settings.ml_outputs, "ml_root_cause__topic").to_pylist()
    signals, programme = pq.read_table(settings.handoff / "fct_signal.parquet"), in_force(settings).programme
    found = drivers(
        signals,
        programme.taxonomy,
        as_of=datetime.fromisoformat(f"{as_of}+00:00"),
        theme_names={row["theme_id"]: row["name"] for row in topics if row["theme_id"]},
        triggers=read_output(settings.ml_outputs, "ml_detection__trigger"),
        mentions=mentions(signals, programme, bench_for(settings, signals, tracker=tracker_for(settings))),
    )
    write_output(settings.ml_outputs, "ml_root_cause__driver", found)
    clear = [row["sentence"] for row in found.to_pylist() if row["verdict"] in ("lowers", "raises")]
    return {"dagster/row_count": found.num_rows, "clear_effects": len(clear), "sentences": "\n\n".join(clear[:10])}


def run_detection(settings: Settings, *, as_of: str, run_id: str) -> Metadata:
    """Hold the rules against the evidence, write what they found and name this detection for the ledger.

    Only live rules are in what the ledger is handed; shadow rules are counted beside them. Returns metadata per asset.
    """
    from ml.detection.encoder import LazyEncoder
    from ml.detection.evidence import read_evidence
    from ml.detection.triggers import Window, detect, detect_in_force
    from ml.early_warning.risks import read_risks
    from ml.outputs import write_output

    company, rules = in_force(settings).programme.company, rules_in_force(settings)
    window = Window(as_of=datetime.fromisoformat(f"{as_of}+00:00"), historic_after_days=company.historic_after_days)
    risk = read_risks(settings.ml_outputs, settings.handoff)
    evidence = read_evidence(settings.handoff, risk=risk, encode=LazyEncoder(settings))
    found = detect_in_force(evidence, rules.live, rules.former, window)
    tables = {
        "ml_detection__trigger": found.triggers,
        "ml_detection__shadow": detect(evidence, rules.shadow, window),
        "ml_detection__breakdown": found.breakdowns,
        "ml_detection__affected": found.affected,
    }
    for name, table in tables.items():
        write_output(settings.ml_outputs, name, table)
    feed.write_detection(
        settings.ml_outputs, token=run_id, triggers=tables["ml_detection__trigger"].num_rows, as_of=window.as_of,
        run_id=run_id, last_batch=watermark.taken_batch(settings),
    )  # fmt: skip
    counts = {"ml_detection__trigger": len(rules.live), "ml_detection__shadow": len(rules.shadow)}
    return {
        **{name: _detection_metadata(tables[name], rules=n, as_of=as_of) for name, n in counts.items()},
        "ml_detection__breakdown": _breakdown_metadata(found.breakdowns.to_pylist()),
        "ml_detection__affected": {"dagster/row_count": found.affected.num_rows},
    }


def _breakdown_metadata(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What broke down, newest first, in sentences."""
    newest = sorted(rows, key=lambda row: (row["detected_on"], row["breakdown_id"]), reverse=True)
    told = "\n\n".join(f"{row['detected_on']}: {row['sentence']} ({row['state']})" for row in newest[:20])
    return {
        "dagster/row_count": len(rows),
        "open": sum(row["state"] == "open" for row in rows),
        "breakdowns": dg.MetadataValue.md(told or "none"),
    }


def _detection_metadata(triggers: Any, *, rules: int, as_of: str) -> dict[str, Any]:
    import pyarrow.compute as pc

    counts = triggers.group_by("rule_id").aggregate([("trigger_id", "count")]).sort_by("rule_id").to_pylist()
    return {
        "dagster/row_count": triggers.num_rows,
        "historic": int(pc.sum(triggers.column("is_historic")).as_py() or 0),
        "rules": rules,
        "by_rule": dg.MetadataValue.table(
            [dg.TableRecord({"rule": row["rule_id"], "triggers": row["trigger_id_count"]}) for row in counts]
        )
        if counts
        else "no rule fired",
        "as_of": json.dumps(as_of),
    }
