"""Breakdowns of a programme: what its chart rules find in the evidence, as tables and as triggers.

Belongs here: one row per breakdown, the customers and signals it affects, and the trigger it gives. Not here: series
(`panels.py`), alarms (`charts/`), or which alarms belong together (`grouping.py`).

A breakdown is known by rule, series and the day it was detected on. None of these depends on later days, so a
breakdown keeps its id, and its trigger, whether detection runs daily or once at the end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from ml.detection.alarms import find_alarms
from ml.detection.evidence import Evidence
from ml.detection.grouping import Episode, episodes
from ml.detection.mix import Parts, mix_of
from ml.detection.panels import EPOCH, Grid, Key, Rows, grid, observations
from ml.detection.windows import Change, Windows
from ml.outputs import AFFECTED, BREAKDOWN
from models.chart import Chart, Dimension
from models.trigger import TriggerRule

_UNITS = {
    "complaints": "complaints per 1,000 customers and day",
    "nps": "NPS points",
    "csat": "points of 100",
    "ces": "points of 100",
    "delay": "resolutions per expected one",
}
# Complaints are told per so many customers; the other measures as they are.
_PER = {"complaints": 1000.0}


@dataclass(frozen=True, slots=True)
class Breakdowns:
    """What was found: `breakdowns` has the shape of `ml_detection__breakdown`, `affected` of `ml_detection__affected`."""

    breakdowns: pa.Table
    affected: pa.Table


def find_breakdowns(evidence: Evidence, rules: Iterable[TriggerRule], *, as_of: datetime) -> Breakdowns:
    """All breakdowns the chart rules find in days that had ended at `as_of`; other rules are passed over.

    The same rows and rules give the same tables. Raises ValueError when `as_of` has no time zone.
    """
    rows: list[dict[str, Any]] = []
    affected: list[dict[str, Any]] = []
    for rule in sorted((rule for rule in rules if rule.chart is not None), key=lambda rule: rule.id):
        found, hit = _of_rule(rule, evidence, as_of)
        rows += found
        affected += hit
    return Breakdowns(
        pa.Table.from_pylist(rows, schema=BREAKDOWN).sort_by("breakdown_id"),
        pa.Table.from_pylist(affected, schema=AFFECTED).sort_by("affected_id"),
    )


def detections(series: Grid, chart: Chart) -> list[Episode]:
    """Breakdowns in series that are at hand already: alarms of the charts, joined."""
    return episodes(Windows(series, chart), find_alarms(series, chart))


def _of_rule(
    rule: TriggerRule, evidence: Evidence, as_of: datetime
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    assert rule.chart is not None, "only chart rules have series"
    series = grid(evidence, rule.chart, as_of=as_of)
    if series is None:
        return [], []
    windows = Windows(series, rule.chart)
    found = episodes(windows, find_alarms(series, rule.chart))
    seen = observations(evidence, rule.chart, as_of=as_of) if found else None
    rows, affected = [], []
    for episode in found:
        row = _row(rule, rule.chart, windows, episode)
        rows.append(row)
        if seen is not None:
            affected += _affected(row["breakdown_id"], seen, series, rule.chart, episode)
    return rows, affected


def _row(rule: TriggerRule, chart: Chart, windows: Windows, episode: Episode) -> dict[str, Any]:
    series = windows.grid
    key, until = series.keys[episode.series], _until(windows, episode)
    change = windows.change(episode.series, episode.begin, until)
    parts = mix_of(windows, episode.series, episode.begin, until)
    detected_on = _date(series, episode.day)
    return {
        "breakdown_id": _hash(rule.id, key.subject, key.segment, key.region, detected_on.isoformat()),
        "rule_id": rule.id,
        "rule_hash": rule.rule_hash,
        "measure": chart.measure,
        "theme_id": key.subject if "theme_id" in chart.by else None,
        "cause_id": key.subject if "cause_id" in chart.by else None,
        "segment": key.segment,
        "region": key.region,
        "state": "open" if episode.over is None else "over",
        "detected_on": detected_on,
        "onset_on": _date(series, episode.begin),
        "onset_low_on": _date(series, episode.low),
        "onset_high_on": _date(series, episode.high),
        "until_on": _date(series, until),
        "over_on": None if episode.over is None else _date(series, episode.over),
        "unit": _UNITS[chart.measure],
        "is_relative": chart.is_relative,
        **_numbers(chart, change, parts),
        "alarm_n": round(episode.change.n),
        "alarm_effect": episode.change.effect,
        "alarm_effect_low": episode.change.low,
        "alarm_effect_high": _finite(episode.change.high),
        "p_value": episode.p,
        "q_value": episode.q,
        "false_alarms_per_year": chart.false_alarms_per_year,
        "series_watched": len(series.keys),
        "related": _related(series, episode),
        "sentence": _sentence(chart, key, episode, change, series),
    }


def _numbers(chart: Chart, change: Change, parts: Parts | None) -> dict[str, Any]:
    per = _PER.get(chart.measure, 1.0)
    return {
        "n": round(change.n),
        "observed": _finite(change.observed * per),
        "expected": _finite(change.expected * per),
        "effect": _finite(change.effect),
        "effect_low": _finite(change.low),
        "effect_high": _finite(change.high),
        "mix_part": None if parts is None else _finite(parts.mix),
        "rate_part": None if parts is None else _finite(parts.rate),
    }


def _until(windows: Windows, episode: Episode) -> int:
    """Last day of the change: of an episode that is over the day up to which it shows best, else the newest day."""
    if episode.over is None:
        return windows.grid.days - 1
    place = np.array([episode.series])
    days = range(episode.day, episode.over + 1)
    return max(days, key=lambda day: (float(windows.evidence(place, episode.begin, day)[0]), -day))


def _related(series: Grid, episode: Episode) -> str:
    """The alarmed series as JSON, in the order they joined: what each is cut by, and the day."""
    joined = sorted(episode.members.items(), key=lambda item: (item[1], series.keys[item[0]].depth, item[0]))
    told = [{**_named(series.keys[place]), "joined_on": _date(series, day).isoformat()} for place, day in joined]
    return json.dumps(told, separators=(",", ":"))


def _named(key: Key) -> dict[str, str]:
    parts = {"subject": key.subject, "segment": key.segment, "region": key.region}
    return {name: value for name, value in parts.items() if value is not None}


def _affected(breakdown_id: str, seen: Rows, series: Grid, chart: Chart, episode: Episode) -> list[dict[str, Any]]:
    """Signals of the series from the onset on; of scores only those in the worst third of the scale."""
    key, last = series.keys[episode.series], series.days - 1 if episode.over is None else episode.over
    start = (series.first_day - EPOCH).days
    keep = (seen.day >= start + episode.begin) & (seen.day <= start + last)
    named: tuple[tuple[Dimension, str | None], ...] = (
        ("theme_id", key.subject), ("cause_id", key.subject), ("segment", key.segment), ("region", key.region),
    )  # fmt: skip
    for dimension, name in named:
        if name is not None and dimension in seen.codes:
            keep &= seen.codes[dimension] == seen.names[dimension].index(name)
    if not chart.is_relative:
        keep &= seen.value <= (-100.0 if chart.measure == "nps" else 100.0 / 3)
    places = pa.array(np.flatnonzero(keep))
    pairs = zip(seen.signal_id.take(places).to_pylist(), seen.customer_id.take(places).to_pylist(), strict=True)
    return [
        {"affected_id": _hash(breakdown_id, signal), "breakdown_id": breakdown_id, "customer_id": customer,
         "signal_id": signal}
        for signal, customer in pairs
    ]  # fmt: skip


def trigger_row(rule: TriggerRule, row: dict[str, Any], as_of: datetime, historic_after_days: int) -> dict[str, Any]:
    """The trigger of one breakdown: it could be known when the day of its alarm had ended, so that is when it occurred."""
    occurred_at = datetime.combine(row["detected_on"] + timedelta(days=1), datetime.min.time(), UTC)
    return {
        "trigger_id": _hash(rule.id, row["breakdown_id"]),
        "rule_id": rule.id,
        "rule_hash": rule.rule_hash,
        "kind": rule.kind,
        "subject_type": "breakdown",
        "subject_id": row["breakdown_id"],
        "theme_id": rule.open_case.theme or row["theme_id"],
        "cause_id": row["cause_id"],
        "segment": row["segment"],
        "region": row["region"],
        "severity": rule.open_case.severity,
        "occurred_at": occurred_at,
        "dedupe_days": rule.dedupe_days,
        "is_historic": rule.is_historic(occurred_at, as_of, historic_after_days),
        "evidence": json.dumps(_told(row), separators=(",", ":")),
    }


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """Numbers as they stood at the alarm: what was known later would change the trigger of an open case."""
    return {
        "measure": row["measure"],
        "detected_on": row["detected_on"].isoformat(),
        "onset_on": row["onset_on"].isoformat(),
        "n": row["alarm_n"],
        "effect": _round(row["alarm_effect"]),
        "effect_low": _round(row["alarm_effect_low"]),
        "effect_high": _round(row["alarm_effect_high"]),
        "p_value": float(f"{row['p_value']:.3g}"),
        "q_value": float(f"{row['q_value']:.3g}"),
        "series_watched": row["series_watched"],
    }


def _sentence(chart: Chart, key: Key, episode: Episode, change: Change, series: Grid) -> str:
    """What happened, in one line: where, how much with its interval, since when."""
    where = " / ".join(_named(key).values()) or "everything"
    span = f"since {_date(series, episode.begin)}, detected {_date(series, episode.day)}"
    if chart.is_relative:
        what = "complaints" if chart.measure == "complaints" else "time to resolve"
        high = f"{change.high:+.0%}" if np.isfinite(change.high) else "more than can be said"
        return f"{where}: {what} {change.effect:+.0%} (95 % interval {change.low:+.0%} to {high}) {span}"
    points = f"{-change.effect:+.0f} points (95 % interval {-change.high:+.0f} to {-change.low:+.0f})"
    return f"{where}: {chart.measure.upper()} {points} {span}"


def _date(series: Grid, place: int) -> date:
    return series.first_day + timedelta(days=int(place))


def _hash(*parts: str | None) -> str:
    return hashlib.md5("|".join(part or "" for part in parts).encode(), usedforsecurity=False).hexdigest()


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
