"""The examples written inside chart rules: daily numbers of one series, and whether a case opens by the last day.

Belongs here: that. Not here: charts, or examples of rules on signals (`rules.py`).
"""

from __future__ import annotations

from datetime import date

import numpy as np

from ml.detection.breakdowns import detections
from ml.detection.panels import Grid, Key
from models.chart import Chart
from models.trigger import RuleTest, TriggerRule

_MONDAY = date(2024, 1, 1)
# Standard deviation of one answer where an example gives means alone: a 0 to 100 scale, and 40 of 100 promoters with 20
# detractors.
_SPREAD = {"nps": 75.0, "csat": 30.0, "ces": 30.0}
_ANSWERS = 20.0
# An example is one series of as many: a rule watches more than one, and they share its false alarms.
_SERIES = 20


def failing_chart_tests(rule: TriggerRule) -> list[str]:
    """Sentences for the examples of a chart rule that do not hold."""
    return [
        f"{rule.id}: test {number} expects '{test.then}' but the rule does the opposite"
        for number, test in enumerate(rule.tests, start=1)
        if _breaks_down(rule, test) != (test.then == "opens")
    ]


def _breaks_down(rule: TriggerRule, test: RuleTest) -> bool:
    assert rule.chart is not None, "only chart rules are tested here"
    own = rule.chart.model_copy(update={"false_alarms_per_year": rule.chart.false_alarms_per_year / _SERIES})
    return bool(detections(_grid(own, test), own))


def _grid(chart: Chart, test: RuleTest) -> Grid:
    """The example as one series: complaints and resolutions are counted, scores are means of so many answers."""
    given = test.rows[0]
    days = np.array([given["days"]], dtype=np.float64)
    usual = 1.0 if chart.is_relative else _ANSWERS
    n = np.array([given.get("exposure") or [usual] * days.shape[1]], dtype=np.float64)
    valid = np.ones(days.shape[1], dtype=np.bool_)
    if chart.is_relative:
        return Grid((Key(),), _MONDAY, n, days, None, valid)
    squares = n * (np.square(days) + _SPREAD[chart.measure] ** 2)
    return Grid((Key(),), _MONDAY, n, n * days, squares, valid)
