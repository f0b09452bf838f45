"""`amends outbox`: let messages out, see what waits for a person, decide about it, and say who must not be written to."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer
from rich.table import Table

from amends.console import answer, console, fail
from amends.working import By, Json, actor, engine, refusals

app = typer.Typer(no_args_is_help=True, help="Messages: send what is due, list them, decide about parked ones.")


@app.command()
def send(limit: Annotated[int, typer.Option(min=1)] = 2_000, json_: Json = False) -> None:
    """Send what is due; alerts at least once, messages to customers at most once."""
    from casework.delivery import send_due

    with refusals():
        report = asdict(send_due(engine(), limit=limit))
    text = ", ".join(f"{name} {count}" for name, count in report.items())
    answer({"ok": True, **report}, json_, text=text)


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help="Only messages in this state, such as parked or dead.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    json_: Json = False,
) -> None:
    """The newest messages first, without their words."""
    _show(state, limit, json_)


@app.command()
def parked(limit: Annotated[int, typer.Option(min=1)] = 50, json_: Json = False) -> None:
    """Messages of which nobody knows whether they left; `release` decides about one."""
    _show("parked", limit, json_)


def _show(state: str | None, limit: int, as_json: bool) -> None:
    engine()
    from cases import outbox_reading

    with refusals():
        rows = [asdict(row) for row in outbox_reading.lines(state, limit)]
        counts = outbox_reading.counts()

    def show(_: dict[str, Any]) -> None:
        table = Table(
            "no", "state", "to", "template", "case", "due (UTC)", "tries", "why", box=None, header_style="bold"
        )
        for row in rows:
            table.add_row(str(row["message_no"]), row["state"], f"{row['recipient_type']} {row['recipient_id']}",
                          row["template"], row["case_id"] or "-", str(row["not_before"])[:16], str(row["attempts"]),
                          row["why"] or "")  # fmt: skip
        console.print(table if rows else "No message.")
        console.print(", ".join(f"{name} {count}" for name, count in counts.items() if count))

    answer({"ok": True, "messages": rows, "counts": counts}, as_json, show=show)


@app.command()
def release(
    message_no: int,
    decision: Annotated[str, typer.Option(help="send-again, was-sent or drop")],
    reason: Annotated[str, typer.Option(help="How you know.")],
    by: By = "",
    json_: Json = False,
) -> None:
    """Decide about a parked message: nobody knows whether it left, so a person says."""
    now = engine().at
    from cases import outbox

    if decision not in get_args(outbox.Release):
        fail(f"--decision reads {', '.join(get_args(outbox.Release))}.")
    with refusals():
        state = outbox.release(message_no, cast(outbox.Release, decision), by=actor(by), reason=reason, now=now)
    answer({"ok": True, "state": state}, json_, text=f"Message {message_no} is {state}.")


@app.command()
def forbid(
    address: Annotated[str, typer.Option(prompt=True, help="Mail address or telephone number; asked for if left out.")],
    reason: Annotated[str, typer.Option()] = "asked not to be contacted",
    json_: Json = False,
) -> None:
    """Put an address on the do-not-contact list. Only a keyed hash is kept, so it outlives the person's erasure."""
    from casework import addresses

    with refusals():
        is_new = addresses.forbid(engine(), address, reason=reason)
    text = "Nobody writes to this address any more." if is_new else "It was on the list already."
    answer({"ok": True, "is_new": is_new}, json_, text=text)


@app.command()
def consent(
    customer_id: str,
    channel: Annotated[str, typer.Option(help="email, sms, phone, letter or another channel of the programme.")],
    purpose: Annotated[str, typer.Option(help="service, survey or marketing")],
    allowed: Annotated[bool, typer.Option("--yes/--no", help="What the customer said.")],
    source: Annotated[str, typer.Option(help="Where the customer said so.")] = "told us",
    json_: Json = False,
) -> None:
    """Note what a customer said about being contacted; the newest word counts."""
    now = engine()
    from cases import contacts

    with refusals():
        contacts.record_consent(
            customer_id, channel, purpose, is_allowed=allowed, since=now.at, recorded_at=now.recorded_at, source=source
        )
    answer({"ok": True}, json_, text="Noted.")


@app.command("after-restore")
def after_restore(json_: Json = False) -> None:
    """Run once after a backup was put back: park every customer message that may have left since it was taken."""
    now = engine()
    from cases import outbox

    count = outbox.park_after_restore(now.at)
    answer({"ok": True, "parked": count}, json_, text=f"{count} messages to customers wait for a person's word.")


@app.command()
def incident(
    name: Annotated[str, typer.Argument(help="What the incident is called; nobody is told twice about one.")],
    customers: Annotated[Path, typer.Option(exists=True, help="A file with one customer number a line.")],
    what_happened: Annotated[str, typer.Option(help="In our words.")],
    we_did: Annotated[str, typer.Option(help="In our words.")],
    json_: Json = False,
) -> None:
    """Tell everybody an incident touched, once; who has an open case hears from its owner instead."""
    now = engine()
    from casework import outreach

    numbers = [line.strip() for line in customers.read_text(encoding="utf-8").splitlines() if line.strip()]
    with refusals():
        report = asdict(outreach.tell_everybody(now, name, numbers, {"what_happened": what_happened, "we_did": we_did}))
    text = ", ".join(f"{key.replace('_', ' ')} {count}" for key, count in report.items())
    answer({"ok": True, **report}, json_, text=text)
