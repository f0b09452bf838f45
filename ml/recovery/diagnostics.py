"""Diagnostics as rows people can read: every check of an effect with its figure, its limit and a sentence.

Belongs here: the rows of `ml_recovery__diagnostic`. Not here: the checks themselves (`overlap.py`, `placebo.py`,
`sensitivity.py`, `estimators.py`, `heterogeneity.py`, `survival.py`, `drift.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from ml.recovery.effect import Effect
from ml.recovery.estimators import Estimate
from ml.recovery.heterogeneity import Homogeneity, LinearPredictor
from ml.recovery.overlap import BALANCED, Overlap
from ml.recovery.placebo import Placebo
from ml.recovery.ranking import Curves
from ml.recovery.sensitivity import Sensitivity
from ml.recovery.survival import Stay

# Covariates told beside an effect as what an unseen confounder is measured against; the rest would only repeat them.
_BENCHMARKS = 6
_MOST_BALANCE = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One row without its key."""

    check_name: str
    subject: str
    value: float | None
    sentence: str
    low: float | None = None
    high: float | None = None
    limit_value: float | None = None
    is_passed: bool | None = None


def rows(outcome: str, arm: str, lines: Iterable[Line], as_of: datetime) -> list[dict[str, Any]]:
    """Rows of `ml_recovery__diagnostic`."""
    return [
        {
            "diagnostic_id": key(outcome, arm, line.check_name, line.subject),
            "outcome": outcome, "arm": arm, "check_name": line.check_name, "subject": line.subject,
            "value": known(line.value), "low": known(line.low), "high": known(line.high),
            "limit_value": known(line.limit_value), "is_passed": line.is_passed, "sentence": line.sentence, "as_of": as_of,
        }
        for line in lines
    ]  # fmt: skip


def overlap_lines(found: Overlap) -> Iterator[Line]:
    """Who could be compared, how likely the playbook was on either side, and whether the two look alike once weighted."""
    yield Line(
        "overlap", "share outside", found.share_outside,
        f"{found.n_outside:,} attempts ({found.share_outside:.0%} of those asked about) had hardly anybody like them on the "
        f"other side and are left out; the reference is worth {found.effective_reference:.0f} attempts.",
        limit_value=0.30, is_passed=found.grade != "poor",
    )  # fmt: skip
    for side, counts in (("treated", found.treated), ("reference", found.reference)):
        total = max(int(counts.sum()), 1)
        for edge, count in zip(found.edges[:-1], counts, strict=True):
            yield Line("propensity", f"{side} {edge:.2f}", float(count) / total, f"{int(count)} attempts")
    if not found.balance:
        return
    yield Line(
        "balance_overall", "worst", found.worst_after,
        f"After weighting the covariate furthest apart differs by {found.worst_after:.2f} standard deviations "
        f"({found.worst_before:.2f} as it was); {len(found.unbalanced)} of {len(found.balance)} differ by {BALANCED:g} or more.",
        limit_value=BALANCED, is_passed=not found.unbalanced,
    )  # fmt: skip
    for one in found.balance[:_MOST_BALANCE]:
        yield Line("balance_before", one.name, one.before, "as it was")
        yield Line("balance", one.name, one.after, "after weighting", limit_value=BALANCED)


def placebo_line(found: Placebo) -> Line:
    """An effect that must not exist."""
    name = f"placebo_{found.kind}"
    if found.passes is None:
        return Line(name, "all", None, f"The placebo could not be tried: {found.reason}.")
    if found.kind == "outcome":
        sentence = (
            f"On margin before anybody acted the same method finds {found.point:+.2f} US dollars "
            f"({found.low:+.2f} to {found.high:+.2f}); it must find nothing."
        )
    else:
        sentence = (
            f"Of {found.draws} playbooks dealt out at random, {found.false_alarms:.0%} came out as having an effect; "
            f"chance makes 5 %. The real estimate is matched by chance with p = {found.p_value:.3f}."
        )
    return Line(name, "all", found.point, sentence, found.low, found.high, 0.0, found.passes)


