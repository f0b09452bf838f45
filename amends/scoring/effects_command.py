"""`amends world score effects`: estimate on a home, read its truth, show both.

Belongs here: reading stores and the table for people. Not here: any figure (`effects.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from amends.console import answer, console, fail
from amends.scoring.effects import effect_scores, true_outcomes
from amends.scoring.joined import NoTruth, truth_folder, world_of
from models.settings import load_settings

_SHARE = ("retained_90d", "recovered")


def score_effects(home: Path | None, truth: Path | None, *, as_json: bool) -> None:
    """Score a home against its truth; ends the command with a sentence where that cannot be done."""
    import pandas as pd
    import pyarrow.parquet as pq

    from ml.recovery.attempts import read_attempts
    from ml.recovery.study import estimates

    settings = load_settings()
    if home is not None:
        settings = settings.model_copy(update={"home": home.expanduser().resolve()})
    path = settings.handoff / "int_recovery_attempt.parquet"
    if not path.exists():
        fail(f"No attempt at recovery is known in {settings.home} yet; `amends demo` does that.")
    try:
        folder = truth_folder(settings, truth)
    except NoTruth as error:
        fail(f"{error}.")
    table = pq.read_table(path)
    attempts = read_attempts(table)
    names = ["resolution_id", "subject_type", "subject_id"]
    subjects = (
        table.select(["attempt_id", "resolution_id"])
        .to_pandas()
        .merge(pd.read_parquet(settings.handoff / "int_resolution.parquet", columns=names), on="resolution_id")
    )
    potential = pd.read_parquet(folder / "potential_outcome.parquet")
    true = true_outcomes(potential, subjects, usd_per_minute=_usd_per_minute(table))
    arms = pd.Series(attempts.arms).to_numpy()[attempts.arm]
    document = {"ok": True, "world": world_of(folder)}
    document |= effect_scores(estimates(attempts), attempts.ids, arms, true)
    answer(document, as_json, show=_show)


def _usd_per_minute(table: Any) -> float:
    """What a minute of work was reckoned at in the table itself."""
    import pyarrow.compute as pc

    minutes = pc.sum(table.column("handling_minutes")).as_py() or 0
    return float(pc.sum(table.column("effort_cost_usd")).as_py() or 0) / float(minutes) if minutes else 0.0


def _show(document: dict[str, Any]) -> None:
    saved = document["revenue_saved"]
    if saved is not None:
        console.print(
            f"Revenue saved by {saved['attempts']:,} attempts over 90 days, net of cost: truth ${saved['truth_usd']:,.0f}, "
            f"estimate ${saved['estimate_usd']:,.0f} (${saved['low_usd']:,.0f} to ${saved['high_usd']:,.0f}), "
            f"naive ${saved['naive_usd']:,.0f}"
        )
    for outcome in sorted({row["outcome"] for row in document["effects"]}):
        _table(outcome, [row for row in document["effects"] if row["outcome"] == outcome])
    for outcome, figures in document["summary"].items():
        console.print(
            f"{outcome}: {figures['covered']} of {figures['findings']} intervals hold the truth "
            f"(naive: {figures['naive_covered']})"
        )


def _table(outcome: str, rows: list[dict[str, Any]]) -> None:
    note = "; the truth is a state no survey sees, so it judges nobody" if outcome == "recovered" else ""
    table = Table(title=f"{outcome}{note}", title_justify="left")
    for heading in ("playbook", "part", "n", "truth", "estimate (95 %)", "holds", "naive (95 %)", "holds"):
        table.add_column(heading, justify="left" if heading in ("playbook", "part") else "right")
    for row in rows:
        part = "" if row["level"] == "all" else f"{row['level']} {row['subject']}"
        estimate = _told(outcome, row["estimate"], row["low"], row["high"]) or "not enough data"
        table.add_row(
            row["arm"], part, f"{row['n']:,}", _figure(outcome, row["truth"]), estimate, _holds(row["covers"]),
            _told(outcome, row["naive"], row["naive_low"], row["naive_high"]), _holds(row["naive_covers"]),
        )  # fmt: skip
    console.print(table)


def _told(outcome: str, value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return ""
    return f"{_figure(outcome, value)} ({_figure(outcome, low)} to {_figure(outcome, high)})"


def _figure(outcome: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:+.3f}" if outcome in _SHARE else f"{value:+,.2f}"


def _holds(covers: bool | None) -> str:
    return "" if covers is None else ("yes" if covers else "no")
