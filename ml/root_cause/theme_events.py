"""What happened to themes, told in sentences and as a table for the warehouse.

Belongs here: words and rows of history. Not here: what happens (`registry.py`, `theme_review.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa

from ml.outputs import THEME_EVENT
from ml.root_cause.registry import ThemeEvent, ThemeRegistry

# Told only on request: nothing changed.
QUIET = frozenset({"kept"})


def event_table(registry: ThemeRegistry) -> pa.Table:
    """One row per event of any theme (`ml_root_cause__theme_event`), in the order of events.

    The id is a hash of what happened, so a later export of the same history has the same rows.
    """
    rows = [
        {
            "event_id": event_id,
            "theme_id": event.theme_id,
            "kind": event.kind,
            "topic_model_id": event.topic_model_id,
            "at": _instant(event.at),
            "by": event.by,
            "related": " ".join(event.related) or None,
            "share": event.share,
            "sentence": sentence(event, registry),
        }
        for event_id, event in _numbered(registry)
    ]
    return pa.Table.from_pylist(rows, schema=THEME_EVENT)


def history(registry: ThemeRegistry, theme_id: str | None = None, *, everything: bool = False) -> list[dict[str, Any]]:
    """Events, oldest first, with their sentence; of one theme and those it came from or went into, when given.

    Fits that merely kept a theme are left out unless `everything` is asked for.
    """
    return [
        {
            "event_id": event_id,
            "theme_id": event.theme_id,
            "kind": event.kind,
            "topic_model_id": event.topic_model_id,
            "at": event.at,
            "by": event.by,
            "related": list(event.related),
            "share": event.share,
            "sentence": sentence(event, registry),
        }
        for event_id, event in _numbered(registry)
        if (theme_id is None or theme_id in (event.theme_id, *event.related))
        and (everything or event.kind not in QUIET)
    ]


def sentence(event: ThemeEvent, registry: ThemeRegistry) -> str:
    """What happened, as a person would say it."""
    name = _name(registry, event.theme_id)
    others = " and ".join(_name(registry, other) for other in event.related)
    share = "" if event.share is None else f" {event.share:.0%} of"
    told = {
        "born": f"{name} appeared.",
        "kept": f"{name} was met again.",
        "split": f"{name} split off from {others}, taking{share} its texts.",
        "merged": f"{name} became part of {others}" + (f", with{share} its texts." if share else "."),
        "rested": f"{name} was not met in this fit.",
        "retired": f"{name} was retired: several fits in a row did not meet it.",
        "returned": f"{name} came back.",
        "candidate": f"{name} is new, rare and growing: a candidate that waits for a person.",
        "confirmed": f"{name} was confirmed." if event.by else f"{name} grew to the size of a theme and was confirmed.",
        "rejected": f"{name} was rejected as a theme.",
        "renamed": f"“{event.detail}” is now called {name}.",
        "approved": f"The change of {name} was approved.",
    }
    text = told.get(event.kind, f"{name}: {event.kind}.")
    return f"{text.removesuffix('.')}, decided by {event.by}." if event.by else text


def _name(registry: ThemeRegistry, theme_id: str) -> str:
    known = {theme.theme_id: theme.name for theme in registry.themes}
    return f"“{known[theme_id]}”" if theme_id in known else theme_id


def _numbered(registry: ThemeRegistry) -> Iterator[tuple[str, ThemeEvent]]:
    seen: dict[str, int] = {}
    for event in registry.events:
        content = repr((event.topic_model_id, event.kind, event.theme_id, event.at, event.by, event.related))
        seen[content] = seen.get(content, -1) + 1
        yield f"TE-{hashlib.sha256(f'{content}{seen[content]}'.encode()).hexdigest()[:16]}", event


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