def sensitivity_lines(found: Sensitivity, effect: Effect) -> Iterator[Line]:
    """What an unseen confounder would have to be like, and what would be left of the estimate beside ones like those seen."""
    if found.reason is not None:
        return
    odds = "any factor below 20" if found.odds >= 20 else f"a factor of {found.odds:.2f}"
    yield Line(
        "robustness", "robustness value", found.robustness_interval,
        f"Something unseen would have to explain {found.robustness:.0%} of what is left of choice and outcome to bring the "
        f"estimate to nothing, and {found.robustness_interval:.0%} to bring its interval there; or change the odds of "
        f"being treated by {odds}. E-value {_said(found.e_value)}, of the interval {_said(found.e_value_interval)}.",
    )  # fmt: skip
    for one in [b for b in found.benchmarks if isfinite(b.bias)][:_BENCHMARKS]:
        sign = 1.0 if effect.point > 0 else -1.0
        left = "nothing sure" if one.explains_away else "the sign"
        yield Line(
            "sensitivity", f"as strong as {one.covariate}", effect.point - sign * one.bias,
            f"Beside something unseen as strong as {one.covariate}, {left} would be left.", one.low, one.high,
        )  # fmt: skip


def estimator_lines(found: Sequence[Estimate]) -> Iterator[Line]:
    """Other estimators of the same effect."""
    for one in found:
        if isfinite(one.point):
            yield Line(
                "estimator", one.method, one.point, f"{one.method}: {one.point:+.3f} ({one.low:+.3f} to {one.high:+.3f})",
                one.low, one.high,
            )  # fmt: skip


def homogeneity_lines(found: Sequence[Homogeneity]) -> Iterator[Line]:
    """Whether parts of the cases differ beyond luck."""
    for test in found:
        if isfinite(test.p_value):
            yield Line(
                "heterogeneity", test.level, test.p_value,
                f"By {test.level} the effect {'differs' if test.p_value < 0.05 else 'cannot be told to differ'}: "
                f"Q = {test.q:.1f} over {test.groups} parts, p = {test.p_value:.3f}, {test.between:.3f} between them.",
            )  # fmt: skip


def predictor_lines(found: LinearPredictor) -> Iterator[Line]:
    """Whether predicted differences between cases are real."""
    if isfinite(found.slope):
        yield Line(
            "heterogeneity", "predicted", found.slope,
            f"Cases expected to gain one more gained {found.slope:.2f} more ({found.low:.2f} to {found.high:.2f}): 1 says the "
            f"predicted differences are real, 0 that they are noise.", found.low, found.high,
        )  # fmt: skip


def ranking_lines(found: Curves) -> Iterator[Line]:
    """What treating those first who are expected to gain most would bring."""
    for share, gain in zip(found.shares, found.qini, strict=True):
        yield Line(
            "qini", f"{share:.2f}", float(gain), "gain a case when this share is treated, most expected gain first"
        )
    if isfinite(found.coefficient):
        yield Line(
            "heterogeneity", "ranking", found.coefficient,
            f"Treating first whom it is expected to help most gains {found.coefficient:+.3f} a case over treating as many at "
            f"random ({found.coefficient_low:+.3f} to {found.coefficient_high:+.3f}).",
            found.coefficient_low, found.coefficient_high,
        )  # fmt: skip


def survival_lines(found: Stay) -> Iterator[Line]:
    """How much longer customers stay within the horizon."""
    one = found.effect
    if one.reason is not None:
        yield Line("survival", "restricted mean", None, f"Days until churn cannot be compared: {one.reason}.")
        return
    yield Line(
        "survival", "restricted mean", one.point,
        f"Within 90 days customers stayed {one.point:+.2f} days longer ({one.low:+.2f} to {one.high:+.2f}), counting those "
        f"still under watch; the naive difference is {one.naive:+.2f}.", one.low, one.high,
    )  # fmt: skip


def key(*parts: str) -> str:
    """A short stable key."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:24]


def known(value: float | None) -> float | None:
    """A number that can be stored: none for NaN and for what has no end."""
    return None if value is None or not isfinite(value) else float(value)


def _said(value: float) -> str:
    return f"{value:.2f}" if isfinite(value) else "without limit"
