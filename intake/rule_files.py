"""A folder of trigger rules, read file by file: every fault of every file, not only the first.

Belongs here: reading rules for somebody who is writing them. Not here: what a programme in force is read by
(`intake/programme.py`), which refuses the whole at its first faulty file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intake.programme import MAX_BYTES, ProgrammeError, parse_programme, parsed_rule, read_files
from intake.programme_faults import cause_faults
from models.taxonomy import Taxonomy
from models.trigger import TriggerRule

HEAD, ROOM = "programme.yml", "triggers/"


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file: its name, the rule in it where it could be read, and its faults as `file:line: reason`."""

    name: str
    rule: TriggerRule | None
    faults: tuple[str, ...]


def is_programme(folder: Path) -> bool:
    """Whether a folder is a whole programme rather than trigger files alone."""
    return (folder / HEAD).exists()


def rule_files(folder: Path, taxonomy: Taxonomy | None = None) -> tuple[RuleFile, ...]:
    """The trigger files of a programme folder, or of a folder of such files, in order of their names.

    Causes are held against `taxonomy` where one is given. A file that is too large or not UTF-8 is a fault like another. Raises
    `ProgrammeError` where the folder is missing or has no trigger file.
    """
    if not folder.is_dir():
        raise ProgrammeError(f"{folder.name}: no such folder")
    place = folder / ROOM if (folder / ROOM).is_dir() else folder
    paths = sorted(place.glob("*.yml"))
    if not paths:
        raise ProgrammeError(f"{folder.name}: no trigger file (*.yml) in this folder")
    causes = [cause.id for cause in taxonomy.causes] if taxonomy is not None else None
    return _each_id_once([rule_file(path, causes) for path in paths])


def rule_file(path: Path, causes: list[str] | None = None) -> RuleFile:
    """One trigger file; `causes` are the ids a rule may name, where they are known."""
    raw = path.read_bytes()
    if len(raw) > MAX_BYTES:
        return RuleFile(path.name, None, (f"{path.name}:1: larger than {MAX_BYTES} bytes",))
    try:
        text = raw.decode("utf-8")
        rule = parsed_rule(path.name, text)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return RuleFile(path.name, None, (f"{path.name}:{line}: not UTF-8 at byte {error.start}",))
    except ProgrammeError as error:
        return RuleFile(path.name, None, tuple(str(error).splitlines()))
    return RuleFile(path.name, rule, tuple(cause_faults(path.name, text, rule, causes)) if causes else ())


def programme_faults(folder: Path) -> tuple[str, ...]:
    """Faults of a whole programme folder once its trigger files are fine by themselves."""
    try:
        parse_programme(folder.name, read_files(folder))
    except ProgrammeError as error:
        return tuple(str(error).splitlines())
    return ()


def _each_id_once(files: list[RuleFile]) -> tuple[RuleFile, ...]:
    seen: dict[str, str] = {}
    found = []
    for item in files:
        other = seen.setdefault(item.rule.id, item.name) if item.rule is not None else item.name
        twice = (
            (f"{item.name}:1: rule id '{item.rule.id}' is also in {other}",) if item.rule and other != item.name else ()
        )
        found.append(RuleFile(item.name, item.rule, item.faults + twice))
    return tuple(found)
