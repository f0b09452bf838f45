"""Which person takes which waiting case: a minimum-cost assignment under capacity, that starves nobody.

Belongs here: the pure plan and the reasons it gives. Not here: which team a case belongs to (`models/routing.py`), who
is away (`models/staff.py`), writing anything down (`casework/assignment.py`). Method: in rounds of at most one case per
person, cases and people are matched at minimum total cost (Kuhn 1955; Crouse 2016, as in
scipy.optimize.linear_sum_assignment). Priority comes before cost: leaving a case out costs more the better it is, by
more than all matches together, which by the exchange property of a transversal matroid (Edmonds and Fulkerson 1965)
gives the set of cases that a greedy pass by priority would. Nothing starves: waiting raises the priority without bound,
and for a case too large for any room that is left a desk is kept free once it has waited `ageing_hours`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

from models.staff import Position

# Work units are added up as fractions: what is less than this is rounding.
_DUST = 1e-9
# Dollars a year of a usual customer, and the usual size of what a playbook brings net of its cost in 90 days.
_USUAL_VALUE_USD, _USUAL_EFFECT_USD = 1_000.0, 25.0


@dataclass(frozen=True, slots=True)
class WaitingCase:
    """A case without an owner. `expected_value_usd` is what acting is worth: with `is_effect` what the recommended
    playbook is expected to bring net of its cost, else the customer's value; unknown is None. `units` is the capacity it
    takes.
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
    cause_id: str | None = None
    is_effect: bool = False


@dataclass(frozen=True, slots=True)
class OwnerState:
    """A member of some teams who is present: capacity and load in work units. `proven` are the causes at which the
    person's cases ended better than the group's beyond chance (`models/skills.py`).
    """

    position: Position
    load_units: float
    teams: frozenset[str]
    proven: frozenset[str] = frozenset()

    @property
    def free_units(self) -> float:
        """Work units still free; below zero for who carries more than the capacity already."""
        return self.position.capacity_units - self.load_units


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
    """Order of the queue, highest first: a step per severity, the worth of acting in [0, 1), how near the next promise
    is to breaking in [0, 1], and a step per `ageing_hours` waited. The last has no bound, so no stream of better cases
    can hold one back for ever: a case that has waited 5 x `ageing_hours` longer than another comes before it whatever
    the two are worth.
    """
    waited = max((now - case.waiting_since).total_seconds(), 0.0) / 3600
    return (4 - case.severity) + _worth(case) + _urgency(case, now, params) + waited / params.ageing_hours


def _worth(case: WaitingCase) -> float:
    """The worth of acting in [0, 1), rising in dollars; a half for a customer of usual worth, and for help that pays for
    itself. What help brings may be negative and is a small part of what a customer is worth: on one scale every case
    with a known effect would come after every case without.
    """
    if case.expected_value_usd is None:
        return 0.0
    if case.is_effect:
        return (1.0 + case.expected_value_usd / (abs(case.expected_value_usd) + _USUAL_EFFECT_USD)) / 2.0
    value = max(case.expected_value_usd, 0.0)
    return value / (value + _USUAL_VALUE_USD)


def _urgency(case: WaitingCase, now: datetime, params: Params) -> float:
    """1 once the promise is due, a half with `ageing_hours` left, 0 where nothing is promised."""
    if case.due_at is None:
        return 0.0
    slack = max((case.due_at - now).total_seconds(), 0.0) / 3600
    return params.ageing_hours / (params.ageing_hours + slack)


def in_order(cases: Sequence[WaitingCase], now: datetime, params: Params) -> list[WaitingCase]:
    """The queue: by priority, then the one that waited longest, then by id; the order given does not matter."""
    return sorted(cases, key=lambda case: (-priority(case, now, params), case.waiting_since, case.case_id))


def assign(
    waiting: Sequence[WaitingCase], owners: Sequence[OwnerState], *, now: datetime, params: Params | None = None
) -> AssignmentPlan:
    """Plan who takes what. `owners` are present members only; nobody gets more than fits, but for severity 1.

    Independent of the order of its arguments. Teams that share people are planned together, so that no lesser case of
    one team goes before a better one of another.
    """
    rules = params or Params()
    queue = in_order(waiting, now, rules)
    decisions: list[Decision] = []
    unassigned: dict[str, str] = {}
    gap = 0.0
    for teams in _sharing(queue, owners):
        people = sorted((o for o in owners if o.teams & teams), key=lambda owner: owner.position.employee_id)
        desks = _Desks(tuple(people), rules, now)
        gap += desks.place([case for case in queue if case.team in teams])
        decisions += desks.decisions
        unassigned |= desks.refused
    waits = [case for case in queue if case.case_id in unassigned]
    # Backwards, so that of each team the best one is what remains.
    price = {case.team: round(priority(case, now, rules), 4) for case in reversed(waits)}
    return AssignmentPlan(tuple(decisions), unassigned, round(gap, 6), price)


def _sharing(cases: Iterable[WaitingCase], owners: Iterable[OwnerState]) -> list[frozenset[str]]:
    """The teams of the queue, those together that share people; in the order of the best waiting case."""
    groups: list[frozenset[str]] = []
    for teams in (*(owner.teams for owner in owners), *(frozenset({case.team}) for case in cases)):
        apart = [group for group in groups if not group & teams]
        groups = [*apart, teams.union(*(group for group in groups if group & teams))]
    group_of = {team: group for group in groups for team in group}
    return list(dict.fromkeys(group_of[case.team] for case in cases))


# A case and its place in the queue; 0 is the best.
_Ranked = tuple[int, WaitingCase]


