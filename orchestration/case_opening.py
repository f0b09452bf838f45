"""Handing triggers to the ledger: which slice comes next, and what the UI is told about it.

The decision is a pure function of cursor and trigger count; opening is `cases.services`. Shared by the sensor, by the
in-process loop (which ticks the sensor) and by the reconcile asset. No rules in here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from models.facts import ResolutionFact, TriggerFact
from models.settings import Settings

COUNTED = ("opened", "attached", "already_known", "resolved")

# A tick has 60 seconds; 20,000 triggers take a few.
SLICE = 20_000


@dataclass(frozen=True, slots=True)
class Slice:
    """Triggers [start, stop) of the detection named by `token`."""

    token: str
    start: int
    stop: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What one tick did: the cursor to keep and the numbers to show."""

    token: str
    cursor: str
    is_last: bool
    metadata: dict[str, int]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Triggers against cases: how many had none, had two, or cases that no known trigger explains."""

    eligible: int
    missing: int
    orphaned: int
    doubled: int
    opened: int
    resolutions: int


def next_slice(cursor: str | None, token: str | None, total: int, size: int = SLICE) -> Slice | None:
    """Decide which triggers to hand over next.

    Args:
        cursor: JSON of the last tick (`{"token": ..., "done": n}`) or None on the first.
        token: identity of the newest detection, None when there has never been one.
        total: number of its triggers.
        size: triggers per tick.

    Returns:
        The next slice, or None when there is nothing (left) to hand over. A new detection starts from its first
        trigger again: the ledger knows which of them it has.
    """
    if token is None:
        return None
    seen = json.loads(cursor) if cursor else {}
    done = int(seen["done"]) if seen.get("token") == token else 0
    if seen.get("token") == token and done >= total:
        return None
    stop = min(done + size, total)
    return Slice(token=token, start=done, stop=stop, is_last=stop >= total)


def open_next_slice(settings: Settings, cursor: str | None) -> Step | None:
    """Open cases for the next slice of triggers; None when every one has been handed over."""
    from cases import feed  # Django is set up only where the ledger is touched

    detection = feed.newest_detection(settings.ml_outputs)
    part = next_slice(cursor, detection.token if detection else None, detection.total if detection else 0)
    if part is None:
        return None
    facts = feed.read_facts(settings.ml_outputs, settings.handoff, start=part.start, stop=part.stop)
    resolutions = facts.resolutions
    if not part.is_last:
        # The ledger works along time: what was resolved later waits for the triggers before it.
        resolutions = tuple(r for r in resolutions if r.resolved_at < facts.triggers[-1].occurred_at)
    numbers = _open(settings, facts.triggers, resolutions)
    if part.is_last:
        numbers["affected"] = _attach_affected(settings)
    return Step(part.token, json.dumps({"token": part.token, "done": part.stop}), part.is_last, numbers)


def reconcile(settings: Settings) -> Reconciliation:
    """Compare every eligible trigger with the ledger in both directions and open what has no case."""
    from cases import conf, feed, services

    conf.setup(settings)
    facts = feed.read_facts(settings.ml_outputs, settings.handoff)
    found = services.reconcile(facts.triggers)
    missing = set(found.missing)
    numbers = _open(settings, [t for t in facts.triggers if t.trigger_id in missing], facts.resolutions)
    return Reconciliation(
        eligible=len(facts.triggers),
        missing=len(missing),
        orphaned=len(found.orphaned),
        doubled=len(found.doubled),
        opened=numbers["opened"],
        resolutions=numbers["resolved"],
    )


def newest_event(settings: Settings) -> int:
    """Number of events in the ledger, which only ever grows."""
    from cases import conf, services

    conf.setup(settings)
    return services.counts().events


def _attach_affected(settings: Settings) -> int:
    """Attach whom the breakdowns of the newest detection have hit to their incidents; how many are new."""
    from cases import feed, incidents
    from casework.engine import start

    engine = start(settings)
    affected = feed.read_affected(settings.ml_outputs)
    return incidents.attach(affected, at=engine.recorded_at, recorded_at=engine.recorded_at)


def _open(settings: Settings, triggers: Sequence[TriggerFact], resolutions: Sequence[ResolutionFact]) -> dict[str, int]:
    from casework.engine import start
    from casework.opening import open_with

    result = open_with(start(settings), triggers, resolutions)
    return {"triggers": len(triggers), **{name: getattr(result, name) for name in COUNTED}}
