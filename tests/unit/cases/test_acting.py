"""Moves on one case: legal, current, and recorded for good."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cases import services
from cases.errors import StaleVersion, UnknownCase
from models.case import SERVICE_KINDS, TRANSITIONS, EventKind, IllegalMove, State
from models.settings import Settings
from tests.unit.cases.builders import ANNA, NOW, act, day, open_one, trigger


def test_a_case_walks_from_new_to_loop_closed(ledger: Settings) -> None:
    case_id = open_one()
    act(case_id, EventKind.ASSIGNED, owner_id="E-anna")
    act(case_id, EventKind.WORK_STARTED)
    act(case_id, EventKind.CONTACTED)
    act(case_id, EventKind.RESOLVED)
    act(case_id, EventKind.CLOSED, outcome_code="in_favour", comment="paid back")
    act(case_id, EventKind.CUSTOMER_INFORMED, channel="phone")
    assert act(case_id, EventKind.LOOP_CLOSED).state is State.LOOP_CLOSED
    assert services.verify_chain().ok


def test_an_illegal_move_is_refused_and_recorded_nowhere(ledger: Settings) -> None:
    case_id = open_one()
    before = services.counts()
    with pytest.raises(IllegalMove):
        act(case_id, EventKind.CLOSED, outcome_code="in_favour", comment="done")
    assert services.counts() == before


def test_an_edit_of_a_version_that_has_moved_on_is_refused_with_the_difference(ledger: Settings) -> None:
    case_id = open_one()
    seen = services.state_of(case_id).version
    act(case_id, EventKind.ASSIGNED, owner_id="E-bob")
    with pytest.raises(StaleVersion) as refused:
        services.act(
            case_id,
            EventKind.ASSIGNED,
            {"owner_id": "E-anna"},
            actor=ANNA,
            expected_version=seen,
            occurred_at=day(1),
            recorded_at=NOW,
        )
    assert refused.value.changes == ("2 assigned by person E-anna",)
    assert services.state_of(case_id).owner_id == "E-bob"


def test_a_case_that_does_not_exist_is_said_so(ledger: Settings) -> None:
    with pytest.raises(UnknownCase):
        services.state_of("C-NOBODY")


def test_what_happened_cannot_lie_in_the_future(ledger: Settings) -> None:
    case_id = open_one()
    with pytest.raises(IllegalMove, match="recorded at or after"):
        services.act(
            case_id,
            EventKind.CONTACTED,
            {},
            actor=ANNA,
            expected_version=1,
            occurred_at=day(10),
            recorded_at=day(9),
        )


@pytest.mark.parametrize("kind", sorted(SERVICE_KINDS))
def test_nobody_writes_the_ledgers_own_events_by_hand(ledger: Settings, kind: EventKind) -> None:
    case_id = open_one()
    with pytest.raises(IllegalMove):
        act(case_id, kind, trigger_id="x", severity=1, case_kind="recovery", offer_code="refund", amount_usd="5")


def test_a_comment_can_be_erased_without_breaking_the_chain(ledger: Settings) -> None:
    case_id = open_one()
    act(case_id, EventKind.NOTE_ADDED, note="call Mrs Example on 555-0100")
    assert services.explain(case_id)["events"][-1]["payload"]["note"] == "call Mrs Example on 555-0100"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cases_caseevent WHERE payload LIKE '%%Example%%'")
        assert cursor.fetchone() == (0,)
        cursor.execute("DELETE FROM cases_eventtext")
    assert "note" not in services.explain(case_id)["events"][-1]["payload"]
    assert services.verify_chain().ok


def test_a_case_is_not_merged_into_itself_or_into_one_that_is_over(ledger: Settings) -> None:
    case_id, over = open_one("a"), open_one("b", customer="C2")
    act(over, EventKind.INVALIDATED, reason="test call")
    for target in (case_id, over):
        with pytest.raises(IllegalMove):
            act(case_id, EventKind.MERGED, into=target)
    with pytest.raises(UnknownCase):
        act(case_id, EventKind.MERGED, into="C-NOBODY")


def test_a_case_is_not_reopened_beside_its_successor(ledger: Settings) -> None:
    case_id = open_one("a", 0)
    act(case_id, EventKind.EXPIRED)
    services.open_cases([trigger("b", 200)], recorded_at=NOW)
    with pytest.raises(IllegalMove, match="is open for the same"):
        act(case_id, EventKind.REOPENED, reason="customer called again")


@pytest.mark.parametrize("table", ["case", "caseevent", "casetrigger", "subjectref", "appliedresolution"])
@pytest.mark.parametrize("change", ["UPDATE cases_{0} SET {1} = {1}", "DELETE FROM cases_{0} WHERE {1} = {1}"])
def test_recorded_rows_can_be_neither_changed_nor_removed(ledger: Settings, table: str, change: str) -> None:
    from tests.unit.cases.builders import resolution

    services.open_cases([trigger("a", 0)], [resolution("r", 1, about="a")], recorded_at=NOW)
    statement = change.format(table, "resolution_id" if table == "appliedresolution" else "case_id")
    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.sqlite_only
def test_a_row_cannot_be_replaced_either(ledger: Settings) -> None:
    open_one()
    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute("INSERT OR REPLACE INTO cases_caseevent SELECT * FROM cases_caseevent")


class CaseDesk(RuleBasedStateMachine):
    """Any sequence of attempts: the ledger accepts exactly what the table allows, and stays whole."""

    make: Callable[[], Settings]

    @initialize()
    def open_case(self) -> None:
        type(self).make()
        self.case_id = open_one()
        self.accepted = 1

    @rule(
        kind=st.sampled_from([k for k in EventKind if k not in SERVICE_KINDS]),
        complete=st.sampled_from([True, True, True, False]),
    )
    def attempt(self, kind: EventKind, complete: bool) -> None:
        payload = {
            "owner_id": "E-anna", "severity": 2, "outcome_code": "partial", "comment": "said so", "note": "seen",
            "reason": "asked", "into": "C-NOBODY", "playbook_code": "refund", "channel": "phone", "step": "call",
        }  # fmt: skip
        before = services.state_of(self.case_id)
        in_table = before.state in TRANSITIONS[kind]
        try:
            after = act(self.case_id, kind, **(payload if complete else {}))
        except (IllegalMove, UnknownCase):
            told = kind is not EventKind.LOOP_CLOSED or before.customer_informed_at is not None
            assert not (in_table and complete and told and kind is not EventKind.MERGED)
            assert services.state_of(self.case_id) == before
        else:
            self.accepted += 1
            assert in_table
            assert after.state is TRANSITIONS[kind][before.state]
            assert after == services.state_of(self.case_id)

    @invariant()
    def version_counts_events(self) -> None:
        assert services.state_of(self.case_id).version == self.accepted

    def teardown(self) -> None:
        report = services.verify_chain()
        assert report.ok, report.problems


def test_no_sequence_of_moves_breaks_a_case(new_ledger: Callable[[], Settings]) -> None:
    CaseDesk.make = staticmethod(new_ledger)  # type: ignore[assignment]
    checks = hypothesis_settings(
        max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(CaseDesk, settings=checks)
