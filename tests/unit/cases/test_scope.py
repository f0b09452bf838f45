"""Who sees which cases: by role, place in the organisation and time, with one answer for unknown and forbidden."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import services
from cases.errors import UnknownCase
from cases.listing import CaseFilter
from cases.scope import COUNTED_BLIND, SMALL_CELL, CaseRepository, Forbidden
from models.access import POWERS, ROLES, Principal, Reach, Role, reaches
from models.case import EventKind
from models.settings import Settings
from models.sla import SlaPolicy, SlaTarget
from models.staff import OrgChart, Position
from tests.unit.cases.builders import ANNA, NOW, START, day, trigger
from tests.unit.cases.org import PEOPLE, TEAMS, open_in, position, repository

HR_ROLES = ("agent", "team_lead", "manager", "director", "qa")


def seen(who: str, role: Role, **more: Any) -> set[str]:
    return {line.case_id for line in repository(who, role, **more).page().items}


def test_an_agent_sees_own_cases_and_those_of_the_teams_the_agent_is_in(ledger: Settings) -> None:
    own = open_in("own", team="north-desk", owner="ann")
    team = open_in("team", team="service-desk")
    fraud = open_in("fraud", team="fraud-care")
    other = open_in("other", team="north-desk", owner="nia")
    assert seen("ann", "agent") == {own, team}
    assert seen("bob", "agent") == {team, fraud}
    assert seen("nia", "agent") == {own, other}


def test_a_manager_sees_everything_anybody_below_sees_and_the_branches_below(ledger: Settings) -> None:
    for name, more in {
        "a": {"team": "service-desk"}, "b": {"team": "fraud-care"}, "c": {"team": "north-desk", "owner": "ann"},
        "d": {"branch_id": "B1"}, "e": {"branch_id": "B2"}, "f": {"branch_id": "B3"}, "g": {"region": "south"},
        "h": {"region": "south", "branch_id": "B3"},
    }.items():  # fmt: skip
        open_in(name, **more)
    south = seen("mgr-s", "manager")
    for person in ("ann", "bob"):
        assert seen(person, "agent") <= seen("lead", "team_lead") <= south
    assert seen("mgr-b", "manager") <= south
    of = {name: services.case_of_trigger(name) for name in "abcdefgh"}
    assert south == {of[name] for name in "abcdeg"}
    assert of["h"] in seen("mgr-n", "manager"), "a case with a branch belongs to the branch, not to the region"


@pytest.mark.parametrize("role", ["director", "cx_lead", "qa", "auditor", "service"])
def test_roles_for_the_whole_company_see_every_case(ledger: Settings, role: Role) -> None:
    cases = {open_in("a", team="north-desk"), open_in("b", branch_id="B9"), open_in("c")}
    who = {"director": "dir", "qa": "qia"}.get(role, "somebody")
    assert seen(who, role) == cases


def test_a_token_cannot_widen_what_hr_says(ledger: Settings) -> None:
    open_in("north", team="north-desk")
    assert seen("ann", "director") == seen("ann", "agent") == set()


def test_nobody_without_a_position_sees_anything_and_neither_does_one_who_left(ledger: Settings) -> None:
    open_in("a", team="service-desk", owner="ann")
    left = OrgChart((*(p for p in PEOPLE if p.employee_id != "ann"), replace(PEOPLE[5], valid_to=date(2026, 6, 30))))
    assert seen("stranger", "manager") == set()
    assert seen("ann", "agent", org=left, at=day(100)) != set()
    assert seen("ann", "agent", org=left) == set()


def test_a_branch_that_moves_keeps_its_old_cases_with_the_old_manager_and_gives_the_new_ones_away(
    ledger: Settings,
) -> None:
    moved_on = date(2026, 6, 1)
    before = replace(PEOPLE[2], valid_to=moved_on - timedelta(days=1))
    after = replace(PEOPLE[2], valid_from=moved_on, manager_id="mgr-n")
    org = OrgChart((*(p for p in PEOPLE if p.employee_id != "mgr-b"), before, after))
    old, new = open_in("old", branch_id="B1", at=10), open_in("new", branch_id="B1", at=200)
    assert seen("mgr-s", "manager", org=org) == {old}
    assert seen("mgr-n", "manager", org=org) == {old, new}


def test_a_promotion_does_not_open_the_past_as_if_the_person_had_been_manager_then(ledger: Settings) -> None:
    promoted = date(2026, 6, 1)
    agent = replace(PEOPLE[5], valid_to=promoted - timedelta(days=1))
    manager = position("ann", "manager", "T0008", "dir", branch_id="B5", since=promoted)
    org = OrgChart((*(p for p in PEOPLE if p.employee_id != "ann"), agent, manager))
    mine_then = open_in("team", team="service-desk", at=10)
    open_in("later", team="service-desk", at=200)
    open_in("branch", branch_id="B2", at=10)
    assert seen("ann", "manager", org=org) == {mine_then}


def test_a_case_in_scope_is_shown_whole_with_its_history_and_state(ledger: Settings) -> None:
    case_id = open_in("a", team="service-desk", owner="ann")
    cases = repository("ann", "agent")
    assert cases.get(case_id)["case"]["case_id"] == case_id
    assert [event["kind"] for event in cases.history(case_id)] == ["opened", "routed", "assigned"]
    assert cases.state(case_id).owner_id == "ann"


@pytest.mark.parametrize("method", ["get", "history", "state", "require"])
def test_unknown_and_forbidden_are_the_same_answer(ledger: Settings, method: str) -> None:
    hidden = open_in("north", team="north-desk")
    refusals = []
    for case_id in (hidden, "C-NOSUCHCASE"):
        with pytest.raises(UnknownCase) as refused:
            getattr(repository("ann", "agent"), method)(case_id)
        refusals.append((type(refused.value), str(refused.value) == case_id))
    assert refusals[0] == refusals[1]


def test_search_counts_and_queue_stay_inside_the_scope(ledger: Settings) -> None:
    mine, hidden = open_in("mine", team="service-desk"), open_in("hidden", team="north-desk")
    cases = repository("ann", "agent")
    assert [line.case_id for line in cases.search("C-mine").items] == [mine]
    assert cases.search("C-hidden").items == () == cases.search(hidden).items
    assert [line.case_id for line in cases.search(mine[:6]).items] == [mine]
    assert cases.search("C-").items == (), "a search is no way to list"
    assert {line.case_id for line in cases.queue()} == {mine}
    assert [(cell.value, cell.cases) for cell in cases.counts("team")] == [("service-desk", 1)]
    assert cases.visible([mine, hidden]) == {mine}


def test_an_analyst_reads_no_case_and_counts_no_small_cell(ledger: Settings) -> None:
    for n in range(7):
        open_in(f"s{n}", team="service-desk", region="south")
    for n in range(6):
        open_in(f"n{n}", team="north-desk", region="north")
    open_in("few", team="fraud-care", region="west")
    analyst = repository("ada", "analyst")
    with pytest.raises(Forbidden):
        analyst.page()
    with pytest.raises(Forbidden):
        analyst.get(services.case_of_trigger("few"))
    told = {cell.value: cell.cases for cell in analyst.counts("team")}
    assert told == {"service-desk": 7, "north-desk": None, "fraud-care": None}, "one hidden cell follows from the total"
    with pytest.raises(Forbidden):
        analyst.counts("owner_id")


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_suppressed_cell_can_be_worked_out_from_the_total(new_ledger: Any, sizes: list[int]) -> None:
    new_ledger()
    names = [f"r{row}-{n}" for row, size in enumerate(sizes) for n in range(size)]
    triggers = [trigger(name, 0, customer=name, region=name.split("-")[0]) for name in names]
    services.open_cases(triggers, recorded_at=NOW)
    cells = repository("ada", "analyst").counts("region")
    hidden = [cell for cell in cells if cell.cases is None]
    assert all(cell.cases is None or cell.cases >= SMALL_CELL for cell in cells)
    assert len(hidden) != 1 or len(cells) == 1


def test_pages_follow_each_other_without_gap_or_repetition(ledger: Settings) -> None:
    services.open_cases([trigger(f"t{n}", n / 100, customer=f"C{n}") for n in range(23)], recorded_at=NOW)
    cases, found, after = repository("x", "cx_lead"), [], None
    while True:
        page = cases.page(after=after, limit=5)
        found += [line.case_id for line in page.items]
        after = page.next_after
        if after is None:
            break
    assert len(found) == len(set(found)) == 23


def test_a_page_cannot_be_started_from_a_case_out_of_scope(ledger: Settings) -> None:
    hidden = open_in("north", team="north-desk")
    with pytest.raises(UnknownCase):
        repository("ann", "agent").page(after=hidden)


SLA = SlaPolicy(targets=(SlaTarget(metric="resolve", severity=3, seconds=3600, clock="wall", calendar=None,
                                   effective_from=START - timedelta(days=999)),), calendars=())  # fmt: skip


def test_a_list_is_filtered_by_state_owner_severity_kind_and_time_left(ledger: Settings) -> None:
    services.open_cases([trigger("a", 0), trigger("b", 0.5, customer="C2")], recorded_at=NOW, sla=SLA)
    a, b = services.case_of_trigger("a"), services.case_of_trigger("b")
    services.act(b, EventKind.ASSIGNED, {"owner_id": "ann"}, actor=ANNA, expected_version=2,
                 occurred_at=day(0.5), recorded_at=NOW)  # fmt: skip
    cases = repository("x", "cx_lead", at=day(0.5) + timedelta(minutes=20), sla=SLA)

    def ids(**wanted: Any) -> set[str]:
        return {line.case_id for line in cases.page(CaseFilter(**wanted)).items}

    assert ids(states=("new",)) == {a} and ids(owner_id="ann") == {b} and ids(is_unowned=True) == {a}
    assert ids(severities=(1, 2)) == set() and ids(kinds=("recovery",)) == {a, b}
    assert ids(opened_from=day(0.25)) == {b} and ids(opened_before=day(0.25)) == {a}
    assert ids(is_overdue=True) == {a} and ids(is_overdue=False) == {b}
    assert ids(due_within_seconds=0) == {a} and ids(due_within_seconds=2400) == {a, b}
    (line,) = cases.page(CaseFilter(owner_id="ann")).items
    assert (line.next_metric, line.seconds_left, line.due_at) == ("resolve", 2400, day(0.5) + timedelta(hours=1))


def test_a_page_costs_the_same_queries_however_many_cases_there_are(ledger: Settings) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert len(repository("lead", "team_lead", sla=SLA).page().items) == 50
        return len(caught)

    batches = [
        [trigger(f"t{k}-{n}", 0, customer=f"C{k}-{n}") for n in range(size)] for k, size in enumerate((60, 5_000))
    ]
    services.open_cases(batches[0], recorded_at=NOW, routing=_routing(), sla=SLA)
    few = queries()
    services.open_cases(batches[1], recorded_at=NOW, routing=_routing(), sla=SLA)
    assert queries() == few <= 6


def _routing() -> Any:
    from tests.unit.cases.org import ROUTING

    return ROUTING


# -- the scope in SQL against the same rule in plain Python -------------------------------------------------------------

NAMES = ("p1", "p2", "p3", "p4")
DAYS = st.integers(0, 300).map(lambda n: date(2025, 12, 1) + timedelta(days=n))
POSITIONS = st.builds(
    Position,
    employee_id=st.sampled_from(NAMES), role=st.sampled_from(HR_ROLES), team_id=st.sampled_from(("T0001", "T0002")),
    valid_from=DAYS, valid_to=st.none() | DAYS, manager_id=st.none() | st.sampled_from(NAMES),
    branch_id=st.none() | st.sampled_from(("B1", "B2")), region=st.none() | st.sampled_from(("south", "north")),
    skills=st.sampled_from((frozenset(), frozenset({"security"}))),
)  # fmt: skip
PLACES = st.tuples(
    st.none() | st.sampled_from(("service-desk", "fraud-care", "north-desk")), st.none() | st.sampled_from(NAMES),
    st.none() | st.sampled_from(("B1", "B2", "B9")), st.none() | st.sampled_from(("south", "north")),
    st.integers(0, 250),
)  # fmt: skip


@pytest.fixture(scope="module")
def crowd(new_ledger: Any) -> dict[str, tuple[Any, ...]]:
    """Three hundred cases of every team, owner, branch, region and time, once for all examples."""
    import random

    new_ledger()
    random.seed(3)
    found = {}
    for n in range(120):
        team = random.choice((None, "service-desk", "fraud-care", "north-desk"))
        owner = random.choice((None, *NAMES))
        branch, region = random.choice((None, "B1", "B2", "B9")), random.choice((None, "south", "north"))
        at = random.randrange(250)
        case_id = open_in(f"t{n}", team=team, owner=owner, branch_id=branch, region=region, at=at)
        found[case_id] = (team, owner, branch, region, day(at))
    return found


@given(
    people=st.lists(POSITIONS, max_size=8), who=st.sampled_from((*NAMES, "stranger")), role=st.sampled_from(ROLES),
    at=st.integers(0, 360),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_every_query_returns_exactly_what_the_oracle_allows(
    crowd: dict[str, tuple[Any, ...]], people: list[Position], who: str, role: Role, at: int
) -> None:
    org, now = OrgChart(tuple(people)), day(at)
    allowed = {case_id for case_id, place in crowd.items() if _may_see(who, role, org, place, now)}
    cases = CaseRepository(Principal(who, role), org, now, teams=TEAMS)
    powers = POWERS[role]
    if "read" in powers:
        assert {line.case_id for line in cases.page(limit=500).items} == allowed
        assert cases.visible(crowd) == allowed
        assert {line.case_id for line in cases.queue(limit=500)} == {c for c in allowed if crowd[c][1] is None}
        assert {line.case_id for line in cases.search("C-t7").items} == {c for c in allowed if c == _of("t7")}
    if "export" in powers:
        assert {line.case_id for line in cases.export().items} == allowed
    if "count" in powers and "read" in powers:
        assert sum(cell.cases or 0 for cell in cases.counts("state")) == len(allowed)


def _of(name: str) -> str:
    return services.case_of_trigger(name)


def _may_see(who: str, role: Role, org: OrgChart, place: tuple[Any, ...], now: datetime) -> bool:
    """The oracle, written apart from the code: is the case below this person now, or was it when it was opened?"""
    if role not in HR_ROLES:
        return True
    team, owner, branch, region, opened_at = place
    if org.position(who, now) is None:
        return False
    if _covers(who, role, org, team, owner, branch, region, now):
        return True
    return opened_at <= now and _covers(who, role, org, team, owner, branch, region, opened_at)


def _covers(
    who: str, role: str, org: OrgChart, team: str | None, owner: str | None, branch: str | None, region: str | None,
    when: datetime,
) -> bool:  # fmt: skip
    held = org.position(who, when)
    if held is None:
        return False
    ranks = {"agent": 0, "team_lead": 1, "manager": 2, "director": 3, "qa": 3}
    rank = min(ranks[role], ranks[held.role])
    if rank == 3:
        return True
    people = {who} | (set(org.below(who, when)) if rank else set())
    positions = [p for name in people if (p := org.position(name, when)) is not None]
    if owner in people or any(t.code == team and t.has(p) for t in TEAMS.teams for p in positions):
        return True
    if rank < 2:
        return False
    if branch is not None:
        return any(p.branch_id == branch for p in positions)
    return region is not None and any(p.branch_id is None and p.region == region for p in positions)


@given(people=st.lists(POSITIONS, max_size=8), place=PLACES, who=st.sampled_from(NAMES), at=st.integers(0, 360))
@settings(max_examples=200, deadline=None)
def test_whoever_leads_sees_at_least_what_those_below_see_now(
    people: list[Position], place: tuple[Any, ...], who: str, at: int
) -> None:
    org, now = OrgChart(tuple(people)), day(at)
    team, owner, branch, region, opened = place
    case = {"team": team, "owner": owner, "branch": branch, "region": region, "opened_at": day(opened)}
    held = org.position(who, now)
    if held is None or held.role not in ("manager", "director"):
        return
    above: tuple[Reach, ...] = reaches(Principal(who, "manager"), org, TEAMS, now)
    for below in org.below(who, now):
        if org.on(now)[below].role in ("agent", "team_lead"):
            now_reach = reaches(Principal(below, "team_lead"), org, TEAMS, now)[0]
            assert not now_reach.covers(**case) or any(reach.covers(**case) for reach in above)


def test_every_role_has_powers_and_only_the_blind_are_limited_in_counting() -> None:
    assert set(POWERS) == set(ROLES)
    assert {"owner_id", "branch_id"}.isdisjoint(COUNTED_BLIND)
    assert not {role for role in ROLES if {"change", "erase"} <= POWERS[role]}, "nobody changes and erases"
