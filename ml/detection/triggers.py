"""All triggers of one programme: signal rules and chart rules, in one table.

Belongs here: putting both kinds together in the shape of `ml_detection__trigger`. Not here: the rules themselves or the
opening of cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from ml.detection.breakdowns import Breakdowns, find_breakdowns, trigger_row
from ml.detection.chart_tests import failing_chart_tests
from ml.detection.evidence import Encode, Evidence
from ml.detection.rules import failing_tests, find_triggers
from ml.outputs import TRIGGER
from models.trigger import FormerRule, TriggerRule


@dataclass(frozen=True, slots=True)
class Window:
    """When detection looks: the instant it decides as of, and the age after which a signal is history."""

    as_of: datetime
    historic_after_days: int


@dataclass(frozen=True, slots=True)
class Detected:
    """What one detection found; `triggers` has the shape of `ml_detection__trigger`, `breakdowns` and `affected` those of
    the outputs of these names."""

    triggers: pa.Table
    breakdowns: pa.Table
    affected: pa.Table


def detect(
    evidence: Evidence, rules: Iterable[TriggerRule], window: Window, found: Breakdowns | None = None
) -> pa.Table:
    """Trigger table of the given rules, sorted by trigger_id; pass `programme.live_rules` for what may open cases.

    Any rules may be asked: shadow rules, one being previewed, a backtest. The same rows and rules give the same table,
    whatever order the rows come in. `found` are the breakdowns where they are known already. Raises ValueError when
    `as_of` has no time zone.
    """
    chosen = sorted(rules, key=lambda rule: rule.id)
    fired = find_triggers(
        evidence.signals(), chosen, as_of=window.as_of, historic_after_days=window.historic_after_days,
        encode=evidence.encode,
    )  # fmt: skip
    rows = breakdown_triggers(found or find_breakdowns(evidence, chosen, as_of=window.as_of), chosen, window)
    whole = pa.concat_tables([fired, pa.Table.from_pylist(rows, schema=TRIGGER)])
    return whole.sort_by("trigger_id").combine_chunks()


def breakdown_triggers(found: Breakdowns, rules: Iterable[TriggerRule], window: Window) -> list[dict[str, Any]]:
    """One trigger per breakdown of these rules."""
    by_id = {rule.id: rule for rule in rules}
    return [
        trigger_row(by_id[row["rule_id"]], row, window.as_of, window.historic_after_days)
        for row in found.breakdowns.to_pylist()
        if row["rule_id"] in by_id
    ]


def detect_in_force(
    evidence: Evidence, rules: Iterable[TriggerRule], former: Sequence[FormerRule], window: Window
) -> Detected:
    """As `detect`, for rules whose wording has changed: each counts from its `effective_from`, but a signal that fitted
    the wording in force at its own time is no history. Without that, what came in between the last detection and an
    edit would be lost.
    """
    rules = list(rules)
    broken = find_breakdowns(evidence, rules, as_of=window.as_of)
    found = detect(evidence, rules, window, broken)
    oldest = window.as_of - timedelta(days=window.historic_after_days)
    alive: set[str] = set()
    for item in (item for item in former if item.ends > oldest):
        rows = detect(evidence, [item.rule], window).to_pylist()
        in_time = (row for row in rows if item.begins <= row["occurred_at"] < item.ends)
        alive |= {row["trigger_id"] for row in in_time if not row["is_historic"]}
    if not alive:
        return Detected(found, broken.breakdowns, broken.affected)
    historic = [
        flag and trigger not in alive
        for trigger, flag in zip(found["trigger_id"].to_pylist(), found["is_historic"].to_pylist(), strict=True)
    ]
    place = found.schema.get_field_index("is_historic")
    whole = found.set_column(place, found.schema.field(place), pa.array(historic, pa.bool_()))
    return Detected(whole, broken.breakdowns, broken.affected)


def failing_rule_tests(rules: Iterable[TriggerRule], encode: Encode | None = None) -> list[str]:
    """Sentences for the in-file tests that do not hold, of signal and chart rules alike; empty when all hold."""
    failures: list[str] = []
    for rule in rules:
        failures += failing_tests(rule, encode) if rule.chart is None else failing_chart_tests(rule)
    return failures
