"""`amends case`: look at cases and walk one back to where it came from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from amends.console import answer, console, fail
from models.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Cases: list them, show one, explain where one came from.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


def _ledger() -> Any:
    from cases import conf, services

    settings = load_settings()
    if not settings.ledger_url and not settings.ledger_path.exists():
        fail(f"There is no ledger in {settings.home} yet; `amends setup` makes one, `amends demo` fills one.")
    conf.setup(settings)
    return services


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help="Only cases in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    json_: Json = False,
) -> None:
    """The newest cases first."""
    from models.case import State

    if state is not None and state not in list(State):
        fail(f"There is no state {state}; there are {', '.join(State)}.")
    rows = [asdict(row) for row in _ledger().list_cases(state=State(state) if state else None, limit=limit)]

    def show(_: dict[str, Any]) -> None:
        table = Table(
            "case", "opened", "kind", "state", "sev", "cause", "subject", "signals", box=None, header_style="bold"
        )
        table.columns[0].no_wrap = True
        for row in rows:
            subject = f"{row['subject_type']} {row['subject_id']}"
            opened = str(row["opened_at"])[:16]
            table.add_row(row["case_id"], opened, row["case_kind"], row["state"], str(row["severity"]),
                          row["cause_id"] or "unknown", subject, str(row["signals"]))  # fmt: skip
        console.print(table if rows else "No case yet.")

    answer({"ok": True, "cases": rows}, json_, show=show)


@app.command()
def explain(case_id: str, json_: Json = False) -> None:
    """Walk a case back to its trigger, signal, raw row, model version and Dagster run."""
    from amends.explain import explain_case, show

    _ledger()
    document = explain_case(load_settings(), case_id)
    if document is None:
        fail(f"There is no case {case_id}; `amends case list` names the newest.")
    answer(document, json_, show=show)


@app.command("show")
def show_(case_id: str, json_: Json = False) -> None:
    """State, owner and history of one case."""
    from cases.errors import UnknownCase

    try:
        found = _ledger().explain(case_id)
    except UnknownCase:
        fail(f"There is no case {case_id}; `amends case list` names the newest.")

    def show(document: dict[str, Any]) -> None:
        head, state = document["case"], document["state"]
        subject = f"{head['subject_type']} {head['subject_id']}"
        console.print(
            f"[bold]{head['case_id']}[/] {state['state']}, severity {state['severity']}, {head['cause_id'] or 'cause unknown'}"
        )
        console.print(f"about {subject}; team {state['team'] or 'none'}, owner {state['owner_id'] or 'nobody'}")
        for event in document["events"]:
            console.print(
                f"  {str(event['occurred_at'])[:16]}  {event['kind']:<20} {event['actor_type']}", soft_wrap=True
            )

    answer({"ok": True, **found}, json_, show=show)
