"""A backtest for a person: rules, teams, overlap, what comes and goes, and what the figures rest on.

Belongs here: words and layout. Not here: any figure (`casework/backtest`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from amends.console import console

_SHOWN = 10


def show_backtest(report: dict[str, Any]) -> None:
    """Print a report; ends with what it assumes."""
    live, asked, against = report["live"], report["candidate"], report["against"]
    console.print(
        f"[bold]{report['from']} to {report['to']}[/]: {asked['triggers']} triggers and {asked['cases']} cases under the "
        f"rules asked about ({_rate(asked['per_week'])} a week), {live['triggers']} and {live['cases']} under those in force "
        f"({_rate(live['per_week'])}).",
        soft_wrap=True,
    )
    if not report["is_complete"]:
        console.print(f"The evidence ends on {report['evidence_until'][:10]}: the last days are not all there.")
    if not report["knows_who_left"]:
        console.print("Nobody knows who left: the warehouse has handed no customers over yet.")
    console.print(_rules(report))
    console.print(_teams(report))
    _show_owners(asked)
    _show_overlap(asked["overlaps"])
    _show_change(against)
    _show_budget(asked["at_budget"])
    console.print("\n[bold]What this rests on[/]")
    for sentence in report["assumptions"]:
        console.print("  " + escape(sentence), soft_wrap=True)


def show_shadow(document: dict[str, Any]) -> None:
    """Print what each shadow rule found."""
    if not document["rules"]:
        console.print("No rule in force is in shadow.")
        return
    table = Table("rule", "since in shadow", "last week", "about", "no live rule has", "before it (history)")
    for row in document["rules"]:
        counts = (row["triggers"], row["last_week"], row["subjects"], row["new"], row["historic"])
        table.add_row(row["rule_id"], *(f"{count:,}" for count in counts))
    console.print(table)
    console.print("`amends rules backtest` says what cases they would open; --json lists the newest triggers.")


def _rules(report: Mapping[str, Any]) -> Table:
    table = Table("rule", "status", "triggers", "opens", "a week", "in force", "alone", "right of judged", "unknown",
                  "followed", "times usual", "days ahead", title="Rules", title_justify="left")  # fmt: skip
    before = {row["rule_id"]: row for row in report["live"]["rules"]}
    for row in report["candidate"]["rules"]:
        old = before.pop(row["rule_id"], None)
        table.add_row(*_rule(row, old))
    for row in before.values():
        table.add_row(row["rule_id"], "gone", "", "", "", _rate(row["per_week"]))
    return table


def _rule(row: Mapping[str, Any], old: Mapping[str, Any] | None) -> tuple[str, ...]:
    right, after, lead = row["precision"], row["followed"], row["lead_days"]
    return (
        row["rule_id"], row["status"], f"{row['triggers']:,}", f"{row['cases']:,}", _rate(row["per_week"]),
        _rate(old["per_week"]) if old else "", f"{row['alone']:,}",
        f"{_share(right)} of {right['right'] + right['wrong']}", f"{right['unknown']:,}",
        f"{_share(after)} of {after['n']}", _between(after["lift"], "{:.1f}"), _between(lead, "{:.0f}"),
    )  # fmt: skip


def _teams(report: Mapping[str, Any]) -> Table:
    table = Table("team", "cases", "a week", "in force", "units a week", "people", "cases a week each",
                  title="Load", title_justify="left")  # fmt: skip
    before = {row["team"]: row for row in report["live"]["teams"]}
    for row in report["candidate"]["teams"]:
        old = before.get(row["team"])
        table.add_row(
            row["team"], f"{row['cases']:,}", _rate(row["per_week"]), _rate(old["per_week"]) if old else "none",
            f"{row['units_per_week']:.1f}", str(row["members"]),
            "nobody present" if row["per_member"] is None else f"{row['per_member']:.2f}",
        )  # fmt: skip
    return table


def _show_owners(asked: Mapping[str, Any]) -> None:
    named = [f"{owner} {count}" for owner, count in list(asked["owners"].items())[:_SHOWN]]
    more = len(asked["owners"]) - len(named)
    said = ", ".join(named) + (f" and {more} more people" if more > 0 else "")
    console.print(
        f"Owners named by a source: {said or 'none'}; of {asked['owner_not_named']} cases nobody is named, and who would "
        "have had them depends on who was present with how much to do.", soft_wrap=True,
    )  # fmt: skip


def _show_overlap(rows: list[dict[str, Any]]) -> None:
    if rows:
        console.print("\n[bold]Rules that share cases[/]")
    for row in rows[:_SHOWN]:
        console.print(
            f"  {row['one']} and {row['other']}: {row['both']} cases of both ({row['jaccard']:.0%} of either; "
            f"{row['share_of_one']:.0%} and {row['share_of_other']:.0%} of each)", soft_wrap=True,
        )  # fmt: skip


def _show_change(against: Mapping[str, Any]) -> None:
    console.print("\n[bold]Against the rules in force[/]")
    console.print(
        f"  {against['gained']} cases gained, {against['lost']} lost, {against['kept']} in both, of which "
        f"{against['changed']} open at another time or elsewhere", soft_wrap=True,
    )  # fmt: skip
    for name in ("gained", "lost"):
        for row in against[f"{name}_cases"][:_SHOWN]:
            console.print(
                f"  {name} {row['case_id']} {row['opened_at'][:10]} {row['rule_id']} severity {row['severity']} "
                f"{row['team']}: {row['verdict']} ({row['reason']})", soft_wrap=True,
            )  # fmt: skip
        if len(against[f"{name}_cases"]) > _SHOWN:
            console.print(f"  and {len(against[f'{name}_cases']) - _SHOWN} more {name}; --json lists all")


def _show_budget(found: Mapping[str, Any]) -> None:
    within, beyond = found["within"], found["beyond"]
    console.print(
        f"\nAt {found['budget']} alerts a team and week: {_share(within)} right within it, {_share(beyond)} beyond it; "
        f"{found['weeks_over']} team weeks over it.", soft_wrap=True,
    )  # fmt: skip


def _rate(row: Mapping[str, Any]) -> str:
    return f"{row['value']:.1f} ({row['low']:.1f}-{row['high']:.1f})"


def _share(row: Mapping[str, Any]) -> str:
    return "unknown" if row["share"] is None else f"{row['share']:.0%} ({row['low']:.0%}-{row['high']:.0%})"


def _between(row: Mapping[str, Any], form: str) -> str:
    if row["value"] is None:
        return "unknown"
    if row["low"] is None:
        return form.format(row["value"])
    return f"{form.format(row['value'])} ({form.format(row['low'])}-{form.format(row['high'])})"
