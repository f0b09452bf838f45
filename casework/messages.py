"""Messages in the programme's words: who is told what about a case, with a key that makes each exist once.

Belongs here: filling the templates of `programme/<company>/messages` for the engine's own occasions. Not here: template
rules (`models/template.py`), whether a message may leave (`models/contact.py`), sending (`casework/delivery.py`). A
template that lacks a value is never sent half-filled: `MissingField` names what is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from casework.engine import Engine
from models.clocks import SlaClock
from models.escalation import Recipient, Step
from models.facts import TriggerFact
from models.message import OutgoingMessage, RecipientType
from models.template import Value, render, render_subject

if TYPE_CHECKING:
    from cases.alerts_sent import Sent
    from cases.queue import OpenCase

METRIC_WORDS = {
    "first_action": "the first action",
    "update": "the next word to the customer",
    "resolve": "the solution",
    "inform_customer": "telling the customer",
    "acknowledge": "acknowledging the complaint",
    "final_response": "the final response",
}
_DIGEST_LINES = 20


def compose(
    engine: Engine,
    code: str,
    *,
    key: str,
    recipient: tuple[RecipientType, str],
    values: Mapping[str, Value | None],
    case_id: str | None,
    severity: int = 4,
    not_before: datetime | None = None,
    channel: str | None = None,
) -> OutgoingMessage:
    """One message from a template of the programme. Raises `MissingField`, `TemplateFault`, or `KeyError`."""
    text = engine.programme.message(code)
    filled = {"company": engine.programme.company.title, "case_reference": case_id, "severity": severity, **values}
    return OutgoingMessage(
        key=key, delivery=text.head.delivery, purpose=text.head.purpose, channel=channel or text.head.channel,
        recipient_type=recipient[0], recipient_id=recipient[1], template=code,
        template_version=text.version_hash[:12], not_before=not_before or engine.at, case_id=case_id,
        severity=severity, subject=render_subject(text.head.subject, filled), body=render(text.body, filled),
    )  # fmt: skip


def opened(engine: Engine, trigger: TriggerFact, case_id: str, team: str | None) -> OutgoingMessage | None:
    """The first word to the team; None where no team was found."""
    if team is None:
        return None
    values: dict[str, Value | None] = {"team": team, "reason": f"rule {trigger.rule_id}"}
    return compose(
        engine, "opened", key=f"{case_id}|opened", recipient=("team", team), values=values, case_id=case_id,
        severity=trigger.severity, not_before=in_hours(engine, team, trigger.severity),
    )  # fmt: skip


def assigned(engine: Engine, case: OpenCase, owner_id: str, reasons: Sequence[str] = ()) -> OutgoingMessage:
    """The word to a new owner."""
    state = case.state
    return compose(
        engine, "assigned", key=f"{case.case_id}|assigned|{state.version}|{owner_id}", recipient=("employee", owner_id),
        values={"team": state.team or "none", "reason": "; ".join(reasons) or "assigned"}, case_id=case.case_id,
        severity=state.severity, not_before=in_hours(engine, state.team, state.severity),
    )  # fmt: skip


def step(engine: Engine, case: OpenCase, due: Step) -> OutgoingMessage:
    """A reminder or an escalation that is due."""
    values: dict[str, Value | None] = {
        "metric": METRIC_WORDS.get(due.metric or "", due.metric),
        "share": None if due.share is None else round(due.share * 100),
        "level": due.level, "reason": due.reason, "team": case.state.team or "none",
    }  # fmt: skip
    return compose(
        engine, due.kind, key=due.key, recipient=_told(due.recipient), values=values, case_id=case.case_id,
        severity=due.severity, not_before=due.not_before,
    )  # fmt: skip


def digest(
    engine: Engine, owner_id: str, key: str, cases: Sequence[OpenCase], standing: Mapping[str, Sequence[SlaClock]]
) -> OutgoingMessage:
    """The owner's day: the cases that are late first, then those that fall due next."""
    lines = sorted(_digest_line(engine, case, standing[case.case_id]) for case in cases)
    overdue = sum(rank == 0 for rank, _, _ in lines)
    text = "\n".join(line for _, _, line in lines[:_DIGEST_LINES])
    if len(lines) > _DIGEST_LINES:
        text += f"\nand {len(lines) - _DIGEST_LINES} more"
    values: dict[str, Value | None] = {"open_cases": len(cases), "overdue_cases": overdue, "case_list": text}
    return compose(engine, "digest", key=key, recipient=("employee", owner_id), values=values, case_id=None)


