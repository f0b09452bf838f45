"""`amends rules backtest` and `shadow`: what rules would have opened, and what shadow rules are finding now."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from amends.backtest_view import show_backtest, show_shadow
from amends.console import answer, fail
from models.settings import Settings, load_settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
# Long enough for rules that fire once a week, short enough that today's customers are those of then.
_DAYS = 90


def backtest(
    rules: Annotated[
        Path | None,
        typer.Option(help="Programme folder, or a folder of trigger files laid over the rules in force."),
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="First day, for example 2026-04-01 (UTC).")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Last day (UTC).")] = None,
    budget: Annotated[int | None, typer.Option(min=1, help="Immediate alerts per team and week.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Write the plots as PNG into this folder.")] = None,
    json_: Json = False,
) -> None:
    """Replay a past stretch under the folder's rules (drafts and shadows as if live) and under the live ones.

    Without --rules the draft and shadow rules of the programme in force are asked about. Without dates: the last 90 days.
    Nothing is opened, written down or sent; the replay has a throw-away ledger of its own.
    """
    from casework.backtest.apart import ReplayFailed
    from intake.programme import ProgrammeError

    settings = load_settings()
    if not (settings.handoff / "fct_signal.parquet").exists():
        fail("there is no evidence yet; `amends run` makes it")
    try:
        report = _run(settings, rules, _day(from_), _day(to), budget)
    except (ProgrammeError, ReplayFailed, ValueError) as error:
        fail(str(error))
    if plots is not None:
        report["plots"] = _draw(report, plots)
    answer(report, json_, show=show_backtest)


def _run(
    settings: Settings, rules: Path | None, begin: date | None, last: date | None, budget: int | None
) -> dict[str, Any]:
    from casework import moment
    from casework.backtest.report import DEFAULT_BUDGET, Request, backtest
    from casework.backtest.rule_sets import rule_sets
    from intake.watermark import resolve_as_of
    from ml.detection.encoder import LazyEncoder
    from ml.detection.replay import finder

    known = datetime.fromisoformat(f"{resolve_as_of(settings)}+00:00")
    last = last or known.date()
    request = Request(
        begin or last - timedelta(days=_DAYS - 1), last, known, budget or DEFAULT_BUDGET, _customers(settings)
    )
    folder = rules.expanduser().resolve() if rules else None
    sets = rule_sets(settings, folder, moment.now(settings))
    find = finder(
        settings.handoff, sets.programme.taxonomy, sets.programme.company.historic_after_days,
        encode=LazyEncoder(settings),
    )  # fmt: skip
    return backtest(settings, sets, request, find).report


def _customers(settings: Settings) -> Path | None:
    """Who left; None where the warehouse has handed nobody over yet."""
    path = settings.handoff / "dim_customer.parquet"
    return path if path.exists() else None


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        fail(f"{text} is no day: write it as 2026-04-01.")


def _draw(report: dict[str, Any], folder: Path) -> list[str]:
    from ml.detection.backtest_figures import FIGURES
    from ml.drawing import png

    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        (folder / f"{name}.png").write_bytes(png(draw(report)))
    return [f"{name}.png" for name in FIGURES]


def shadow(json_: Json = False) -> None:
    """What the shadow rules in force have found since they were applied: counted, never opened."""
    from casework import moment
    from casework.rules import rules_in_force
    from intake.watermark import resolve_as_of
    from ml.detection.shadow import shadow_counts
    from ml.outputs import read_output

    settings = load_settings()
    rules = {rule.id: rule for rule in rules_in_force(settings, moment.now(settings)).shadow}
    found = shadow_counts(
        read_output(settings.ml_outputs, "ml_detection__shadow"),
        read_output(settings.ml_outputs, "ml_detection__trigger"),
        rules,
        as_of=datetime.fromisoformat(f"{resolve_as_of(settings)}+00:00"),
    )
    rows = [asdict(row) | {"title": rules[row.rule_id].title} for row in found if row.rule_id in rules]
    answer({"ok": True, "rules": rows}, json_, show=show_shadow)
