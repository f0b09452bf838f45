"""Which rules are compared: those in force, and those in force with a folder laid over them.

Belongs here: reading the folder and putting both sets together. Not here: checking rules (`intake/programme.py`). A whole
programme folder stands for itself; a folder of trigger files replaces rules of the same id and adds the others, so that
one changed file is enough to ask what the change would do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml

from casework.programme import Active, active_programme
from intake.programme import ProgrammeError, parse_programme, read_files
from models.programme import Programme
from models.settings import Settings
from models.trigger import TriggerRule

HEAD = "programme.yml"
ROOM = "triggers"
ASKED = frozenset({"draft", "shadow", "live"})


@dataclass(frozen=True, slots=True)
class RuleSets:
    """Both sets, and the programme in force (with its files) that routes the cases of both."""

    live: tuple[TriggerRule, ...]
    candidate: tuple[TriggerRule, ...]
    programme: Programme
    version: str
    files: Mapping[str, str]


def rule_sets(settings: Settings, folder: Path | None, at: datetime) -> RuleSets:
    """The live rules in force at a moment, and those asked about as if they were live.

    Asked about are, of a programme folder, every rule that is not retired; of a folder of trigger files, its rules in
    place of or beside the live ones in force; without a folder, the programme in force with its drafts and shadows.
    Raises `ProgrammeError` with file, line and reason for a folder that cannot be read, and when it holds no rule.
    """
    from cases import programmes

    active = active_programme(settings, at)
    stored = programmes.in_force(at)
    assert stored is not None, "a programme that is active is stored"
    asked = [rule for rule in _asked(folder, active, stored.files) if rule.status in ASKED]
    return RuleSets(active.programme.live_rules, tuple(asked), active.programme, active.version, stored.files)


def _asked(folder: Path | None, active: Active, files: Mapping[str, str]) -> list[TriggerRule]:
    if folder is None:
        return list(active.programme.triggers)
    if (folder / HEAD).exists():
        return list(parse_programme(folder.name, read_files(folder)).triggers)
    rules = _rule_files(folder)
    whole = parse_programme(folder.name, overlaid(files, rules)).triggers
    mine = {_id(text) for text in rules.values()}
    # Other shadows stay what they are: the question is what this folder would change.
    return [rule for rule in whole if rule.id in mine or rule.status == "live"]


def _rule_files(folder: Path) -> dict[str, str]:
    """Trigger files of a folder, or of the `triggers` folder in it, as text by their place in a programme."""
    found = read_files(folder)
    rules = {name: text for name, text in found.items() if name.startswith(f"{ROOM}/")}
    rules = rules or {f"{ROOM}/{name}": text for name, text in found.items() if "/" not in name}
    if not rules:
        raise ProgrammeError(f"{folder.name}: no trigger file (*.yml) in this folder")
    return rules


def overlaid(files: Mapping[str, str], rules: Mapping[str, str]) -> dict[str, str]:
    """The files of a programme with these trigger files in place of those that hold rules of the same id."""
    ids = {_id(text) for text in rules.values()} - {None}
    kept = {name: text for name, text in files.items() if not name.startswith(f"{ROOM}/") or _id(text) not in ids}
    return kept | dict(rules)


def _id(text: str) -> str | None:
    """Id of the rule in a file; None where it cannot be read, which the check of the whole then says with its line."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return found.get("id") if isinstance(found, dict) else None
