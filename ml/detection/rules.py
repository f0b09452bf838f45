"""Trigger rules run over signals, and tried on the examples beside them.

Belongs here: running a compiled rule set in a sealed in-memory DuckDB; the batch lane and the fast lane use this same
code. Not here: the SQL (`compiled.py`), likeness of texts (`likeness.py`), the meaning of a rule (`models/trigger.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ml.conditions import SIGNAL_SCHEMA, aligned, sealed_connection
from ml.detection.compiled import compile_rules, likenesses
from ml.detection.likeness import Encode, with_likeness
from ml.outputs import TRIGGER
from models.trigger import Lookback as Lookback
from models.trigger import RuleTest, TriggerRule
from models.trigger import lookback as lookback

_LOG = logging.getLogger(__name__)


def find_triggers(
    signals: pa.Table,
    rules: Iterable[TriggerRule],
    *,
    as_of: datetime,
    historic_after_days: int,
    encode: Encode | None = None,
) -> pa.Table:
    """Rows of the trigger table for every (rule, signal) that fires, sorted by trigger_id.

    `signals` has columns of `fct_signal` (absent ones count as unknown). Signals of `OWN_SOURCE` neither fire nor count,
    whatever a rule says. Rules on series are ignored here. Clauses of likeness are unknown without
    `encode`; `unanswered` says which rules that concerns. Raises ValueError when `as_of` carries no time zone.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    own = [rule for rule in rules if rule.chart is None]
    if not own or signals.num_rows == 0:
        return TRIGGER.empty_table()
    statement = compile_rules(own, as_of=as_of, historic_after_days=historic_after_days)
    if silent := unanswered(own, encode):
        _LOG.warning("no sentence encoder at hand: clauses of likeness stay unknown in %s", ", ".join(silent))
    connection = sealed_connection(with_likeness(aligned(signals), likenesses(own), encode))
    try:
        found = connection.execute(statement).to_arrow_table()
    finally:
        connection.close()
    return found.select(TRIGGER.names).cast(TRIGGER).combine_chunks()


def unanswered(rules: Iterable[TriggerRule], encode: Encode | None) -> tuple[str, ...]:
    """Ids of rules with a clause of likeness that stays unknown because no sentence encoder is at hand."""
    return () if encode is not None else tuple(sorted(rule.id for rule in rules if likenesses([rule])))


def failing_tests(rule: TriggerRule, encode: Encode | None = None) -> list[str]:
    """Sentences for the rule's in-file tests that do not hold; empty when all hold or it looks at series.

    A rule with a clause of likeness is not tried without `encode` (see `unanswered`): its tests could not hold.
    """
    if rule.chart is not None or unanswered([rule], encode):
        return []
    return [
        f"{rule.id}: test {number} expects '{test.then}' but the rule does the opposite"
        for number, test in enumerate(rule.tests, start=1)
        if _opens(rule, test, encode) != (test.then == "opens")
    ]


def _opens(rule: TriggerRule, test: RuleTest, encode: Encode | None) -> bool:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [_given_row(rule, row, number, start + timedelta(hours=number)) for number, row in enumerate(test.rows)]
    table = pa.Table.from_pylist(rows, schema=SIGNAL_SCHEMA)
    as_of = test.as_of
    if isinstance(as_of, timedelta):
        as_of = rows[0]["occurred_at"] + as_of
    elif as_of is not None and as_of.tzinfo is None:
        as_of = as_of.replace(tzinfo=UTC)
    found = find_triggers(table, [rule], as_of=as_of or start, historic_after_days=1, encode=encode)
    fired = found.column("signal_id").to_pylist()
    return bool(fired) if rule.absence is not None else rows[-1]["signal_id"] in fired


def _given_row(rule: TriggerRule, given: dict[str, Any], number: int, occurred_at: datetime) -> dict[str, Any]:
    """A signal with the given fields; the kind, an id and a time are filled in when the test leaves them out."""
    kinds = rule.signal_kinds
    row: dict[str, Any] = {"signal_id": f"given-{number}", "signal_kind": kinds[0] if kinds else "complaint"}
    row |= {"occurred_at": occurred_at, **given}
    if isinstance(row["occurred_at"], str):
        row["occurred_at"] = datetime.fromisoformat(row["occurred_at"]).astimezone(UTC)
    return row
