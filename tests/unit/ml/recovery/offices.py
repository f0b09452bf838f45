"""Offices with planted skill: who handles which cases, how hard those are, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
AS_OF = datetime(2026, 7, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Office:
    """n cases: outcome, covariates (n, 2) of which the first is how easy a case is, owner and customer of each."""

    outcome: Floats
    covariates: Floats
    owner: NDArray[np.str_]
    customer: NDArray[np.int64]
    skill: Floats


def office(
    seed: int, *, cases: list[int], skill: Floats | None = None, mix: float = 0.0, is_share: bool = True
) -> Office:
    """Owner k has `cases[k]` cases; with `mix` some owners get easier cases than others, whatever their skill."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(len(cases)), cases)
    ability = np.zeros(len(cases)) if skill is None else skill
    covariates = rng.normal(size=(len(who), 2))
    covariates[:, 0] += mix * rng.normal(size=len(cases))[who]
    line = 0.4 + 0.8 * covariates[:, 0] + ability[who]
    if is_share:
        outcome = (rng.random(len(who)) < 1 / (1 + np.exp(-line))).astype(np.float64)
    else:
        outcome = (rng.random(len(who)) < 0.5) * rng.lognormal(3, 1.2, len(who)) + 20 * line
    customer = rng.integers(0, int(len(who) * 0.8), len(who))
    return Office(outcome, covariates, np.array([f"E{k:02d}" for k in who]), customer, ability)


def attempts_table(
    seed: int, *, owners: int = 10, cases: int = 60, skill: dict[str, float] | None = None, unknown: float = 0.0
) -> pa.Table:
    """A table like `int_recovery_attempt`: two owners a team by `team_id`, all alike but for `skill` (in log odds)."""
    planned = office(
        seed, cases=[cases] * owners, skill=np.array([(skill or {}).get(f"E{k:02d}", 0.0) for k in range(owners)])
    )
    n = len(planned.outcome)
    rng = np.random.default_rng(seed + 1)
    recovered = [None if rng.random() < unknown else bool(y) for y in planned.outcome]
    levels = ("severity_basis", "cause_id", "failure_type", "journey", "segment", "tier", "language", "channel")
    zeros = ("sentiment", "prior_signals_90d", "prior_attempts_90d", "days_observed_before", "orders_before_28d",
             "annual_value_usd", "margin_before_28d_usd", "is_vulnerable")  # fmt: skip
    return pa.table(
        {
            "attempt_id": [f"A{k}" for k in range(n)],
            "customer_id": [f"CU{k}" for k in planned.customer],
            "owner_id": planned.owner,
            "team_id": [f"T{int(name[1:]) // 2}" for name in planned.owner],
            "first_action_at": [datetime(2026, 3, 1) + timedelta(hours=k % 500) for k in range(n)],
            "severity": np.digitize(planned.covariates[:, 0], (-1, 0, 1)) + 1,
            "wait_hours": np.exp(planned.covariates[:, 1]),
            "tenure_days": planned.covariates[:, 0],
            "region": ["west"] * n,
            "is_recovered": pa.array(recovered, pa.bool_()),
            "is_retained_90d": pa.array([None] * n, pa.bool_()),
            "net_margin_90d_usd": rng.lognormal(3, 1.0, n),
        }
        | {name: ["x"] * n for name in levels}
        | {name: [0.0] * n for name in zeros}
    )
