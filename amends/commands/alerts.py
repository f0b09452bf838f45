"""`amends alerts`: which alerts went out at once, which did not and why, and how much of each team's week is used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from amends.console import answer, console, fail
from amends.working import Json, engine, ledger

app = typer.Typer(no_args_is_help=True, help="Alerts to teams: sent, in the digest, grouped, held in a flood.")
Team = Annotated[str | None, typer.Option(help="Only this team.")]
Week = Annotated[str | None, typer.Option(help="Any day of the week meant (YYYY-MM-DD); default: this week.")]


@app.command("list")
def list_(team: Team = None, week: Week = None, json_: Json = False) -> None:
    """Every alert of a week with what became of it and the reason."""
    from dataclasses import asdict

    rows = [row for row in _rows(week) if team in (None, row.team)]
    document = {"ok": True, "alerts": [asdict(row) for row in rows]}

    def show(_: dict[str, Any]) -> None:
        for row in rows:
            console.print(
                f"{row.at:%Y-%m-%d %H:%M}  {row.team:<20} {row.case_id or '':<13} severity {row.severity}  "
                f"{row.state:<8} {row.reason or ''}",
                soft_wrap=True,
            )
        console.print(f"{len(rows)} alerts, {sum(row.is_withheld for row in rows)} of them not sent at once")

    answer(document, json_, show=show)


@app.command()
def budget(team: Team = None, week: Week = None, json_: Json = False) -> None:
    """Each team's week: budget, sent, in the digest, grouped, held; and how often each rule was right, with its interval."""
    from dataclasses import asdict

    company = engine()
    from cases import alerts_sent
    from casework.alerting import people_of
    from models.alerts import rule_precision
    from models.message import WITHHELD

    rows = [row for row in _rows(week) if team in (None, row.team)]
    teams: dict[str, dict[str, int]] = {}
    for code in sorted({row.team for row in rows}):
        own = [row for row in rows if row.team == code]
        counts: dict[str, int] = {state: sum(row.state == state for row in own) for state in WITHHELD}
        limit = company.programme.alerts.weekly_budget(people_of(company, code))
        teams[code] = {"budget": limit, "sent": sum(not row.is_withheld for row in own), **counts}
    rules = {rule: asdict(rule_precision(*found)) for rule, found in sorted(alerts_sent.ended_by_rule().items())}
    document = {"ok": True, "teams": teams, "rules": rules}

    def show(_: dict[str, Any]) -> None:
        for code, own in teams.items():
            console.print(
                f"{code:<22} {own['sent']:>4} sent of {own['budget']:>4}; {own['digest']} in the digest, {own['grouped']} grouped, "
                f"{own['held']} held", soft_wrap=True,
            )  # fmt: skip
        for rule, found in rules.items():
            share = (
                "unknown"
                if found["share"] is None
                else f"{found['share']:.0%} ({found['low']:.0%} to {found['high']:.0%})"
            )
            console.print(f"  rule {rule:<24} right in {share} of {found['n']} ended cases", soft_wrap=True)

    answer(document, json_, show=show)


def _rows(week: str | None) -> list[Any]:
    ledger()
    from cases import alerts_sent
    from casework.alerting import week_start

    try:
        day = datetime.now(UTC) if week is None else datetime.fromisoformat(week).replace(tzinfo=UTC)
    except ValueError:
        fail(f"{week} is no day: write it like 2026-01-05")
    begin = week_start(day)
    return [row for row in alerts_sent.all_since(begin) if row.at < begin + timedelta(days=7)]
