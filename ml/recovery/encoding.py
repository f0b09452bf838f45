"""What was known before a decision, as numbers a learner can read.

Belongs here: which columns of `int_recovery_attempt` are covariates and what form each takes. Not here: standardising,
which each learner does on its own training rows (`nuisance.py`).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVELS = (
    "severity", "severity_basis", "cause_id", "failure_type", "journey", "segment", "tier", "region", "language",
    "channel",
)  # fmt: skip
# Skewed and never far below zero: on the scale of ratios one rich customer does not carry a line on their own.
MONEY = ("annual_value_usd", "margin_before_28d_usd", "wait_hours")
# What customers bring in afterwards grows with what they brought in before and not with its logarithm, so money comes as
# it is as well, up to the 97th percentile: uncapped, the richest bent every line (errors of refunds' effect on margin in
# 100 worlds: logarithms only 38 USD, with money as it is 44, capped 33).
_AS_IT_IS = ("annual_value_usd", "margin_before_28d_usd")
_CAP = 0.97
NUMBERS = (
    "tenure_days", "sentiment", "prior_signals_90d", "prior_attempts_90d", "days_observed_before", "orders_before_28d",
)  # fmt: skip
FLAGS = ("is_vulnerable",)
# A level needs rows in every arm and fold to be adjusted for; the rest share one column.
_LEVEL_ROWS, _MAX_LEVELS = 25, 30


def encode(table: pa.Table) -> tuple[Floats, tuple[str, ...]]:
    """Covariates (n, d) without gaps, and the name of each column.

    Names say where a column comes from: `severity=1` a level, `cause_id=(other)` rare levels together, `sentiment?`
    whether it is unknown, and the plain name a number with the median where unknown: money and waits as log(1 + x),
    money once more as it is (`annual_value_usd (capped)`). Columns that never vary are left out. Raises ValueError
    naming a column that should hold numbers and does not.
    """
    columns: dict[str, Floats] = {}
    for name in LEVELS:
        columns |= _levels(table, name)
    for name in (*MONEY, *NUMBERS, *FLAGS):
        values = numeric(table, name)
        columns |= _number(name, np.sign(values) * np.log1p(np.abs(values)) if name in MONEY else values)
        if name in _AS_IT_IS:
            columns |= _capped(name, values)
    kept = {name: column for name, column in columns.items() if len(column) and np.ptp(column) > 0}
    matrix = np.column_stack(list(kept.values())) if kept else np.zeros((table.num_rows, 0))
    return matrix, tuple(kept)


def source(name: str) -> str:
    """The column of the table an encoded column was made of."""
    return name.partition("=")[0].removesuffix(" (capped)").rstrip("?")


def numeric(table: pa.Table, name: str) -> Floats:
    """A column as floats, NaN where empty; raises ValueError naming it when it holds no finite numbers."""
    try:
        values = np.asarray(table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"column {name} of the attempts must hold numbers, not {table.column(name).type}") from error
    if np.isinf(values).any():
        raise ValueError(f"column {name} of the attempts holds an infinite number")
    return values


def _number(name: str, values: Floats) -> dict[str, Floats]:
    unknown = np.isnan(values)
    if unknown.all():
        return {}
    filled = np.where(unknown, np.median(values[~unknown]), values)
    return {name: filled, f"{name}?": unknown.astype(np.float64)}


def _capped(name: str, values: Floats) -> dict[str, Floats]:
    known = values[~np.isnan(values)]
    if not len(known):
        return {}
    return {
        f"{name} (capped)": np.minimum(np.where(np.isnan(values), np.median(known), values), np.quantile(known, _CAP))
    }


def _levels(table: pa.Table, name: str) -> dict[str, Floats]:
    texts = table.column(name).cast(pa.string()).fill_null("?").to_numpy(zero_copy_only=False)
    values, codes, counts = np.unique(np.asarray(texts, dtype=np.str_), return_inverse=True, return_counts=True)
    ranked = np.argsort(-counts, kind="stable")[:_MAX_LEVELS]
    often = np.sort(ranked[counts[ranked] >= _LEVEL_ROWS])
    columns = {f"{name}={values[place]}": (codes == place).astype(np.float64) for place in often}
    rest = ~np.isin(codes, often)
    return columns | {f"{name}=(other)": rest.astype(np.float64)}
