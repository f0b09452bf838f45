"""Breakdowns against the truth of a world: each planted one with its delay, and those nobody planted.

Belongs here: the figures. Not here: reading a home (`detection_command.py`), or detection itself.

A planted breakdown is found by the first one detected whose days overlap it (with two weeks after, for what people wait
out before they complain), which did not surely begin before it, and whose place and subject do not contradict it: a
wider or a narrower series of the same thing counts. What fits no planted one is false. After-effects of a planted
breakdown (a queue that an outage filled) are told apart as such, not as false.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

Row = Mapping[str, Any]

# Which measures a kind of planted event shows in; what is planted but is no breakdown is not looked for.
SHOWS_IN = {
    "outage": ("complaints", "csat", "nps", "delay"),
    "complaint_surge": ("complaints", "csat", "nps", "delay"),
    "nps_dip": ("nps",),
    "slow_queue": ("delay", "csat"),
}
_AFTER = timedelta(days=14)
# How long after a planted breakdown its consequences (a queue, unhappy answers) may still begin.
_CONSEQUENCES = timedelta(days=42)


def detection_scores(
    breakdowns: Sequence[Row], planted: Sequence[Row], *, first: date, last: date, cases: Mapping[str, str]
) -> dict[str, Any]:
    """Figures of one home. `breakdowns` are rows of ml_detection__breakdown, `planted` of the truth's table `breakdown`,
    `cases` maps breakdown id to the case it led to; `first` and `last` are the days that were watched.
    """
    looked_for = [row for row in planted if row["kind"] in SHOWS_IN]
    found = {row["breakdown_id"]: _first(row, breakdowns) for row in looked_for}
    kinds = {row["breakdown_id"]: _origin(row, looked_for) for row in breakdowns}
    false = [row for row in breakdowns if kinds[row["breakdown_id"]] == "false"]
    weeks = max((last - first).days / 7, 1e-9)
    low, high = _poisson(len(false))
    return {
        "planted": [_told(row, found[row["breakdown_id"]], cases) for row in looked_for],
        "found": sum(row is not None for row in found.values()),
        "looked_for": len(looked_for),
        "not_looked_for": sorted(row["kind"] for row in planted if row["kind"] not in SHOWS_IN),
        "breakdowns": [
            {"measure": row["measure"], "detected_on": str(row["detected_on"]), "what": row["sentence"],
             "is": kinds[row["breakdown_id"]], "case_id": cases.get(row["breakdown_id"])}
            for row in sorted(breakdowns, key=lambda row: (row["detected_on"], row["breakdown_id"]))
        ],
        "consequences": sum(kind == "consequence" for kind in kinds.values()),
        "false": len(false),
        "false_cases": sum(row["breakdown_id"] in cases for row in false),
        "weeks": round(weeks, 1),
        "false_per_week": {"value": len(false) / weeks, "low": low / weeks, "high": high / weeks, "n": len(false)},
    }  # fmt: skip


def _first(planted: Row, breakdowns: Sequence[Row]) -> Row | None:
    fitting = [row for row in breakdowns if row["measure"] in SHOWS_IN[planted["kind"]] and _fits(row, planted)]
    return min(fitting, key=lambda row: (row["detected_on"], row["measure"]), default=None)


def _fits(row: Row, planted: Row) -> bool:
    begin, end = planted["started_at"].date(), planted["ended_at"].date() + _AFTER
    is_in_time = begin <= row["detected_on"] <= end and row["onset_high_on"] >= begin
    return is_in_time and _same_place(row, planted) and _same_cause(row, planted)


def _same_place(row: Row, planted: Row) -> bool:
    return row["region"] is None or planted["region"] is None or row["region"] == planted["region"]


def _same_cause(row: Row, planted: Row) -> bool:
    return row["cause_id"] is None or planted["cause"] is None or row["cause_id"] == planted["cause"]


def _origin(row: Row, planted: Sequence[Row]) -> str:
    """`planted`, a `consequence` of something planted, or `false`."""
    if any(row["measure"] in SHOWS_IN[one["kind"]] and _fits(row, one) for one in planted):
        return "planted"
    near = [
        one for one in planted
        if one["started_at"].date() <= row["onset_high_on"] and row["onset_on"] <= one["ended_at"].date() + _CONSEQUENCES
    ]  # fmt: skip
    is_follow_up = row["measure"] in ("csat", "nps", "delay")
    return "consequence" if is_follow_up and any(_same_place(row, one) for one in near) else "false"


def _told(planted: Row, row: Row | None, cases: Mapping[str, str]) -> dict[str, Any]:
    begin = planted["started_at"].date()
    told: dict[str, Any] = {
        "id": planted["breakdown_id"], "kind": planted["kind"], "cause": planted["cause"], "region": planted["region"],
        "started_on": str(begin), "ended_on": str(planted["ended_at"].date()), "size": planted["size"],
        "unit": planted["unit"], "realised": planted["realised"], "found": row is not None,
    }  # fmt: skip
    if row is None:
        return told | {"delay_days": None, "measure": None, "onset_error_days": None, "effect": None, "case_id": None}
    return told | {
        "delay_days": (row["detected_on"] - begin).days,
        "measure": row["measure"],
        "onset_error_days": (row["onset_on"] - begin).days,
        "onset_interval_holds": bool(row["onset_low_on"] <= begin <= row["onset_high_on"]),
        "effect": {"value": row["effect"], "low": row["effect_low"], "high": row["effect_high"], "n": row["n"]},
        "case_id": cases.get(row["breakdown_id"]),
    }


def _poisson(count: int) -> tuple[float, float]:
    """Exact 95 % interval of a Poisson count (Garwood, Biometrika 28, 1936)."""
    from scipy.stats import chi2

    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return float(low), float(chi2.ppf(0.975, 2 * count + 2) / 2)
