"""Opening cases: exactly one case per trigger, whatever is repeated, split or delivered late."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cases import services
from cases.rows import case_id_for
from models.case import EventKind, State
from models.facts import ResolutionFact, TriggerFact
from models.settings import Settings
from tests.unit.cases.builders import NOW, act, day, open_one, resolution, trigger


def cases() -> dict[str, str]:
    """Case ids and the states they are in."""
    return {case.case_id: case.state for case in services.list_cases(limit=10_000)}


def attachments() -> dict[str, str]:
    """Which case each trigger went to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT trigger_id, case_id FROM cases_casetrigger")
        return dict(cursor.fetchall())


def kinds(case_id: str) -> list[str]:
    return [event["kind"] for event in services.explain(case_id)["events"]]


def test_a_replay_opens_nothing(ledger: Settings) -> None:
    triggers = [trigger(f"t{i}", i, customer=f"C{i % 3}") for i in range(30)]
    first = services.open_cases(triggers, recorded_at=NOW)
    before = services.counts()
    again = services.open_cases(triggers + triggers, recorded_at=NOW)
    assert first.opened + first.attached == 30
    assert (again.opened, again.attached, again.already_known) == (0, 0, 60)
    assert services.counts() == before


def test_a_trigger_given_twice_in_one_batch_counts_once(ledger: Settings) -> None:
    result = services.open_cases([trigger("t", 0), trigger("t", 0)], recorded_at=NOW)
    assert (result.opened, result.attached, result.already_known) == (1, 0, 1)


def test_signals_of_an_open_episode_join_its_case(ledger: Settings) -> None:
    case_id = open_one("a", 0)
    result = services.open_cases([trigger("b", 90)], recorded_at=NOW)
    assert (result.opened, result.attached) == (0, 1)
    assert services.state_of(case_id).signals == 2


@pytest.mark.parametrize(
    "other",
    [
        {"customer": "C2"},
        {"cause": "app_outage"},
        {"kind": "breakdown"},
        {"subject_type": "signal"},
    ],
)
def test_another_customer_cause_or_kind_gets_a_case_of_its_own(ledger: Settings, other: dict[str, Any]) -> None:
    services.open_cases([trigger("a", 0), trigger("b", 0, **other)], recorded_at=NOW)
    assert services.counts().cases == 2


def test_two_matters_of_unknown_cause_are_two_cases_and_settling_one_leaves_the_other(ledger: Settings) -> None:
    result = services.open_cases(
        [trigger("a", 0, cause=None), trigger("b", 1, cause=None)],
        [resolution("r", 2, about="b")],
        recorded_at=NOW,
    )
    assert (result.opened, result.attached, result.resolved) == (2, 0, 1)
    assert sorted(case.state for case in services.list_cases()) == ["loop_closed", "new"]


def test_two_signals_of_unknown_cause_about_one_matter_are_one_case(ledger: Settings) -> None:
    about = {"cause": None, "subject_refs": (("ticket", "T1"),)}
    result = services.open_cases([trigger("a", 0, **about), trigger("b", 1, **about)], recorded_at=NOW)
    assert (result.opened, result.attached) == (1, 1)


def test_the_case_id_does_not_depend_on_the_version_of_the_rule(new_ledger: Callable[[], Settings]) -> None:
    new_ledger()
    before = open_one("a", 0)
    new_ledger()
    assert open_one("a", 0, rule_hash="r2") == before


def test_a_settled_case_takes_signals_within_the_dedupe_window_and_no_longer(ledger: Settings) -> None:
    facts = [trigger("a", 0, dedupe_days=7), trigger("b", 6, dedupe_days=7), trigger("c", 14, dedupe_days=7)]
    services.open_cases(facts, [resolution("r", 2, about="a")], recorded_at=NOW)
    where = attachments()
    assert where["a"] == where["b"] != where["c"]
    assert cases()[where["a"]] == State.LOOP_CLOSED
    assert cases()[where["c"]] == State.NEW


def test_a_resolution_leaves_four_moments_and_what_was_done(ledger: Settings) -> None:
    services.open_cases([trigger("a", 0)], [resolution("r", 2, about="a")], recorded_at=NOW)
    (case,) = services.list_cases()
    state = services.state_of(case.case_id)
    assert state.owner_id == "E-anna"
    assert (state.first_action_at, state.resolved_at, state.closed_at) == (day(1.75), day(2), day(2))
    assert (state.customer_informed_at, state.loop_closed_at) == (day(2.25), day(2.25))
    assert (state.outcome_code, state.playbook_code) == ("in_favour", "refund")
    expected = ["opened", "assigned", "contacted", "resolved", "closed", "customer_informed", "loop_closed"]
    assert kinds(case.case_id) == expected


