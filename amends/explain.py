"""Walking a case back: trigger, signal, raw row, model version and Dagster run, each looked up where it lies.

Nothing is repeated from memory: the raw row is found again in landing by its hash, so a walk that arrives proves the
chain; a step that is gone says so.
"""

from __future__ import annotations

from typing import Any

from amends.console import console
from models.settings import Settings

_RAW_ROW = """
    select _source_file, _line, _batch_id, _loaded_at
    from read_parquet($files, union_by_name = true)
    where _row_hash = $row_hash
    order by _batch_id
    limit 1
"""


def explain_case(settings: Settings, case_id: str) -> dict[str, Any] | None:
    """Everything known about where a case came from (JSON values only); None when there is no such case."""
    from cases import conf, services
    from cases.errors import UnknownCase

    conf.setup(settings)
    try:
        found = services.explain(case_id)
    except UnknownCase:
        return None
    return {
        "ok": True,
        "case": {**found["case"], **found["state"]},
        "triggers": [_walk_back(settings, trigger) for trigger in found["triggers"]],
        "events": found["events"],
    }


def _walk_back(settings: Settings, trigger: dict[str, Any]) -> dict[str, Any]:
    lineage = trigger["lineage"]
    return {
        "trigger_id": trigger["trigger_id"],
        "occurred_at": trigger["occurred_at"],
        "rule": {
            "id": trigger["rule_id"],
            "hash": trigger["rule_hash"],
            "file": _rule_file(settings, trigger["rule_id"]),
        },
        "signal": {
            "signal_id": trigger["signal_id"],
            "source": lineage.get("source"),
            "entity": lineage.get("entity"),
            "source_key": lineage.get("source_key"),
        },
        "raw_row": _raw_row(settings, lineage),
        "model": {"model_id": lineage.get("model_id"), "topic_model_id": lineage.get("topic_model_id")},
        "dagster_run_id": lineage.get("dagster_run_id"),
    }


def _rule_file(settings: Settings, rule_id: str) -> str | None:
    for path in sorted((settings.programme_dir / "triggers").glob("*.y*ml")):
        if f"id: {rule_id}" in path.read_text(encoding="utf-8"):
            return f"{settings.programme_dir.name}/triggers/{path.name}"
    return None


def _raw_row(settings: Settings, lineage: dict[str, Any]) -> dict[str, Any]:
    """The landed row, found again by its hash; `landed` says whether it was found."""
    import duckdb

    told = {"file": lineage.get("source_file"), "line": lineage.get("line"), "row_hash": lineage.get("row_hash"),
            "batch_id": lineage.get("batch_id"), "landed": False}  # fmt: skip
    if not told["row_hash"]:
        return told
    files = str(settings.landing / f"{lineage['source']}__{lineage['entity']}" / "*.parquet")
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        row = connection.execute(_RAW_ROW, {"files": files, "row_hash": told["row_hash"]}).fetchone()
    if row is None:
        return told
    return {**told, "file": row[0], "line": row[1], "batch_id": row[2], "loaded_at": str(row[3]), "landed": True}


def show(document: dict[str, Any]) -> None:
    """The walk for a person."""
    case = document["case"]
    console.print(
        f"[bold]case[/]     {case['case_id']}  {case['state']}, severity {case['severity']}, opened {case['opened_at']}"
    )
    console.print(
        f"         {case['subject_type']} {case['subject_id']}, cause {case['cause_id'] or 'unknown'}, {case['team'] or 'no team'}"
    )
    for step in document["triggers"]:
        _show_step(step)
    console.print(
        f"[bold]history[/]  {len(document['events'])} events; `amends case show {case['case_id']}` lists them"
    )


def _show_step(step: dict[str, Any]) -> None:
    rule, signal, raw, model = step["rule"], step["signal"], step["raw_row"], step["model"]
    lines = (
        ("trigger", f"rule {rule['id']} ({rule['file']}, version {str(rule['hash'])[:12]}) fired for {step['occurred_at']}"),
        ("signal", f"{signal['signal_id']}: {signal['source']} {signal['entity']} {signal['source_key']}"
         if signal["signal_id"] else "none: the rule looks at a theme's weekly count"),
        ("raw row", f"{raw['file']} line {raw['line']}, delivery batch {raw['batch_id']}, row hash {raw['row_hash']}"
         + ("" if raw["landed"] else " (no longer in landing)") if raw["row_hash"] else "none"),
        ("model", f"cause {model['model_id'] or 'none'}, topics {model['topic_model_id'] or 'none'}"),
        ("run", f"Dagster run {step['dagster_run_id']}"),
    )  # fmt: skip
    for name, text in lines:
        console.print(f"[bold]{name:<8}[/] {text}", soft_wrap=True)
