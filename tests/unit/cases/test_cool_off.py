"""Cool-off: a rule opens no second case for a subject so soon after the last, and no trigger is lost by it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from cases import services
from models.facts import TriggerFact
from models.settings import Settings
from tests.unit.cases.builders import NOW, day, open_one, resolution, trigger
from tests.unit.cases.test_opening import attachments, cases


def quiet(name: str, at: float, cause: str, **more: Any) -> TriggerFact:
    """A trigger of a rule that cools off for ten days."""
    return trigger(name, at, cause=cause, cool_off_days=10, **more)


def events(case_id: str) -> list[dict[str, Any]]:
    return services.explain(case_id)["events"]


def payload(event: dict[str, Any]) -> dict[str, Any]:
    found = event["payload"]
    return json.loads(found) if isinstance(found, str) else found


def test_another_concern_of_the_subject_joins_the_last_case_while_the_rule_cools_off(ledger: Settings) -> None:
    services.open_cases([quiet("a", 0, "fees"), quiet("b", 9, "delay")], recorded_at=NOW)
    assert len(cases()) == 1 and set(attachments()) == {"a", "b"}
    assert payload(events(attachments()["b"])[-1])["held_by"] == "cool_off"


def test_after_the_cool_off_the_rule_opens_a_case_again(ledger: Settings) -> None:
    services.open_cases([quiet("a", 0, "fees"), quiet("b", 10, "delay")], recorded_at=NOW)
    assert len(cases()) == 2


@pytest.mark.parametrize("other", [{"rule_id": "another"}, {"customer": "C2"}])
def test_other_rules_and_other_subjects_are_not_held(ledger: Settings, other: dict[str, Any]) -> None:
    services.open_cases([quiet("a", 0, "fees"), quiet("b", 1, "delay", **other)], recorded_at=NOW)
    assert len(cases()) == 2


def test_a_case_that_has_ended_takes_what_is_held_and_stays_ended(ledger: Settings) -> None:
    first = open_one("a", 0, cause="fees", cool_off_days=10)
    services.open_cases([], [resolution("r", 1, about="a")], recorded_at=NOW)
    ended = cases()[first]
    services.open_cases([quiet("b", 5, "fees")], recorded_at=NOW)
    assert cases() == {first: ended} and attachments()["b"] == first


def test_what_is_held_does_not_prolong_the_dedupe_window(ledger: Settings) -> None:
    first = open_one("a", 0, cause="fees", cool_off_days=10, dedupe_days=2)
    services.open_cases([], [resolution("r", 1, about="a")], recorded_at=NOW)
    daily = [quiet(f"d{at}", at, "fees", dedupe_days=2) for at in range(4, 12)]
    for one in daily:
        services.open_cases([one], recorded_at=NOW)
    found = attachments()
    assert {found[f"d{at}"] for at in range(4, 10)} == {first}
    assert found["d10"] == found["d11"] != first


def test_a_cut_delivery_and_a_replay_give_the_same_cases(new_ledger: Callable[[], Settings]) -> None:
    new_ledger()
    facts = [quiet(f"t{at}", at, "fees" if at % 2 else "delay", customer=f"C{at % 3}") for at in range(0, 40, 2)]
    services.open_cases(facts, recorded_at=NOW)
    whole = attachments()
    assert services.open_cases(facts, recorded_at=NOW).already_known == len(facts)
    new_ledger()
    for fact in facts:
        services.open_cases([fact], recorded_at=NOW)
    assert attachments() == whole and services.verify_chain().problems == ()


def test_in_whatever_order_triggers_come_no_two_cases_open_within_the_cool_off(
    new_ledger: Callable[[], Settings],
) -> None:
    facts = [quiet(f"t{at}", at, f"cause{at}") for at in (0, 6, 12, 21)]
    for order in itertools.permutations(facts):
        new_ledger()
        for fact in order:
            services.open_cases([fact], recorded_at=NOW)
        starts = sorted(case.opened_at for case in services.list_cases(limit=10))
        assert len(attachments()) == len(facts)
        assert all((later - earlier).days >= 10 for earlier, later in itertools.pairwise(starts)), order
        assert starts[0] <= day(12)
