"""The owner of a closed case is asked within a weekly budget and answers once."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import questionnaires, services
from cases.errors import UnknownCase
from cases.models import Answer
from models.case import EventKind
from models.settings import Settings
from tests.unit.cases.builders import NOW, day, trigger
from tests.unit.cases.org import open_in


def ask(case_id: str, at: float, budget: int = 2) -> bool:
    return questionnaires.ask(case_id, "ann", asked_at=day(at), recorded_at=NOW, budget=budget)


def test_a_case_is_asked_about_once_and_says_so(ledger: Settings) -> None:
    case_id = open_in("a")
    assert ask(case_id, 1) and not ask(case_id, 2)
    kinds = [event["kind"] for event in services.explain(case_id)["events"]]
    assert kinds.count(EventKind.EMPLOYEE_ASKED) == 1
    assert [q.case_id for q in questionnaires.open_questions("ann")] == [case_id]


@given(times=st.lists(st.integers(0, 40), min_size=1, max_size=12).map(sorted), budget=st.integers(0, 3))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_seven_days_hold_more_questions_than_the_budget(new_ledger: object, times: list[int], budget: int) -> None:
    new_ledger()  # type: ignore[operator]
    names = [f"t{n}" for n in range(len(times))]
    services.open_cases([trigger(name, 0, customer=name) for name in names], recorded_at=NOW)
    for name, at in zip(names, times, strict=True):
        ask(services.case_of_trigger(name), at, budget)
    asked = sorted(Answer.objects.values_list("asked_at", flat=True))
    for start in range(41):
        assert sum(day(start) <= at < day(start + 7) for at in asked) <= budget


def test_only_who_was_asked_answers_and_only_once(ledger: Settings) -> None:
    case_id = open_in("a", cause="fee_dispute")
    ask(case_id, 1)
    with pytest.raises(UnknownCase):
        questionnaires.answer(case_id, "bob", {"effort": 1}, at=day(2))
    questionnaires.answer(case_id, "ann", {"cause": "billing", "effort": 4}, at=day(2))
    with pytest.raises(questionnaires.AlreadyAnswered):
        questionnaires.answer(case_id, "ann", {"effort": 5}, at=day(3))
    assert questionnaires.open_questions("ann") == []
    (given_,) = questionnaires.given_answers()
    assert (given_.cause_id, dict(given_.answers)) == ("fee_dispute", {"cause": "billing", "effort": 4})
