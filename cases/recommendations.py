"""What was recommended under a roll-out of learned policies: how many cases each side got.

Belongs here: set-wise reads of recommendations. Not here: making one (`casework/advice.py`), or what the counts mean
(`ml/recovery/assignment_checks.py`).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from cases.models import CaseEvent
from models.case import EventKind


@dataclass(frozen=True, slots=True)
class Sides:
    """Cases put to each side of a trial, of those that could have gone to either, and how many should have gone to the
    challenger by the shares they were drawn with."""

    champion: int
    challenger: int
    expected_challenger: float

    @property
    def cases(self) -> int:
        """Cases of the trial."""
        return self.champion + self.challenger


def sides_of(roll_out: str) -> Sides:
    """The sides under one roll-out. Cases on which nothing may be tried are left out: they were not drawn."""
    rows = CaseEvent.objects.filter(kind=EventKind.PLAYBOOK_RECOMMENDED, payload__contains=roll_out)
    counted, expected = Counter[str](), 0.0
    for payload in rows.values_list("payload", flat=True).iterator():
        said = json.loads(payload).get("roll_out") or {}
        share = said.get("challenger_share") or 0.0
        if said.get("version") == roll_out and 0 < share < 1:
            counted[said["side"]] += 1
            expected += share
    return Sides(counted["champion"], counted["challenger"], expected)
