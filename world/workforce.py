"""The people who answer: agents in regional teams, their leads and managers, and the re-organisation halfway.

Belongs here: who works where and when, and each agent's latent skill. Not here: how long customers wait (queueing.py)
and the exported org chart rows (exports/back_office.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from world.breakdowns import Schedule
from world.config import RATES, Company
from world.customers import FIRST_NAMES, LAST_NAMES
from world.draws import Bools, Floats, Ints, stream
from world.phrases.names import FIRST, LAST

ROLES: tuple[str, ...] = ("agent", "team_lead", "manager", "director", "qa")
TEAM_SIZE = 12
_WEEK_MINUTES = 47 * 60


@dataclass(frozen=True)
class Workforce:
    """One entry per employee. `team` is the team at the start, `team_after` after the re-organisation; -1 = none.

    `boss` and `boss_after` are employee numbers (-1 for the director). `agents_of[r]` are the agents of region r.
    """

    role: NDArray[np.int8]
    region: NDArray[np.int8]
    team: NDArray[np.int32]
    team_after: NDArray[np.int32]
    boss: NDArray[np.int32]
    boss_after: NDArray[np.int32]
    skill: Floats
    first: NDArray[np.int16]
    last: NDArray[np.int16]
    agents_of: tuple[Ints, ...]
    moved: Bools

    def __len__(self) -> int:
        return len(self.role)


def make_workforce(company: Company, contacts_by_region: Ints, weeks: int, plan: Schedule, seed: int) -> Workforce:
    """Hire enough agents for the expected load at the stated utilisation, at least two teams of two per region."""
    rng = stream(seed, "workforce")
    load = contacts_by_region * RATES.service_minutes / weeks
    agents = np.maximum(np.ceil(load / RATES.queue_utilisation / _WEEK_MINUTES).astype(int), 4)
    rows: list[tuple[int, int, int, int]] = [(3, -1, -1, -1)]
    agents_of: list[Ints] = []
    team = 0
    for region, count in enumerate(agents):
        manager = len(rows)
        rows.append((2, region, -1, 0))
        rows.append((4, region, -1, manager))
        mine: list[int] = []
        teams = max(2, -(-int(count) // TEAM_SIZE))
        for k in range(teams):
            lead = len(rows)
            rows.append((1, region, team, manager))
            size = int(count) // teams + (k < int(count) % teams)
            mine += range(len(rows), len(rows) + size)
            rows += [(0, region, team, lead)] * size
            team += 1
        agents_of.append(np.array(mine, dtype=np.int64))
    table = np.array(rows, dtype=np.int64)
    return _reorganise(company, table, tuple(agents_of), plan, rng)


def _reorganise(
    company: Company, table: Ints, agents_of: tuple[Ints, ...], plan: Schedule, rng: np.random.Generator
) -> Workforce:
    """Move part of the first team of the planned region to that region's second team, under its lead."""
    role, region, team, boss = (table[:, k].copy() for k in range(4))
    where = plan.reorganisation.region
    leads = np.flatnonzero((role == 1) & (region == where))
    first_team = np.flatnonzero((role == 0) & (team == team[leads[0]]))
    moved = np.zeros(len(table), dtype=bool)
    moved[first_team[: max(1, round(len(first_team) * plan.reorganisation.size))]] = True
    first, last = len(FIRST["en"]), len(LAST["en"])
    return Workforce(
        role=role.astype(np.int8),
        region=region.astype(np.int8),
        team=team.astype(np.int32),
        team_after=np.where(moved, team[leads[1]], team).astype(np.int32),
        boss=boss.astype(np.int32),
        boss_after=np.where(moved, leads[1], boss).astype(np.int32),
        skill=rng.normal(0.0, 0.25, len(table)),
        first=rng.integers(0, first, len(table)).astype(np.int16),
        last=rng.integers(0, last, len(table)).astype(np.int16),
        agents_of=agents_of,
        moved=moved,
    )


def owners(force: Workforce, region: NDArray[np.integer], seed: int) -> NDArray[np.int32]:
    """An agent of the contact's region for each contact, drawn evenly."""
    rng = stream(seed, "owners")
    sizes = np.array([len(a) for a in force.agents_of])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    flat = np.concatenate(force.agents_of)
    return np.asarray(flat[starts[region] + (rng.random(len(region)) * sizes[region]).astype(int)], dtype=np.int32)


def employee_ids(index: NDArray[np.integer]) -> pa.Array:
    """Employee ids of employee numbers (-1 gives null)."""
    digits = pc.utf8_lpad(pa.array(index.astype(np.int64), mask=index < 0).cast(pa.string()), 5, "0")
    return pc.binary_join_element_wise("E", digits, "")


def team_ids(index: NDArray[np.integer]) -> pa.Array:
    """Team ids of team numbers; people above the teams get the management team."""
    digits = pc.utf8_lpad(pa.array(np.where(index < 0, 0, index + 1).astype(np.int64)).cast(pa.string()), 4, "0")
    return pc.binary_join_element_wise("T", digits, "")


def full_names(force: Workforce, index: NDArray[np.integer]) -> pa.Array:
    """`Given Family` of employees."""
    first = FIRST_NAMES.take(pa.array(force.first[index]))
    return pc.binary_join_element_wise(first, LAST_NAMES.take(pa.array(force.last[index])), " ")
