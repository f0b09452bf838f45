"""`amends case`: look at cases, walk one back to where it came from, and work one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from amends.console import answer, console, fail
from amends.working import By, Json, actor, engine, ledger, refusals
from models.settings import load_settings

if TYPE_CHECKING:
    from models.case import CaseState, EventKind

app = typer.Typer(no_args_is_help=True, help="Cases: list, show, explain, open, assign, work and settle them.")
Version = Annotated[int | None, typer.Option("--version", help="The version you saw; refused if it has moved on.")]


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
    rows = [asdict(row) for row in ledger().list_cases(state=State(state) if state else None, limit=limit)]

    def show(_: dict[str, Any]) -> None:
        table = Table(
            "case", "opened", "kind", "state", "sev", "cause", "subject", "owner", "signals", box=None,
            header_style="bold",
        )  # fmt: skip
        table.columns[0].no_wrap = True
        for row in rows:
            subject = f"{row['subject_type']} {row['subject_id']}"
            opened = str(row["opened_at"])[:16]
            table.add_row(row["case_id"], opened, row["case_kind"], row["state"], str(row["severity"]),
                          row["cause_id"] or "unknown", subject, row["owner_id"] or "nobody", str(row["signals"]))  # fmt: skip
        console.print(table if rows else "No case yet.")

    answer({"ok": True, "cases": rows}, json_, show=show)


@app.command()
def explain(case_id: str, json_: Json = False) -> None:
    """Walk a case back to its trigger, signal, raw row, model version and Dagster run."""
    from amends.explain import explain_case, show

    ledger()
    document = explain_case(load_settings(), case_id)
    if document is None:
        fail(f"There is no case {case_id}; `amends case list` names the newest.")
    answer(document, json_, show=show)


@app.command("show")
def show_(case_id: str, json_: Json = False) -> None:
    """Owner and why, SLA clocks, playbook with alternatives, and history of one case."""
    from amends.case_view import show
    from casework.view import case_view

    with refusals():
        document = case_view(engine(), case_id)
    answer({"ok": True, **document}, json_, show=show)


@app.command()
def original(
    case_id: str,
    signal_id: Annotated[str, typer.Argument(help="A signal of the case; `amends case explain` names them.")],
    reason: Annotated[str, typer.Option(help="Why you need the words; kept with your name in the case's history.")],
    by: By = "",
    json_: Json = False,
) -> None:
    """The words of a signal before redaction, for the owner of the case only; every look is recorded."""
    from casework.originals import NoOriginal, OriginalErased, OriginalRefused, open_original

    with refusals():
        try:
            found = open_original(engine(), case_id, signal_id, actor=actor(by), reason=reason)
        except (OriginalRefused, OriginalErased, NoOriginal) as error:
            fail(f"Refused: {error}.")
    document = {"ok": True, "case_id": case_id, "signal_id": signal_id, "version": found.version, "texts": found.texts}

    def show(_: dict[str, Any]) -> None:
        for column, text in found.texts.items():
            console.print(f"[bold]{column}[/]")
            console.print(text, markup=False, highlight=False)

    answer(document, json_, show=show)


@app.command("open")
def open_(
    reason: Annotated[str, typer.Option(help="What happened, in your words (kept apart, erasable).")],
    severity: Annotated[int, typer.Option(min=1, max=4, help="1 is worst.")] = 3,
    customer: Annotated[str | None, typer.Option(help="Customer number.")] = None,
    about: Annotated[str | None, typer.Option(help="What it is about, such as ticket:123.")] = None,
    kind: Annotated[str, typer.Option(help="recovery, excellence or breakdown")] = "recovery",
    cause: str | None = None,
    journey: str | None = None,
    segment: str | None = None,
    branch: str | None = None,
    region: str | None = None,
    value: Annotated[float | None, typer.Option(help="Value of the customer, USD a year.")] = None,
    key: Annotated[str | None, typer.Option(help="Makes the call safe to repeat.")] = None,
    by: By = "",
    json_: Json = False,
) -> None:
    """Open a case by hand; it is routed and put under targets like any other."""
    from casework.moves import open_by_hand

    subject = tuple(about.split(":", 1)) if about and ":" in about else None
    if about and subject is None:
        fail("--about reads type:id, such as ticket:123.")
    with refusals():
        case_id = open_by_hand(
            engine(), actor=actor(by), reason=reason, severity=severity, customer_id=customer, kind=kind,
            cause_id=cause, journey=journey, subject=subject, value_usd=value, segment=segment, region=region,
            branch_id=branch, key=key,
        )  # fmt: skip
        state = ledger().state_of(case_id)
    _told(case_id, state, json_)


@app.command()
def assign(
    case_id: str,
    owner: Annotated[str, typer.Argument(help="Employee number.")],
    reason: Annotated[str, typer.Option(help="Why this person.")] = "assigned by hand",
    version: Version = None,
    by: By = "",
    json_: Json = False,
) -> None:
    """Give a case to a person, whatever the queue says."""
    from casework.assignment import assign_by_hand

    with refusals():
        state = assign_by_hand(engine(), case_id, owner, reason=reason, actor=actor(by), expected_version=version)
    _told(case_id, state, json_)


@app.command()
def act(
    case_id: str,
    event: Annotated[str, typer.Argument(help="What happened, such as work_started, contacted, note_added.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="key=value, may be repeated.")] = None,
    version: Version = None,
    by: By = "",
    json_: Json = False,
) -> None:
    """Record any other event of a case: work started, customer contacted or informed, waiting, note, escalation."""
    from models.case import SERVICE_KINDS, EventKind

    known = [str(kind) for kind in EventKind if kind not in SERVICE_KINDS]
    if event not in known:
        fail(f"There is no event {event}; there are {', '.join(known)}.")
    _move(case_id, EventKind(event), _pairs(set_ or []), version, by, json_)


@app.command()
def resolve(
    case_id: str,
    playbook: Annotated[str | None, typer.Option(help="The playbook that was used.")] = None,
    version: Version = None,
    by: By = "",
    json_: Json = False,
) -> None:
    """The problem is solved; the customer may still have to be told, the case to be closed."""
    from models.case import EventKind

    _move(case_id, EventKind.RESOLVED, {"playbook_code": playbook} if playbook else {}, version, by, json_)


@app.command()
def close(
    case_id: str,
    outcome: Annotated[str, typer.Option(help="Outcome code, such as in_favour, partial, declined.")],
    comment: Annotated[str, typer.Option(help="What was done (kept apart, erasable).")],
    cause: Annotated[str | None, typer.Option(help="Root cause you found; models learn from it.")] = None,
    version: Version = None,
    by: By = "",
    json_: Json = False,
) -> None:
    """End the work on a resolved case."""
    from models.case import EventKind

    found = {} if cause is None else {"cause_id": cause}
    _move(case_id, EventKind.CLOSED, {"outcome_code": outcome, "comment": comment, **found}, version, by, json_)


@app.command()
def tell(
    case_id: str,
    template: Annotated[
        str, typer.Argument(help="Message of the programme: acknowledgement, closure, ...")
    ] = "closure",
    set_: Annotated[list[str] | None, typer.Option("--set", help="field=words, may be repeated.")] = None,
    channel: Annotated[str | None, typer.Option(help="Another channel than the message's own.")] = None,
    key: Annotated[str, typer.Option(help="Another key is another message.")] = "1",
    by: By = "",
    json_: Json = False,
) -> None:
    """Queue a message to the customer in the programme's words; whether it may leave is decided when it is sent."""
    from casework import telling
    from models.template import MissingField

    with refusals():
        try:
            state = telling.tell_customer(
                engine(), case_id, template, _pairs(set_ or []), actor=actor(by), key=key, channel=channel
            )
        except MissingField as error:
            fail(f"Nothing is sent half-filled: {error.args[0]}. Give it with --set.")
        except KeyError as error:
            fail(f"There is no message {error}.")
    _told(case_id, state, json_)


