"""Two sets of would-be cases side by side: what one has and the other has not.

Belongs here: finding the case of the other set that is about the same episode. Not here: how many of each are right
(`measures.py`). Ids of cases differ where another rule came first, so cases are matched by what they hold: a signal in
common, else the same subject and concern with openings no further apart than `NEAR`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from casework.backtest.apart import WouldBe

NEAR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Pair:
    """One episode both sets have a case for. `days` is how much later the new set opens it (minus: earlier)."""

    old: WouldBe
    new: WouldBe

    @property
    def days(self) -> float:
        """Days from the old case's opening to the new one's."""
        return (self.new.opened_at - self.old.opened_at) / timedelta(days=1)

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs, in words; empty when nothing people would notice does."""
        said = []
        if self.new.opened_at != self.old.opened_at:
            said.append(f"opens {abs(self.days):.1f} days {'later' if self.days > 0 else 'earlier'}")
        for name in ("severity", "team", "owner_role", "rule_id"):
            before, after = getattr(self.old, name), getattr(self.new, name)
            if before != after:
                said.append(f"{name}: {before} -> {after}")
        return tuple(said)


@dataclass(frozen=True, slots=True)
class Against:
    """The comparison: cases only the new set has, only the old one has, and those both have."""

    gained: tuple[WouldBe, ...]
    lost: tuple[WouldBe, ...]
    kept: tuple[Pair, ...]


def compare(old: Iterable[WouldBe], new: Iterable[WouldBe]) -> Against:
    """Match the cases of two sets, each to at most one of the other, in order of time."""
    waiting = {case.case_id: case for case in old}
    by_signal: dict[str, list[str]] = {}
    by_matter: dict[tuple[object, ...], list[str]] = {}
    for case in waiting.values():
        by_matter.setdefault(_matter(case), []).append(case.case_id)
        for signal in case.signals:
            by_signal.setdefault(signal, []).append(case.case_id)
    gained, kept, later = [], [], []
    # Those that certainly belong together first, so that a mere neighbour takes no case from its true counterpart.
    for case in sorted(new, key=_when):
        ids = [case.case_id, *(known for signal in sorted(case.signals) for known in by_signal.get(signal, ()))]
        twin = next((waiting.pop(i) for i in ids if i in waiting and waiting[i].kind == case.kind), None)
        if twin is None:
            later.append(case)
        else:
            kept.append(Pair(twin, case))
    for case in later:
        near = [waiting[i] for i in by_matter.get(_matter(case), ()) if i in waiting]
        close = min(near, key=lambda other: abs(other.opened_at - case.opened_at), default=None)
        if close is None or abs(close.opened_at - case.opened_at) > NEAR:
            gained.append(case)
        else:
            kept.append(Pair(waiting.pop(close.case_id), case))
    return Against(tuple(gained), tuple(sorted(waiting.values(), key=_when)), tuple(sorted(kept, key=_pair_when)))


def changed(pairs: Sequence[Pair]) -> list[Pair]:
    """Pairs in which something differs that people would notice."""
    return [pair for pair in pairs if pair.changes]


def _matter(case: WouldBe) -> tuple[object, ...]:
    return case.kind, case.subject_type, case.subject_id, case.cause_id, case.journey, case.theme_id


def _when(case: WouldBe) -> tuple[str, str]:
    return case.opened_at.isoformat(), case.case_id


def _pair_when(pair: Pair) -> tuple[str, str]:
    return _when(pair.new)
