"""Risks as rows: which model is in use, what it says of whom and why, and the same as signals a rule can look at.

Belongs here: the shape of `ml_detection__risk`, keeping and exchanging models. Not here: features (`breach.py`,
`churn.py`), or opening cases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml import champions
from ml.conditions import SIGNAL_SCHEMA, aligned
from ml.early_warning.judge import better_by
from ml.early_warning.model import RiskModel, load_risk_model
from ml.early_warning.training import NotTrained, Past, Trained, train
from ml.outputs import RISK, read_output
from ml.store import ModelStore

REFIT_AFTER = timedelta(days=7)
SOURCE = "early_warning"
# Weeks of earlier warnings kept beside this week's.
_KEPT_WEEKS = 26
_REASONS = 3
_LEAST_GAIN = 0.1


@dataclass(frozen=True, slots=True)
class InUse:
    """The model of a kind that scores now; None with the reason where there is none. `trained` is what this call fitted."""

    model: RiskModel | None
    model_id: str | None
    reason: str
    trained: Trained | NotTrained | None = None


def model_in_use(store: ModelStore, past: Past | None, kind: str) -> InUse:
    """The model in use whatever its age, else one fitted for this answer only. Nothing is kept or exchanged."""
    stored = store.active(f"risk-{kind}")
    if stored is not None:
        return InUse(load_risk_model(stored), stored.model_id, "in use")
    found = _fitted(past, kind)
    if isinstance(found, NotTrained):
        return InUse(None, None, found.reason, found)
    return InUse(found.model, None, "none is in use yet: fitted for this answer, not kept", found)


def model_for(store: ModelStore, past: Past | None, kind: str, *, as_of: datetime, refit: bool = False) -> InUse:
    """The model in use, fitted anew when it is a week old, asked for, or absent. A challenger takes over unless the model
    in use is better beyond doubt on the newest rows."""
    name = f"risk-{kind}"
    stored = store.active(name)
    if stored is not None and not refit and as_of - _made_at(stored.model_id) < REFIT_AFTER:
        return InUse(load_risk_model(stored), stored.model_id, "in use, less than a week old")
    found = _fitted(past, kind)
    before = None if stored is None else load_risk_model(stored)
    if past is None or isinstance(found, NotTrained):
        reason = found.reason if isinstance(found, NotTrained) else ""
        return InUse(before, None if stored is None else stored.model_id, reason, found)
    model_id = f"{as_of.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    store.save(name, model_id, found.model.files())
    if before is not None and (why := _champion_is_better(past, found, before)):
        champions.keep(store, name, model_id, by="gate", why=why, at=as_of)
        return InUse(before, stored.model_id if stored else None, why, found)
    why = "first model" if before is None else "the model in use is not better beyond doubt"
    champions.promote(store, name, model_id, by="gate", why=why, at=as_of)
    return InUse(found.model, model_id, why, found)


def risk_rows(
    kind: str,
    in_use: InUse,
    table: pa.Table,
    subjects: Sequence[Mapping[str, str | None]],
    *,
    as_of: datetime,
    words: Mapping[str, str],
) -> list[dict[str, Any]]:
    """A row of `ml_detection__risk` per row of `table`; `subjects` give `subject_id`, `customer_id` and `case_id`.

    Empty without a model. Raises ValueError when `as_of` has no time zone.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    model = in_use.model
    if model is None or not table.num_rows:
        return []
    shares = model.probabilities(table)
    low, high = model.intervals(shares)
    reasons = _reasons(model, table, words)
    return [
        {
            "risk_id": risk_id(kind, str(who["subject_id"]), as_of), "kind": kind, "subject_id": who["subject_id"],
            "customer_id": who.get("customer_id"), "case_id": who.get("case_id"), "as_of": as_of,
            "probability": float(shares[k]), "low": float(low[k]), "high": float(high[k]),
            "base_rate": model.base_rate, "horizon_days": model.horizon_days, "reasons": reasons[k],
            "model_id": in_use.model_id,
        }
        for k, who in enumerate(subjects)
    ]  # fmt: skip


def risk_id(kind: str, subject_id: str, as_of: datetime) -> str:
    """Key of a subject's risk in an ISO week: the same however often it is scored in that week."""
    year, week, _ = as_of.astimezone(UTC).isocalendar()
    key = f"{kind}|{subject_id}|{year}-W{week:02d}"
    return hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()


