"""`amends case show` for a person: owner and why, clocks, playbook with alternatives, history; readable at any width.

Belongs here: words and layout. Not here: what is shown (`casework/view.py`).
"""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from amends.console import console

_SHOWN_EVENTS = 60


def show(document: dict[str, Any]) -> None:
    """Print one case."""
    _head(document)
    _incident(document)
    _owner(document["owner"])
    _clocks(document["clocks"], document["as_of"])
    _playbook(document["playbook"])
    _history(document["events"])


def _line(name: str, text: str) -> None:
    console.print(f"[bold]{name:<9}[/] {text}", soft_wrap=True)


def _head(document: dict[str, Any]) -> None:
    head, state = document["case"], document["state"]
    overdue = ", [bold red]overdue[/]" if document["is_overdue"] else ""
    _line(
        head["case_id"],
        f"{state['state']}{overdue}, severity {state['severity']}, {head['case_kind']}, version {state['version']}",
    )
    _line(
        "about",
        f"{head['subject_type']} {head['subject_id']}, cause {head['cause_id'] or 'unknown'}, "
        f"opened {str(state['opened_at'])[:16]} UTC",
    )


def _incident(document: dict[str, Any]) -> None:
    """The incident a case is part of, or whom an incident has hit."""
    if document["incidents"]:
        _line("part of", f"incident {', '.join(document['incidents'])}")
    if (hit := document["members"]) is not None:
        _line("affected", f"{hit['customers']} known customers, {hit['signals']} signals")
        if hit["first_customers"]:
            _line("", f"among them {escape(', '.join(hit['first_customers']))}")


def _owner(owner: dict[str, Any]) -> None:
    role = f" ({owner['role']})" if owner["role"] else ""
    _line("owner", f"{owner['owner_id'] or 'nobody'}{role}, team {owner['team'] or 'none'}")
    for reason in owner["why_team"]:
        _line("", f"why this team: {escape(str(reason))}")
    for reason in owner["why_me"]:
        _line("", f"why this owner: {escape(str(reason))}")
    if owner["why_nobody"]:
        _line("", owner["why_nobody"])
    if owner["away_until"]:
        _line("", f"away until {owner['away_until'][:16]} UTC")


def _clocks(clocks: list[dict[str, Any]], as_of: str) -> None:
    if not clocks:
        _line("clocks", "none: the case is under no target")
        return
    _line("clocks", f"as of {as_of[:16]} UTC")
    table = Table(
        "metric", "state", "target", "used", "left or over", "due (UTC)", "stopped", box=None, header_style="bold"
    )
    for clock in clocks:
        table.add_row(
            clock["metric"], clock["state"], f"{_hours(clock['target_seconds'])} {clock['clock']}",
            f"{_hours(clock['used_seconds'])} ({clock['share_used']:.0%})", _left(clock),
            str(clock["due_at"] or "unknown while paused")[:16], str(clock["stopped_at"] or "-")[:16],
        )  # fmt: skip
    console.print(table)


def _left(clock: dict[str, Any]) -> str:
    if clock["breach_seconds"]:
        return f"over by {_hours(clock['breach_seconds'])}"
    return f"{_hours(clock['seconds_left'])} left" if clock["seconds_left"] is not None else "-"


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:.1f} h"


def _playbook(playbook: dict[str, Any]) -> None:
    said = playbook["chosen"] or playbook["recommended"]
    if said is None:
        _line("playbook", f"{playbook['code'] or 'none recommended'}")
        return
    word = "chosen" if playbook["chosen"] else "recommended"
    title = f" ({playbook['title']})" if playbook["title"] else ""
    _line(
        "playbook",
        f"{playbook['code']}{title}, {word}: {escape(str(said.get('reason') or said.get('why') or 'no reason given'))}",
    )
    for arm in said.get("arms", ()):
        _line(
            "",
            f"{'->' if arm['code'] == playbook['code'] else 'or'} {arm['code']}, probability {float(arm['propensity']):.3f}",
        )
    _expected(playbook)
    for code, why in said.get("excluded", {}).items():
        _line("", f"not {code}: {escape(str(why))}")
    for step in playbook["steps"]:
        _line("", f"[{'x' if step['done'] else ' '}] {step['title']}".replace("[", "\\["))


def _expected(playbook: dict[str, Any]) -> None:
    """What the policy expects of what it recommended, and of what comes next to it; nothing where the rules decided."""
    if (effect := playbook["expected"]) is not None:
        interval = f"{_usd(effect['low_usd'])} to {_usd(effect['high_usd'])}"
        _line("expected", f"{_usd(effect['value_usd'])} more than '{effect['against']}', 95 % interval {interval}")
    if (second := playbook["second_best"]) is not None:
        _line("", f"next to it: {second['code']}, {_usd(second['value_usd'])}")
    if (side := playbook["roll_out"]) is not None:
        _line(
            "policy",
            f"{playbook['decided_by']}, as {side['side']} of {side['version']}: {escape(str(playbook['why']))}",
        )


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:+.2f} USD"


def _history(events: list[dict[str, Any]]) -> None:
    _line("history", f"{len(events)} events")
    for event in events[-_SHOWN_EVENTS:]:
        who = event["actor_id"] if event["actor_type"] != "system" else "engine"
        console.print(
            f"  {str(event['occurred_at'])[:16]}  {event['kind']:<20} {escape(who):<12} {_detail(event)}",
            soft_wrap=True,
        )


def _detail(event: dict[str, Any]) -> str:
    payload = event["payload"]
    wanted = (
        "owner_id",
        "team",
        "playbook_code",
        "severity",
        "reason",
        "metric",
        "level",
        "outcome_code",
        "note",
        "comment",
    )
    return escape(", ".join(f"{key} {payload[key]}" for key in wanted if payload.get(key) is not None))
