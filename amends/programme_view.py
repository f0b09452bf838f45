"""A plan for a person: what differs, from when on it counts, which triggers come and go, which open cases it concerns.

Belongs here: words and layout. Not here: what is compared (`casework/programme_plan.py`).
"""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from amends.console import console

_SHOWN_CASES = 15


def show_plan(document: dict[str, Any]) -> None:
    """Print a plan; ends with its counts."""
    console.print(
        f"In force: [bold]{document['version']}[/]. The folder: [bold]{document['new_version']}[/].",
        soft_wrap=True,
    )
    if not document["changes"]:
        console.print(
            "The folder is what is in force."
            if document["is_same"]
            else "Only comments or layout differ; nothing changes."
        )
        return
    for change in document["changes"]:
        _line("  ", change["sentence"])
    console.print("\n[bold]From when on it counts[/]")
    for part, said in document["counts_from"].items():
        _line("  ", f"{part}: {said}")
    _show_triggers(document["triggers"])
    _show_touched(document["touched"])
    _show_counts(document)


def _line(indent: str, text: str) -> None:
    console.print(indent + escape(text), soft_wrap=True)


def _show_triggers(triggers: list[dict[str, Any]] | None) -> None:
    if not triggers:
        return
    console.print("\n[bold]Triggers over the evidence at hand[/]")
    for row in triggers:
        _line(
            "  ",
            f"{row['rule_id']}: {row['before']} -> {row['after']} ({row['gained']} more, {row['lost']} fewer); "
            f"{row['gained_recent']} of the new ones would be acted on, the others are history",
        )


def _show_touched(touched: list[dict[str, Any]]) -> None:
    by_what: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in touched:
        by_what.setdefault((row["what"], row["effect"]), []).append(row)
    for (what, effect), rows in sorted(by_what.items()):
        console.print(f"\n[bold]{what}: {_heading(len(rows), effect)}[/]")
        for row in rows[:_SHOWN_CASES]:
            _line("  ", f"{row['case_id']}  {_sentence(row)}")
        if len(rows) > _SHOWN_CASES:
            _line("  ", f"… and {len(rows) - _SHOWN_CASES} more (--json lists all)")


def _heading(number: int, effect: str) -> str:
    if effect == "moves":
        return f"{number} open {'case moves' if number == 1 else 'cases move'}"
    return f"{number} open {'case keeps what it has' if number == 1 else 'cases keep what they have'}"


def _sentence(row: dict[str, Any]) -> str:
    if row["effect"] == "moves":
        return f"moves: {row['old']} -> {row['new']}"
    if row["what"] == "rule":
        return f"opened by {row['old']}, which is {row['new']}"
    return f"keeps {row['old']}; opened under the new one it would be {row['new']}"


def _show_counts(document: dict[str, Any]) -> None:
    counts = document["counts"]
    console.print(
        f"\n{counts['changes']} {'change' if counts['changes'] == 1 else 'changes'}; {counts['cases_touched']} of "
        f"{counts['open_cases']} open cases touched, {counts['cases_moved']} with a due time that moves. "
        "Nothing is retroactive: a changed rule re-opens no past, promises made stay.",
        soft_wrap=True,
    )
    if document["refused"]:
        console.print(f"[red]✗[/] Applying would be refused: {escape(document['refused'])}.", soft_wrap=True)
    elif document["pending"]:
        _line("", f"Another version is set to take over: {document['pending']}.")
