"""The answer to an invariant: what was asked, of how many things, and what was found instead.

Belongs here: the one shape every room answers in (`amends check invariants`). Not here: any question (the
`invariants.py` of each room).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """One invariant: `what` must hold, over how many things it was `checked`, `problems`, and `notes` worth knowing."""

    what: str
    checked: int
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return not self.problems


def verdict(what: str, checked: int, problems: Iterable[str], notes: Iterable[str] = ()) -> Verdict:
    """A verdict that shows the first problems and counts the rest."""
    found = list(problems)
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return Verdict(what, checked, (*found[:SHOWN], *more), tuple(notes))
