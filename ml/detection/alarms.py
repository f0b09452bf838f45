"""The charts of one rule over its series: from a grid and a `chart:` block to alarms.

Belongs here: that translation. Not here: series (`panels.py`), charts (`charts/`), or what alarms mean (`grouping.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.detection.charts.monitor import Alarm, ChartParams
from ml.detection.charts.monitor import find_alarms as alarms_of
from ml.detection.charts.panel import Ints, Panel
from ml.detection.charts.usual import Memory
from ml.detection.panels import Grid, Key
from models.chart import Chart

# Half of what the level is learnt from is no older than this share of the rule's baseline.
_HALF = 0.5
_MOST_WEEKDAY_DAYS = 180.0


def find_alarms(series: Grid, chart: Chart) -> tuple[Alarm, ...]:
    """Alarms of all series of a chart, in order of day; `series` and `day` are places in the grid."""
    panel = Panel(
        n=series.n,
        total=series.total,
        direction=_worse(chart),
        squares=series.squares,
        valid=series.valid,
        weekday=(series.first_day.weekday() + np.arange(series.days)) % 7,
        parent=_parents(series),
    )
    params = ChartParams(
        false_alarms_per_year=chart.false_alarms_per_year,
        min_days=chart.min_baseline_days,
        min_n=chart.min_n,
        memory=Memory(level=_HALF * chart.baseline_days, weekday=_MOST_WEEKDAY_DAYS),
    )
    return alarms_of(panel, params, None if chart.is_relative else _made_of(series.keys))


def _worse(chart: Chart) -> int:
    """Which way the totals move when things get worse: of resolutions per expected one, fewer are."""
    return -1 if chart.measure == "delay" else chart.direction


def _parents(series: Grid) -> Ints:
    """For each series the largest one with a dimension less that covers it; -1 for everything."""
    size = series.n.sum(axis=1)
    places = np.full(len(series.keys), -1)
    for place, key in enumerate(series.keys):
        above = [
            other
            for other in range(place)
            if series.keys[other].depth == key.depth - 1 and series.keys[other].covers(key)
        ]
        if above:
            places[place] = max(above, key=lambda other: size[other])
    return places


def _made_of(keys: Sequence[Key]) -> list[Ints | None]:
    """For each series its cut by one more dimension of people (segment, else region), where it is watched."""
    found: list[Ints | None] = []
    for key in keys:
        cuts: dict[str, list[int]] = {"segment": [], "region": []}
        for place, other in enumerate(keys):
            if other.depth == key.depth + 1 and key.covers(other) and other.subject == key.subject:
                cuts["segment" if other.segment != key.segment else "region"].append(place)
        parts = max(cuts.values(), key=len) if not cuts["segment"] else cuts["segment"]
        found.append(np.array(parts) if len(parts) > 1 else None)
    return found
