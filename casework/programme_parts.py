"""A programme by file, as nested dictionaries with the keys and values people would say.

Belongs here: how a part reads in one line or as a dictionary. Not here: comparing two of them
(`casework/programme_diff.py`), the types themselves (`models/`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pydantic import BaseModel

from models.business_time import Calendar
from models.playbook import Script
from models.programme import Programme
from models.routing import RouteNode
from models.sla import SlaTarget
from models.trigger import TriggerRule

_LONGEST = 90
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


class Words(str):
    """A text of several lines, of which a difference is told in numbers of lines."""

    __slots__ = ()


def parts(programme: Programme) -> dict[str, Any]:
    """The programme by file, as nested dictionaries with readable keys. A rule's part is `triggers/<id>`."""
    files: dict[str, Any] = {
        "programme.yml": _plain(programme.company),
        "taxonomy.yml": _plain(programme.taxonomy),
        "surveys.yml": {"surveys": _plain(programme.surveys)},
        "severity.yml": _plain(programme.severity),
        "routing.yml": dict(_branches(programme.routing.root, ())),
        "teams.yml": _plain(programme.teams),
        "escalation.yml": _plain(programme.escalation),
        "calendars.yml": dict(map(_calendar, programme.sla.calendars)),
        "sla.yml": _targets(programme.sla.targets) | {"schedule": programme.sla.schedule},
        "recommendation.yml": _plain(programme.recommendation),
        "contact.yml": _plain(programme.contact),
        "questionnaire.yml": _plain(programme.questionnaire),
    }
    files |= {f"triggers/{rule.id}": _rule(rule) for rule in programme.triggers}
    for item in programme.playbooks:
        files[f"playbooks/{item.code}.md"] = _plain(item.playbook) | dict(map(_words, item.scripts.scripts))
    for message in programme.messages:
        files[f"messages/{message.code}.md"] = _plain(message.head) | {"the words": Words(message.body)}
    return files


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    return [_plain(item) for item in value]


def _rule(rule: TriggerRule) -> dict[str, Any]:
    """A rule with its examples told one by one."""
    examples = {f"example {number}": short(test.model_dump()) for number, test in enumerate(rule.tests, start=1)}
    return rule.model_dump(by_alias=True, exclude={"tests"}) | {"tests": examples}


def title(part: Mapping[str, Any]) -> str:
    """What a part is called, for one that came or went."""
    said = [str(part[name]) for name in ("title", "status") if part.get(name)]
    return ", ".join(said)


def _branches(node: RouteNode, above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Every branch under its path, with the order of the branches below it: the first that fits wins."""
    path = (*above, node.name)
    said = node.model_dump(exclude={"name", "routes"}, exclude_none=True)
    if node.routes:
        said["order"] = [child.name for child in node.routes]
    yield " / ".join(path), said
    for child in node.routes:
        yield from _branches(child, path)


def _calendar(calendar: Calendar) -> tuple[str, Any]:
    since = f", from {calendar.effective_from}" if calendar.effective_from else ""
    week = {
        day: ", ".join(f"{item.start:%H:%M}-{item.end:%H:%M}" for item in items) or "closed"
        for day, items in calendar.weekly
    }
    said = {"timezone": calendar.zone, "week": week, "holidays": sorted(map(str, calendar.holidays))}
    return f"{calendar.code}{since}", said


def _targets(targets: Sequence[SlaTarget]) -> dict[str, Any]:
    """Targets under their readable names. The hours stand under the empty key: they are what the line is about."""
    found: dict[str, Any] = {}
    for target in targets:
        name = base = _target_name(target)
        for number in range(2, len(targets) + 2):
            if name not in found:
                break
            name = f"{base} ({number})"
        calendar = {"calendar": target.calendar} if target.calendar else {}
        found[name] = {"": _hours(target.seconds), "clock": target.clock, "on_reopen": target.on_reopen} | calendar
    return found


def _target_name(target: SlaTarget) -> str:
    said = [str(target.metric)]
    said += [f"severity {target.severity}"] if target.severity else []
    said += [f"segment {target.segment}"] if target.segment else []
    said += [f"where {short(target.applies.model_dump())}"] if target.applies.conditions else []
    said += [f"from {target.effective_from:%Y-%m-%d}"] if target.effective_from > _ALWAYS else []
    return ", ".join(said)


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:g} h"


def _words(script: Script) -> tuple[str, Words]:
    scenario = [script.cause_id, f"severity_{script.severity}" if script.severity else None, script.tone]
    told = ", ".join(part for part in scenario if part)
    return f"script {script.channel}{': ' + told if told else ''}", Words(script.text)


def short(value: Any) -> str:
    """A value in one line, as it would be written in YAML."""
    if isinstance(value, timedelta):
        hours = value // timedelta(hours=1)
        return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, Mapping):
        return cut(_short_mapping({k: v for k, v in value.items() if v not in (None, (), [], {})}))
    if is_list(value) or isinstance(value, frozenset):
        return cut(", ".join(short(item) for item in value)) or "nothing"
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:.10g}"
    return cut(f"{value:%Y-%m-%d}" if isinstance(value, date) else str(value))


def is_list(value: Any) -> bool:
    """Whether a value is a list and no text."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short_mapping(value: Mapping[Any, Any]) -> str:
    if set(value) <= {"field", "op", "value"} and "field" in value:
        return " ".join(short(value[name]) for name in ("field", "op", "value") if name in value)
    if set(value) <= {"all", "any"}:
        return " and ".join([*map(short, value.get("all", ())), *_any_of(value)])
    return ", ".join(short(item) if key == "" else f"{key} {short(item)}" for key, item in value.items())


def _any_of(value: Mapping[Any, Any]) -> list[str]:
    found = [short(item) for item in value.get("any", ())]
    return [f"any of ({'; '.join(found)})"] if found else []


def cut(text: str) -> str:
    """One line of at most ninety characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"
