"""Suites at the door: what every landed table is held to, made from its contract.

Belongs here: the translation of a contract into checks. Not here: key uniqueness (several versions of a key are legal
in landing; the warehouse tests keys) and the loading of contract files (`intake`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from expectations import sql
from expectations.limits import Limits
from expectations.suites import Check, Measure, Suite

if TYPE_CHECKING:
    from models.contract import Column, ConditionalRange, SourceContract

# Set by intake on every row; a row without them cannot be walked back to its file.
TRACE_COLUMNS = {
    "_source": "VARCHAR",
    "_source_file": "VARCHAR",
    "_line": "BIGINT",
    "_row_hash": "VARCHAR",
    "_batch_id": "BIGINT",
    "_loaded_at": "TIMESTAMPTZ",
}
_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "money": "DECIMAL(18, 2)",
    "timestamp": "TIMESTAMPTZ",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "json_text": "VARCHAR",
}
# A status moves on by itself between batches, so its shares always shift.
_VOLATILE = frozenset({"status", "outcome"})


def door_suites(contracts: Iterable[SourceContract], limits: Limits | None = None) -> dict[str, Suite]:
    """Suite per landed table by asset name (`raw_<source>__<entity>`), sorted."""
    suites = [door_suite(contract, limits) for contract in contracts]
    return {suite.asset: suite for suite in sorted(suites, key=lambda suite: suite.asset)}


def door_suite(contract: SourceContract, limits: Limits | None = None) -> Suite:
    """The suite of one landed table; it needs the number `quarantined` (rows of the same deliveries) to run."""
    bounds = limits or Limits()
    landed = {column.landed: column for column in contract.columns if column.landed}
    columns = {name: _TYPES[column.type] for name, column in landed.items()} | TRACE_COLUMNS
    if contract.names_land_as:
        columns[contract.names_land_as] = "VARCHAR"
    checks = [
        sql.columns_present(columns),
        sql.complete([*(name for name, column in landed.items() if column.required), *TRACE_COLUMNS]),
        *_allowed(landed),
        *_ranges(landed),
        *(_scale(rule) for rule in contract.ranges),
        *_not_in_future(landed, contract.max_future_days),
        *_redacted(landed),
        sql.quarantine_share(bounds),
        sql.volume_vs_previous(_clock(contract), bounds),
        *_shift(landed, bounds),
    ]
    return Suite(f"raw_{contract.name}", columns, tuple(checks), numbers=("quarantined",), batched=True)


def _clock(contract: SourceContract) -> str | None:
    """The column that tells when a row came about as it is: its version where that is a time, else its event."""
    for name in (contract.version, contract.event_time):
        if name is not None and contract.column(name).type in ("timestamp", "date"):
            return name
    return None


def _allowed(landed: dict[str, Column]) -> list[Check]:
    limited = [(name, column) for name, column in landed.items() if column.allowed and column.pii == "none"]
    return [
        Check(f"allowed__{name}", f"{name} holds only values its contract allows.", Measure(name, sql.quoted(name)),
              allowed=column.allowed)
        for name, column in limited
    ]  # fmt: skip


def _ranges(landed: dict[str, Column]) -> list[Check]:
    limited = [(name, c) for name, c in landed.items() if c.minimum is not None or c.maximum is not None]
    return [
        Check(f"range__{name}", f"{name} lies in its contract's range.",
              sql.in_range(name, column.minimum, column.maximum))
        for name, column in limited
    ]  # fmt: skip


def _scale(rule: ConditionalRange) -> Check:
    score, scale = sql.quoted(rule.column), sql.quoted(rule.when)
    parts = [
        (value, f"{scale} = {sql.literal(value)} AND {score} NOT BETWEEN {low} AND {high}")
        for value, (low, high) in sorted(rule.ranges.items())
    ]
    about = f"{rule.column} lies on the scale that {rule.when} sets."
    return Check(f"scale__{rule.column}", about, sql.faults(f"{rule.column}_off_scale", parts))


def _not_in_future(landed: dict[str, Column], default_days: int) -> list[Check]:
    times = [
        (name, default_days if column.max_future_days is None else column.max_future_days)
        for name, column in landed.items()
        if column.type in ("timestamp", "date") and not column.future_ok
    ]
    return [sql.not_in_future(times)] if times else []


def _redacted(landed: dict[str, Column]) -> list[Check]:
    texts = [name for name, column in landed.items() if column.pii in ("text", "identity")]
    return [sql.redacted(texts)] if texts else []


def _shift(landed: dict[str, Column], limits: Limits) -> list[Check]:
    steady = [name for name, column in landed.items() if column.allowed and name not in _VOLATILE]
    return [sql.shift_vs_previous(name, limits) for name in steady[:1]]
