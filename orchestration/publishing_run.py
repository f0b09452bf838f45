"""What a build is published from: the gate over every check of the location, the marts, the provenance.

A blocking check stops only its own run, and detection and tracking are two runs: so the gate asks the instance for the
newest finished evaluation of every check, whichever run made it, and publishes nothing while one of them is red.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
    AssetCheckExecutionRecord,
)

from intake.watermark import resolve_as_of
from models.settings import Settings
from orchestration import case_opening, warehouse, watermark
from orchestration.programme import in_force
from publishing.gate import CheckStatus
from publishing.publish import publish
from publishing.retention import prune

KEPT_BUILDS = 10


def publish_current(settings: Settings, instance: dg.DagsterInstance, *, run_id: str, now: datetime) -> dict[str, Any]:
    """Publish the marts if every blocking check is green; returns what the UI shows.

    Raises:
        publishing.gate.ChecksNotGreen: naming the checks that stand in the way.
    """
    report = publish(
        settings.warehouse,
        settings.published,
        warehouse.published_tables(),
        build_id=f"{now:%Y%m%dT%H%M%SZ}-{run_id[:8]}",
        as_of=datetime.fromisoformat(f"{resolve_as_of(settings)}+00:00"),
        checks=check_statuses(instance),
        provenance={
            "dagster_run_id": run_id,
            "dbt_code": warehouse.code_version(),
            "programme": in_force(settings).version,
            "detection": watermark.read(settings, "detect"),
        },
    )
    prune(settings.published, keep=KEPT_BUILDS)
    rows = [dg.TableRecord({"table": m.name, "rows": m.rows, "content_hash": m.content_hash}) for m in report.marts]
    return {
        "build_id": report.build_id,
        "new_build": report.changed,
        "tables_changed": len(report.differing),
        "tables": dg.MetadataValue.table(rows),
        "folder": warehouse.as_path(report.path),
    }


def check_statuses(instance: dg.DagsterInstance) -> list[CheckStatus]:
    """The newest finished evaluation of every check of the location; a check never run is not among them."""
    from orchestration.definitions import defs

    keys = sorted(defs().resolve_asset_graph().asset_check_keys)
    found = []
    for key in keys:
        # A step that was skipped leaves its checks merely planned: what counts is the last one that came to an end.
        history = instance.event_log_storage.get_asset_check_execution_history(
            key, limit=1, status=set(COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES)
        )
        if history:
            found.append(_status(key, history[0]))
    return found


def _status(key: dg.AssetCheckKey, record: AssetCheckExecutionRecord) -> CheckStatus:
    event = record.event.dagster_event if record.event else None
    evaluation = event.asset_check_evaluation_data if event else None
    passed = bool(evaluation and evaluation.passed)
    blocking = evaluation is None or evaluation.severity == dg.AssetCheckSeverity.ERROR
    return CheckStatus(asset=key.asset_key.to_user_string(), name=key.name, passed=passed, blocking=blocking)


def track_fingerprint(settings: Settings) -> str:
    """Hash of all that tracking depends on: the detection it follows, the ledger, the warehouse code, the instant."""
    return watermark.fingerprint(
        detection=watermark.read(settings, "detect"),
        ledger=case_opening.newest_event(settings),
        warehouse=warehouse.code_version(),
        as_of=resolve_as_of(settings),
    )
