"""Revenue at risk, kept apart from revenue saved: three lines that are never added up.

Belongs here: what open cases put at risk if nothing were done, what retained customers brought in, and what recovery
saved, side by side. Not here: the effect itself (`effect.py`), or who is about to leave (`ml/early_warning`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.recovery.attempts import MONEY, TOGETHER, Attempts, together
from ml.recovery.effect import Effect, effect, scores
from ml.recovery.nuisance import Nuisances, nuisances
from ml.recovery.overlap import overlap
from ml.recovery.pairs import clustered_error, interval
from ml.recovery.rates import stored
from ml.recovery.tables import REVENUE

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]
Flags = NDArray[np.bool_]

HORIZON_DAYS, _YEAR = 90, 365
# A group of attempts with fewer left alone says nothing of its own about what comes of doing nothing.
FEWEST_ALONE = 20


@dataclass(frozen=True, kw_only=True)
class AtRisk:
    """Expected US dollars over the horizon that `n` customers with an open case would take away if nothing were done.

    `value_usd` is what they are worth over the horizon, whether or not they leave. For `n_borrowed` of them the chance to
    leave is that of other attempts (the nearest severity, else all), because too few like theirs were ever left alone:
    the gravest never are, and what they put at risk is then too low. `n_unknown` have no known value and are not counted.
    NaN with a `reason` where hardly anybody was left alone.
    """

    n: int
    n_borrowed: int
    n_unknown: int
    value_usd: float
    point: float
    low: float
    high: float
    reason: str | None = None


def at_risk(
    customer: Texts,
    annual_value_usd: Floats,
    group: Texts,
    attempts: Attempts,
    fitted: Nuisances,
    *,
    groups: str = "severity",
    horizon_days: int = HORIZON_DAYS,
) -> AtRisk:
    """Sum over customers with an open case, (k,) each, of value over the horizon times P(leaving | nothing done).

    A customer with several cases counts once, by the first given. The chance to leave is one minus the doubly robust mean
    of "retained_90d" under the reference (`effect.scores`) over past attempts of the same `group`; `fitted` are the
    nuisances of that outcome. The error is clustered by customer of the attempts and takes the open cases as they are.
    Raises ValueError for arrays of different lengths or values below zero.
    """
    if not len(customer) == len(annual_value_usd) == len(group):
        raise ValueError("customers, values and groups of open cases must have one entry for each case")
    if (annual_value_usd < 0).any():
        raise ValueError("a customer cannot be worth less than nothing")
    first = np.sort(np.unique(customer, return_index=True)[1])
    value, kind = annual_value_usd[first] * horizon_days / _YEAR, group[first]
    counted = ~np.isnan(value)
    value, kind = value[counted], kind[counted]
    stays = scores(attempts, "retained_90d", fitted)[:, 0]
    usable = ~np.isnan(stays)
    alone = usable & (attempts.arm == 0) & ~np.isnan(attempts.outcome("retained_90d"))
    found = AtRisk(
        n=len(value), n_borrowed=0, n_unknown=int((~counted).sum()), value_usd=float(value.sum()),
        point=np.nan, low=np.nan, high=np.nan,
    )  # fmt: skip
    if alone.sum() < FEWEST_ALONE:
        why = f"{int(alone.sum())} attempts in which nothing was done have an outcome: {FEWEST_ALONE} are needed"
        return replace(found, reason=why)
    point, borrowed, influence = 0.0, 0, np.zeros(len(stays))
    for subject in np.unique(kind):
        like, is_own = _like(str(subject), attempts.groups[groups], alone)
        worth, mean = float(value[kind == subject].sum()), float(stays[usable & like].mean())
        # Pseudo-outcomes are no chances: a mean of few may fall outside 0 and 1, where no chance is.
        point += worth * (1.0 - min(max(mean, 0.0), 1.0))
        influence[usable & like] -= worth / (usable & like).sum() * (stays[usable & like] - mean)
        borrowed += 0 if is_own else int((kind == subject).sum())
    error, freedom = clustered_error(influence[usable], attempts.cluster[usable], 1.0)
    low, high = interval(point, error, freedom)
    return replace(found, n_borrowed=borrowed, point=point, low=max(low, 0.0), high=min(high, found.value_usd))


def _like(subject: str, known_groups: Texts, alone: Flags) -> tuple[Flags, bool]:
    """Attempts that tell of a group, and whether they are its own: else those of the nearest severity, else all."""
    enough = [
        str(group) for group in np.unique(known_groups) if (alone & (known_groups == group)).sum() >= FEWEST_ALONE
    ]
    if subject in enough:
        return known_groups == subject, True
    steps = [group for group in enough if group.isdigit()] if subject.isdigit() else []
    if not steps:
        return np.ones(len(alone), dtype=np.bool_), False
    # The graver one of two as near: what is left alone is leaving.
    nearest = min(steps, key=lambda group: (abs(int(group) - int(subject)), int(group)))
    return known_groups == nearest, False


def gross_margin(attempts: Attempts) -> tuple[float, int]:
    """Margin over 90 days of customers who got a playbook and stayed, in US dollars, and how many: no effect of anything.

    A customer with several attempts counts once, by the first, so that no order is counted twice.
    """
    treated = np.flatnonzero((attempts.arm > 0) & attempts.due("margin_90d"))
    treated = treated[np.argsort(attempts.anchored_at[treated], kind="stable")]
    first = treated[np.unique(attempts.cluster[treated], return_index=True)[1]]
    margin = attempts.outcome("margin_90d")[first]
    stayed = (attempts.outcome("retained_90d")[first] == 1.0) & ~np.isnan(margin)
    return float(margin[stayed].sum()), int(stayed.sum())


def revenue_lines(open_cases: pa.Table, attempts: Attempts, *, as_of: datetime, seed: int = 0) -> pa.Table:
    """The three lines from open cases at risk (`int_case_at_risk`) and past attempts, in the shape of `REVENUE`.

    No rows where only one playbook, or none, was ever used.
    """
    if len(attempts.arms) < 2:
        return REVENUE.empty_table()
    stays = nuisances(attempts, "retained_90d", seed=seed)
    severity = open_cases.column("severity").cast(pa.string()).fill_null("unknown").to_numpy(zero_copy_only=False)
    value = open_cases.column("annual_value_usd").cast(pa.float64()).to_numpy(zero_copy_only=False)
    customer = open_cases.column("customer_id").to_numpy(zero_copy_only=False)
    risk = at_risk(
        customer.astype(np.str_), np.asarray(value, dtype=np.float64), severity.astype(np.str_), attempts, stays
    )
    return revenue_table(risk, attempts, _saved(attempts, seed), as_of=as_of)


def _saved(attempts: Attempts, seed: int) -> Effect:
    """The effect of all playbooks together; without its figures where the study would not tell it either."""
    pooled = together(attempts)
    fitted = nuisances(pooled, MONEY, seed=seed, arms=pooled.arms)
    found = effect(pooled, MONEY, TOGETHER, fitted=fitted)
    if found.reason is None and overlap(pooled, MONEY, TOGETHER, fitted).grade == "poor":
        return replace(
            found, point=np.nan, low=np.nan, high=np.nan, reason="hardly anybody like those treated was left alone"
        )
    return found


def revenue_table(risk: AtRisk, attempts: Attempts, saved: Effect, *, as_of: datetime) -> pa.Table:
    """The three lines in the shape of `REVENUE`. `saved` is the effect of all playbooks together on "net_margin_90d".

    Raises ValueError for an effect on anything else.
    """
    if saved.outcome != "net_margin_90d":
        raise ValueError(f"revenue saved is an effect on net_margin_90d, not on {saved.outcome}")
    gross, stayed = gross_margin(attempts)
    rows: list[dict[str, Any]] = [
        {
            "line": "identified", "is_causal": False, "n": risk.n, "n_borrowed": risk.n_borrowed, "n_unknown": risk.n_unknown,
            "point": risk.point, "low": risk.low, "high": risk.high, "value_usd": risk.value_usd, "reason": risk.reason,
            "sentence": "At risk in open cases if nothing were done. Nothing of it is saved yet.",
        },
        {
            "line": "gross_not_causal", "is_causal": False, "n": stayed, "point": gross,
            "sentence": "Margin of customers who were helped and stayed. Most would have stayed anyway: no effect of recovery.",
        },
        {
            "line": "saved", "is_causal": True, "n": saved.size, "n_unknown": saved.n_unknown, "point": saved.total,
            "low": saved.total_low, "high": saved.total_high, "reason": saved.reason,
            "sentence": "Margin that would not have come without recovery, less offers and handling.",
        },
    ]  # fmt: skip
    blank = {"n_borrowed": 0, "n_unknown": 0, "value_usd": None, "reason": None, "low": None, "high": None}
    for number, row in enumerate(rows, start=1):
        row |= {"line_no": number, "horizon_days": HORIZON_DAYS, "as_of": as_of}
    return pa.Table.from_pylist([stored(blank | row) for row in rows], schema=REVENUE)
