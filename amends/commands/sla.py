"""`amends sla`: one tick of the clocks, and how they stand."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from amends.console import answer
from amends.working import Json, engine

if TYPE_CHECKING:
    from ml.early_warning.foretell import Forecast

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


@app.command()
def forecast(
    limit: Annotated[int, typer.Option(min=1, help="How many cases to list, likeliest first.")] = 20,
    json_: Json = False,
) -> None:
    """Which open cases are likely to miss their time to resolve, and how many to expect per team."""
    from casework.targets import read_presence, read_targets
    from ml.early_warning.foretell import forecast as foretell
    from ml.store import ModelStore

    now = engine()
    targets = read_targets(now)
    presence = read_presence(now, targets)
    store = ModelStore(now.settings.model_store)
    found = foretell(targets, store=store, as_of=now.at, presence=presence, keep=False)
    document = {
        "ok": True,
        "as_of": now.at.isoformat(),
        "model_id": found.in_use.model_id,
        "reason": found.in_use.reason,
        "missed_already": found.missed_already,
        "teams": {team: asdict(expected) for team, expected in found.teams.items()},
        "cases": found.rows[:limit],
    }
    answer(document, json_, text=_told(found, limit))


def _told(found: Forecast, limit: int) -> str:
    if found.in_use.model is None:
        return f"no forecast: {found.in_use.reason}; {found.missed_already} open cases have missed their time already"
    model = found.in_use.model_id or found.in_use.reason
    lines = [f"model {model}; {found.missed_already} open cases have missed their time already"]
    lines += [
        f"  {team}: {told.expected:.1f} of {told.cases} open cases will miss it ({told.low} to {told.high})"
        for team, told in found.teams.items()
    ]
    lines += [
        f"  {row['case_id']}  {row['probability']:.0%} ({row['low']:.0%} to {row['high']:.0%})  due "
        f"{row['due_at']:%Y-%m-%d %H:%M} UTC  {row['reasons']}"
        for row in found.rows[:limit]
    ]
    return "\n".join(lines)
