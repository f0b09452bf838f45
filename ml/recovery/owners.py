"""Owners and teams beside each other on what their cases came to: the rows people read.

Belongs here: which outcomes are compared, at which level somebody is shown, and in what words. Not here: the comparison
itself (`comparison.py`), privacy rules (`staffed.py`), the table's schema (`owner_table.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.recovery import staffed
from ml.recovery.comparison import MIN_CASES, Comparison, compare
from ml.recovery.encoding import encode, numeric, source
from ml.recovery.funnel import holm
from ml.recovery.owner_table import ABOVE, ALIKE, BELOW, FEW

Floats = NDArray[np.float64]

# The chance of any wrong call in the whole table when nobody differs: all outcomes, owners and teams together.
FAMILY_LEVEL = 0.05
# No case mix: a region has its own owners, so adjusting for it takes away what they do for everybody there. In a world of
# 20 owners in 5 regions the adjusted order correlates with true skill at 0.94 without it and at 0.86 with it.
_NOT_MIX = frozenset({"region"})


@dataclass(frozen=True, slots=True)
class Question:
    """An outcome by which units are compared: column of the attempts, unit (`share` or `usd`), higher is better."""

    outcome: str
    column: str
    unit: str

    @property
    def is_share(self) -> bool:
        """Whether the outcome is yes or no, and means are shares."""
        return self.unit == "share"


# Those whose column the table has are asked; `is_in_time` is there where cases with clocks were joined.
QUESTIONS = (
    Question("recovered", "is_recovered", "share"),
    Question("retained_90d", "is_retained_90d", "share"),
    Question("net_margin_90d", "net_margin_90d_usd", "usd"),
    Question("in_time", "is_in_time", "share"),
)


def owner_rows(
    table: pa.Table, *, seed: int, as_of: datetime, org_chart: pa.Table | None = None,
    opted_out: Collection[str] = frozenset(), min_team: int = staffed.MIN_TEAM, min_cases: int = MIN_CASES,
) -> list[dict[str, object]]:  # fmt: skip
    """Rows of `ml_recovery__owner` from `int_recovery_attempt`, sorted by type, unit and outcome.

    Teams come from `team_id` of the table or else from `org_chart` (`stg_hr__org_chart`); with neither, only owners are
    compared. Owners who opted out or may not be shown (`staffed.shown`) count in their team only: their cases move
    nobody else's figure as an owner either. Attempts without an owner are left out. Raises ValueError naming a column
    that is missing or holds no numbers where it must.
    """
    for name in ("owner_id", "customer_id", "first_action_at"):
        if name not in table.column_names:
            raise ValueError(f"column {name} is missing from the table of attempts")
    table = table.filter(table.column("owner_id").is_valid())
    if not table.num_rows:
        return []
    owners, customers = _texts(table, "owner_id"), np.unique(_texts(table, "customer_id"), return_inverse=True)[1]
    at = table.column("first_action_at").cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]")
    team = _teams(table, owners, at, org_chart)
    team_of = staffed.latest(owners, team, at)
    alone, together = staffed.shown(team_of, opted_out, min_team), staffed.told_teams(owners, team)
    told: list[tuple[str, Question, Comparison]] = []
    for unit_type, unit, units in (("owner", owners, alone), ("team", team, together)):
        rows = np.flatnonzero(np.isin(unit, sorted(units)))
        if len(rows):
            part = table.take(rows)
            told += _compared(part, unit_type, unit[rows], customers[rows], min_cases=min_cases, seed=seed)
    head = {"from_at": _utc(at.min()), "until_at": _utc(at.max()), "as_of": as_of}
    rows_told = [row | head for row in _judged(told)]
    for row in rows_told:
        row["team_id"] = (team_of[str(row["unit_id"])] or None) if row["unit_type"] == "owner" else None
    return sorted(rows_told, key=lambda row: (str(row["unit_type"]), str(row["unit_id"]), str(row["outcome"])))


def _compared(
    table: pa.Table, unit_type: str, unit: NDArray[np.str_], customers: NDArray[np.int64], *, min_cases: int, seed: int
) -> Iterator[tuple[str, Question, Comparison]]:
    covariates, names = encode(table)
    covariates = covariates[:, [source(name) not in _NOT_MIX for name in names]]
    for question in QUESTIONS:
        if question.column in table.column_names:
            outcome = numeric(table, question.column)
            yield (
                unit_type, question,
                compare(outcome, covariates, unit, customers, is_share=question.is_share, min_cases=min_cases, seed=seed),
            )  # fmt: skip


def _judged(told: Iterable[tuple[str, Question, Comparison]]) -> Iterator[dict[str, object]]:
    """Rows of all comparisons, judged as one family."""
    all_told = list(told)
    family = holm(np.concatenate([comparison.p for _, _, comparison in all_told])) if all_told else np.zeros(0)
    begin = 0
    for unit_type, question, comparison in all_told:
        size = len(comparison.units)
        yield from _rows(unit_type, question, comparison, family[begin : begin + size])
        begin += size


def _rows(unit_type: str, question: Question, found: Comparison, family: Floats) -> Iterator[dict[str, object]]:
    place = found.standing
    (low95, high95), (low998, high998) = found.limits(0.95), found.limits(0.998)
    ranked = int((~np.isnan(found.p)).sum())
    for k, unit in enumerate(found.units.tolist()):
        row = {
            "comparison_id": hashlib.md5(f"{unit_type}|{unit}|{question.outcome}".encode(), usedforsecurity=False).hexdigest(),
            "unit_type": unit_type, "unit_id": unit, "outcome": question.outcome, "unit": question.unit,
            "cases": int(found.cases[k]), "known": int(found.known[k]), "naive": _plain(found.naive[k]),
            "observed": _plain(found.observed[k]), "expected": _plain(found.expected[k]),
            "ratio": _plain(found.observed[k] / found.expected[k]) if found.is_share and found.expected[k] > 0 else None,
            "group_mean": _plain(found.group), "adjusted": _plain(found.adjusted[k]), "low": _plain(found.low[k]),
            "high": _plain(found.high[k]), "ranked": ranked, "p": _plain(found.p[k]), "p_family": _plain(family[k]),
            "funnel_low95": _plain(low95[k]), "funnel_high95": _plain(high95[k]),
            "funnel_low998": _plain(low998[k]), "funnel_high998": _plain(high998[k]),
            "shrunken": _level(found, place.shrunken[k]), "shrunken_low": _level(found, place.low[k]),
            "shrunken_high": _level(found, place.high[k]), "expected_rank": _plain(place.rank[k]),
            "rank_low": _whole(place.rank_low[k]), "rank_high": _whole(place.rank_high[k]),
            "p_best": _plain(place.p_best[k]), "verdict": _verdict(found, k, family[k]),
        }  # fmt: skip
        yield row | {"sentence": _sentence(row)}


def _verdict(found: Comparison, k: int, family: float) -> str:
    if np.isnan(found.p[k]):
        return FEW
    if family > FAMILY_LEVEL:
        return ALIKE
    return ABOVE if found.observed[k] > found.expected[k] else BELOW


def _sentence(row: dict[str, object]) -> str:
    """What may be said of a unit, in one sentence; nothing about its place where that is not known."""
    if row["verdict"] == FEW or row["rank_low"] is None:
        return f"{row['known']} of {row['cases']} cases with a known outcome: {row['verdict']}."
    naive, adjusted, low, high = (_figure(row[name], row["unit"]) for name in ("naive", "adjusted", "low", "high"))
    held = "" if row["unit"] == "share" else " and extreme amounts held"
    return (
        f"Raw {naive}; with everybody's cases{held} {adjusted} (95 % interval {low} to {high}, {row['known']} of {row['cases']} "
        f"cases known), rank {row['rank_low']} to {row['rank_high']} of {row['ranked']}: {row['verdict']}."
    )


def _figure(value: object, unit: object) -> str:
    number = float(str(value))
    return f"{100 * number:.0f} %" if unit == "share" else f"{round(number) + 0:,} USD"


def _level(found: Comparison, difference: float) -> float | None:
    level = found.group + difference
    return _plain(np.clip(level, 0, 1) if found.is_share else level)


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _whole(value: float) -> int | None:
    return int(value) if np.isfinite(value) else None


def _texts(table: pa.Table, name: str) -> NDArray[np.str_]:
    return np.asarray(table.column(name).cast(pa.string()).fill_null("").to_numpy(zero_copy_only=False), dtype=np.str_)


def _teams(
    table: pa.Table, owners: NDArray[np.str_], at: NDArray[np.datetime64], org_chart: pa.Table | None
) -> NDArray[np.str_]:
    if "team_id" in table.column_names:
        return _texts(table, "team_id")
    if org_chart is None:
        return np.full(len(owners), staffed.NO_TEAM)
    return staffed.teams(owners, at, org_chart)


def _utc(instant: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(instant.astype("datetime64[us]").astype(np.int64)) / 1e6, tz=UTC)
