"""`amends api`: serve the case desk's REST API, and make, list and end the tokens that open it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from amends.console import answer, console, fail
from models.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="The case desk's REST API: serve it, and manage its tokens.")
token = typer.Typer(no_args_is_help=True, help="Tokens of the API. A token is shown once; only its hash is kept.")
app.add_typer(token, name="token")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


def _ready() -> None:
    from cases import services

    settings = load_settings()
    if not services.ledger_ready(settings):
        fail(f"There is no ledger in {settings.home} yet; `amends setup` makes one.")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Loopback unless a proxy with TLS stands before it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    served_as: Annotated[
        list[str] | None, typer.Option("--served-as", help="Host name clients use; repeat it.")
    ] = None,
) -> None:
    """Serve until interrupted. Answers to loopback names and to those given with --served-as, to no other."""
    import uvicorn

    from desk.asgi import application

    _ready()
    hosts = tuple(served_as or ())
    # Addresses may hold the token of a calendar feed, so they are not logged; the audit is in the ledger.
    uvicorn.run(
        application(load_settings(), hosts), host=host, port=port, access_log=False, server_header=False,
        date_header=False, log_level="warning", h11_max_incomplete_event_size=16_384, http="h11", ws="none",
        lifespan="off", timeout_keep_alive=5,
    )  # fmt: skip


@token.command("create")
def create(
    principal: Annotated[str, typer.Argument(help="Employee number, or the name of a machine.")],
    role: Annotated[str, typer.Argument(help="agent, team_lead, manager, director, cx_lead, qa, auditor, ...")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it opens the door.")] = 30,
    json_: Json = False,
) -> None:
    """Make a token. HR decides how far an HR role reaches: the token can only narrow it."""
    _ready()
    from cases import access

    now = datetime.now(UTC)
    try:
        made = access.issue_token(principal, role, at=now, expires_at=now + timedelta(days=days))
    except ValueError as error:
        fail(f"Refused: {error}.")
    ends = now + timedelta(days=days)
    document = {"ok": True, "token": made, "principal": principal, "role": role, "expires_at": ends.isoformat()}
    answer(document, json_, text=f"{made}\nShown once. It opens the desk as {role} {principal} until {ends:%Y-%m-%d}.")


@token.command("list")
def list_(json_: Json = False) -> None:
    """Every token made, newest first, by the beginning of its hash."""
    _ready()
    from cases import access

    rows = [asdict(info) for info in access.tokens()]

    def show(_: dict[str, Any]) -> None:
        table = Table("fingerprint", "principal", "role", "made", "ends", "revoked", box=None, header_style="bold")
        for row in rows:
            days = [str(row[name] or "")[:16] for name in ("created_at", "expires_at", "revoked_at")]
            table.add_row(row["fingerprint"], row["principal_id"], row["role"], *days)
        console.print(table if rows else "No token yet.")

    answer({"ok": True, "tokens": rows}, json_, show=show)


@token.command()
def revoke(
    fingerprint: Annotated[str, typer.Argument(help="At least 8 characters, as `amends api token list` shows.")],
    json_: Json = False,
) -> None:
    """End a token now."""
    _ready()
    from cases import access

    try:
        info = access.revoke_token(fingerprint, at=datetime.now(UTC))
    except access.UnknownToken as error:
        fail(f"{error}.")
    answer({"ok": True, "token": asdict(info)}, json_, text=f"The token of {info.principal_id} opens nothing any more.")
