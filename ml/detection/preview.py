"""What a changed rule would find that the old one did not, and the other way about, over the evidence at hand.

Belongs here: comparing the triggers of two rule sets. Not here: finding triggers (`triggers.py`), or what becomes of
the cases (`casework/programme_plan.py`). Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from ml.detection.evidence import Evidence
from ml.detection.triggers import Window, detect
from models.trigger import TriggerRule


@dataclass(frozen=True, slots=True)
class RulePreview:
    """One rule over the signals of the newest detection: triggers before and after, and how many came and went.

    `gained_recent` are those of the gained that are no history yet: they would contact people.
    """

    rule_id: str
    before: int
    after: int
    gained: int
    gained_recent: int
    lost: int


def preview(
    evidence: Evidence, old: Iterable[TriggerRule], new: Iterable[TriggerRule], window: Window
) -> tuple[RulePreview, ...]:
    """Compare two sets of rules, rule by rule; a rule that is in one set only finds nothing in the other.

    A trigger is the same when rule and signal (or theme and week) are. Raises ValueError when
    the window's `as_of` has no time zone.
    """
    before = _found(detect(evidence, old, window))
    after = _found(detect(evidence, new, window))
    return tuple(_compared(rule, before.get(rule, {}), after.get(rule, {})) for rule in sorted({*before, *after}))


def _found(triggers: pa.Table) -> dict[str, dict[str, bool]]:
    """By rule: trigger id -> whether it is history."""
    found: dict[str, dict[str, bool]] = {}
    for row in triggers.select(["rule_id", "trigger_id", "is_historic"]).to_pylist():
        found.setdefault(row["rule_id"], {})[row["trigger_id"]] = bool(row["is_historic"])
    return found


def _compared(rule_id: str, before: dict[str, bool], after: dict[str, bool]) -> RulePreview:
    gained = after.keys() - before.keys()
    return RulePreview(
        rule_id, len(before), len(after), len(gained), sum(not after[trigger] for trigger in gained),
        len(before.keys() - after.keys()),
    )  # fmt: skip