def test_a_customer_who_was_not_told_leaves_the_loop_open(ledger: Settings) -> None:
    untold = resolution("r", 2, about="a", customer_informed_at=None)
    services.open_cases([trigger("a", 0)], [untold], recorded_at=NOW)
    assert list(cases().values()) == [State.CLOSED]
    told = replace(untold, customer_informed_at=day(5))
    again = services.open_cases([], [told], recorded_at=NOW)
    assert list(cases().values()) == [State.LOOP_CLOSED]
    assert (again.resolved, again.unmatched_resolutions) == (0, 0)
    before = services.counts()
    services.open_cases([], [told], recorded_at=NOW)
    assert services.counts() == before


def test_a_resolution_without_a_known_subject_finds_the_case_of_the_customer_and_cause(ledger: Settings) -> None:
    facts = [trigger("a", 0), trigger("b", 0, cause="app_outage")]
    elsewhere = resolution("r", 2, about="nothing", customer_id="C1", cause_id="app_outage")
    result = services.open_cases(facts, [elsewhere], recorded_at=NOW)
    assert result.resolved == 1
    where = attachments()
    assert (cases()[where["a"]], cases()[where["b"]]) == (State.NEW, State.LOOP_CLOSED)


@pytest.mark.parametrize(
    "stray",
    [
        resolution("r", 2, about="nothing"),
        resolution("r", 2, about="nothing", customer_id="C1", cause_id="app_outage"),
        resolution("r", -1, about="a"),
    ],
)
def test_a_resolution_of_something_else_or_before_the_case_matches_nothing(
    ledger: Settings, stray: ResolutionFact
) -> None:
    result = services.open_cases([trigger("a", 0)], [stray], recorded_at=NOW)
    assert (result.resolved, result.unmatched_resolutions) == (0, 1)
    assert list(cases().values()) == [State.NEW]


def test_excellence_is_never_under_sla_and_never_resolved_by_a_source(ledger: Settings) -> None:
    praise = trigger("a", 0, kind="excellence")
    result = services.open_cases([praise], [resolution("r", 2, about="a")], recorded_at=NOW)
    assert (result.opened, result.unmatched_resolutions) == (1, 1)
    assert list(cases().values()) == [State.NEW]


def test_history_is_opened_with_outreach_suppressed(ledger: Settings) -> None:
    services.open_cases([trigger("a", 0, is_historic=True), trigger("b", 0, customer="C2")], recorded_at=NOW)
    where = attachments()
    opened = {name: services.explain(case_id)["events"][0]["payload"] for name, case_id in where.items()}
    assert opened["a"]["outreach_suppressed"] is True
    assert "outreach_suppressed" not in opened["b"]


def test_a_worse_signal_makes_the_case_more_severe_and_a_milder_one_does_not(ledger: Settings) -> None:
    case_id = open_one("a", 0, severity=3)
    services.open_cases([trigger("b", 1, severity=1), trigger("c", 2, severity=4)], recorded_at=NOW)
    assert services.state_of(case_id).severity == 1


def test_a_late_resolution_does_not_bury_later_signals(ledger: Settings) -> None:
    services.open_cases([trigger("a", 0, dedupe_days=3), trigger("b", 40, dedupe_days=3)], recorded_at=NOW)
    services.open_cases([], [resolution("r", 2, about="a")], recorded_at=NOW)
    assert list(cases().values()) == [State.NEW]
    assert services.verify_chain().ok


def test_a_late_trigger_joins_the_episode_that_is_open(ledger: Settings) -> None:
    open_one("a", 10)
    result = services.open_cases([trigger("b", 1)], recorded_at=NOW)
    assert (result.opened, result.attached) == (0, 1)


def test_a_new_signal_after_an_invalid_case_opens_another(ledger: Settings) -> None:
    case_id = open_one("a", 0, dedupe_days=400)
    act(case_id, EventKind.INVALIDATED, reason="test call")
    services.open_cases([trigger("b", 120, dedupe_days=400)], recorded_at=NOW)
    assert services.counts().cases == 2


def test_signals_of_a_merged_case_go_where_it_went(ledger: Settings) -> None:
    services.open_cases([trigger("a", 0), trigger("b", 0, cause="app_outage")], recorded_at=NOW)
    where = attachments()
    act(where["a"], EventKind.MERGED, into=where["b"])
    services.open_cases([trigger("c", 120)], recorded_at=NOW)
    assert attachments()["c"] == where["b"]


def test_a_second_signal_at_the_birth_of_a_merged_case_opens_nothing(ledger: Settings) -> None:
    services.open_cases([trigger("a", 0), trigger("b", 0, cause="app_outage")], recorded_at=NOW)
    where = attachments()
    act(where["a"], EventKind.MERGED, into=where["b"])
    act(where["b"], EventKind.INVALIDATED, reason="test call")
    result = services.open_cases([trigger("c", 0)], recorded_at=NOW)
    assert (result.opened, result.attached) == (0, 1)


