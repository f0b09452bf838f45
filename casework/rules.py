"""The trigger rules in force, each from the day its wording came into force: an edit never re-opens the past.

Belongs here: dating rules by the versions in the ledger. Not here: finding triggers (`ml/detection`), the versions
themselves (`cases/programmes.py`). Without the date, a rule that is made wider today would act on what the last days
brought: people would be contacted about signals that nobody had thought worth a case at the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import yaml

from casework.programme import active_programme
from models.settings import Settings
from models.trigger import FormerRule, TriggerRule


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """The live rules, dated, and the wordings they had before, oldest first; and the shadow rules, dated likewise."""

    live: tuple[TriggerRule, ...]
    former: tuple[FormerRule, ...]
    shadow: tuple[TriggerRule, ...] = ()


def rules_in_force(settings: Settings, at: datetime) -> RulesInForce:
    """Live rules of the programme in force at a moment; one that came with a later version counts from that day.
    Shadow rules are dated in the same way: what they would have opened is counted from the day they were applied.

    Rules of the first version are as their files say. Raises as `casework.programme.active_programme`.
    """
    from cases import programmes

    active = active_programme(settings, at)
    known = [item for item in reversed(programmes.history()) if item.effective_from <= active.effective_from]
    wordings = [(item.effective_from, _rules(item.files)) for item in known]
    since = _since(wordings)
    live = tuple(dated(rule, since.get(rule.id)) for rule in active.programme.live_rules)
    shadow = (rule for rule in active.programme.triggers if rule.status == "shadow")
    return RulesInForce(
        live, tuple(_former(wordings, since)), tuple(dated(rule, since.get(rule.id)) for rule in shadow)
    )


def dated(rule: TriggerRule, since: datetime | None) -> TriggerRule:
    """The rule, not effective before the day of `since`; as it is when that is None."""
    if since is None or (rule.effective_from is not None and rule.effective_from >= since.date()):
        return rule
    return rule.model_copy(update={"effective_from": since.date()})


def _since(wordings: Sequence[tuple[datetime, Mapping[str, Any]]]) -> dict[str, datetime]:
    """When the wording of each rule of the last version came; rules as they were in the first version are left out."""
    found: dict[str, datetime] = {}
    for (_, before), (begins, rules) in pairwise(wordings):
        fresh = {name: begins for name, rule in rules.items() if _wording(before.get(name)) != _wording(rule)}
        found = {name: at for name, at in found.items() if name in rules} | fresh
    return found


def _former(
    wordings: Sequence[tuple[datetime, Mapping[str, Any]]], since: Mapping[str, datetime]
) -> Iterator[FormerRule]:
    """What the rules that have changed said before, version by version, as far as they were live then."""
    for (begins, rules), (ends, _) in pairwise(wordings):
        for name in sorted(since.keys() & rules.keys()):
            if ends <= since[name] and rules[name]["status"] == "live":
                yield FormerRule(TriggerRule.model_validate(rules[name]), begins, ends)


def _rules(files: Mapping[str, str]) -> dict[str, Any]:
    """Rules by id as data."""
    loaded = (yaml.safe_load(text) for name, text in files.items() if name.startswith("triggers/"))
    return {rule["id"]: rule for rule in loaded}


def _wording(rule: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a rule finds and opens: an example, a title or a comment is no new wording."""
    return None if rule is None else {key: value for key, value in rule.items() if key not in ("tests", "title")}
