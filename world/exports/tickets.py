"""Tickets as dated states: contacts that came as tickets, and repeat contacts that opened a new one.

Belongs here: the arrays the help desk's three exports share. Not here: files (zendesk.py).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from world.clock import DAY, HOUR, NEVER
from world.config import TICKET_CHANNELS
from world.draws import Bools, Ints, stream
from world.scene import Scene
from world.workforce import employee_ids, team_ids

EVENTS: tuple[str, ...] = ("created", "opened", "pending", "answered", "solved", "reopened", "solved_again", "closed")
STATUS: tuple[str, ...] = ("new", "open", "pending", "open", "solved", "open", "solved", "closed")
CREATED, OPENED, PENDING, ANSWERED, SOLVED, REOPENED, SOLVED_AGAIN, CLOSED = range(len(EVENTS))


@dataclass(frozen=True)
class Tickets:
    """One entry per ticket, ordered by number. `events` is (tickets, EVENTS) with NEVER; `contact` is what it came from."""

    number: Ints
    contact: Ints
    events: Ints
    is_repeat: Bools
    channel: NDArray[np.int64]
    late: Bools

    def __len__(self) -> int:
        return len(self.number)

    def cut(self, low: int, high: int) -> Tickets:
        """Tickets low..high-1."""
        return Tickets(**{f.name: getattr(self, f.name)[low:high] for f in fields(self)})


def make_tickets(scene: Scene) -> Tickets:
    """All tickets of the world with their histories; nothing happens at or after the end."""
    rng = stream(scene.seed, "tickets")
    index = np.flatnonzero(scene.contacts.is_ticket)
    again = scene.repeats
    new = again.ticket >= 0
    first = _first_tickets(scene, index, rng)
    second = _repeat_tickets(again.at[new], rng)
    events = np.concatenate([first, second])
    events[events >= scene.span.end] = NEVER
    count = len(events)
    return Tickets(
        number=np.concatenate([scene.contacts.number[index], again.ticket[new]]).astype(np.int64),
        contact=np.concatenate([index, again.contact[new]]),
        events=events,
        is_repeat=np.arange(count) >= len(index),
        channel=np.concatenate(
            [scene.contacts.channel[index], rng.integers(0, len(TICKET_CHANNELS), int(new.sum()))]
        ).astype(np.int64),
        late=rng.random(count) < 0.01,
    )


def _first_tickets(scene: Scene, index: Ints, rng: np.random.Generator) -> Ints:
    events = np.full((len(index), len(EVENTS)), NEVER, dtype=np.int64)
    events[:, CREATED] = scene.contacts.at[index]
    events[:, OPENED] = np.where(scene.outcomes.is_assigned[index], scene.outcomes.first_action_at[index], NEVER)
    done = scene.resolved_at[index]
    events[:, SOLVED] = done
    waits = (rng.random(len(index)) < 0.2) & (done < NEVER)
    length = done - events[:, OPENED]
    events[:, PENDING] = np.where(waits, events[:, OPENED] + (0.3 * length).astype(np.int64), NEVER)
    events[:, ANSWERED] = np.where(waits, events[:, OPENED] + (0.6 * length).astype(np.int64), NEVER)
    back = np.full(len(scene.contacts), NEVER, dtype=np.int64)
    reopened = scene.repeats.ticket < 0
    back[scene.repeats.contact[reopened]] = scene.repeats.at[reopened]
    events[:, REOPENED] = back[index]
    comes_back = events[:, REOPENED] < NEVER
    longer = (rng.lognormal(np.log(26 * HOUR), 0.6, len(index))).astype(np.int64)
    events[:, SOLVED_AGAIN] = np.where(comes_back, np.where(comes_back, events[:, REOPENED], 0) + longer, NEVER)
    last = np.where(comes_back, events[:, SOLVED_AGAIN], done)
    # Solved tickets stay open to answers for a month, so that none is reopened once closed.
    events[:, CLOSED] = np.where(last < NEVER, np.where(comes_back, last + 4 * DAY, last + 30 * DAY), NEVER)
    return events


def _repeat_tickets(at: Ints, rng: np.random.Generator) -> Ints:
    events = np.full((len(at), len(EVENTS)), NEVER, dtype=np.int64)
    events[:, CREATED] = at
    events[:, OPENED] = at + rng.lognormal(np.log(9 * HOUR), 0.7, len(at)).astype(np.int64)
    events[:, SOLVED] = events[:, OPENED] + rng.lognormal(np.log(20 * HOUR), 0.7, len(at)).astype(np.int64)
    events[:, CLOSED] = events[:, SOLVED] + 10 * DAY
    return events


def groups(scene: Scene, owner: NDArray[np.integer], at: Ints) -> pa.Array:
    """Team of the owner at a time (the re-organisation moves some)."""
    moved = at >= scene.plan.reorganisation.start
    return team_ids(np.where(moved, scene.force.team_after[owner], scene.force.team[owner]))


def owner_ids(owner: NDArray[np.integer], assigned: Bools) -> pa.Array:
    """Owners as employee ids, null while nobody has the ticket."""
    return employee_ids(np.where(assigned, owner, -1))