def withheld_digest(engine: Engine, team: str, key: str, alerts: Sequence[Sent]) -> OutgoingMessage:
    """What a team was not told at once since the day before, with the reason of each; the gravest first."""
    ordered = sorted(alerts, key=lambda row: (row.severity, row.at, row.case_id or ""))
    lines = [f"{row.case_id} severity {row.severity} ({row.state}): {row.reason}" for row in ordered[:_DIGEST_LINES]]
    if len(alerts) > _DIGEST_LINES:
        lines.append(f"and {len(alerts) - _DIGEST_LINES} more: amends alerts list --team {team}")
    values: dict[str, Value | None] = {"open_cases": len(alerts), "overdue_cases": 0, "case_list": "\n".join(lines)}
    return compose(
        engine, "digest", key=key, recipient=("team", team), values=values, case_id=None,
        not_before=in_hours(engine, team, 4),
    )  # fmt: skip


def flood(engine: Engine, team: str, key: str, held: Sequence[Sent]) -> OutgoingMessage:
    """That alerts are being held, at once: since when, how many so far, how grave, and where to see them."""
    return _flood(engine, ("team", team), key, {team: held})


def flood_over(engine: Engine, employee_id: str, key: str, held: Mapping[str, Sequence[Sent]]) -> OutgoingMessage:
    """The same to whoever the teams answer to, in one word: a line for each team, no line for a case."""
    return _flood(engine, ("employee", employee_id), key, held)


def _flood(
    engine: Engine, recipient: tuple[RecipientType, str], key: str, held: Mapping[str, Sequence[Sent]]
) -> OutgoingMessage:
    gravest = min(row.severity for rows in held.values() for row in rows)
    lines = [
        f"{rows[0].reason}. Since {local(engine, rows[0].at)} {len(rows)} alerts are held, the gravest of severity "
        f"{min(row.severity for row in rows)}; their cases are open: amends alerts list --team {team}"
        for team, rows in sorted(held.items())
    ]
    values: dict[str, Value | None] = {
        "open_cases": sum(map(len, held.values())), "overdue_cases": 0, "case_list": "\n".join(lines),
    }  # fmt: skip
    return compose(
        engine, "digest", key=key, recipient=recipient, values=values, case_id=None, severity=gravest,
        not_before=in_hours(engine, min(held), gravest),
    )  # fmt: skip


def _digest_line(engine: Engine, case: OpenCase, clocks: Sequence[SlaClock]) -> tuple[int, str, str]:
    live = [clock for clock in clocks if clock.is_live]
    late = [clock for clock in live if clock.state == "breached"]
    dues = sorted(clock.due_at for clock in live if clock.due_at is not None)
    when = local(engine, dues[0]) if dues else "no time running"
    word = f"overdue since {when}" if late else f"due {when}"
    rank = 0 if late else 1
    return rank, dues[0].isoformat() if dues else "9", f"{case.case_id} severity {case.state.severity}: {word}"


def local(engine: Engine, at: datetime) -> str:
    """A moment in the company's own time, with its zone."""
    return at.astimezone(ZoneInfo(engine.programme.company.timezone)).strftime("%Y-%m-%d %H:%M %Z")


def _told(recipient: Recipient) -> tuple[RecipientType, str]:
    return recipient.type, recipient.id


def in_hours(engine: Engine, team_code: str | None, severity: int) -> datetime:
    """Now for the gravest, else when the team's calendar is open."""
    team = engine.programme.teams.team(team_code)
    if severity == 1 or team is None:
        return engine.at
    return engine.programme.sla.next_open(team.calendar, engine.at)
