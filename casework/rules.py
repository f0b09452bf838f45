"""The trigger rules in force, each from the day its wording came into force: an edit never re-opens the past.

Belongs here: dating rules by the versions in the ledger. Not here: finding triggers (`ml/detection`), the versions
themselves (`cases/programmes.py`). Without the date, a rule that is made wider today would act on what the last days
brought: people would be contacted about signals that nobody had thought worth a case at the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import yaml

from casework.programme import active_programme
from models.settings import Settings
from models.trigger import TriggerRule

if TYPE_CHECKING:
    from cases.programmes import StoredVersion


def live_rules(settings: Settings, at: datetime) -> tuple[TriggerRule, ...]:
    """Live rules of the programme in force at a moment; one that came with a later version counts from that day.

    Rules of the first version are as their files say. Raises as `casework.programme.active_programme`.
    """
    from cases import programmes

    active = active_programme(settings, at)
    known = [item for item in reversed(programmes.history()) if item.effective_from <= active.effective_from]
    since = _since(known)
    return tuple(dated(rule, since.get(rule.id)) for rule in active.programme.live_rules)


def dated(rule: TriggerRule, since: datetime | None) -> TriggerRule:
    """The rule, not effective before the day of `since`; as it is when that is None."""
    if since is None or (rule.effective_from is not None and rule.effective_from >= since.date()):
        return rule
    return rule.model_copy(update={"effective_from": since.date()})


def _since(versions: Sequence[StoredVersion]) -> dict[str, datetime]:
    """When the wording of each rule of the last version came, oldest version first; rules of the first are left out."""
    found: dict[str, datetime] = {}
    before: Mapping[str, Any] | None = None
    for version in versions:
        rules = _rules(version.files)
        if before is not None:
            fresh = {name: version.effective_from for name, rule in rules.items() if before.get(name) != rule}
            found = {name: at for name, at in found.items() if name in rules} | fresh
        before = rules
    return found


def _rules(files: Mapping[str, str]) -> dict[str, Any]:
    """Rules by id as data, so that a comment is no new wording; what they find and open counts, not their examples."""
    loaded = [yaml.safe_load(text) for name, text in files.items() if name.startswith("triggers/")]
    return {rule["id"]: {key: value for key, value in rule.items() if key not in ("tests", "title")} for rule in loaded}
