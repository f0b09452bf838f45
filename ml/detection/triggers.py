"""All triggers of one programme: signal rules and theme surges, in one table.

Belongs here: putting both kinds together in the shape of `ml_detection__trigger`. Not here: the rules themselves or the
opening of cases.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ml.detection.evidence import Encode, Evidence
from ml.detection.rules import failing_tests, find_triggers
from ml.detection.surge import SurgeWeek, find_surges
from ml.outputs import TRIGGER
from models.trigger import FormerRule, RuleTest, TriggerRule


@dataclass(frozen=True, slots=True)
class Window:
    """When detection looks: the instant it decides as of, and the age after which a signal is history."""

    as_of: datetime
    historic_after_days: int


@dataclass(frozen=True, slots=True)
class Detected:
    """What one detection found; `triggers` has the shape of `ml_detection__trigger`."""

    triggers: pa.Table


def detect(evidence: Evidence, rules: Iterable[TriggerRule], window: Window) -> pa.Table:
    """Trigger table of the given rules, sorted by trigger_id; pass `programme.live_rules` for what may open cases.

    Any rules may be asked: shadow rules, one being previewed, a backtest. The same rows and rules give the same table,
    whatever order the rows come in. Raises ValueError when `as_of` has no time zone.
    """
    chosen = sorted(rules, key=lambda rule: rule.id)
    fired = find_triggers(
        evidence.signals(), chosen, as_of=window.as_of, historic_after_days=window.historic_after_days,
        encode=evidence.encode,
    )  # fmt: skip
    surges = [
        _surge_row(rule, surge, window)
        for rule in chosen
        if rule.surge is not None
        for surge in _surges(rule, evidence, window)
    ]
    whole = pa.concat_tables([fired, pa.Table.from_pylist(surges, schema=TRIGGER)])
    return whole.sort_by("trigger_id").combine_chunks()


def detect_in_force(
    evidence: Evidence, rules: Iterable[TriggerRule], former: Sequence[FormerRule], window: Window
) -> Detected:
    """As `detect`, for rules whose wording has changed: each counts from its `effective_from`, but a signal that fitted
    the wording in force at its own time is no history. Without that, what came in between the last detection and an
    edit would be lost.
    """
    found = detect(evidence, rules, window)
    oldest = window.as_of - timedelta(days=window.historic_after_days)
    alive: set[str] = set()
    for item in (item for item in former if item.ends > oldest):
        rows = detect(evidence, [item.rule], window).to_pylist()
        in_time = (row for row in rows if item.begins <= row["occurred_at"] < item.ends)
        alive |= {row["trigger_id"] for row in in_time if not row["is_historic"]}
    if not alive:
        return Detected(found)
    historic = [
        flag and trigger not in alive
        for trigger, flag in zip(found["trigger_id"].to_pylist(), found["is_historic"].to_pylist(), strict=True)
    ]
    place = found.schema.get_field_index("is_historic")
    return Detected(found.set_column(place, found.schema.field(place), pa.array(historic, pa.bool_())))


def _surges(rule: TriggerRule, evidence: Evidence, window: Window) -> list[SurgeWeek]:
    if rule.surge is None or evidence.agg_theme_week is None:
        return []
    return find_surges(evidence.agg_theme_week, rule.surge, as_of=window.as_of)


def _surge_row(rule: TriggerRule, surge: SurgeWeek, window: Window) -> dict[str, Any]:
    """The trigger of one surging week; it could be known when the week had ended, so that is when it occurred."""
    week, occurred_at = surge.week_start.date().isoformat(), surge.week_start.astimezone(UTC) + timedelta(days=7)
    key = f"{rule.id}|{surge.theme_id}|{week}"
    return {
        "trigger_id": hashlib.md5(key.encode(), usedforsecurity=False).hexdigest(),
        "rule_id": rule.id,
        "rule_hash": rule.rule_hash,
        "kind": rule.kind,
        "subject_type": "theme",
        "subject_id": surge.theme_id,
        "theme_id": surge.theme_id,
        "severity": rule.open_case.severity,
        "occurred_at": occurred_at,
        "dedupe_days": rule.dedupe_days,
        "is_historic": rule.is_historic(occurred_at, window.as_of, window.historic_after_days),
        "evidence": _surge_evidence(surge),
    }


def _surge_evidence(surge: SurgeWeek) -> str:
    numbers: dict[str, Any] = {
        "week_start": surge.week_start.date().isoformat(),
        "onset_week": surge.onset.date().isoformat(),
        "signals": surge.signals,
        "expected": round(surge.expected, 2),
        "ratio": round(surge.ratio, 2),
        "p_value": float(f"{surge.p_value:.3g}"),
        "q_value": float(f"{surge.q_value:.3g}"),
        "dispersion": round(surge.dispersion, 2),
        "baseline_weeks": surge.baseline_weeks,
    }
    return json.dumps(numbers, separators=(",", ":"))


def failing_rule_tests(rules: Iterable[TriggerRule], encode: Encode | None = None) -> list[str]:
    """Sentences for the in-file tests that do not hold, of signal and surge rules alike; empty when all hold."""
    failures: list[str] = []
    for rule in rules:
        failures += failing_tests(rule, encode) if rule.surge is None else _failing_surge_tests(rule)
    return failures


def _failing_surge_tests(rule: TriggerRule) -> list[str]:
    return [
        f"{rule.id}: test {number} expects '{test.then}' but the rule does the opposite"
        for number, test in enumerate(rule.tests, start=1)
        if _surges_in_last_week(rule, test) != (test.then == "opens")
    ]


def _surges_in_last_week(rule: TriggerRule, test: RuleTest) -> bool:
    assert rule.surge is not None, "only surge rules are tested here"
    given = test.rows[0]
    first = datetime(2024, 1, 1, tzinfo=UTC)
    weeks = [first + timedelta(days=7 * number) for number in range(len(given["weeks"]))]
    table = pa.table(
        {
            "theme_id": ["T-test"] * len(weeks),
            "week_start": weeks,
            "region": ["all"] * len(weeks),
            "signals": given["weeks"],
            "exposure": given.get("exposure", [None] * len(weeks)),
        }
    )
    surges = find_surges(table, rule.surge, as_of=weeks[-1] + timedelta(days=7))
    return any(surge.week_start == weeks[-1] for surge in surges)
