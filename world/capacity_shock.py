"""A planted capacity shock: a team at work, half of it off from one moment to another, and cases that keep coming.

Belongs here: the people, their absence, the stream of cases, how fast people finish, and an hourly harness that any
policy can be put into. Not here: a policy (`models/assignment.py` is one; a naive control is in the tests), and the
world that is exported as files (`world/build.py`). Hours are working hours: the shock is about capacity, not calendars.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from models.assignment import OwnerState, WaitingCase
from models.staff import Absence, OrgChart, Position, WorkUnits
from world.draws import pick, stream

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
REGIONS = ("north", "south")
TEAMS = ("desk", "fraud")
# Shares of severity 1 to 4.
_SEVERITIES = (0.03, 0.17, 0.5, 0.3)

# Given the queue, the people and the moment: which case goes to whom.
Policy = Callable[[Sequence[WaitingCase], Sequence[OwnerState], datetime], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Shock:
    """The planted numbers. Hours count from the start; `units_per_hour` is what one person finishes.

    As planted, 4 cases of 1.1 units an hour meet 24 people who finish 6 units an hour, 3 while half of them are off:
    for those hours the queue grows by a third of what comes in, whoever decides.
    """

    people: int = 24
    capacity_units: int = 4
    units_per_hour: float = 0.25
    cases_per_hour: float = 4.0
    share_off: float = 0.5
    off_at: int = 48
    back_at: int = 144
    stream_ends: int = 240
    fraud_share: float = 0.2


@dataclass(frozen=True, slots=True)
class ShockWorld:
    """`cases` in order of arrival; `off` are the people who are away in [off_at, back_at) of the plan."""

    shock: Shock
    org: OrgChart
    teams_of: Mapping[str, frozenset[str]]
    cases: tuple[WaitingCase, ...]
    off: frozenset[str]


@dataclass(frozen=True, slots=True)
class Round:
    """One hour of the harness: who waited, who was given what, who was present, and what each carried after it."""

    at: datetime
    waiting: tuple[WaitingCase, ...]
    given: Mapping[str, str]
    present: frozenset[str]
    load_units: Mapping[str, float]


@dataclass(slots=True)
class _Desk:
    """Open cases of one person in the order taken, with the units still to do of each."""

    open: dict[str, float] = field(default_factory=dict)
    cases: dict[str, WaitingCase] = field(default_factory=dict)

    def load(self) -> float:
        """Work units of the open cases: a case weighs in full until it is done, as in the ledger."""
        return sum(case.units for case in self.cases.values())

    def take(self, case: WaitingCase) -> None:
        self.open[case.case_id], self.cases[case.case_id] = case.units, case

    def work(self, units: float) -> None:
        for case_id in list(self.open):
            done = min(units, self.open[case_id])
            units -= done
            self.open[case_id] -= done
            if self.open[case_id] > 1e-9:
                break
            del self.open[case_id], self.cases[case_id]

    def give_back(self, at: datetime) -> list[WaitingCase]:
        back = list(self.cases.values())
        self.open.clear()
        self.cases.clear()
        return [replace(case, waiting_since=at) for case in back]


def make(shock: Shock, seed: int) -> ShockWorld:
    """People and cases of one seed; the same seed gives the same world."""
    rng = stream(seed, "capacity_shock")
    names = [f"E{k:05d}" for k in range(1, shock.people + 1)]
    positions = [
        Position(
            name, "agent", "T0001", date(2026, 1, 1), region=REGIONS[k % 2], capacity_units=shock.capacity_units,
            skills=frozenset({"security"} if k % 4 == 0 else {"everyday"}),
        )
        for k, name in enumerate(names)
    ]  # fmt: skip
    off = frozenset(rng.choice(names, round(shock.people * shock.share_off), replace=False).tolist())
    away = [Absence(name, START + shock.off_at * HOUR, START + shock.back_at * HOUR) for name in sorted(off)]
    teams_of = {p.employee_id: frozenset(TEAMS if "security" in p.skills else TEAMS[:1]) for p in positions}
    return ShockWorld(shock, OrgChart(tuple(positions), tuple(away)), teams_of, _cases(shock, rng), off)


def _cases(shock: Shock, rng: np.random.Generator) -> tuple[WaitingCase, ...]:
    hours = np.repeat(np.arange(shock.stream_ends), rng.poisson(shock.cases_per_hour, shock.stream_ends))
    severity = pick(rng, _SEVERITIES, len(hours)) + 1
    value = rng.lognormal(6.5, 1.2, len(hours))
    is_fraud = rng.random(len(hours)) < shock.fraud_share
    region = pick(rng, (1.0, 1.0), len(hours))
    units = WorkUnits()
    return tuple(
        WaitingCase(
            case_id=f"C{k:05d}", team=TEAMS[int(is_fraud[k])], severity=int(severity[k]),
            units=units.of(severity=int(severity[k]), kind="recovery"), waiting_since=START + int(hour) * HOUR,
            # One in ten is worth nobody knows what.
            expected_value_usd=float(value[k]) if k % 10 else None, due_at=START + int(hour + 24) * HOUR,
            skill="security" if is_fraud[k] else "everyday", region=REGIONS[int(region[k])],
        )
        for k, hour in enumerate(hours)
    )  # fmt: skip


def drive(world: ShockWorld, policy: Policy, *, hours: int) -> list[Round]:
    """Run a policy hour by hour: cases arrive, those of people who went off come back, the policy decides, all work.

    The policy sees present people only, yet may name anybody: a harness that stopped it could not show the fault.
    """
    desks = {name: _Desk() for name in world.teams_of}
    queue: dict[str, WaitingCase] = {}
    arriving: dict[datetime, list[WaitingCase]] = defaultdict(list)
    for case in world.cases:
        arriving[case.waiting_since].append(case)
    rounds: list[Round] = []
    for hour in range(hours):
        at = START + hour * HOUR
        present = frozenset(name for name in desks if world.org.is_present(name, at))
        returned = [case for name in sorted(desks.keys() - present) for case in desks[name].give_back(at)]
        queue |= {case.case_id: case for case in (*returned, *arriving[at])}
        waiting = tuple(queue.values())
        given = policy(waiting, _owners(world, desks, present, at), at)
        for case_id, name in given.items():
            desks[name].take(queue.pop(case_id))
        rounds.append(Round(at, waiting, given, present, {name: desk.load() for name, desk in desks.items()}))
        for name in present:
            desks[name].work(world.shock.units_per_hour)
    return rounds


def _owners(
    world: ShockWorld, desks: Mapping[str, _Desk], present: frozenset[str], at: datetime
) -> tuple[OwnerState, ...]:
    chart = world.org.on(at)
    return tuple(OwnerState(chart[name], desks[name].load(), world.teams_of[name]) for name in sorted(present))


def given_to_absent(rounds: Sequence[Round]) -> int:
    """How many cases were given to somebody who was off."""
    return sum(owner not in found.present for found in rounds for owner in found.given.values())


def waits_hours(rounds: Sequence[Round]) -> dict[str, list[float]]:
    """Hours each case waited, one entry per time it was given out."""
    waits: dict[str, list[float]] = defaultdict(list)
    for found in rounds:
        since = {case.case_id: case.waiting_since for case in found.waiting}
        for case_id in found.given:
            waits[case_id].append((found.at - since[case_id]) / HOUR)
    return dict(waits)


def load_gini(rounds: Sequence[Round]) -> float:
    """Gini coefficient of the unit-hours carried by those who were present all the time: 0 is equal, 1 is all on one.

    Not of everybody: who was off while the others were full has carried less, and fairly so.
    """
    always = frozenset[str].intersection(*(found.present for found in rounds))
    return gini([sum(found.load_units[name] for found in rounds) for name in sorted(always)])


def gini(values: Sequence[float]) -> float:
    """Gini coefficient of values of which none is negative; 0.0 where there is nothing to share out."""
    ranked = np.sort(np.asarray(values, dtype=float))
    total = float(ranked.sum())
    if total == 0.0:
        return 0.0
    ranks = np.arange(1, len(ranked) + 1)
    return float(2 * (ranks * ranked).sum() / (len(ranked) * total) - (len(ranked) + 1) / len(ranked))
