"""Scoring who is about to leave and which open case will miss its target, on the stores of a home.

Belongs here: reading the hand-over and the ledger, calling the two forecasts, writing one output, telling the numbers.
Not here: a probability (`ml/early_warning`), what a target is (`casework/targets.py`), when it runs (`orchestration/defs`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from models.settings import Settings

if TYPE_CHECKING:
    from ml.early_warning.risks import InUse

    Scored = tuple[list[dict[str, Any]], InUse]
OUTPUT = "ml_detection__risk"


def run_early_warning(settings: Settings, *, as_of: str) -> dict[str, Any]:
    """Score customers and open cases and write `ml_detection__risk` beside the warnings of the last 26 weeks.

    A risk of which nothing can be said has no rows and its reason in the metadata. Raises FileNotFoundError where no
    signal was handed over yet.
    """
    from ml.early_warning.risks import with_former
    from ml.outputs import read_output, write_output

    at = datetime.fromisoformat(f"{as_of}+00:00")
    scored = {"churn": _leaving(settings, at), "breach": _breaches(settings)}
    rows = [row for found, _ in scored.values() for row in found]
    newest = max([at, *(row["as_of"] for row in rows)])
    table = with_former(rows, read_output(settings.ml_outputs, OUTPUT), as_of=newest)
    write_output(settings.ml_outputs, OUTPUT, table)
    metadata: dict[str, Any] = {"dagster/row_count": table.num_rows}
    for kind, (found, in_use) in scored.items():
        metadata |= _told(kind, found, in_use)
    return metadata


def _leaving(settings: Settings, at: datetime) -> Scored:
    import pyarrow.parquet as pq

    from ml.detection.evidence import resolutions_of
    from ml.early_warning import churn
    from ml.early_warning.risks import model_for, risk_rows
    from ml.store import ModelStore

    signals, customers, resolved = (
        pq.read_table(settings.handoff / f"{name}.parquet") for name in ("fct_signal", "dim_customer", "int_resolution")
    )
    resolution = resolutions_of(signals, resolved)
    past = churn.past(signals, customers, as_of=at, resolution=resolution)
    in_use = model_for(ModelStore(settings.model_store), past, churn.KIND, as_of=at)
    if in_use.model is None:
        return [], in_use
    now = churn.snapshots(signals, customers, [at], resolution=resolution)
    who = [{"subject_id": customer, "customer_id": customer} for customer in now.column("customer_id").to_pylist()]
    return risk_rows(churn.KIND, in_use, now, who, as_of=at, words=churn.WORDS), in_use


def _breaches(settings: Settings) -> Scored:
    from casework.engine import start
    from casework.targets import read_presence, read_targets
    from ml.early_warning.foretell import forecast
    from ml.outputs import RISK
    from ml.store import ModelStore

    engine = start(settings)
    targets = read_targets(engine)
    found = forecast(
        targets, store=ModelStore(settings.model_store), as_of=engine.at, presence=read_presence(engine, targets)
    )
    return [{name: row[name] for name in RISK.names} for row in found.rows], found.in_use


def _told(kind: str, rows: list[dict[str, Any]], in_use: InUse) -> dict[str, Any]:
    told: dict[str, Any] = {f"{kind}_scored": len(rows), f"{kind}_model": in_use.model_id or f"none: {in_use.reason}"}
    judgement = getattr(in_use.trained, "judgement", None)
    if judgement is not None:
        told |= {f"{kind}_reason": in_use.reason, f"{kind}_judged": dg.MetadataValue.json(judgement.metrics())}
    return told
