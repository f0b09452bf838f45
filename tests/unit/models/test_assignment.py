"""Assignment: who takes which waiting case, whatever order things are given in, and nobody and nothing left out."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.assignment import AssignmentPlan, OwnerState, Params, WaitingCase, assign, in_order, priority
from models.staff import Position

NOW = datetime(2026, 7, 6, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEAMS = ("desk", "fraud", "branch")
# The first example pays for importing scipy.
loose = settings(deadline=None)


def waiting(case_id: str, **changes: object) -> WaitingCase:
    base = WaitingCase(case_id=case_id, team="desk", severity=3, units=1.0, waiting_since=NOW - HOUR)
    return replace(base, **changes)  # type: ignore[arg-type]


def owner(
    employee_id: str, capacity: int = 4, load: float = 0.0, teams: tuple[str, ...] = ("desk",), **more: object
) -> OwnerState:
    position = Position(employee_id, "agent", "T0001", date(2026, 1, 1), capacity_units=capacity, **more)  # type: ignore[arg-type]
    return OwnerState(position, load, frozenset(teams))


cases = st.builds(
    waiting,
    st.uuids().map(str),
    team=st.sampled_from(TEAMS),
    severity=st.integers(1, 4),
    units=st.sampled_from([0.125, 0.5, 1.0, 2.0, 4.0, 8.0]),
    waiting_since=st.integers(0, 400).map(lambda hours: NOW - hours * HOUR),
    expected_value_usd=st.none() | st.floats(-100, 1e6),
    is_effect=st.booleans(),
    due_at=st.none() | st.integers(-100, 400).map(lambda hours: NOW + hours * HOUR),
    skill=st.none() | st.sampled_from(["security", "borrowing"]),
    region=st.none() | st.sampled_from(["north", "south"]),
    previous_owner_id=st.none() | st.sampled_from(["E0", "E9"]),
)
owners = st.lists(
    st.builds(
        lambda capacity, load, teams, region, skills: (capacity, load, teams, region, skills),
        st.integers(0, 12),
        st.sampled_from([0.0, 0.5, 3.0, 6.0, 15.0]),
        st.sets(st.sampled_from(TEAMS), min_size=1).map(lambda found: tuple(sorted(found))),
        st.none() | st.sampled_from(["north", "south"]),
        st.frozensets(st.sampled_from(["security", "borrowing"])),
    ),
    max_size=6,
).map(
    lambda rows: [
        owner(f"E{k}", capacity, load, teams, region=region, skills=skills)
        for k, (capacity, load, teams, region, skills) in enumerate(rows)
    ]
)
queues = st.lists(cases, max_size=12)


@loose
@given(queues, owners, st.randoms(use_true_random=False))
def test_the_order_in_which_cases_and_people_are_listed_decides_nothing(
    queue: list[WaitingCase], people: list[OwnerState], rng: random.Random
) -> None:
    plan = assign(queue, people, now=NOW)
    rng.shuffle(queue)
    rng.shuffle(people)
    assert assign(queue, people, now=NOW) == plan


@loose
@given(queues, owners)
def test_every_case_is_either_given_to_one_member_of_its_team_or_told_why_it_waits(
    queue: list[WaitingCase], people: list[OwnerState]
) -> None:
    plan = assign(queue, people, now=NOW)
    placed = [decision.case_id for decision in plan.decisions]
    assert sorted([*placed, *plan.unassigned]) == sorted(case.case_id for case in queue)
    by_id = {case.case_id: case for case in queue}
    teams = {o.position.employee_id: o.teams for o in people}
    assert all(by_id[d.case_id].team in teams[d.owner_id] and d.reasons for d in plan.decisions)
    assert all(plan.unassigned.values())


@loose
@given(queues, owners, st.sampled_from([0.0, 8.0]))
def test_nobody_is_loaded_above_capacity_but_for_the_gravest_cases_and_then_within_the_overflow(
    queue: list[WaitingCase], people: list[OwnerState], overflow: float
) -> None:
    by_id = {case.case_id: case for case in queue}
    taken: dict[str, list[WaitingCase]] = defaultdict(list)
    for decision in assign(queue, people, now=NOW, params=Params(overflow_units=overflow)).decisions:
        taken[decision.owner_id].append(by_id[decision.case_id])
    for person in people:
        capacity = person.position.capacity_units
        mine = taken[person.position.employee_id]
        # A case larger than the largest desk of its team counts as that desk.
        largest = {team: max(o.position.capacity_units for o in people if team in o.teams) for team in person.teams}
        units = [min(case.units, largest[case.team] or case.units) for case in mine]
        is_grave = any(case.severity == 1 for case in mine)
        if mine:
            # The units that a case has beyond the desk are carried too; they are what the last of them may exceed by.
            assert person.load_units + sum(units) <= capacity + (overflow if is_grave else 0) + sum(
                case.units - u for case, u in zip(mine, units, strict=True)
            )


@loose
@given(st.lists(cases.map(lambda c: replace(c, team="desk", units=1.0, severity=3)), max_size=12), owners)
def test_among_cases_of_one_size_and_team_none_is_taken_before_a_better_one(
    queue: list[WaitingCase], people: list[OwnerState]
) -> None:
    plan = assign(queue, people, now=NOW)
    line = [case.case_id for case in in_order(queue, NOW, Params())]
    placed = {decision.case_id for decision in plan.decisions}
    assert set(line[: len(placed)]) == placed


@loose
@given(st.lists(cases.map(lambda c: replace(c, units=1.0)), max_size=8), owners)
def test_a_better_case_of_another_team_is_not_shut_out_by_lesser_cases_of_a_shared_person(
    queue: list[WaitingCase], people: list[OwnerState]
) -> None:
    """Whoever waits cannot point at somebody of the own team whose last case is worth less (severity 1 apart)."""
    queue = [replace(case, severity=max(case.severity, 2)) for case in queue]
    plan = assign(queue, people, now=NOW)
    rank = {case.case_id: k for k, case in enumerate(in_order(queue, NOW, Params()))}
    taken: dict[str, list[int]] = defaultdict(list)
    for decision in plan.decisions:
        taken[decision.owner_id].append(rank[decision.case_id])
    for case in queue:
        if case.case_id in plan.unassigned:
            able = [o for o in people if case.team in o.teams and o.position.capacity_units - o.load_units >= 1]
            assert all(max(taken[o.position.employee_id], default=-1) < rank[case.case_id] for o in able)


def test_the_best_case_of_one_team_does_not_carry_its_lesser_colleagues_past_another_team() -> None:
    shared = owner("E1", capacity=2, teams=("desk", "fraud"))
    queue = [
        waiting("best", severity=2, expected_value_usd=9_000),
        waiting("least", severity=4),
        waiting("fraud", severity=2, team="fraud"),
    ]
    plan = assign(queue, [shared], now=NOW)
    assert {d.case_id for d in plan.decisions} == {"best", "fraud"}


def test_a_person_of_two_teams_leaves_a_case_to_the_colleague_who_can_take_nothing_else() -> None:
    queue = [waiting("a", severity=2), waiting("b", team="fraud")]
    plan = assign(queue, [owner("E1", 1, teams=("desk", "fraud")), owner("E2", 1)], now=NOW)
    assert {d.case_id: d.owner_id for d in plan.decisions} == {"a": "E2", "b": "E1"}


@settings(loose, max_examples=60)
@given(
    st.lists(cases.map(lambda c: replace(c, team="desk", units=1.0, severity=3)), min_size=1, max_size=4),
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["north", "south"]), st.frozensets(st.just("security"))),
        min_size=4, max_size=5,
    ),
)  # fmt: skip
def test_one_case_each_is_given_out_at_the_least_cost_of_all_ways_to_do_so(
    queue: list[WaitingCase], rows: list[tuple[int, str, frozenset[str]]]
) -> None:
    people = [owner(f"E{k}", c, region=region, skills=skills) for k, (c, region, skills) in enumerate(rows)]
    # What one case costs with one person, asked of the plan itself.
    single = {
        (c.case_id, o.position.employee_id): assign([c], [o], now=NOW).decisions[0].cost
        for c, o in product(queue, people)
    }
    names = [o.position.employee_id for o in people]
    best = min(
        sum(single[case.case_id, who] for case, who in zip(queue, chosen, strict=True))
        for chosen in permutations(names, len(queue))
    )
    assert sum(d.cost for d in assign(queue, people, now=NOW).decisions) == pytest.approx(best, abs=1e-5)


@loose
@given(cases, cases)
def test_waiting_wins_in_the_end_whatever_two_cases_are_worth(one: WaitingCase, other: WaitingCase) -> None:
    rules = Params()
    old = replace(one, waiting_since=other.waiting_since - timedelta(hours=5 * rules.ageing_hours))
    assert priority(old, NOW, rules) > priority(other, NOW, rules)


@loose
@given(cases, st.integers(1, 1000))
def test_a_case_never_loses_priority_by_waiting(case: WaitingCase, hours: int) -> None:
    assert priority(case, NOW + hours * HOUR, Params()) > priority(case, NOW, Params())


def test_a_case_whose_promise_is_about_to_break_comes_before_its_equal() -> None:
    queue = [waiting("a-later", due_at=NOW + 40 * HOUR), waiting("b-soon", due_at=NOW + HOUR), waiting("c-never")]
    assert [case.case_id for case in in_order(queue, NOW, Params())] == ["b-soon", "a-later", "c-never"]


def test_unknown_value_counts_as_none_and_debts_do_not_push_a_case_back() -> None:
    rules = Params()
    assert (
        priority(waiting("a"), NOW, rules)
        == priority(waiting("b", expected_value_usd=0.0), NOW, rules)
        == priority(waiting("c", expected_value_usd=-500.0), NOW, rules)
    )


def run_rounds(large: WaitingCase, rounds: int, *, ageing_hours: float) -> int | None:
    """Hours until `large` finds an owner while two people finish half a unit an hour and small cases keep coming."""
    load = {"E1": 4.0, "E2": 4.0}
    rules = Params(ageing_hours=ageing_hours)
    queue: list[WaitingCase] = [large]
    for hour in range(rounds):
        now = NOW + hour * HOUR
        load = {who: max(units - 0.5, 0.0) for who, units in load.items()}
        queue += [
            waiting(f"s{hour}-{k}", units=0.5, severity=2, waiting_since=now, expected_value_usd=1e6) for k in range(3)
        ]
        plan = assign(queue, [owner(who, 4, units) for who, units in load.items()], now=now, params=rules)
        units = {case.case_id: case.units for case in queue}
        for decision in plan.decisions:
            load[decision.owner_id] += units[decision.case_id]
        if large.case_id not in plan.unassigned:
            return hour
        queue = [case for case in queue if case.case_id in plan.unassigned]
    return None


def test_a_large_case_is_not_starved_by_small_ones_that_take_every_freed_piece() -> None:
    large = waiting("large", units=4.0, severity=3, waiting_since=NOW)
    # 72 hours until it is old enough to have a desk kept free for it, five times that at most to come first of all,
    # and eight hours until a desk of four units is empty.
    took = run_rounds(large, 400, ageing_hours=72.0)
    assert took is not None and took <= 5 * 72 + 8


def test_a_case_larger_than_every_desk_takes_one_whole_desk() -> None:
    large = waiting("large", units=8.0, severity=2)
    assert [d.owner_id for d in assign([large], [owner("E1", 4, 1.0), owner("E2", 4)], now=NOW).decisions] == ["E2"]
    assert "full" in assign([large], [owner("E1", 4, 1.0), owner("E2", 4, 0.5)], now=NOW).unassigned["large"]


def test_the_gravest_cases_stop_at_the_overflow_round_after_round() -> None:
    """Each round used to start again from a desk that is merely full, so that the pile had no end."""
    load = 4.0
    for k in range(6):
        plan = assign([waiting(f"g{k}", severity=1, units=4.0)], [owner("E1", 4, load)], now=NOW)
        load += 4.0 * len(plan.decisions)
    assert load == 4.0 + Params().overflow_units


def test_an_idle_team_of_equals_is_given_equal_shares_and_not_the_first_on_the_list() -> None:
    people = [owner(f"E{k}") for k in range(5)]
    took = Counter(
        decision.owner_id for k in range(400) for decision in assign([waiting(f"C{k}")], people, now=NOW).decisions
    )
    # 80 each; four standard deviations of a fair draw are 32.
    assert set(took) == {f"E{k}" for k in range(5)}
    assert all(48 <= number <= 112 for number in took.values())


def test_whoever_is_listed_without_capacity_gets_nothing_ordinary() -> None:
    plan = assign([waiting("a")], [owner("E1", 0)], now=NOW)
    assert not plan.decisions and "full" in plan.unassigned["a"]


def test_a_team_of_which_nobody_is_present_says_so() -> None:
    plan = assign([waiting("a", team="fraud")], [owner("E1")], now=NOW)
    assert plan.unassigned == {"a": "nobody of team fraud is present"}


def test_the_owner_explains_why_it_was_this_one() -> None:
    plan = assign(
        [waiting("a", skill="security", region="north", previous_owner_id="E2")],
        [owner("E1"), owner("E2", region="north", skills=frozenset({"security"}))],
        now=NOW,
    )
    (decision,) = plan.decisions
    assert decision.owner_id == "E2"
    assert set(decision.reasons) == {
        "member of team desk, present", "knows security", "had the case before", "works in north",
        "3 of 4 units left after taking it", "the case waited 1.0 h",
    }  # fmt: skip


def test_the_plan_says_what_one_more_unit_would_have_taken_and_what_the_matching_saved() -> None:
    queue = [waiting("a", skill="security"), waiting("b")]
    people = [owner("E1", 2, skills=frozenset({"security"})), owner("E2", 2, 1.0)]
    assert assign(queue, people, now=NOW).shadow_price == {}
    full: AssignmentPlan = assign([*queue, waiting("c", units=4.0)], people, now=NOW)
    assert set(full.shadow_price) == {"desk"} and full.shadow_price["desk"] > 0
    # `b`, worth more, goes first and would take the roomier desk of the only person who knows what `a` needs.
    better = [waiting("a", skill="security"), waiting("b", expected_value_usd=5_000)]
    assert (
        assign(better, [owner("E1", 4, skills=frozenset({"security"})), owner("E2", 4, 1.0)], now=NOW).optimality_gap
        > 0
    )


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.integers(1, 4))
def test_of_equal_cases_the_one_help_is_expected_to_bring_more_comes_first(
    one: float, other: float, severity: int
) -> None:
    queue = [
        waiting(f"C{n}", expected_value_usd=value, is_effect=True, severity=severity)
        for n, value in enumerate((one, other))
    ]
    first, second = (case.expected_value_usd for case in in_order(queue, NOW, Params()))
    assert first is not None and second is not None
    # Values a hair apart may share a place once they are squeezed between 0 and 1.
    assert first >= second or first == pytest.approx(second, rel=1e-6, abs=1e-6)


@given(st.floats(-1e6, 1e6), st.none() | st.floats(0, 1e6), st.booleans())
def test_what_acting_is_worth_never_outweighs_a_step_of_severity(
    value: float, other: float | None, is_effect: bool
) -> None:
    grave = waiting("grave", severity=1, expected_value_usd=value, is_effect=True)
    milder = waiting("milder", severity=2, expected_value_usd=other, is_effect=is_effect)
    assert in_order([milder, grave], NOW, Params())[0] is grave


def test_an_effect_does_not_sink_below_cases_whose_effect_nobody_knows() -> None:
    pays = waiting("pays", expected_value_usd=40.0, is_effect=True)
    usual = waiting("usual", expected_value_usd=600.0)
    unknown = waiting("unknown")
    costs = waiting("costs", expected_value_usd=-40.0, is_effect=True)
    order = [case.case_id for case in in_order([unknown, costs, usual, pays], NOW, Params())]
    assert order == ["pays", "usual", "costs", "unknown"]
