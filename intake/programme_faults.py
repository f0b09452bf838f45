"""Finding the line for a fault that only shows when the files of a programme are held against each other.

Belongs here: from the words of such a fault to file and line. Not here: faults inside one file, which know their line
(`intake/programme.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from models.clause import clauses
from models.signal import did_you_mean
from models.trigger import TriggerRule

_PLACED = re.compile(r"^[^\s:]+:\d+: ")
_FILE = re.compile(r"\b[\w-]+\.(?:yml|md)\b")
_CAUSES = frozenset({"cause_id", "model_cause_id", "coded_cause_id"})
# How pydantic names the members of a union that has no tags in the place of a fault.
_MEMBER = re.compile(r"^\w+\[|^\w+\(")
_QUOTED = re.compile(r"'([^']+)'")


def located(fault: str, files: Mapping[str, str]) -> str:
    """`file:line: reason` for a fault that reads `where: reason`; as it is when it has a line or none can be found.

    The file is the first one the fault names, else the last one that defines the word the fault is about; the word is
    the first in quotes, else what follows the last colon.
    """
    if _PLACED.match(fault):
        return fault
    where, _, reason = fault.partition(": ")
    word = _word(reason)
    named = _FILE.search(fault)
    if named is not None:
        keys = [key for key in files if key.rpartition("/")[2] == named[0]]
        line = _first_line(files[keys[0]].splitlines(), _mention(word)) if keys and word else None
        return f"{named[0]}:{line}: {reason}" if line else f"{named[0]}: {reason}"
    for key in sorted(files, reverse=True) if word else ():
        if line := _first_line(files[key].splitlines(), _definition(word)):
            return f"{key.rpartition('/')[2]}:{line}: {reason}"
    return f"{where}: {reason}"


def _word(reason: str) -> str:
    quoted = _QUOTED.search(reason)
    return quoted[1] if quoted else reason.rpartition(": ")[2].split(", ")[0] if ": " in reason else ""


def _mention(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")


def _definition(word: str) -> re.Pattern[str]:
    return re.compile(rf"^[\s{{-]*(?:id|code|name): {re.escape(word)}(?![\w-])")


def _first_line(lines: Iterable[str], wanted: re.Pattern[str]) -> int | None:
    return next((number for number, line in enumerate(lines, start=1) if wanted.search(line)), None)


def cause_faults(name: str, text: str, rule: TriggerRule, causes: Iterable[str]) -> Iterator[str]:
    """`file:line: reason` for every cause a rule names that the taxonomy lacks: such a comparison would never hold."""
    known = sorted(causes)
    wanted = rule.absence.of.when if rule.absence is not None else None
    named = [
        value
        for node in (rule.when, wanted)
        if node is not None
        for clause, _ in clauses(node)
        if getattr(clause, "field", None) in _CAUSES
        for value in getattr(clause, "values", ())
    ]
    for value in dict.fromkeys(value for value in named if value not in known):
        line = _first_line(text.splitlines(), _mention(str(value))) or 1
        yield f"{name}:{line}: cause '{value}' is not in taxonomy.yml{did_you_mean(str(value), known)}"


def choice_reason(fault: Mapping[str, Any]) -> str | None:
    """What to say of a word that is none of a fixed list: the nearest of the list; None for any other fault."""
    if fault["type"] != "literal_error" or not isinstance(fault["input"], str):
        return None
    known = re.findall(r"'([^']+)'", str(fault["ctx"]["expected"]))
    place = ".".join(str(step) for step in fault["loc"] if not _MEMBER.search(str(step)))
    near = did_you_mean(fault["input"], known)
    return f"{place}: '{fault['input']}' is not one of {', '.join(known)}{near}"


def without_echoes(faults: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of the faults one value causes because it fits no member of a union, the one that can name a near word.

    `signal: complant` is no kind of signal, is not `any`, and is no list of kinds: one fault, told once.
    """
    groups: dict[tuple[int | str, ...], list[Mapping[str, Any]]] = {}
    for fault in faults:
        members = [place for place, step in enumerate(fault["loc"]) if _MEMBER.search(str(step))]
        groups.setdefault(tuple(fault["loc"][: members[0]]) if members else tuple(fault["loc"]), []).append(fault)
    for place in sorted(groups, key=len, reverse=True):
        above = next((groups[place[:size]] for size in range(1, len(place)) if place[:size] in groups), None)
        if above is not None and _is_union(above):
            above += groups.pop(place)
    return [
        max(group, key=_nearness) if _is_union(group) else fault for group in groups.values() for fault in _told(group)
    ]


def _is_union(group: list[Mapping[str, Any]]) -> bool:
    return any(_MEMBER.search(str(step)) for fault in group for step in fault["loc"])


def _told(group: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return group[:1] if _is_union(group) else group


def _nearness(fault: Mapping[str, Any]) -> int:
    """2 where a near word can be named, 1 where at least the list can, else 0."""
    reason = choice_reason(fault)
    return 0 if reason is None else 2 if "did you mean" in reason else 1