def with_former(rows: Sequence[Mapping[str, Any]], former: pa.Table, *, as_of: datetime) -> pa.Table:
    """This scoring beside the warnings of the last 26 weeks. Of one week the highest probability stands: a warning that
    was given, and may have opened a case, is not taken back the day after."""
    oldest = as_of - timedelta(weeks=_KEPT_WEEKS)
    kept = {row["risk_id"]: row for row in former.to_pylist() if oldest <= row["as_of"] <= as_of}
    for row in rows:
        before = kept.get(row["risk_id"])
        if before is None or row["probability"] > before["probability"]:
            kept[row["risk_id"]] = dict(row)
    return pa.Table.from_pylist([kept[key] for key in sorted(kept)], schema=RISK)


def read_risks(ml_outputs: Path, handoff: Path) -> pa.Table:
    """The newest risks of a home as signals, with their customers where those were handed over; no rows before any."""
    customers = handoff / "dim_customer.parquet"
    risk = read_output(ml_outputs, "ml_detection__risk")
    return risk_signals(risk, pq.read_table(customers) if customers.exists() else None)


def risk_signals(risk: pa.Table, customers: pa.Table | None = None) -> pa.Table:
    """Risks in the shape rules are evaluated on (`SIGNAL_SCHEMA`); `customers` has columns of `dim_customer`, of which
    the current version of each customer fills segment, tier, value, region and branch."""
    facts: dict[str, dict[str, Any]] = {}
    if customers is not None:
        wanted = ("customer_id", "segment", "tier", "annual_value_usd", "region", "branch_id", "is_current")
        held = customers.select([name for name in wanted if name in customers.column_names])
        facts = {row["customer_id"]: row for row in held.to_pylist() if row.get("is_current", True)}
    rows = [_signal(row, facts.get(row["customer_id"], {})) for row in risk.to_pylist()]
    return aligned(pa.Table.from_pylist(rows, schema=SIGNAL_SCHEMA))


def _signal(row: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    value = facts.get("annual_value_usd")
    return {
        "signal_id": row["risk_id"], "signal_kind": f"{row['kind']}_risk", "source": SOURCE, "entity": "risk",
        "source_key": row["risk_id"], "occurred_at": row["as_of"], "customer_id": row["customer_id"],
        "related_type": "case" if row["case_id"] else None, "related_id": row["case_id"], "risk": row["probability"],
        "segment": facts.get("segment"), "tier": facts.get("tier"), "region": facts.get("region"),
        "branch_id": facts.get("branch_id"), "annual_value_usd": None if value is None else float(value),
        "model_id": row["model_id"],
    }  # fmt: skip


def _fitted(past: Past | None, kind: str) -> Trained | NotTrained:
    return train(past) if past is not None else NotTrained(kind, "not enough data: the history is too short")


def _champion_is_better(past: Past, found: Trained, before: RiskModel) -> str | None:
    rows = found.slices.test
    table = past.table.take(pa.array(rows))
    gain = better_by(
        past.outcome[rows], before.probabilities(table), found.judged.probabilities(table), past.subjects[rows]
    )
    if gain.low is None or gain.low <= 0:
        return None
    return f"the model in use is better on the newest rows: Brier score lower by {gain.value:.4f}"


def _reasons(model: RiskModel, table: pa.Table, words: Mapping[str, str]) -> list[str]:
    """Of each row the three columns that raise it most, in words, separated by semicolons."""
    gained = model.contributions(table)
    names = list(gained)
    matrix = np.column_stack([gained[name] for name in names]) if names else np.zeros((table.num_rows, 0))
    rows = table.select(names).to_pylist()
    order = np.argsort(-matrix, axis=1, kind="stable")[:, :_REASONS]
    return [
        "; ".join(_worded(words, names[c], row[names[c]]) for c in order[k] if matrix[k, c] >= _LEAST_GAIN)
        for k, row in enumerate(rows)
    ]


def _worded(words: Mapping[str, str], name: str, value: Any) -> str:
    known = value is not None and value == value
    return words.get(name, name).format(value) if known else f"{name.replace('_', ' ')} unknown"


def _made_at(model_id: str) -> datetime:
    return datetime.strptime(model_id, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
