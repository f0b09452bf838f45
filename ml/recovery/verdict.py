"""What may be said of an effect: one of three standings and a sentence, made from diagnostics and nothing else.

Belongs here: the words. Not here: any figure in them (`effect.py`, `overlap.py`, `placebo.py`, `sensitivity.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ml.recovery.effect import Effect
from ml.recovery.estimators import Estimate
from ml.recovery.overlap import Overlap
from ml.recovery.placebo import Placebo
from ml.recovery.sensitivity import Sensitivity

Standing = Literal["supported", "suggestive", "not enough data"]
Unit = Literal["usd", "share", "days"]

# With more than a third of outcomes unknown the estimate rests on a model of silence as much as on what was seen.
_MANY_UNKNOWN = 1 / 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """`sentence` says what was found and on whom; `reason` why it is not supported (None when it is); `would_change`
    what would change our mind, the nearest first."""

    standing: Standing
    sentence: str
    reason: str | None
    would_change: tuple[str, ...]


def verdict(
    found: Effect,
    overlap: Overlap,
    placebos: Sequence[Placebo],
    sensitivity: Sensitivity,
    *,
    unit: Unit,
    estimates: Sequence[Estimate] = (),
    is_randomised: bool = False,
    name: str | None = None,
) -> Verdict:
    """The verdict on an effect.

    Not enough data: no estimate, or poor overlap. Supported: an interval without zero, good overlap, every covariate
    balanced, every placebo run and passed, other estimators within the interval, two thirds of outcomes known, and no
    unseen cause as strong as the strongest covariate explaining it away (not asked where arms were dealt out at random
    with logged chances). Suggestive: anything between. `name` is what the outcome is called ("margin").
    """
    called = name or found.outcome.replace("_", " ")
    blocked = _blocked(found, overlap)
    if blocked is not None:
        sentence = f"What {found.arm} changes in {called} cannot be told from these attempts: {blocked}."
        return Verdict("not enough data", sentence, blocked, (_missing(found),))
    doubts = tuple(_doubts(found, overlap, placebos, sensitivity, estimates, is_randomised))
    sentence = _sentence(found, called, unit, is_randomised)
    if not doubts:
        minds = _minds(found, sensitivity, is_randomised)
        return Verdict("supported", sentence, None, tuple(minds))
    reason = "; ".join(doubts)
    return Verdict(
        "suggestive",
        f"{sentence} This is only suggestive: {reason}.",
        reason,
        tuple(_minds(found, sensitivity, is_randomised)),
    )


def amount(value: float, unit: Unit) -> str:
    """A difference in words: points for shares, US dollars, days."""
    if unit == "share":
        return f"{100 * value:.1f} points"
    return f"{value:,.2f} USD" if unit == "usd" else f"{value:.1f} days"


def _blocked(found: Effect, overlap: Overlap) -> str | None:
    if found.reason is not None:
        return found.reason
    if overlap.grade == "poor":
        return (
            f"{overlap.share_outside:.0%} of those asked about had nobody like them with the other choice, and the "
            f"reference is worth {overlap.effective_reference:.0f} attempts"
        )
    return None


def _doubts(
    found: Effect,
    overlap: Overlap,
    placebos: Sequence[Placebo],
    sensitivity: Sensitivity,
    estimates: Sequence[Estimate],
    is_randomised: bool,
) -> Iterator[str]:
    if found.low <= 0 <= found.high:
        yield "the interval holds zero"
    if overlap.grade == "partial":
        yield (
            f"overlap is partial ({overlap.share_outside:.0%} of those asked about are not counted, the reference is "
            f"worth {overlap.effective_reference:.0f} attempts)"
        )
    if overlap.unbalanced:
        yield f"{_listed(overlap.unbalanced)} still differ{'s' if len(overlap.unbalanced) == 1 else ''} after weighting"
    yield from _placebo_doubts(placebos)
    apart = [one.method for one in estimates if one.method != "naive difference" and _apart(one, found)]
    if apart:
        yield f"another estimator disagrees ({_listed(apart)})"
    if found.n_unknown > _MANY_UNKNOWN * max(found.n_overlap, 1):
        yield f"{found.n_unknown / found.n_overlap:.0%} of outcomes are unknown"
    strongest = sensitivity.strongest
    if not is_randomised and strongest is not None and strongest.explains_away and not found.low <= 0 <= found.high:
        yield f"something unseen as strong as {_word(strongest.covariate)} could explain it away"


def _placebo_doubts(placebos: Sequence[Placebo]) -> Iterator[str]:
    what = {"outcome": "margin before the action", "treatment": "labels dealt out at random"}
    if not placebos:
        yield "no placebo was run"
    for one in placebos:
        if one.passes is None:
            yield f"the placebo on {what[one.kind]} could not be run"
        elif not one.passes:
            yield f"the placebo on {what[one.kind]} shows an effect where there can be none"


def _sentence(found: Effect, called: str, unit: Unit, is_randomised: bool) -> str:
    if found.low <= 0 <= found.high:
        did = f"{found.arm} made no clear difference to {called}: {amount(found.point, unit)} an attempt"
    else:
        verb = "added" if found.point > 0 else "took"
        link = "to" if found.point > 0 else "from"
        did = f"{found.arm} {verb} {amount(abs(found.point), unit)} an attempt {link} {called}"
    ends = (
        sorted((found.low, found.high)) if found.low <= 0 <= found.high else sorted(map(abs, (found.low, found.high)))
    )
    basis = "by its logged chances" if is_randomised else "by observation, not by a trial"
    text = (
        f"Against {found.reference}, {did} (95 % interval {amount(ends[0], unit)} to {amount(ends[1], unit)}), {basis}, "
        f"on {found.population}. The naive difference is {amount(found.naive, unit)}."
    )
    return text


def _minds(found: Effect, sensitivity: Sensitivity, is_randomised: bool) -> Iterator[str]:
    strongest = sensitivity.strongest
    if not is_randomised and sensitivity.reason is None:
        told = (
            f"An unseen cause that explains {sensitivity.robustness:.1%} of what is left of the choice and of the outcome "
            f"would bring the estimate to zero, {sensitivity.robustness_interval:.1%} its interval"
        )
        if strongest is not None:
            told += (
                f"; one as strong as {_word(strongest.covariate)} explains {strongest.share_treatment:.1%} of the choice "
                f"and {strongest.share_outcome:.1%} of the outcome"
            )
        yield told + "."
        yield f"A trial in which chance decides between {found.arm} and {found.reference} where both are acceptable."
    if found.low <= 0 <= found.high:
        yield from _more_data(found)
    if found.n_unknown:
        yield (
            f"Outcomes of the {found.n_unknown} attempts where they are unknown, if they differ from those of customers "
            "like them who are known."
        )
    if found.n_trimmed:
        yield f"Attempts like the {found.n_trimmed} that are not counted: nothing is said about them."


def _more_data(found: Effect) -> Iterator[str]:
    factor = (1.96 * found.se / found.point) ** 2 if found.point else np.inf
    if 1 < factor < 100:
        yield f"About {factor:.1f} times as many attempts, if the estimate stays what it is."


def _missing(found: Effect) -> str:
    if found.reason is not None:
        return f"More attempts with {found.arm} and with {found.reference} whose cases are alike and outcomes known."
    return f"Attempts with {found.reference} among cases that now get {found.arm}, and the other way round."


def _apart(one: Estimate, found: Effect) -> bool:
    """Whether two estimates on much the same data differ by more than either one's error."""
    return bool(np.isfinite(one.point) and abs(one.point - found.point) > 1.96 * max(one.se, found.se))


def _word(covariate: str) -> str:
    return covariate.replace("_", " ")


def _listed(names: Sequence[str]) -> str:
    shown = [_word(name) for name in names[:3]]
    return ", ".join(shown) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
