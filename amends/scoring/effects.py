"""How near the effects told are to the truth: per playbook and part of the cases, truth beside estimate beside naive.

Belongs here: joining potential outcomes to the attempts an estimate is about, and judging. Not here: any estimate
(`ml/recovery/study.py`), or reading a home (`effects_command.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.recovery.attempts import MONEY, TOGETHER

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ml.recovery.study import Finding

# Outcome of a finding -> column of the potential outcomes. Answers to surveys stand for a state nobody sees: what is true
# of `recovered` is that state, so an estimate from answers is shown beside it and not judged by it.
TRUE = {"net_margin_90d": "net_margin", "retained_90d": "retained_90d", "recovered": "recovered"}
JUDGED = ("net_margin_90d", "retained_90d")


def true_outcomes(potential: pd.DataFrame, subjects: pd.DataFrame, *, usd_per_minute: float) -> pd.DataFrame:
    """Potential outcomes by attempt and arm: index (attempt_id, arm), columns net_margin, retained_90d, recovered.

    `subjects` has attempt_id, subject_type and subject_id of every attempt; those the truth does not know are left out.
    """
    both = potential.merge(subjects, on=["subject_type", "subject_id"])
    both["net_margin"] = both["margin_90d_usd"] - both["offer_usd"] - usd_per_minute * both["handling_minutes"]
    wanted = ["net_margin", "retained_90d", "recovered"]
    return both.set_index(["attempt_id", "arm"])[wanted].astype(float).sort_index()


def effect_scores(
    findings: Sequence[Finding], ids: NDArray[np.str_], arms: NDArray[np.str_], truth: pd.DataFrame
) -> dict[str, Any]:
    """Rows per finding and figures over them. `ids` and `arms` (n,) name the attempts and the playbooks they got."""
    rows = [_row(finding, ids, arms, truth) for finding in findings if finding.outcome in TRUE]
    judged = [
        row for row in rows if row["outcome"] in JUDGED and row["truth"] is not None and row["estimate"] is not None
    ]
    return {"effects": rows, "summary": _summary(judged), "revenue_saved": _saved(rows)}


def _row(finding: Finding, ids: NDArray[np.str_], arms: NDArray[np.str_], truth: pd.DataFrame) -> dict[str, Any]:
    effect = finding.effect
    about = ~np.isnan(effect.per_case)
    gain = _gains(ids[about], arms[about], TRUE[finding.outcome], truth)
    known = len(gain) > 0 and len(gain) == int(about.sum())
    true = float(gain.mean()) if known else None
    estimate = _number(effect.point)
    return {
        "outcome": finding.outcome, "arm": finding.arm, "level": finding.level, "subject": finding.subject,
        "n": int(about.sum()), "truth": true,
        "estimate": estimate, "low": _number(effect.low), "high": _number(effect.high),
        "covers": None if true is None or estimate is None else bool(effect.low <= true <= effect.high),
        "naive": _number(effect.naive), "naive_low": _number(effect.naive_low), "naive_high": _number(effect.naive_high),
        "naive_covers": None if true is None or np.isnan(effect.naive) else bool(effect.naive_low <= true <= effect.naive_high),
        "truth_total": None if true is None else true * int(about.sum()),
        "estimate_total": None if estimate is None else float(np.nansum(effect.per_case)),
        "naive_total": None if np.isnan(effect.naive) else float(effect.naive) * int(about.sum()),
        "reason": effect.reason,
    }  # fmt: skip


def _gains(ids: NDArray[np.str_], arms: NDArray[np.str_], column: str, truth: pd.DataFrame) -> NDArray[np.float64]:
    """What each attempt got more than it would have got from nothing being done; unknown ones are left out."""
    values = truth[column]
    got = values.reindex(list(zip(ids, arms, strict=True))).to_numpy()
    without = values.reindex([(each, "none") for each in ids]).to_numpy()
    gain = np.asarray(got - without, dtype=np.float64)
    return gain[~np.isnan(gain)]


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Over the findings that can be judged: how often the interval covers, and how far off on average."""
    found: dict[str, Any] = {}
    for outcome in JUDGED:
        own = [row for row in rows if row["outcome"] == outcome]
        naive = [row for row in own if row["naive_covers"] is not None]
        found[outcome] = {
            "findings": len(own),
            "covered": sum(row["covers"] for row in own),
            "naive_covered": sum(row["naive_covers"] for row in naive),
            "mean_error": _mean([row["estimate"] - row["truth"] for row in own]),
            "naive_mean_error": _mean([row["naive"] - row["truth"] for row in naive]),
            "mean_absolute_error": _mean([abs(row["estimate"] - row["truth"]) for row in own]),
            "naive_mean_absolute_error": _mean([abs(row["naive"] - row["truth"]) for row in naive]),
        }
    return found


def _saved(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The revenue saved by all playbooks together, net of cost: truth, estimate with interval, naive."""
    for row in rows:
        if (row["outcome"], row["arm"], row["level"]) == (MONEY, TOGETHER, "all") and row["estimate"] is not None:
            n = row["n"]
            return {
                "attempts": n, "truth_usd": row["truth_total"], "estimate_usd": row["estimate_total"],
                "low_usd": row["low"] * n, "high_usd": row["high"] * n, "covers": row["covers"],
                "naive_usd": row["naive_total"], "naive_covers": row["naive_covers"],
            }  # fmt: skip
    return None


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