@dataclass(slots=True)
class _Desks:
    """The room on the desks of people who share teams, while a plan is made."""

    owners: tuple[OwnerState, ...]
    rules: Params
    now: datetime
    decisions: list[Decision] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    free: dict[str, float] = field(init=False)
    largest: dict[str, int] = field(init=False)
    # Desks kept free, with the rank of the case each is kept for: only a better case may still use that room.
    kept: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.free = {owner.position.employee_id: owner.free_units for owner in self.owners}
        self.largest = {
            team: max(owner.position.capacity_units for owner in self.owners if team in owner.teams)
            for team in frozenset[str]().union(*(owner.teams for owner in self.owners))
        }

    def place(self, queue: Sequence[WaitingCase]) -> float:
        """Place what fits, best first; returns what that costs less than the greedy choice."""
        saved = 0.0
        left = list(enumerate(queue))
        while batch := self._next(left):
            pairs, gain = _cheapest(batch, self)
            saved += gain
            for case, owner, cost in pairs:
                self.free[owner.position.employee_id] -= case.units
                reasons = _reasons(case, owner, self.free, self.now)
                self.decisions.append(Decision(case.case_id, owner.position.employee_id, reasons, round(cost, 6)))
            done = self.refused.keys() | {case.case_id for case, _, _ in pairs}
            left = [item for item in left if item[1].case_id not in done]
        return saved

    def _next(self, left: Sequence[_Ranked]) -> list[_Ranked]:
        """The best cases that fit somewhere, one per person with room at most; what fits nowhere is refused."""
        size = sum(units > 0 for units in self.free.values()) or 1
        batch: list[_Ranked] = []
        for rank, case in left:
            if len(batch) == size:
                break
            if any(self.fits(rank, case, owner) for owner in self.owners):
                batch.append((rank, case))
            else:
                self._refuse(rank, case)
        return batch

    def fits(self, rank: int, case: WaitingCase, owner: OwnerState) -> bool:
        """Whether a person may take a case now."""
        person = owner.position.employee_id
        is_kept = self.kept.get(person, rank) < rank
        return case.team in owner.teams and not is_kept and self._lacking(case, person) <= _DUST

    def _lacking(self, case: WaitingCase, person: str) -> float:
        """Units that must come free on a desk before it has room; a case larger than every desk needs one whole."""
        largest = self.largest[case.team]
        need = min(case.units, largest) if largest else case.units
        return need - self.free[person] - (self.rules.overflow_units if case.severity == 1 else 0.0)

    def _refuse(self, rank: int, case: WaitingCase) -> None:
        members = [o.position.employee_id for o in self.owners if case.team in o.teams]
        if not members:
            self.refused[case.case_id] = f"nobody of team {case.team} is present"
            return
        room = max(0.0, *(self.free[person] for person in members))
        why = f"team {case.team} is full: {room:g} units free, {case.units:g} needed"
        open_to = [person for person in members if person not in self.kept]
        if open_to and self.now - case.waiting_since >= timedelta(hours=self.rules.ageing_hours):
            nearest = min(open_to, key=lambda person: (self._lacking(case, person), person))
            self.kept[nearest] = rank
            why += f"; {nearest} takes nothing lesser until it fits"
        self.refused[case.case_id] = why


def _cheapest(batch: Sequence[_Ranked], desks: _Desks) -> tuple[list[tuple[WaitingCase, OwnerState, float]], float]:
    """Match one case to a person each: as many of the best as can be, then at the least cost; and the saving."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    never = float("inf")
    costs = [
        [_cost(case, owner, desks.free) if desks.fits(rank, case, owner) else never for owner in desks.owners]
        for rank, case in batch
    ]
    # Leaving out the better of two cases must cost more than whatever the matches of all the others could save.
    step = 1.0 + len(batch) * max(cost for row in costs for cost in row if cost < never)
    matrix = np.array(costs)
    for k, row in enumerate(matrix):
        row[np.isinf(row)] = step * (len(batch) - k + 1)
    rows, columns = linear_sum_assignment(matrix)
    pairs = [
        (batch[i][1], desks.owners[j], costs[i][j])
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        if costs[i][j] < never
    ]
    return pairs, max(_greedy(costs, never) - sum(cost for _, _, cost in pairs), 0.0)


def _greedy(costs: list[list[float]], never: float) -> float:
    """Cost of taking the cases one by one, each with the cheapest person still free; comparable only when it places
    as many."""
    taken: set[int] = set()
    total = 0.0
    for row in costs:
        cost, column = min(((c, j) for j, c in enumerate(row) if j not in taken), default=(never, -1))
        if cost >= never:
            return 0.0
        taken.add(column)
        total += cost
    return total


def _cost(case: WaitingCase, owner: OwnerState, free: dict[str, float]) -> float:
    """What speaks against this person: lack of the skill, another place, a stranger to the case, a full desk."""
    position = owner.position
    capacity = max(position.capacity_units, 1)
    cost = 2.0 * (1 - free[position.employee_id] / capacity)
    # Among equals a draw by case and person: by the order of names the first of an idle team would get most.
    cost += 1e-3 * crc32(f"{case.case_id}|{position.employee_id}".encode()) / 2**32
    if case.skill is not None and case.skill not in position.skills:
        cost += 1.5
    if case.cause_id in owner.proven:
        cost -= 0.75
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
    if case.cause_id in owner.proven:
        reasons.append(f"cases of {case.cause_id} have ended better with this person than with others, beyond chance")
    if case.previous_owner_id == position.employee_id:
        reasons.append("had the case before")
    if case.region is not None and case.region == position.region:
        reasons.append(f"works in {case.region}")
    reasons.append(f"{max(free[position.employee_id], 0):g} of {position.capacity_units} units left after taking it")
    reasons.append(f"the case waited {waited:.1f} h")
    return tuple(reasons)
