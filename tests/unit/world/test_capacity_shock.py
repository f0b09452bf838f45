"""Half the team off: what the assignment does in the planted shock, beside what a naive one does in the same hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import cycle
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.assignment import OwnerState, Params, WaitingCase, assign, in_order
from world.capacity_shock import (
    HOUR,
    START,
    Policy,
    Round,
    Shock,
    ShockWorld,
    drive,
    gini,
    given_to_absent,
    load_gini,
    make,
    waits_hours,
)

RULES = Params()
HOURS = 480
SHORT = 240
SEEDS = (1, 2, 3)


def planned(params: Params = RULES) -> Policy:
    def policy(waiting: Sequence[WaitingCase], owners: Sequence[OwnerState], at: datetime) -> Mapping[str, str]:
        return {d.case_id: d.owner_id for d in assign(waiting, owners, now=at, params=params).decisions}

    return policy


def round_robin(world: ShockWorld) -> Policy:
    """The naive control: the next on the list of all the team, whoever is there and whatever they carry."""
    everybody = cycle(sorted(world.teams_of))

    def policy(waiting: Sequence[WaitingCase], owners: Sequence[OwnerState], at: datetime) -> Mapping[str, str]:
        return {case.case_id: next(everybody) for case in waiting}

    return policy


@pytest.fixture(scope="module", params=SEEDS)
def run(request: pytest.FixtureRequest) -> tuple[ShockWorld, list[Round]]:
    world = make(Shock(), request.param)
    return world, drive(world, planned(), hours=HOURS)


Run = tuple[ShockWorld, list[Round]]


def test_the_shock_is_as_planted() -> None:
    world = make(Shock(), 1)
    assert make(Shock(), 1) == world != make(Shock(), 2)
    shock = world.shock
    assert len(world.off) == shock.people // 2
    for hour, there in ((shock.off_at - 1, 24), (shock.off_at, 12), (shock.back_at - 1, 12), (shock.back_at, 24)):
        at = START + hour * HOUR
        assert sum(world.org.is_present(name, at) for name in world.teams_of) == there
    coming = sum(case.units for case in world.cases) / shock.stream_ends
    assert shock.people * shock.units_per_hour > coming > shock.people / 2 * shock.units_per_hour


def test_nothing_goes_to_anybody_who_is_off(run: Run) -> None:
    world, rounds = run
    assert given_to_absent(rounds) == 0
    shock = world.shock
    during = [r for r in rounds if START + shock.off_at * HOUR <= r.at < START + shock.back_at * HOUR]
    # What the people who went off had open was taken over; a queue formed, so the shock was felt.
    assert all(r.load_units[name] == 0 for r in during for name in world.off)
    assert max(len(r.waiting) - len(r.given) for r in during) > 20


def test_the_naive_control_fails_the_same_harness() -> None:
    world = make(Shock(), 1)
    rounds = drive(world, round_robin(world), hours=HOURS)
    assert given_to_absent(rounds) > 100
    assert max(max(r.load_units.values()) for r in rounds) > world.shock.capacity_units


def test_everything_is_given_out_in_the_end_and_nothing_twice_at_a_time(run: Run) -> None:
    world, rounds = run
    assert rounds[-1].waiting == ()
    waits = waits_hours(rounds)
    assert waits.keys() == {case.case_id for case in world.cases}
    # Twice only where the first owner went off in between, once.
    taken_back = {case_id for case_id, hours in waits.items() if len(hours) > 1}
    went_off = {case_id for r in rounds for case_id, who in r.given.items() if who in world.off}
    assert max(map(len, waits.values())) == 2 and taken_back <= went_off


def test_the_best_of_the_queue_goes_first_every_hour(run: Run) -> None:
    """Nobody who waits was passed by a lesser case of the same team that took as much room."""
    _, rounds = run
    passed = 0
    for found in rounds:
        line = in_order(found.waiting, found.at, RULES)
        for place, case in enumerate(line):
            if case.case_id not in found.given:
                lesser = [
                    other for other in line[place + 1 :]
                    if other.case_id in found.given and other.team == case.team
                    and other.units >= case.units and other.severity > 1
                ]  # fmt: skip
                passed += len(lesser)
    assert passed == 0


def test_while_half_are_off_the_valuable_wait_less_than_the_rest(run: Run) -> None:
    world, rounds = run
    shock, waits = world.shock, waits_hours(rounds)
    # The last half of the shock, when the queue stands; severity 3, the most frequent one.
    hit = [
        case for case in world.cases
        if case.severity == 3 and case.expected_value_usd is not None
        and (shock.off_at + shock.back_at) / 2 <= (case.waiting_since - START) / HOUR < shock.back_at
    ]  # fmt: skip
    hit.sort(key=lambda case: -(case.expected_value_usd or 0.0))
    third = len(hit) // 3
    best, rest = hit[:third], hit[-third:]
    assert mean(waits[c.case_id][0] for c in best) < 0.8 * mean(waits[c.case_id][0] for c in rest)


def test_nobody_waits_longer_than_the_ageing_allows(run: Run) -> None:
    """Behind a case are at most those that came within 5 x 72 hours of it; here the queue is gone long before that."""
    world, rounds = run
    longest = max(hours for found in waits_hours(rounds).values() for hours in found)
    assert longest <= 5 * RULES.ageing_hours
    gravest = [case.case_id for case in world.cases if case.severity == 1]
    assert max(max(waits_hours(rounds)[case_id]) for case_id in gravest) <= 1


def test_without_ageing_the_least_case_of_a_long_shock_waits_longer() -> None:
    """What the guard is for: a team short of people for good, and the worst wait with and without it."""
    world = make(Shock(off_at=0, back_at=SHORT, stream_ends=SHORT), 4)

    def longest(params: Params) -> float:
        rounds = drive(world, planned(params), hours=SHORT)
        still = [(rounds[-1].at - case.waiting_since) / HOUR for case in rounds[-1].waiting]
        return max(*still, *(hours for found in waits_hours(rounds).values() for hours in found))

    assert longest(Params(ageing_hours=12.0)) < 0.75 * longest(Params(ageing_hours=1e6))


def test_the_load_is_shared_out(run: Run) -> None:
    """Utilisation fairness: of those who may carry the same, nobody carries much more than another."""
    world, rounds = run
    assert load_gini(rounds) < 0.1 < load_gini(drive(world, round_robin(world), hours=HOURS))


def test_nobody_carries_more_than_capacity_but_for_the_gravest(run: Run) -> None:
    world, rounds = run
    most = max(max(r.load_units.values()) for r in rounds)
    assert most <= world.shock.capacity_units + RULES.overflow_units


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_gini_is_the_mean_difference_over_twice_the_mean(values: list[float]) -> None:
    n, total = len(values), sum(values)
    expected = sum(abs(a - b) for a in values for b in values) / (2 * n * total) if total > 1e-6 else None
    if expected is not None:
        assert gini(values) == pytest.approx(expected, abs=1e-9)
    assert gini([0.0, 0.0]) == 0.0
