"""`amends effect`: what recovery saved, as a page and as figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from amends.console import answer, console, fail
from amends.effect_page import TITLES, page
from ml.recovery.attempts import TOGETHER
from ml.recovery.study import ASSUMPTIONS
from models.settings import Settings, load_settings

app = typer.Typer(
    no_args_is_help=True, help="What recovery saved: effects of playbooks with intervals, and why to believe them."
)
PAGE = "effect_report.html"


@app.callback()
def _group() -> None:
    """Keep the report a named command while it is the only one."""


@app.command()
def report(
    out: Annotated[Path | None, typer.Option(help="Where the page goes; default: reports/ of the home.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Write a readable page with plots: question, estimate, interval, diagnostics, what would change our mind."""
    settings = load_settings()
    tables = _tables(settings)
    target = (out or settings.home / "reports" / PAGE).expanduser().resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(tables, ASSUMPTIONS), encoding="utf-8")
    document = {
        "ok": True,
        "page": str(target),
        "effects": tables["ml_recovery__effect"],
        "assumptions": list(ASSUMPTIONS),
    }
    answer(document, json_, show=_show)


def _tables(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """The newest study; ends the command where there is none."""
    from ml.outputs import read_output
    from ml.recovery.tables import RECOVERY_OUTPUTS

    if not (settings.ml_outputs / "ml_recovery__effect.parquet").exists():
        fail(f"Nothing was estimated in {settings.home} yet; `amends demo` or `amends run` does that.")
    return {name: read_output(settings.ml_outputs, name).to_pylist() for name in RECOVERY_OUTPUTS if "case" not in name}


def _show(document: dict[str, Any]) -> None:
    rows = [row for row in document["effects"] if row["level"] == "all"]
    rows.sort(key=lambda row: (list(TITLES).index(row["outcome"]), row["arm"] != TOGETHER, row["arm"]))
    table = Table(title="What playbooks do, against nothing done", title_justify="left")
    for heading in ("outcome", "playbook", "estimate (95 %)", "naive (95 %)", "attempts", "standing"):
        table.add_column(
            heading, justify="right" if heading in ("estimate (95 %)", "naive (95 %)", "attempts") else "left"
        )
    for row in rows:
        told = "" if row["point"] is None else f"{row['point']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})"
        ends = "" if row["naive"] is None else f" ({row['naive_low']:+.2f} to {row['naive_high']:+.2f})"
        naive = "" if row["naive"] is None else f"{row['naive']:+.2f}{ends}"
        table.add_row(row["outcome"], row["arm"], told, naive, f"{row['n_overlap']:,}", row["standing"])
    console.print(table)
    console.print(f"The page: {document['page']}", soft_wrap=True)
