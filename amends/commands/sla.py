"""`amends sla`: one tick of the clocks, and how they stand."""

from __future__ import annotations

from dataclasses import asdict

import typer

from amends.console import answer
from amends.working import Json, engine

app = typer.Typer(no_args_is_help=True, help="Clocks: reminders, escalations, expiry and digests that are due.")


@app.command()
def tick(json_: Json = False) -> None:
    """Write down what the clocks ask for now. Safe to run at any time and as often as you like."""
    from casework import ticks

    now = engine()
    report = asdict(ticks.run(now))
    text = (
        f"as of {now.at:%Y-%m-%d %H:%M} UTC: {report['cases']} cases under a clock, {report['breached']} clocks breached, "
        f"{report['at_risk']} at risk; {report['reminders']} reminders, {report['escalations']} escalations, "
        f"{report['expired']} expired, {report['digests']} digests"
    )
    answer({"ok": True, "as_of": now.at.isoformat(), **report}, json_, text=text)


@app.command()
def assign(json_: Json = False) -> None:
    """One round of assignment: cases of absent owners return to the queue, waiting ones go to present people."""
    from casework import assignment

    report = asdict(assignment.run(engine()))
    waits = report["unassigned"]
    text = f"{report['assigned']} assigned, {report['released']} released, {report['expired']} expired, {len(waits)} still wait"
    reasons = sorted(set(waits.values()))
    answer({"ok": True, **report}, json_, text="\n".join([text, *(f"  {reason}" for reason in reasons)]))
