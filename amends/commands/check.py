"""`amends check`: ask an installation whether what must always hold holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from amends.console import answer, console, fail
from models.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Ask whether what must always hold holds.")


@app.callback()
def _group() -> None:
    """Ask whether what must always hold holds."""


@app.command()
def invariants(json_: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Check ledger, outbox, offers, deliveries, models, published build, scopes and leftovers; exit code 1 if one is broken."""
    from amends.invariants import check
    from cases import services
    from intake.programme import ProgrammeError

    settings = load_settings()
    if not services.ledger_ready(settings):
        fail("There is no ledger of this version yet; `amends setup` makes one.")
    try:
        report = check(settings)
    except ProgrammeError as error:
        fail(f"No programme is in force and the folder's is invalid: {error}")
    answer(report, json_, show=_show)
    raise typer.Exit(0 if report["ok"] else 1)


def _show(report: dict[str, Any]) -> None:
    for name, found in report["invariants"].items():
        mark = "[green]✓[/]" if found["ok"] else "[red]✗[/]"
        console.print(f"{mark} {name:<4}{found['what']} ({found['checked']:,} checked)", soft_wrap=True)
        for line in (*found["problems"], *found["notes"]):
            console.print(f"      {line}", soft_wrap=True, markup=False)
    console.print(f"  {', '.join(report['left_to_tests'])} is left to the tests.")
    console.print("Everything holds." if report["ok"] else "[bold red]Something is broken (see above).[/]")