def test_two_cases_whose_short_ids_collide_both_exist(ledger: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def colliding(key: str, *, length: int = 10) -> str:
        return "C-SAME" if length == 10 else case_id_for(key, length=length)

    monkeypatch.setattr("cases.episodes.case_id_for", colliding)
    services.open_cases([trigger("a", 0), trigger("b", 0, customer="C2")], recorded_at=NOW)
    services.open_cases([trigger("c", 0, customer="C3")], recorded_at=NOW)
    assert services.counts().cases == 3
    assert len(set(attachments().values())) == 3


def test_evidence_that_is_not_json_is_refused_and_leaves_nothing_behind(ledger: Settings) -> None:
    with pytest.raises(ValueError):
        services.open_cases([trigger("a", 0), trigger("b", 1, evidence="{oops")], recorded_at=NOW)
    assert services.counts().cases == 0


triggers = st.builds(
    lambda number, at, customer, cause, days, severity: trigger(
        f"t{number:02d}",
        at / 4,
        customer=f"C{customer}",
        cause=cause,
        dedupe_days=days,
        severity=severity,
        subject_refs=(("ticket", f"ticket-{number % 5}"),),
    ),
    number=st.integers(0, 30),
    at=st.integers(0, 80),
    customer=st.integers(1, 2),
    cause=st.sampled_from(["fee_dispute", "app_outage", None]),
    days=st.sampled_from([0, 2, 14]),
    severity=st.integers(1, 4),
)
resolutions = st.builds(
    lambda number, at, about, told, customer: resolution(
        f"r{number}",
        at / 4,
        about=str(about),
        customer_id=f"C{customer}",
        cause_id="fee_dispute",
        customer_informed_at=day(at / 4 + told) if told else None,
    ),
    number=st.integers(0, 8),
    at=st.integers(0, 80),
    about=st.integers(0, 6),
    told=st.sampled_from([0, 1, 30]),
    customer=st.integers(1, 2),
)


def unique(items: list[Any], key: str) -> list[Any]:
    return list({getattr(item, key): item for item in items}.values())


def contents(given_triggers: list[TriggerFact], given_resolutions: list[ResolutionFact], **more: Any) -> Any:
    services.open_cases(given_triggers, given_resolutions, recorded_at=NOW, **more)
    ids = sorted(attachments().items())
    return ids, [(case_id, services.explain(case_id)["state"]) for case_id in sorted(cases())]


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    found=st.lists(triggers, max_size=25),
    ends=st.lists(resolutions, max_size=8),
    cuts=st.lists(st.integers(0, 120), max_size=3),
    size=st.integers(1, 7),
    order=st.randoms(use_true_random=False),
)
def test_cutting_the_stream_in_time_or_shuffling_a_delivery_changes_no_case(
    new_ledger: Callable[[], Settings],
    found: list[TriggerFact],
    ends: list[ResolutionFact],
    cuts: list[int],
    size: int,
    order: Any,
) -> None:
    found, ends = unique(found, "trigger_id"), unique(ends, "resolution_id")
    new_ledger()
    whole = contents(found, ends)
    report = services.verify_chain()
    assert report.ok, report.problems
    assert services.reconcile(found).ok

    new_ledger()
    order.shuffle(found)
    order.shuffle(ends)
    assert contents(found, ends, batch_size=size) == whole

    new_ledger()
    bounds = [day(-1), *(day(cut / 4) for cut in sorted(cuts)), day(1_000)]
    split: Any = ([], [])
    for start, end in itertools.pairwise(bounds):
        part = [item for item in found if start <= item.occurred_at < end]
        split = contents(part, [item for item in ends if start <= item.resolved_at < end])
    assert split == whole


@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    found=st.lists(triggers, max_size=20),
    ends=st.lists(resolutions, max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_deliveries_in_any_order_give_each_trigger_one_case_and_each_key_one_open_case(
    new_ledger: Callable[[], Settings], found: list[TriggerFact], ends: list[ResolutionFact], order: Any
) -> None:
    found, ends = unique(found, "trigger_id"), unique(ends, "resolution_id")
    new_ledger()
    items: list[Any] = [*found, *ends]
    order.shuffle(items)
    for item in items:
        mine = ([item], []) if isinstance(item, TriggerFact) else ([], [item])
        services.open_cases(*mine, recorded_at=NOW)
    services.open_cases(found, ends, recorded_at=NOW)
    report = services.reconcile(found)
    assert (report.missing, report.orphaned, report.doubled) == ((), (), ())
    chain = services.verify_chain()
    assert chain.ok, chain.problems
