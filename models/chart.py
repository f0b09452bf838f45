"""The `chart:` block of a trigger rule: which series is watched, how finely, and how rarely it may cry wolf.

Belongs here: the typed form of the block and of the examples beside it. Not here: the statistics
(`ml/detection/charts`), or how series are made from evidence (`ml/detection/panels.py`).
"""

from __future__ import annotations

from itertools import combinations
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Measure = Literal["complaints", "nps", "csat", "ces", "delay"]
Dimension = Literal["theme_id", "cause_id", "segment", "region"]

# More of it is worse: complaints and time to resolve. Of the others, less is worse.
_MORE_IS_WORSE = frozenset({"complaints", "delay"})
# Smallest change worth a case where a rule says nothing: share of the usual for counts and delays, points of the scale
# for scores (NPS runs from -100 to 100, the others from 0 to 100).
_MIN_EFFECT = {"complaints": 0.3, "delay": 0.25, "nps": 15.0, "csat": 8.0, "ces": 8.0}
_TEST_KEYS = frozenset({"days", "exposure"})
MIN_TEST_DAYS = 2


class Chart(BaseModel):
    """Control charts over daily series of one measure, for everything and for every value of `by` up to `depth` at once.

    `false_alarms_per_year` is the promise for all series of the rule together while nothing happens. `min_n` is how
    many complaints, answers or resolutions an alarm rests on at least, `min_effect` the smallest change worth a case:
    a share of the usual for complaints and delay, points for scores.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    measure: Measure
    by: tuple[Dimension, ...] = ()
    depth: int = Field(default=2, ge=1, le=3)
    false_alarms_per_year: float = Field(default=6.0, gt=0, le=400)
    min_n: int = Field(default=8, ge=1)
    min_effect: float | None = Field(default=None, gt=0)
    baseline_days: int = Field(default=91, ge=28, le=730)
    min_baseline_days: int = Field(default=28, ge=14, le=365)

    @field_validator("by")
    @classmethod
    def _each_once(cls, value: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
        if len(set(value)) < len(value):
            raise ValueError("chart.by names a field twice")
        if {"theme_id", "cause_id"} <= set(value):
            raise ValueError("chart.by takes theme_id or cause_id, not both: one is told from the other")
        return value

    @model_validator(mode="after")
    def _baseline_fits(self) -> Chart:
        if self.min_baseline_days > self.baseline_days:
            raise ValueError("min_baseline_days may not exceed baseline_days")
        return self

    @property
    def direction(self) -> int:
        """+1 when more is worse, -1 when less is."""
        return 1 if self.measure in _MORE_IS_WORSE else -1

    @property
    def is_relative(self) -> bool:
        """Whether effects are shares of the usual (counts, delay) rather than points of a scale."""
        return self.measure in _MORE_IS_WORSE

    @property
    def smallest_effect(self) -> float:
        """`min_effect`, or the measure's own where the rule gives none."""
        return _MIN_EFFECT[self.measure] if self.min_effect is None else self.min_effect

    @property
    def cuts(self) -> tuple[tuple[Dimension, ...], ...]:
        """Every combination of dimensions watched, the coarsest first; the first is everything together."""
        return tuple(cut for size in range(min(self.depth, len(self.by)) + 1) for cut in combinations(self.by, size))


def check_example(given: dict[str, Any]) -> None:
    """Raise ValueError unless a chart rule's example is `{days: [...], exposure?: [...]}` of equal lengths."""
    unknown = sorted(given.keys() - _TEST_KEYS)
    if unknown:
        raise ValueError(f"a chart's test is given days (and exposure), not '{unknown[0]}'")
    days, exposure = given.get("days"), given.get("exposure")
    if not isinstance(days, list) or len(days) < MIN_TEST_DAYS or not all(_is_number(day) for day in days):
        raise ValueError(
            "a chart's test needs `days`: numbers, oldest first; the alarm must come on the last one or before"
        )
    if exposure is None:
        return
    if (
        not isinstance(exposure, list)
        or len(exposure) != len(days)
        or not all(_is_number(n) and n >= 0 for n in exposure)
    ):
        raise ValueError("`exposure` needs as many numbers as `days`, none below zero")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
