"""Time to resolve as a daily series that does not wait for the end: resolutions per expected one.

Belongs here: matters at risk of being resolved by age, what the company's own recent past would have resolved of them,
and what was resolved. Not here: the charts on it.

Method: one-sample log-rank increments (Breslow, Biometrics 31, 1975). On each day every open matter of an age counts
with the hazard matters of that age had over the quarter before, times the weekday's share; the sum is the number of
resolutions to expect. A matter still open counts as long as it is open, so a queue that stands still shows on the day
it does, not when its matters are resolved at last.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from ml.detection.evidence import Evidence
from ml.detection.panels import EPOCH, Flags, Floats, Grid, Ints, Rows, cells, days_of, heard, last_day, observations
from models.chart import Chart

# First day of age of each stratum; a matter open for longer than the last is no longer waited for.
_AGES = (0, 1, 2, 3, 5, 8, 15, 29)
_LONGEST = 60
_PAST_DAYS = 91
# Hazards need some past: days before are no days of the series.
_FIRST_DAYS = 21


def delay_grid(evidence: Evidence, chart: Chart, *, as_of: datetime) -> Grid | None:
    """Series of a chart of delay: `n` resolutions to expect, `total` resolutions; None before three weeks of both."""
    rows = observations(evidence, chart, as_of=as_of)
    if evidence.resolution is None or not len(rows.day):
        return None
    start = int(rows.day.min())
    days = 1 + (last_day(as_of) - EPOCH).days - start
    if days <= _FIRST_DAYS:
        return None
    opened, ends = rows.day - start, _resolved(evidence.resolution, rows) - start
    everything = np.zeros(len(opened), np.int64)
    hazards = _hazards(*_at_risk(opened, ends, everything, 1, days), start)
    keys, expected, resolved = [], [], []
    for cut in chart.cuts:
        names, place = cells(rows, cut)
        inside = place >= 0
        risk, events = _at_risk(opened[inside], ends[inside], place[inside], len(names), days)
        keys += list(names)
        expected.append((risk * hazards).sum(axis=1))
        resolved.append(events.sum(axis=1))
    valid = heard(resolved[0][0])
    valid[:_FIRST_DAYS] = False
    first = EPOCH + timedelta(days=start)
    return Grid(tuple(keys), first, np.vstack(expected), np.vstack(resolved), None, valid)


def _resolved(resolution: pa.Table, rows: Rows) -> Ints:
    """Day each matter was first resolved; far ahead when it was not."""
    far = np.iinfo(np.int64).max // 2
    found: dict[str, int] = {}
    days = days_of(resolution.column("resolved_at"))
    for signal, day in zip(resolution.column("signal_id").to_pylist(), days.tolist(), strict=True):
        found[signal] = min(day, found.get(signal, far))
    return np.array([found.get(signal, far) for signal in rows.signal_id.to_pylist()], np.int64)


def _at_risk(opened: Ints, ends: Ints, place: Ints, size: int, days: int) -> tuple[Floats, Floats]:
    """(size, ages, days) matters open on a day by age, and resolutions of that day by age."""
    change, events = [], []
    for begin, end in zip(_AGES, (*_AGES[1:], _LONGEST), strict=True):
        enters = opened + begin
        leaves = np.minimum(np.minimum(opened + end, ends + 1), days)
        there = (enters < leaves) & (enters < days)
        came, went = (_counted(place[there], at[there], size, days + 1) for at in (enters, leaves))
        change.append(came - went)
        now = (ends >= enters) & (ends < opened + end) & (ends < days)
        events.append(_counted(place[now], ends[now], size, days))
    return np.cumsum(np.stack(change, axis=1), axis=2)[:, :, :days], np.stack(events, axis=1)


def _counted(place: Ints, day: Ints, size: int, days: int) -> Floats:
    """(size, days) how many there are of each."""
    return np.bincount(place * days + day, minlength=size * days).reshape(size, days).astype(np.float64)


def _hazards(risk: Floats, events: Floats, start: int) -> Floats:
    """(ages, days) chance of a resolution on the day by what the days before it saw, weekday included."""
    risk, events = risk[0], events[0]
    days = risk.shape[1]
    weekday = (np.arange(days) + start) % 7
    found = np.zeros_like(risk)
    for day in range(1, days):
        since = max(0, day - _PAST_DAYS)
        past_risk, past_events = risk[:, since:day], events[:, since:day]
        by_age = (past_events.sum(axis=1) + 0.5) / (past_risk.sum(axis=1) + 1.0)
        found[:, day] = np.minimum(
            by_age * _weekday_share(past_risk, past_events, by_age, weekday[since:day] == weekday[day]), 1.0
        )
    return found


def _weekday_share(risk: Floats, events: Floats, by_age: Floats, same: Flags) -> float:
    """Resolutions on this weekday over those its matters at risk would have had on any day; drawn towards 1."""
    expected = float((risk[:, same] * by_age[:, None]).sum())
    return float((events[:, same].sum() + 10.0) / (expected + 10.0))
