"""`amends offer`: ask for something of value for a customer, agree to it, refuse it, issue it once."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from amends.console import answer, fail
from amends.working import By, Json, actor, engine, refusals

app = typer.Typer(no_args_is_help=True, help="Offers: request, approve, refuse and issue them, within their caps.")
Code = Annotated[str, typer.Argument(help="Offer code as in the playbooks, such as refund_amount.")]


@app.command()
def request(
    case_id: str,
    offer: Code,
    amount: Annotated[str, typer.Argument(help="US dollars, such as 25 or 19.90.")],
    by: By = "",
    json_: Json = False,
) -> None:
    """Ask for an offer on a case; whoever must agree is told."""
    from casework import offering

    with refusals():
        role = offering.request(engine(), case_id, offer, _dollars(amount), by=actor(by))
    text = f"A {role} must agree; they have been told." if role else "It may be issued: amends offer issue."
    answer({"ok": True, "needs_role": role}, json_, text=text)


@app.command()
def approve(case_id: str, offer: Code, by: By = "", json_: Json = False) -> None:
    """Agree to an offer somebody else asked for; your role is the one HR knows."""
    from casework import offering

    with refusals():
        offering.approve(engine(), case_id, offer, by=actor(by))
    answer({"ok": True}, json_, text="Agreed. It may be issued: amends offer issue.")


@app.command()
def refuse(case_id: str, offer: Code, reason: Annotated[str, typer.Option()], by: By = "", json_: Json = False) -> None:
    """Say no to an offer that was asked for."""
    from casework import offering

    with refusals():
        offering.refuse(engine(), case_id, offer, by=actor(by), reason=reason)
    answer({"ok": True}, json_, text="Refused.")


@app.command()
def issue(case_id: str, offer: Code, by: By = "", json_: Json = False) -> None:
    """Issue an offer; prints the code that redeems it, once."""
    from casework import offering

    with refusals():
        code = offering.issue(engine(), case_id, offer, by=actor(by))
    answer({"ok": True, "redemption_code": code}, json_, text=f"Issued. Redemption code: {code}")


@app.command()
def show(case_id: str, json_: Json = False) -> None:
    """The offers of a case: how each stands, who asked for how much, and the code of an issued one."""
    from casework import offering

    with refusals():
        lines = offering.of_case(engine(), case_id)

    def text(_: dict[str, Any]) -> None:
        from amends.console import console

        for line in lines:
            who = f" by {line['asked_by']}" if line["asked_by"] else ""
            console.print(f"{line['offer_code']}: {line['state']}, {line['amount_usd']} USD{who}")
        if not lines:
            console.print("No offer on this case.")

    answer({"ok": True, "offers": lines}, json_, show=text)


def _dollars(amount: str) -> Decimal:
    try:
        return Decimal(amount)
    except InvalidOperation:
        fail(f"{amount} is no amount; write 25 or 19.90.")
