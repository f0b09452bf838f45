"""What MLflow is told about recovery: one run per question of the study, one for the policy, one for comparing owners.

Belongs here: turning a study into tracked runs. Not here: MLflow itself (`ml/tracking.py`), any figure (`study.py`).
Nothing here names a customer or holds a text of theirs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ml.recovery.figures import all_figures, policy_figure, words
from ml.recovery.funnel_plot import funnel_figure
from ml.recovery.study import ASSUMPTIONS, HORIZON_DAYS, Study
from ml.tracking import Tracker

if TYPE_CHECKING:
    from ml.tracked_run import TrackedRun

EXPERIMENT = {
    "net_margin_90d": "recovery-effect-margin",
    "retained_90d": "recovery-effect-retention",
    "recovered": "recovery-effect-recovered",
}
_SHOWN = ("arm", "level", "subject", "n_treated", "n_overlap", "point", "low", "high", "naive", "naive_low", "naive_high",
          "total", "total_low", "total_high", "q", "standing")  # fmt: skip


def track_study(tracker: Tracker, study: Study, tags: Mapping[str, str]) -> list[str]:
    """One run per outcome; returns the addresses of those that could be written."""
    runs = []
    for outcome, experiment in EXPERIMENT.items():
        effects = [row for row in study.tables["ml_recovery__effect"].to_pylist() if row["outcome"] == outcome]
        checks = [row for row in study.tables["ml_recovery__diagnostic"].to_pylist() if row["outcome"] == outcome]
        if not effects:
            continue
        with tracker.run(experiment, f"{study.as_of:%Y-%m-%d}", tags=tags) as run:
            _tell(run, outcome, effects, checks)
        if run.path:
            runs.append(run.path)
    return runs


def track_policy(
    tracker: Tracker, tables: Mapping[str, pa.Table], as_of: datetime, tags: Mapping[str, str]
) -> str | None:
    """One run for the policy learned, with every value it was judged by and its curve; None when nothing was learned."""
    policy, values, points = (
        tables[f"ml_recovery__{name}"].to_pylist() for name in ("policy", "policy_value", "policy_curve")
    )
    if not policy:
        return None
    head = policy[0]
    with tracker.run("playbook-policy", head["policy_id"], tags={**tags, "policy_id": head["policy_id"]}) as run:
        run.log_params(
            {name: head[name] for name in ("method", "candidate", "learned_from_attempts", "learned_from_customers")}
        )
        for row in values:
            if row["value"] is not None and row["estimator"] != "held_out":
                name = "_".join(str(row[part]) for part in ("outcome", "policy", "against", "estimator") if row[part])
                run.log_metrics({name: row["value"], f"{name}_low": row["low"], f"{name}_high": row["high"]})
        run.log_metrics({"is_passed": float(bool(head["is_passed"]))})
        run.log_table("values.json", _columns(values))
        run.log_table("leaves.json", _columns(policy))
        if (figure := policy_figure(points)) is not None:
            run.log_figure("policy_curve.png", figure)
        gates = "\n".join(
            f"- {'holds' if g['passed'] else 'FAILS'}: {g['name']}: {g['why']}" for g in json.loads(head["gates"])
        )
        run.log_text("card.md", f"## Why this policy\n\n{head['why']}\n\n## Gates\n\n{gates}\n\n## Not for\n\n"
                     "- Cases its leaves leave to the rules; severity 1, unknown severity, the vulnerable.\n")  # fmt: skip
    return run.path


def track_owners(tracker: Tracker, owners: pa.Table, as_of: datetime, tags: Mapping[str, str]) -> str | None:
    """One run for the comparison, with a funnel for each outcome; units are ids, and hidden owners are in their team."""
    rows = owners.to_pylist()
    if not rows:
        return None
    with tracker.run("owner-comparison", f"{as_of:%Y-%m-%d}", tags=tags) as run:
        for outcome in sorted({row["outcome"] for row in rows}):
            own = [row for row in rows if row["outcome"] == outcome]
            flagged = sum("beyond chance" in row["verdict"] for row in own)
            run.log_metrics({f"{outcome}_units": len(own), f"{outcome}_beyond_chance": flagged})
            if (figure := funnel_figure(rows, outcome)) is not None:
                run.log_figure(f"funnel_{outcome}.png", figure)
        run.log_table("comparison.json", _columns(rows))
    return run.path


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {
        name: [str(row[name]) if name.endswith("_at") or name == "as_of" else row[name] for row in rows]
        for name in rows[0]
    }


def _tell(run: TrackedRun, outcome: str, effects: list[dict[str, Any]], checks: list[dict[str, Any]]) -> None:
    run.log_params({"outcome": outcome, "horizon_days": HORIZON_DAYS, "method": effects[0]["method"],
                    "estimand": effects[0]["estimand"], "reference": effects[0]["reference"]})  # fmt: skip
    for row in effects:
        if row["level"] == "all":
            figures = {name: row[name] for name in ("point", "low", "high", "naive", "total", "n_overlap", "n_trimmed")}
            run.log_metrics({f"{row['arm']}_{name}": value for name, value in figures.items() if value is not None})
    failed = sum(check["is_passed"] is False for check in checks)
    run.log_metrics({"checks_failed": failed, "checks": sum(check["is_passed"] is not None for check in checks)})
    run.log_table("effects.json", {name: [row[name] for row in effects] for name in _SHOWN})
    names = [name for name in checks[0] if name not in ("diagnostic_id", "as_of")] if checks else []
    run.log_table("diagnostics.json", {name: [row[name] for row in checks] for name in names})
    for name, figure in all_figures(effects, checks).items():
        run.log_figure(f"{name}.png", figure)
    run.log_text("card.md", card(outcome, effects, checks))
    digest = hashlib.sha256(repr([(row["effect_id"], row["n"], row["point"]) for row in effects]).encode()).hexdigest()
    run.log_dataset("int_recovery_attempt", digest=digest, rows=max(row["n"] for row in effects),
                    columns=["playbook_code", "covariates", outcome], context="estimation")  # fmt: skip


def card(outcome: str, effects: list[dict[str, Any]], checks: list[dict[str, Any]]) -> str:
    """The model card: question, findings in words, what fails, assumptions, what it must not be used for."""
    found = [row["sentence"] for row in effects if row["level"] == "all"]
    wrong = [row["sentence"] for row in checks if row["is_passed"] is False]
    minds = [row["sentence"] for row in checks if row["check_name"] == "change_of_mind"]
    parts = {
        "Question": [f"What does each playbook change in {words(outcome)}, against nothing being done?"],
        "Findings": found,
        "What failed": wrong or ["No diagnostic failed."],
        "What would change our mind": minds or ["Nothing was found that could not be told at all."],
        "Assumptions": list(ASSUMPTIONS),
        "Not for": [
            "Judging a single employee or deciding about a single customer: these are averages over many cases.",
            "Cases unlike those within overlap: nothing is known of them.",
        ],
    }
    return "\n".join(
        f"## {title}\n\n" + "\n".join(f"- {line}" for line in lines) + "\n" for title, lines in parts.items()
    )
