"""Whether an effect has changed over time: by month of the decision, with a test that it has not.

Belongs here: the months and the lines that tell of them. Not here: the effect of a group (`heterogeneity.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ml.recovery.attempts import Attempts
from ml.recovery.diagnostics import Line
from ml.recovery.heterogeneity import group_effects, homogeneity
from ml.recovery.nuisance import Nuisances

# An effect that differs between months at this level is told as changed.
LEVEL = 0.01


def drift_lines(attempts: Attempts, outcome: str, arm: str, fitted: Nuisances) -> Iterator[Line]:
    """The effect of each month with enough data, and Cochran's Q over them: the same effect fails it once in a hundred."""
    months = attempts.anchored_at.astype("datetime64[M]").astype(np.str_)
    dated = replace(attempts, groups={**attempts.groups, "month": months})
    groups = group_effects(dated, outcome, arm, fitted, by=(("month",),))
    told = [group for group in groups if group.reason is None]
    for group in told:
        yield Line(
            "drift", group.subject, group.point,
            f"Decided in {group.subject}: {group.point:+.3f} ({group.low:+.3f} to {group.high:+.3f}).", group.low, group.high,
        )  # fmt: skip
    for test in homogeneity(groups):
        if test.p_value == test.p_value:
            yield Line(
                "drift", "test", test.p_value,
                f"Over {test.groups} months the effect {'has changed' if test.p_value < LEVEL else 'has not been seen to change'} "
                f"(Q = {test.q:.1f}, p = {test.p_value:.3f}).",
                limit_value=LEVEL, is_passed=bool(test.p_value >= LEVEL),
            )  # fmt: skip
