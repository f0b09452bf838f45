"""The backtest of the programme's own draft and shadow rules, told as tables and plots.

Belongs here: calling finding, opening and drawing once on the stores. Not here: any of the three (`ml/detection`,
`casework/backtest`), or when it runs (`orchestration/defs/backtest.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from intake.watermark import resolve_as_of
from models.settings import Settings
from orchestration import watermark

REPORT = "rule_backtest.json"
_SHOWN = 50


def run_backtest(settings: Settings, *, days: int, budget: int, folder: Path | None = None) -> dict[str, Any]:
    """Try a folder's rules, or those in force with drafts and shadows, on the last days; returns metadata, keeps the report.

    Raises as `casework.backtest.rule_sets.rule_sets` and `casework.backtest.report.backtest`.
    """
    from casework import moment
    from casework.backtest.report import Request, backtest
    from casework.backtest.rule_sets import rule_sets
    from ml.detection.encoder import LazyEncoder
    from ml.detection.replay import finder

    known = datetime.fromisoformat(f"{resolve_as_of(settings)}+00:00")
    customers = settings.handoff / "dim_customer.parquet"
    sets = rule_sets(settings, folder, moment.now(settings))
    request = Request(
        known.date() - timedelta(days=days - 1), known.date(), known, budget, customers if customers.exists() else None
    )
    find = finder(
        settings.handoff, sets.programme.taxonomy, sets.programme.company.historic_after_days,
        encode=LazyEncoder(settings),
    )  # fmt: skip
    report = backtest(settings, sets, request, find).report
    settings.state.mkdir(parents=True, exist_ok=True)
    watermark.write_json(settings.state / REPORT, report)
    return metadata(report)


def metadata(report: dict[str, Any]) -> dict[str, Any]:
    """The report as people see it in the graph: counts, a table by rule, what comes and goes, four plots."""
    from ml.detection.backtest_figures import FIGURES
    from ml.drawing import inline

    against = report["against"]
    told: dict[str, Any] = {
        "stretch": f"{report['from']} to {report['to']}",
        "programme": report["programme"],
        **{f"cases_{name}": report[name]["cases"] for name in ("live", "candidate")},
        **{name: against[name] for name in ("gained", "lost", "kept", "changed")},
        "rules": dg.MetadataValue.table([_rule_line(row) for row in report["candidate"]["rules"]]),
        "rests_on": dg.MetadataValue.md("\n".join(f"- {sentence}" for sentence in report["assumptions"])),
    }
    for name in ("gained_cases", "lost_cases"):
        if against[name]:
            told[name] = dg.MetadataValue.table([_case_line(row) for row in against[name][:_SHOWN]])
    for name, draw in FIGURES.items():
        told[f"plot_{name}"] = dg.MetadataValue.md(f"![{name.replace('_', ' ')}]({inline(draw(report))})")
    return told


def _rule_line(row: dict[str, Any]) -> dg.TableRecord:
    rate, right = row["per_week"], row["precision"]
    return dg.TableRecord(
        {
            "rule": row["rule_id"], "status": row["status"], "triggers": row["triggers"], "cases": row["cases"],
            "a week": f"{rate['value']:.1f} ({rate['low']:.1f}-{rate['high']:.1f})", "alone": row["alone"],
            "right": right["right"], "wrong": right["wrong"], "unknown": right["unknown"],
        }
    )  # fmt: skip


def _case_line(row: dict[str, Any]) -> dg.TableRecord:
    names = ("case_id", "rule_id", "opened_at", "team", "severity", "signal_id", "verdict")
    return dg.TableRecord({name: row[name] for name in names})
