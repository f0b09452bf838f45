"""Which rows of an entity go into which monthly file, and as of when: new, updated, late.

Belongs here: the arithmetic of monthly extracts. Not here: cells or files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from world.clock import NEVER, Horizon
from world.draws import Bools, Ints


@dataclass(frozen=True)
class Extract:
    """Rows of one block for one month's file: `rows` index the block, state as of `as_of`; `late` rows came a month late."""

    month: int
    rows: Ints
    as_of: Ints
    late: Bools
    updated: Bools


def extracts(events: Ints, late: Bools, span: Horizon) -> list[Extract]:
    """Monthly extracts of rows with dated events (rows, kinds; first column = creation; NEVER = does not happen).

    A row is exported in every month in which something happened to it, as known at the month's end; a late row's first
    export waits for the next month's file.
    """
    edges = span.month_edges.copy()
    edges[-1] = span.end
    edges[0] = min(int(edges[0]), span.start) - 400 * 86_400
    made: list[Extract] = []
    carried = np.zeros(len(events), dtype=bool)
    for month in range(len(edges) - 1):
        low, high = edges[month], edges[month + 1]
        hit = ((events >= low) & (events < high)).any(axis=1)
        fresh = (events[:, 0] >= low) & (events[:, 0] < high)
        held = late & fresh & (month + 2 < len(edges))
        now, before = np.flatnonzero(hit & ~held), np.flatnonzero(carried)
        rows = np.concatenate([before, now])
        as_of = np.concatenate([np.full(len(before), low), np.full(len(now), high)])
        was_late = np.arange(len(rows)) < len(before)
        made.append(
            Extract(month, rows, as_of, was_late, np.concatenate([np.zeros(len(before), dtype=bool), ~fresh[now]]))
        )
        carried = held
    return [m for m in made if len(m.rows)]


def latest(events: Ints, as_of: Ints) -> Ints:
    """Time of each row's last event before `as_of`."""
    return np.asarray(np.where(events < as_of[:, None], events, -NEVER).max(axis=1))
