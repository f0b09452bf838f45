"""`amends rules`: the trigger rules of the active programme, checked and tried on their own examples."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from amends.commands.rules_backtest import backtest, shadow
from amends.console import answer, console
from models.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="The trigger rules of the active programme.")
app.command()(backtest)
app.command()(shadow)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


@app.command()
def check(json_: Json = False) -> None:
    """Validate every file of the programme; an invalid one is named with its line and reason."""
    from intake.programme import ProgrammeError, load_programme

    folder = load_settings().programme_dir
    try:
        programme = load_programme(folder)
    except ProgrammeError as error:
        answer({"ok": False, "error": str(error)}, json_, text=f"[red]✗[/] {error}")
        raise typer.Exit(1) from error
    document = {
        "ok": True,
        "programme": programme.company.title,
        "rules": [{"id": rule.id, "status": str(rule.status), "title": rule.title} for rule in programme.triggers],
    }

    def show(found: dict[str, Any]) -> None:
        for rule in found["rules"]:
            console.print(f"[green]✓[/] {rule['id']:<32} {rule['status']:<8} {rule['title']}", soft_wrap=True)

    answer(document, json_, show=show)


@app.command()
def test(json_: Json = False) -> None:
    """Run the examples written inside the rules (given these signals, does a case open?)."""
    from intake.programme import load_programme
    from ml.detection.triggers import failing_rule_tests

    rules = load_programme(load_settings().programme_dir).triggers
    failures, examples = failing_rule_tests(rules), sum(len(rule.tests) for rule in rules)
    document = {"ok": not failures, "examples": examples, "failures": failures}

    def show(_: dict[str, Any]) -> None:
        for failure in failures:
            console.print(f"[red]✗[/] {failure}", soft_wrap=True)
        console.print(f"{examples - len(failures)} of {examples} examples hold.")

    answer(document, json_, show=show)
    raise typer.Exit(1 if failures else 0)
