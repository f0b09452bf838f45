"""`amends staff`: who works where, and who is away."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from amends.console import answer, console, fail
from models.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="The people of the organisation: positions, teams, absences.")
absence = typer.Typer(no_args_is_help=True, help="Absences: nobody who is away is given a case.")
app.add_typer(absence, name="absence")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
By = Annotated[str, typer.Option("--by", envvar="AMENDS_ACTOR", help="Who says so; default: your login name.")]


def _engine() -> Any:
    from cases import services
    from casework.engine import start

    settings = load_settings()
    if not services.ledger_ready(settings):
        fail(f"There is no ledger in {settings.home} yet; `amends setup` makes one.")
    return start(settings)


@app.command("list")
def list_(
    team: Annotated[str | None, typer.Option(help="Only members of this team of the programme.")] = None,
    json_: Json = False,
) -> None:
    """Everybody with a position now: role, team, place, capacity, and until when who is away."""
    engine = _engine()
    wanted = engine.programme.teams.team(team) if team else None
    if team and wanted is None:
        fail(f"There is no team {team}; there are {', '.join(t.code for t in engine.programme.teams.teams)}.")
    rows = [
        _row(engine, held) for _, held in sorted(engine.org.on(engine.at).items()) if not wanted or wanted.has(held)
    ]

    def show(_: dict[str, Any]) -> None:
        table = Table("employee", "role", "teams", "branch", "region", "capacity", "away until", box=None,
                      header_style="bold")  # fmt: skip
        for row in rows:
            table.add_row(row["employee_id"], row["role"], ", ".join(row["teams"]), row["branch_id"] or "",
                          row["region"] or "", str(row["capacity_units"]), str(row["away_until"] or "")[:16])  # fmt: skip
        console.print(table if rows else "HR has told us of nobody yet; the next run takes them in.")

    answer({"ok": True, "as_of": engine.at, "staff": rows}, json_, show=show)


def _row(engine: Any, held: Any) -> dict[str, Any]:
    teams = [team.code for team in engine.programme.teams.teams if team.has(held)]
    said = asdict(held) | {"skills": sorted(held.skills), "teams": teams}
    return said | {"away_until": engine.org.away_until(held.employee_id, engine.at)}


@absence.command()
def add(
    employee: Annotated[str, typer.Argument(help="Employee number.")],
    start: Annotated[str, typer.Argument(help="First moment away: 2026-03-02T08:00+01:00, or a day (UTC).")],
    end: Annotated[str, typer.Argument(help="First moment back.")],
    key: Annotated[
        str | None, typer.Option(help="Key of your own (HR system's number); makes it safe to repeat.")
    ] = None,
    by: By = "",
    json_: Json = False,
) -> None:
    """Note that a person is away. Cases of long absences go back to the queue with the next round of assignment."""
    engine = _engine()
    from cases import people

    starts_at, ends_at = _moment(start), _moment(end)
    known = {position.employee_id for position in engine.org.positions}
    if known and employee not in known:
        fail(f"HR does not know {employee}; `amends staff list` names everybody.")
    name = key or f"{employee}|{starts_at.isoformat()}|{ends_at.isoformat()}"
    try:
        is_new = people.record_absence(
            name, employee, starts_at, ends_at, recorded_at=datetime.now(UTC), by=by or getpass.getuser()
        )
    except ValueError as error:
        fail(f"Refused: {error}.")
    text = f"{employee} is away until {ends_at:%Y-%m-%d %H:%M} UTC ({'noted' if is_new else 'known'} as {name})."
    answer({"ok": True, "key": name, "is_new": is_new}, json_, text=text)


@absence.command()
def withdraw(key: Annotated[str, typer.Argument()], by: By = "", json_: Json = False) -> None:
    """Take an absence back."""
    _engine()
    from cases import people

    try:
        people.withdraw_absence(key, recorded_at=datetime.now(UTC), by=by or getpass.getuser())
    except people.UnknownAbsence:
        fail(f"There is no absence {key}; `amends staff absence list` names them.")
    answer({"ok": True, "key": key}, json_, text=f"The absence {key} is withdrawn.")


@absence.command("list")
def absences(json_: Json = False) -> None:
    """Absences that stand, in the order they were told."""
    _engine()
    from cases import people

    rows = [
        {"key": told.key, **asdict(told.absence), "recorded_by": told.recorded_by}
        for told in people.absences(datetime.now(UTC))
    ]

    def show(_: dict[str, Any]) -> None:
        for row in rows:
            console.print(f"{row['key']}: {row['employee_id']} {row['starts_at']} to {row['ends_at']}", soft_wrap=True)
        if not rows:
            console.print("Nobody is known to be away.")

    answer({"ok": True, "absences": rows}, json_, show=show)


def _moment(said: str) -> datetime:
    """An instant, or midnight UTC of a day; a time without a zone is refused, because it names several instants."""
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        fail(f"{said} is no day and no moment; write 2026-03-02 or 2026-03-02T08:00+01:00.")
    if found.tzinfo is None and len(said) > 10:
        fail(f"{said} has no time zone; add it, as in 2026-03-02T08:00+01:00.")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