@app.command()
def reopen(
    case_id: str, reason: Annotated[str, typer.Option()], version: Version = None, by: By = "", json_: Json = False
) -> None:
    """Work goes on; routing decides again who does it."""
    from models.case import EventKind

    _move(case_id, EventKind.REOPENED, {"reason": reason}, version, by, json_)


@app.command()
def merge(
    case_id: str,
    into: Annotated[str, typer.Option(help="The open case that goes on.")],
    version: Version = None,
    by: By = "",
    json_: Json = False,
) -> None:
    """Two cases are one matter: this one ends, the other goes on."""
    from models.case import EventKind

    _move(case_id, EventKind.MERGED, {"into": into}, version, by, json_)


@app.command()
def invalidate(
    case_id: str,
    reason: Annotated[str, typer.Option(help="Why it is no case: a label rules and models learn from.")],
    version: Version = None,
    by: By = "",
    json_: Json = False,
) -> None:
    """No case after all: leaves every clock and every owner's figures."""
    from models.case import EventKind

    _move(case_id, EventKind.INVALIDATED, {"reason": reason}, version, by, json_)


def _move(case_id: str, kind: EventKind, payload: dict[str, Any], version: int | None, by: str, as_json: bool) -> None:
    from casework import moves

    with refusals():
        state = moves.act(engine(), case_id, kind, payload, actor=actor(by), expected_version=version)
    _told(case_id, state, as_json)


def _pairs(items: list[str]) -> dict[str, Any]:
    """`key=value` options as a payload; whole numbers become numbers."""
    broken = [item for item in items if "=" not in item]
    if broken:
        fail(f"--set reads key=value, not {broken[0]}.")
    pairs = (item.split("=", 1) for item in items)
    return {key: int(value) if value.isdigit() and key == "severity" else value for key, value in pairs}


def _told(case_id: str, state: CaseState, as_json: bool) -> None:
    """The state after a move, in one line or as JSON."""
    document = {"ok": True, "case_id": case_id, "state": asdict(state)}
    text = f"[bold]{case_id}[/] is {state.state}, version {state.version}, owner {state.owner_id or 'nobody'}"
    answer(document, as_json, text=text)
