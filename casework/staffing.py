"""HR's org chart on its way into the ledger, and who is present to take work.

Belongs here: reading the hand-over of the warehouse, and the state of the owners at a moment. Not here: the chart
itself (`models/staff.py`), storing it (`cases/people.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from cases import people
from casework.engine import Engine
from models.assignment import OwnerState
from models.settings import Settings
from models.staff import Position

HANDOFF = "stg_hr__org_chart.parquet"
_CHART = """
    select employee_id, role, team_id, manager_id, branch_id, region, skills, capacity_units, valid_from_on, valid_to_on
    from read_parquet($chart)
    order by employee_id, valid_from_on
"""


def refresh(engine: Engine) -> int:
    """Bring what HR reports into the ledger; how many versions of positions are new."""
    return people.record_positions(read_positions(engine.settings), engine.recorded_at)


def read_positions(settings: Settings) -> Iterator[Position]:
    """Positions of the newest hand-over; none before the first one."""
    import duckdb

    path = settings.handoff / HANDOFF
    if not path.exists():
        return
    with duckdb.connect() as connection:
        rows = connection.execute(_CHART, {"chart": str(path)}).fetchall()
    for employee, role, team, manager, branch, region, skills, capacity, valid_from, valid_to in rows:
        yield Position(
            employee_id=employee, role=role, team_id=team, valid_from=valid_from, valid_to=valid_to,
            manager_id=manager, branch_id=branch, region=region, capacity_units=int(capacity or 0),
            skills=frozenset(part.strip() for part in (skills or "").split(";") if part.strip()),
        )  # fmt: skip


def owners_present(
    engine: Engine, load: dict[str, float], proven: Mapping[str, frozenset[str]] | None = None
) -> list[OwnerState]:
    """Everybody present who belongs to a team, with the work units their open cases take and what they are proven at."""
    at_causes = proven or {}
    teams_of: dict[str, set[str]] = defaultdict(set)
    for team in engine.programme.teams.teams:
        for position in engine.org.members(team, engine.at):
            teams_of[position.employee_id].add(team.code)
    everyone = engine.org.on(engine.at)
    return [
        OwnerState(
            _with_capacity(engine, everyone[person], codes),
            load.get(person, 0.0),
            frozenset(codes),
            at_causes.get(person, frozenset()),
        )
        for person, codes in sorted(teams_of.items())
        if engine.org.is_present(person, engine.at)
    ]


def _with_capacity(engine: Engine, position: Position, codes: set[str]) -> Position:
    """HR's capacity, else what the roomiest of the person's teams allows."""
    if position.capacity_units:
        return position
    allowed = (team.member_capacity for team in engine.programme.teams.teams if team.code in codes)
    return replace(position, capacity_units=max(allowed, default=0))
