"""Which person takes which waiting case: a minimum-cost assignment under capacity, that starves nobody.

Belongs here: the pure plan and the reasons it gives. Not here: which team a case belongs to (`models/routing.py`), who
is away (`models/staff.py`), writing anything down (`casework/assignment.py`). Method: each owner stands for as many
slots as cases fit into the free capacity, and cases and slots are matched at minimum total cost (Kuhn 1955; Crouse
2016, as in scipy.optimize.linear_sum_assignment). Which cases may compete at all is decided before, by priority: value
at stake first, but waiting raises the priority without bound, so every case comes first in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.staff import Position


@dataclass(frozen=True, slots=True)
class WaitingCase:
    """A case without an owner. `expected_value_usd` is what acting is worth: uplift x value - cost where a model knows
    it, else the customer's value; unknown is None. `units` is the capacity it takes.
    """

    case_id: str
    team: str
    severity: int
    units: float
    waiting_since: datetime
    expected_value_usd: float | None = None
    due_at: datetime | None = None
    skill: str | None = None
    region: str | None = None
    branch_id: str | None = None
    previous_owner_id: str | None = None


@dataclass(frozen=True, slots=True)
class OwnerState:
    """A member of a team who is present: capacity and load in work units."""

    position: Position
    load_units: float
    teams: frozenset[str]

    @property
    def free_units(self) -> float:
        """Work units still free; never negative."""
        return max(self.position.capacity_units - self.load_units, 0.0)


@dataclass(frozen=True, slots=True)
class Params:
    """Weights of the plan, from teams.yml; times in hours, capacity in work units."""

    ageing_hours: float = 72.0
    overflow_units: float = 8.0


@dataclass(frozen=True, slots=True)
class Decision:
    """One case and its owner, with the reasons in words (`why me`)."""

    case_id: str
    owner_id: str
    reasons: tuple[str, ...]
    cost: float


@dataclass(frozen=True, slots=True)
class AssignmentPlan:
    """What the plan decided. `unassigned` says why a case still waits. `optimality_gap` is how much cheaper the plan is
    than taking cases one by one in order (0: the same). `shadow_price` is, per team, the priority of the best case that
    one more unit of capacity would have placed.
    """

    decisions: tuple[Decision, ...]
    unassigned: dict[str, str]
    optimality_gap: float
    shadow_price: dict[str, float]


def priority(case: WaitingCase, now: datetime, params: Params) -> float:
    """Order of the queue, highest first: the worth of acting in (0, 1), a step per severity, and a day's rise per
    `ageing_hours` waited. The rise has no bound, so no stream of better cases can hold one back for ever: a case that
    has waited 5 x `ageing_hours` longer than another comes before it whatever the two are worth.
    """
    value = max(case.expected_value_usd or 0.0, 0.0)
    waited = max((now - case.waiting_since).total_seconds(), 0.0) / 3600
    return (4 - case.severity) + value / (value + 1_000.0) + waited / params.ageing_hours


def in_order(cases: Sequence[WaitingCase], now: datetime, params: Params) -> list[WaitingCase]:
    """The queue: by priority, then the one that waited longest, then by id; the order given does not matter."""
    return sorted(cases, key=lambda case: (-priority(case, now, params), case.waiting_since, case.case_id))


def assign(
    waiting: Sequence[WaitingCase], owners: Sequence[OwnerState], *, now: datetime, params: Params | None = None
) -> AssignmentPlan:
    """Plan who takes what. `owners` are present members only; nobody gets more than fits, but for severity 1.

    Independent of the order of its arguments. Team by team in the order of the best waiting case, because one person
    may work for several teams.
    """
    rules = params or Params()
    free = {owner.position.employee_id: owner.free_units for owner in owners}
    queue = in_order(waiting, now, rules)
    decisions: list[Decision] = []
    unassigned: dict[str, str] = {}
    price: dict[str, float] = {}
    gap = 0.0
    for team in dict.fromkeys(case.team for case in queue):
        members = sorted((o for o in owners if team in o.teams), key=lambda owner: owner.position.employee_id)
        cases = [case for case in queue if case.team == team]
        placed, left = _admit(cases, members, dict(free), rules)
        chosen, saved = _match(placed, members, free, now, rules)
        decisions += chosen
        gap += saved
        done = {decision.case_id for decision in chosen}
        for case in cases:
            if case.case_id not in done:
                unassigned[case.case_id] = left.get(case.case_id, "no capacity is free in one piece")
        if waits := [case for case in cases if case.case_id not in done]:
            price[team] = round(priority(waits[0], now, rules), 4)
    return AssignmentPlan(tuple(decisions), unassigned, round(gap, 6), price)


def _admit(
    cases: Sequence[WaitingCase], members: Sequence[OwnerState], free: dict[str, float], rules: Params
) -> tuple[list[WaitingCase], dict[str, str]]:
    """The cases that fit, in order of priority, and why the others must wait."""
    admitted: list[WaitingCase] = []
    refused: dict[str, str] = {}
    for case in cases:
        if not members:
            refused[case.case_id] = f"nobody of team {case.team} is present"
            continue
        room = max(free[m.position.employee_id] for m in members)
        roomiest = min(m.position.employee_id for m in members if free[m.position.employee_id] == room)
        if case.units > room + _overflow(case, rules):
            refused[case.case_id] = f"team {case.team} is full: {room:g} units free, {case.units:g} needed"
            continue
        admitted.append(case)
        free[roomiest] -= case.units
    return admitted, refused


def _overflow(case: WaitingCase, rules: Params) -> float:
    return rules.overflow_units if case.severity == 1 else 0.0


def _match(
    cases: Sequence[WaitingCase], members: Sequence[OwnerState], free: dict[str, float], now: datetime, rules: Params
) -> tuple[list[Decision], float]:
    """Match in rounds of one case per person, so that capacity in unequal pieces is never overdrawn.

    Returns the decisions and what they cost less than the greedy choice; `free` is drawn down.
    """
    decisions: list[Decision] = []
    saved = 0.0
    left = list(cases)
    while left and members:
        with_room = sum(free[m.position.employee_id] > 0 for m in members) or 1
        batch, left = left[:with_room], left[with_room:]
        pairs, gain = _round(batch, members, free, rules)
        saved += gain
        for case, owner, cost in pairs:
            free[owner.position.employee_id] -= case.units
            decisions.append(
                Decision(case.case_id, owner.position.employee_id, _reasons(case, owner, free, now), round(cost, 6))
            )
        if pairs:
            placed = {case.case_id for case, _, _ in pairs}
            left = [case for case in batch if case.case_id not in placed] + left
    return decisions, saved


def _round(
    cases: Sequence[WaitingCase], members: Sequence[OwnerState], free: dict[str, float], rules: Params
) -> tuple[list[tuple[WaitingCase, OwnerState, float]], float]:
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    forbidden = 1e6
    costs = np.array(
        [
            [
                _cost(case, owner, free)
                if case.units <= free[owner.position.employee_id] + _overflow(case, rules)
                else forbidden
                for owner in members
            ]
            for case in cases
        ]
    )
    rows, columns = linear_sum_assignment(costs)
    pairs = [
        (cases[i], members[j], float(costs[i, j]))
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        if costs[i, j] < forbidden
    ]
    return pairs, max(_greedy(costs.tolist(), forbidden) - sum(cost for _, _, cost in pairs), 0.0)


def _greedy(costs: list[list[float]], forbidden: float) -> float:
    """Cost of taking the cases one by one, each with the cheapest person still free; comparable only when it places
    as many."""
    taken: set[int] = set()
    total = 0.0
    for row in costs:
        cost, column = min(((c, j) for j, c in enumerate(row) if j not in taken), default=(forbidden, -1))
        if cost >= forbidden:
            return 0.0
        taken.add(column)
        total += cost
    return total


def _cost(case: WaitingCase, owner: OwnerState, free: dict[str, float]) -> float:
    """What speaks against this person: lack of the skill, another place, a stranger to the case, a full desk."""
    position = owner.position
    capacity = max(position.capacity_units, 1)
    cost = 2.0 * (1 - free[position.employee_id] / capacity)
    if case.skill is not None and case.skill not in position.skills:
        cost += 1.5
    if case.previous_owner_id is not None and case.previous_owner_id != position.employee_id:
        cost += 1.0
    if case.branch_id is not None and case.branch_id != position.branch_id:
        cost += 0.25
    if case.region is not None and case.region != position.region:
        cost += 0.5
    return cost


def _reasons(case: WaitingCase, owner: OwnerState, free: dict[str, float], now: datetime) -> tuple[str, ...]:
    position = owner.position
    waited = (now - case.waiting_since).total_seconds() / 3600
    reasons = [f"member of team {case.team}, present"]
    if case.skill is not None:
        knows = "knows" if case.skill in position.skills else "nobody free knows"
        reasons.append(f"{knows} {case.skill}")
    if case.previous_owner_id == position.employee_id:
        reasons.append("had the case before")
    if case.region is not None and case.region == position.region:
        reasons.append(f"works in {case.region}")
    reasons.append(f"{max(free[position.employee_id], 0):g} of {position.capacity_units} units left after taking it")
    reasons.append(f"the case waited {waited:.1f} h")
    return tuple(reasons)
