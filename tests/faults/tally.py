"""Counting: what should be there against what is there. The naive control is counted by the same function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Score:
    """How one fault ended: things expected and found, doubled and lost, and whatever else went wrong."""

    expected: int = 0
    got: int = 0
    dup: int = 0
    lost: int = 0
    kills: int = 0
    problems: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing was doubled, lost or broken."""
        return not (self.dup or self.lost or self.problems) and self.got == self.expected

    def add(self, other: Score) -> None:
        """Count another score in."""
        self.expected += other.expected
        self.got += other.got
        self.dup += other.dup
        self.lost += other.lost
        self.kills += other.kills
        self.problems += other.problems
        self.told |= other.told

    def line(self, name: str) -> str:
        """`name kills=… expected=… got=… dup=… lost=…`, what else is worth telling, and the first problem."""
        told = "".join(f" {key}={value}" for key, value in self.told.items())
        fault = f" PROBLEM={self.problems[0]!r} (of {len(self.problems)})" if self.problems else ""
        figures = f"expected={self.expected} got={self.got} dup={self.dup} lost={self.lost}"
        return f"{name} kills={self.kills} {figures}{told}{fault}"


def tally(expected: Iterable[Hashable], found: Iterable[Hashable]) -> Score:
    """Every expected thing exactly once: the same thing twice is doubled, one that is not there is lost."""
    wanted, have = set(expected), Counter(found)
    strange = sorted(str(one) for one in have if one not in wanted)
    return Score(
        expected=len(wanted),
        got=len(wanted & have.keys()),
        dup=sum(count - 1 for count in have.values()),
        lost=len(wanted - have.keys()),
        problems=[f"nobody asked for {one}" for one in strange],
    )
