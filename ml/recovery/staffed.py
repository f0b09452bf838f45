"""Which team each case was handled in, and which people may be shown by themselves.

Belongs here: teams at the time of a case, and privacy: who opted out, small teams, and what could be worked out by
taking away. Not here: the comparison (`comparison.py`), where people say that they opt out (`teams.yml`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Texts = NDArray[np.str_]

NO_TEAM = ""
# A team of one is that person. A company that finds pairs too few sets more.
MIN_TEAM = 2


def teams(owners: Texts, at: NDArray[np.datetime64], org_chart: pa.Table) -> Texts:
    """Team (n,) of each owner on the day of the case by `stg_hr__org_chart`; empty where it does not say.

    `valid_to_on` is the last day there; of two teams on one day the later one counts, as everywhere (`models/staff.py`).
    Raises ValueError naming a column that is missing.
    """
    for name in ("employee_id", "team_id", "valid_from_on", "valid_to_on"):
        if name not in org_chart.column_names:
            raise ValueError(f"column {name} is missing from the org chart")
    days = at.astype("datetime64[D]")
    found = np.full(len(owners), NO_TEAM, dtype=object)
    rows_of = defaultdict(list)
    for place, owner in enumerate(owners.tolist()):
        rows_of[owner].append(place)
    stays = org_chart.select(["employee_id", "team_id", "valid_from_on", "valid_to_on"]).to_pylist()
    for stay in sorted(stays, key=lambda s: str(s["valid_from_on"])):
        rows = np.array(rows_of.get(stay["employee_id"], []), dtype=np.int64)
        begins, ends = (np.datetime64(stay[name] or "9999-12-31", "D") for name in ("valid_from_on", "valid_to_on"))
        found[rows[(days[rows] >= begins) & (days[rows] <= ends)]] = stay["team_id"] or NO_TEAM
    return found.astype(np.str_)


def latest(owners: Texts, team: Texts, at: NDArray[np.datetime64]) -> dict[str, str]:
    """The team of each owner's latest case."""
    order = np.argsort(at, kind="stable")
    return dict(zip(owners[order].tolist(), team[order].tolist(), strict=True))


def shown(team_of: dict[str, str], opted_out: Collection[str], min_team: int = MIN_TEAM) -> frozenset[str]:
    """Owners who may be shown by themselves; the others count in their team only.

    Not those who opted out, nor anybody of a team of fewer than `min_team`. Nor the whole team where exactly one would
    be left out: that one could be worked out by taking the others away from the team.
    """
    size = Counter(team_of.values())
    shy = Counter(team for owner, team in team_of.items() if owner in opted_out)
    return frozenset(
        owner
        for owner, team in team_of.items()
        if owner not in opted_out and (team == NO_TEAM or (size[team] >= min_team and shy[team] != 1))
    )


def told_teams(owners: Texts, team: Texts) -> frozenset[str]:
    """Teams with cases of at least two people: a team of one would be that person."""
    people = defaultdict(set)
    for owner, name in zip(owners.tolist(), team.tolist(), strict=True):
        people[name].add(owner)
    return frozenset(name for name, members in people.items() if name != NO_TEAM and len(members) > 1)
