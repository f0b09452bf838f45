"""A policy put in force decides about new cases, says what it expects, and can break without stopping anything."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cases import queue, services
from casework import assignment
from casework.engine import Engine
from casework.view import case_view
from ml.recovery import roll_out
from ml.store import ModelStore
from models.policy import Policy, Split
from models.settings import Settings
from tests.unit.casework.builders import open_case
from tests.unit.casework.conftest import MONDAY
from tests.unit.models.learned import leaf, policy

At = Callable[[datetime], Engine]
PASSED = (roll_out.Gate("support", True, "enough"),)


def worth(policy_id: str = "p1", **values: float) -> Policy:
    """A policy with one leaf."""
    return policy(policy_id, leaf(**values))


def put_in_force(home: Settings, learned: Policy, share: float = 1.0) -> Path:
    """Promote a policy in a home; the folder that holds what is in force."""
    store = ModelStore(home.model_store)
    roll_out.propose(store, learned, {})
    made = roll_out.promote(store, learned.policy_id, share=share, gates=PASSED, by="E-dir", why="trial", at=MONDAY)
    return home.model_store / roll_out.KIND / made.model_id


def recommended(case_id: str) -> dict[str, Any]:
    events = services.explain(case_id)["events"]
    return dict(next(event["payload"] for event in events if event["kind"] == "playbook_recommended"))


def test_a_new_case_gets_the_champions_playbook_with_its_expected_effect(home: Settings, at: At) -> None:
    put_in_force(home, worth(refund=9.0, callback=30.0, apology=2.0))
    said = recommended(open_case(at(MONDAY), "t1", severity=2, journey="payments"))
    # The rule would say refund.
    assert (said["playbook_code"], said["propensity"], said["policy"]) == ("callback", 1.0, "learned/p1")
    assert said["expected"] == {
        "value_usd": 30.0,
        "low_usd": 29.0,
        "high_usd": 31.0,
        "against": "none",
        "leaf_id": "all",
        "over_nothing_usd": 30.0,
    }
    assert said["second_best"] == {"code": "refund", "value_usd": 9.0}
    assert services.verify_chain().ok


def test_the_case_shows_what_is_expected_the_runner_up_and_why(home: Settings, at: At) -> None:
    put_in_force(home, worth(callback=30.0, refund=9.0))
    engine = at(MONDAY)
    shown = case_view(engine, open_case(engine, "t1", severity=2, journey="payments"))["playbook"]
    assert shown["expected"]["value_usd"] == 30.0
    assert shown["second_best"]["code"] == "refund"
    assert "expected to bring +30.00 USD" in shown["why"]
    assert shown["decided_by"] == "learned/p1"


def test_an_older_recommendation_still_reads(at: At) -> None:
    engine = at(MONDAY)
    shown = case_view(engine, open_case(engine, "t1", severity=2, journey="payments"))["playbook"]
    assert (shown["expected"], shown["second_best"]) == (None, None)
    assert shown["decided_by"] == "rules/money went wrong"


def test_a_roll_back_counts_from_the_next_case_on(home: Settings, at: At) -> None:
    put_in_force(home, worth(callback=30.0))
    before = recommended(open_case(at(MONDAY), "t1", severity=2, journey="payments"))
    roll_out.roll_back(ModelStore(home.model_store), by="E-dir", why="complaints rose", at=MONDAY)
    after = recommended(open_case(at(MONDAY), "t2", severity=2, journey="payments"))
    assert (before["playbook_code"], after["playbook_code"]) == ("callback", "refund")


def test_praise_and_history_are_left_to_the_rules(home: Settings, at: At) -> None:
    put_in_force(home, worth(callback=30.0))
    engine = at(MONDAY)
    praise = recommended(open_case(engine, "t1", kind="excellence", severity=4))
    history = recommended(open_case(engine, "t2", severity=2, journey="payments", is_historic=True))
    assert praise["playbook_code"] in ("recognition", "referral_ask")
    assert (history["playbook_code"], history["policy"]) == ("refund", "rules/money went wrong")


@pytest.mark.parametrize("name", ["champion.json", "manifest.json", "../ACTIVE.json"])
def test_a_broken_bundle_stops_no_case_and_the_event_says_that_the_rules_decided(
    home: Settings, at: At, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = put_in_force(home, worth(callback=30.0))
    (folder / name).write_bytes(b'{"torn": ')
    with caplog.at_level(logging.ERROR):
        said = recommended(open_case(at(MONDAY), "t1", severity=2, journey="payments"))
    assert (said["playbook_code"], said["policy"]) == ("refund", "rules/money went wrong")
    assert "cannot be read" in said["why_policy"] and "the rules decide" in said["why_policy"]
    assert "no learned policy is used" in caplog.text


def test_the_queue_puts_first_what_help_is_expected_to_bring_most(home: Settings, at: At) -> None:
    # Severity 2: alternatives are never tried there, so the draw of a case's id does not matter.
    put_in_force(home, worth("p-low", refund=5.0))
    engine = at(MONDAY)
    rich = open_case(engine, "rich", severity=2, journey="payments", value_usd=90_000.0)
    roll_out.roll_back(ModelStore(home.model_store), by="E-dir", why="better one", at=MONDAY)
    put_in_force(home, worth("p-high", refund=80.0))
    modest = open_case(at(MONDAY), "modest", severity=2, journey="payments", value_usd=10.0)
    worse = open_case(at(MONDAY), "worse", severity=1, journey="payments", value_usd=None)
    found = [assignment.waiting_case(at(MONDAY), case) for case in queue.waiting()]
    by_id = {case.case_id: case.expected_value_usd for case in found}
    assert by_id[modest] is not None and by_id[rich] is not None and by_id[modest] > by_id[rich]
    plan = assignment.plan_for(at(MONDAY), queue.waiting())
    order = [decision.case_id for decision in plan.decisions]
    assert {rich, modest, worse} == set(order)
    assert assignment.order(at(MONDAY), queue.waiting()) == [worse, modest, rich]


def test_without_a_known_effect_a_case_counts_what_its_customer_is_worth(at: At) -> None:
    engine = at(MONDAY)
    open_case(engine, "t1", severity=3, value_usd=700.0)
    (case,) = queue.waiting()
    waiting = assignment.waiting_case(engine, case)
    assert (waiting.expected_value_usd, waiting.is_effect) == (700.0, False)


def test_a_policy_may_ask_what_kind_of_failure_the_cause_is(home: Settings, at: At) -> None:
    grown = Split(
        field="failure_type", among=("policy",), unknown="no", yes=leaf("a", callback=30.0), no=leaf("b", refund=30.0)
    )
    put_in_force(home, policy("p1", grown))
    engine = at(MONDAY)
    kinds = {cause.id: cause.failure_type for cause in engine.programme.taxonomy.causes}
    ours = next(cause for cause, kind in kinds.items() if kind == "policy")
    other = next(cause for cause, kind in kinds.items() if kind != "policy")
    chosen = [
        recommended(open_case(engine, name, severity=2, journey="payments", cause=cause))["playbook_code"]
        for name, cause in (("t1", ours), ("t2", other))
    ]
    assert chosen == ["callback", "refund"]


def test_nothing_is_tried_on_a_customer_the_crm_calls_vulnerable(home: Settings, at: At) -> None:
    home.handoff.mkdir(parents=True)
    customers = [f"C-t{n}" for n in range(30)]
    table = pa.table({"customer_id": customers, "is_vulnerable": [True] * 30, "is_current": [True] * 30})
    pq.write_table(table, home.handoff / "dim_customer.parquet")
    engine = at(MONDAY)
    said = [recommended(open_case(engine, f"t{n}", severity=3, source="surveys")) for n in range(30)]
    assert {one["propensity"] for one in said} == {1.0}
    assert recommended(open_case(engine, "else", severity=3, source="surveys"))["propensity"] < 1.0


def test_a_person_reads_effect_interval_and_runner_up(
    home: Settings, at: At, capsys: pytest.CaptureFixture[str]
) -> None:
    from amends.case_view import show

    put_in_force(home, worth(callback=30.0, refund=9.0))
    engine = at(MONDAY)
    show(case_view(engine, open_case(engine, "t1", severity=2, journey="payments")))
    text = capsys.readouterr().out
    assert "+30.00 USD more than 'none', 95 % interval +29.00 USD to +31.00 USD" in text
    assert "next to it: refund, +9.00 USD" in text
    assert "learned/p1, as champion of" in text


def test_a_person_reads_an_older_recommendation_without_figures(at: At, capsys: pytest.CaptureFixture[str]) -> None:
    from amends.case_view import show

    engine = at(MONDAY)
    show(case_view(engine, open_case(engine, "t1", severity=2, journey="payments")))
    text = capsys.readouterr().out
    assert "-> refund, probability 1.000" in text and "expected" not in text
