"""What shadow rules find: counted beside the live rules, so that people can judge a rule before it opens anything.

Belongs here: counts over `ml_detection__shadow`. Not here: finding (`triggers.py`), or what would become of the cases (a
backtest says that).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

NEWEST = 20


@dataclass(frozen=True, slots=True)
class ShadowTrigger:
    """One trigger to look at. `is_known` says whether a live rule fired on the same signal, theme or breakdown."""

    trigger_id: str
    signal_id: str | None
    occurred_at: datetime
    severity: int
    is_known: bool


@dataclass(frozen=True, slots=True)
class ShadowCount:
    """One shadow rule: `triggers` since it has been in shadow, those of the last seven days, the subjects they are about,
    and how many no live rule has. `historic` came before the rule and would contact nobody."""

    rule_id: str
    triggers: int
    last_week: int
    subjects: int
    new: int
    historic: int
    newest: tuple[ShadowTrigger, ...]


def shadow_counts(
    shadow: pa.Table, live: pa.Table, rules: Iterable[str], *, as_of: datetime
) -> tuple[ShadowCount, ...]:
    """Counts of every shadow rule, also of one that found nothing; tables in the shape of `ml_detection__trigger`."""
    known = {_about(row) for row in live.select(["signal_id", "subject_type", "subject_id"]).to_pylist()}
    rows: dict[str, list[dict[str, Any]]] = {rule: [] for rule in sorted(rules)}
    for row in shadow.to_pylist():
        rows.setdefault(row["rule_id"], []).append(row)
    return tuple(_counted(rule, found, known, as_of) for rule, found in rows.items())


def _about(row: dict[str, Any]) -> tuple[Any, ...]:
    """The signal, or the subject where a trigger is about no single signal."""
    return ("signal", row["signal_id"]) if row["signal_id"] else (row["subject_type"], row["subject_id"])


def _counted(rule: str, rows: list[dict[str, Any]], known: set[tuple[Any, ...]], as_of: datetime) -> ShadowCount:
    fresh = [row for row in rows if not row["is_historic"]]
    week = as_of - timedelta(days=7)
    newest = sorted(fresh, key=lambda row: (row["occurred_at"], row["trigger_id"]), reverse=True)[:NEWEST]
    return ShadowCount(
        rule, len(fresh), sum(week <= row["occurred_at"] <= as_of for row in fresh),
        len({(row["subject_type"], row["subject_id"]) for row in fresh}),
        sum(_about(row) not in known for row in fresh), len(rows) - len(fresh),
        tuple(
            ShadowTrigger(row["trigger_id"], row["signal_id"], row["occurred_at"], row["severity"], _about(row) in known)
            for row in newest
        ),
    )  # fmt: skip
