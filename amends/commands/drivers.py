"""`amends drivers`: what goes with low and high scores, as a table and in sentences."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from amends.console import answer, console, fail
from models.settings import Settings, load_settings

app = typer.Typer(help="What goes with low and high scores: effect, interval and impact of themes and causes.")
_SENTENCES = 5


@app.callback(invoke_without_command=True)
def show(
    metric: Annotated[str, typer.Option(help="nps, csat, ces or rating; default: all.")] = "",
    level: Annotated[str, typer.Option(help="theme or cause; default: both.")] = "",
    contrast: Annotated[str, typer.Option(help="mentioned or experienced; default: both.")] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Print the drivers, largest impact first, and the sentences of those with a clear effect."""
    settings = load_settings()
    rows, stored = _rows(settings)
    known = {"metric": {row["metric"] for row in rows}, "level": {"theme", "cause"},
             "contrast": {"mentioned", "experienced"}}  # fmt: skip
    for name, value in (("metric", metric), ("level", level), ("contrast", contrast)):
        if value and value not in known[name]:
            fail(f"There is no {name} '{value}' here; there is {', '.join(sorted(known[name])) or 'none yet'}.")
        rows = [row for row in rows if not value or row[name] == value]
    rows.sort(
        key=lambda row: (row["metric"], row["contrast"], row["level"], -abs(row["impact"] or 0.0), row["subject_id"])
    )
    answer({"ok": True, "stored": stored, "drivers": rows}, json_, show=_show)


def _rows(settings: Settings) -> tuple[list[dict[str, Any]], bool]:
    """The drivers of the last run, and True; computed now from the classified signals, and False, when none is stored."""
    from ml.outputs import read_output

    found = read_output(settings.ml_outputs, "ml_root_cause__driver")
    if found.num_rows:
        return found.to_pylist(), True
    signals = settings.handoff / "fct_signal.parquet"
    if not signals.exists():
        fail(f"No signal is classified in {settings.home} yet; `amends demo` or `amends run` does that.")
    return _computed(settings, signals), False


def _computed(settings: Settings, signals: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    from casework import moment
    from casework.programme import active_programme
    from intake.watermark import resolve_as_of
    from ml.outputs import read_output
    from ml.root_cause.drivers import drivers

    topics = read_output(settings.ml_outputs, "ml_root_cause__topic").to_pylist()
    found = drivers(
        pq.read_table(signals),
        active_programme(settings, moment.now(settings)).programme.taxonomy,
        as_of=datetime.fromisoformat(f"{resolve_as_of(settings)}+00:00"),
        theme_names={row["theme_id"]: row["name"] for row in topics if row["theme_id"]},
        triggers=read_output(settings.ml_outputs, "ml_detection__trigger"),
    )
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _show(document: dict[str, Any]) -> None:
    rows = document["drivers"]
    if not rows:
        console.print("No answer carries both a score and a theme or cause yet.")
        return
    for question in sorted({(row["metric"], row["contrast"], row["level"]) for row in rows}):
        own = [row for row in rows if (row["metric"], row["contrast"], row["level"]) == question]
        _table(question, own)
    clear = [row for row in rows if row["verdict"] in ("lowers", "raises")]
    for row in sorted(clear, key=lambda row: row["impact"])[:_SENTENCES]:
        console.print(f"\n{row['sentence']}", soft_wrap=True, markup=False)
    if not clear:
        console.print("\nNothing has a clear effect on a score yet: intervals include zero, or too few customers.")


def _table(question: tuple[str, str, str], rows: list[dict[str, Any]]) -> None:
    metric, contrast, level = question
    scale = f"{rows[0]['scale_min']:g} to {rows[0]['scale_max']:g}"
    unknown = sum(row["effect"] is None for row in rows)
    table = Table(
        title=f"{metric}: {level}s {contrast} ({rows[0]['answers']:,} answers, scale {scale})", title_justify="left"
    )
    for heading in (level, "answers", "share", "effect (95 %)", "impact (95 %)", "q", "verdict"):
        table.add_column(heading, justify="left" if heading in (level, "verdict") else "right")
    for row in rows:
        if row["effect"] is not None:
            table.add_row(
                row["name"] or row["subject_id"], f"{row['n']:,}", f"{row['share']:.0%}",
                _interval(row, "effect", "low", "high"), _interval(row, "impact", "impact_low", "impact_high"),
                f"{row['q']:.3f}", row["verdict"],
            )  # fmt: skip
    if unknown < len(rows):
        console.print(table)
    if unknown:
        console.print(f"{metric}, {level}s {contrast}: not enough data for {unknown} of {len(rows)}.")


def _interval(row: dict[str, Any], value: str, low: str, high: str) -> str:
    return f"{row[value]:+.2f} ({row[low]:+.2f} to {row[high]:+.2f})"
