"""Opening cases: batches in time order, each one transaction, each safe to repeat.

Belongs here: batching, skipping what is known, retrying a lost race. Not here: which case takes what
(`cases/episodes.py`).
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import TypeAlias

from cases import store
from cases.crash import crashpoint
from cases.db import LostRace, write_transaction
from cases.episodes import INFORMED, RESOLVED, Alert, Recommend, Tally, View, Walk
from cases.rows import Draft
from models.facts import ResolutionFact, TriggerFact
from models.routing import RoutingTree
from models.sla import SlaPolicy

Item: TypeAlias = TriggerFact | ResolutionFact
_RETRIES = 10


@dataclass(frozen=True, slots=True)
class OpenResult:
    """What a call did. Triggers in = opened + attached + already_known; resolutions that changed nothing are unmatched
    unless they had been applied before."""

    opened: int = 0
    attached: int = 0
    already_known: int = 0
    resolved: int = 0
    unmatched_resolutions: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """What every batch of one call shares."""

    recorded_at: datetime
    routing: RoutingTree | None
    sla: SlaPolicy | None
    recommend: Recommend | None = None
    alert: Alert | None = None
    policy_version: str | None = None


def open_all(
    triggers: Iterable[TriggerFact], resolutions: Iterable[ResolutionFact], *, setting: Setting, batch_size: int
) -> OpenResult:
    """Work through everything in time order, `batch_size` items to a transaction."""
    items = _in_time_order(list(triggers), list(resolutions))
    opened = attached = known = resolved = unmatched = 0
    for start in range(0, len(items), batch_size):
        batch = items[start : start + batch_size]
        with _no_cycle_search():
            tally = _batch(batch, setting)
        opened, attached = opened + tally.opened, attached + tally.attached
        resolved, unmatched = resolved + tally.resolved, unmatched + tally.unmatched
        offered = sum(isinstance(item, TriggerFact) for item in batch)
        known += offered - tally.opened - tally.attached
    return OpenResult(opened, attached, known, resolved, unmatched)


@contextmanager
def _no_cycle_search() -> Iterator[None]:
    """A batch makes some hundred thousand objects and not one cycle: looking for cycles was a sixth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _in_time_order(triggers: list[TriggerFact], resolutions: list[ResolutionFact]) -> list[Item]:
    if not resolutions:
        return [*sorted(triggers, key=attrgetter("occurred_at", "trigger_id"))]
    return sorted([*triggers, *resolutions], key=_when)


def _when(item: Item) -> tuple[datetime, int, str]:
    """Time order; at the same instant a trigger comes before the resolution that may be about it."""
    if isinstance(item, TriggerFact):
        return item.occurred_at, 0, item.trigger_id
    return item.resolved_at, 1, item.resolution_id


def _batch(batch: Sequence[Item], setting: Setting) -> Tally:
    # A replay ends here, without ever taking the write lock.
    head = store.head()
    fresh = _fresh(batch)
    if not fresh:
        return Tally()
    for _ in range(_RETRIES):
        try:
            tally = _write_batch(fresh, head, setting)
        except LostRace:
            head = ""
            continue
        crashpoint("open_cases.after_commit")
        return tally
    raise LostRace("another writer keeps inserting the same rows without taking the write lock")


def _write_batch(batch: Sequence[Item], head: str, setting: Setting) -> Tally:
    with write_transaction():
        crashpoint("open_cases.after_begin")
        # Again under the lock if anybody has written since: another opener may have won.
        fresh = batch if store.head() == head else _fresh(batch)
        walk = _walk(fresh, setting, frozenset())
        if clashing := store.taken_case_ids(walk.draft.cases):
            walk = _walk(fresh, setting, clashing)
        store.write(walk.finish())
        crashpoint("open_cases.before_commit")
    return walk.tally


def _walk(items: Sequence[Item], setting: Setting, clashing: frozenset[str]) -> Walk:
    triggers = [item for item in items if isinstance(item, TriggerFact)]
    resolutions = [item for item in items if isinstance(item, ResolutionFact)]
    view: View = store.load_view(triggers, resolutions)
    view.clashing = clashing
    draft = Draft(setting.recorded_at, store.counters())
    walk = Walk(view, draft, setting.routing, setting.sla, setting.recommend, setting.alert, setting.policy_version)
    for item in items:
        if isinstance(item, TriggerFact):
            walk.trigger(item)
        else:
            walk.resolution(item)
    return walk


def _fresh(batch: Sequence[Item]) -> list[Item]:
    """Items that may still change something, each id once, in the order given (time order: it is never lost)."""
    resolutions = [item for item in batch if isinstance(item, ResolutionFact)]
    seen: set[str] = store.known_triggers([item.trigger_id for item in batch if isinstance(item, TriggerFact)])
    applied = store.applied_aspects(resolutions) if resolutions else {}
    told: set[str] = set()
    fresh: list[Item] = []
    for item in batch:
        if isinstance(item, TriggerFact):
            if item.trigger_id not in seen:
                seen.add(item.trigger_id)
                fresh.append(item)
        elif item.resolution_id not in told and _is_news(item, applied):
            told.add(item.resolution_id)
            fresh.append(item)
    return fresh


def _is_news(item: ResolutionFact, applied: Mapping[tuple[str, str], str]) -> bool:
    """Whether a resolution has not ended a case yet, or now says that the customer was told."""
    return (item.resolution_id, RESOLVED) not in applied or (
        item.customer_informed_at is not None and (item.resolution_id, INFORMED) not in applied
    )
