"""A table of attempts in which the gravest matters get the refund: it helps, and looks as if it did harm."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from ml.recovery import encoding

GAIN_USD = 20.0
_OUTCOMES = ("revenue_90d_usd", "margin_90d_usd", "margin_placebo_usd")


def attempts_table(n: int = 700, seed: int = 0, *, left_alone: bool = True) -> pa.Table:
    """n attempts of n / 2 customers: severity 1 loses 60 dollars against severity 4 and gets the refund most often.

    The refund brings `GAIN_USD` more. With `left_alone` false nobody of severity 1 or 2 goes without it.
    """
    random = np.random.default_rng(seed)
    severity = random.integers(1, 5, n)
    chance = np.array([0.0, 0.8, 0.65, 0.4, 0.25])[severity]
    if not left_alone:
        chance = np.where(severity <= 2, 1.0, chance)
    treated = random.random(n) < chance
    worth = random.normal(size=n // 2 + 1)[np.arange(n) // 2]
    money = 100.0 - 20.0 * (4 - severity) + 8.0 * worth + GAIN_USD * treated + random.normal(0, 12.0, n)
    columns: dict[str, object] = {name: ["same"] * n for name in encoding.LEVELS}
    columns |= {name: random.gamma(2.0, 5.0, n) for name in (*encoding.MONEY, *encoding.NUMBERS)}
    columns |= {name: random.normal(size=n) for name in _OUTCOMES}
    columns |= {
        "attempt_id": [f"a{place:05d}" for place in range(n)],
        "case_id": [None if place % 3 else f"C{place}" for place in range(n)],
        "customer_id": [f"c{place // 2}" for place in range(n)],
        "severity": severity, "segment": random.choice(["mass", "private"], n), "annual_value_usd": np.exp(6 + worth / 2),
        "cause_id": random.choice(["fee", "card"], n), "is_vulnerable": random.random(n) < 0.05,
        "playbook_code": np.where(treated, "refund", "none"), "net_margin_90d_usd": money,
        "first_action_at": [dt.datetime(2026, 1, 1) + dt.timedelta(hours=3 * place) for place in range(n)],
        "is_recovered": random.random(n) < 0.3 + 0.1 * severity, "is_retained_90d": random.random(n) < 0.8,
        "days_to_churn": pa.array([None] * n, pa.int32()), "days_observed_after": [90] * n,
        "is_outcome_mature": [True] * n, "is_mature_90d": [True] * n, "is_asked": [True] * n,
        "offer_usd": [0.0] * n, "effort_cost_usd": [0.0] * n, "handling_minutes": [10.0] * n,
    }  # fmt: skip
    return pa.table(columns)
