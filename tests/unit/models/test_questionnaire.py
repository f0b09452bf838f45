"""Voice of the employee: a fair sample, counts that name nobody, and an agreement that others compute the same."""

from __future__ import annotations

from collections import Counter
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from intake.programme import load_programme
from models.questionnaire import WITHHELD, Given, Question, Questionnaire, agreement, counted

ROOT = Path(__file__).resolve().parents[3] / "programme"
EFFORT = Question(code="effort", title="How hard?", kind="scale")
OBSTACLE = Question(code="obstacle", title="What?", kind="choice", options=("nothing", "policy"), required=False)


def questionnaire(**more: Any) -> Questionnaire:
    """Two questions, one of them required."""
    return Questionnaire(questions=(EFFORT, OBSTACLE), **more)


def test_the_sample_is_the_share_the_programme_asks_for_and_the_same_every_time() -> None:
    asked = questionnaire(share=0.2)
    first = [asked.is_sampled(f"C{n}", 7) for n in range(20_000)]
    # Three standard deviations of a share of 0.2 over 20,000 cases are 0.0085.
    assert sum(first) / 20_000 == pytest.approx(0.2, abs=0.0085)
    assert first == [asked.is_sampled(f"C{n}", 7) for n in range(20_000)]
    assert not any(questionnaire(share=0.0).is_sampled(f"C{n}", 7) for n in range(1_000))
    assert all(questionnaire(share=1.0).is_sampled(f"C{n}", 7) for n in range(1_000))


def test_a_larger_share_asks_everybody_a_smaller_one_asks() -> None:
    cases = [f"C{n}" for n in range(2_000)]
    small = {case for case in cases if questionnaire(share=0.1).is_sampled(case, 3)}
    assert small < {case for case in cases if questionnaire(share=0.3).is_sampled(case, 3)}


def test_a_case_that_is_closed_again_is_sampled_afresh() -> None:
    first = {n for n in range(2_000) if questionnaire().is_sampled(f"C{n}", 7)}
    again = {n for n in range(2_000) if questionnaire().is_sampled(f"C{n}", 12)}
    assert first != again


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({}, "not answered: effort"),
        ({"effort": 0}, "effort: not an answer"),
        ({"effort": 6}, "effort: not an answer"),
        ({"effort": True}, "effort: not an answer"),
        ({"effort": "3"}, "effort: not an answer"),
        ({"effort": 3, "obstacle": "secret"}, "obstacle: not an answer"),
        ({"effort": 3, "obstacle": ["policy"]}, "obstacle: not an answer"),
        ({"effort": 3, "secret": 1}, "an answer belongs to no question; there are effort, obstacle"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_without_repeating_it(answers: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        questionnaire().check(answers)
    assert "secret" not in str(caught.value)


def test_a_question_that_is_not_required_may_stay_open() -> None:
    questionnaire().check({"effort": 3})
    questionnaire().check({"effort": 3, "obstacle": "policy"})


@pytest.mark.parametrize(
    "data",
    [
        {"questions": []},
        {"questions": [EFFORT, EFFORT]},
        {"questions": [EFFORT], "share": 1.1},
        {"questions": [EFFORT], "smallest_cell": 2},
        {"questions": [{"code": "a", "title": "A", "kind": "choice"}]},
        {"questions": [{"code": "a", "title": "A", "kind": "scale", "options": ["x"]}]},
    ],
)
def test_a_questionnaire_that_cannot_be_meant_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Questionnaire.model_validate(data)


@pytest.mark.parametrize("company", ["bank", "telecom"])
def test_a_shipped_questionnaire_asks_cause_effort_obstacle_and_both_sentiments(company: str) -> None:
    asked = load_programme(ROOT / company).questionnaire
    codes = {question.code for question in asked.questions}
    assert codes >= {"cause", "effort", "obstacle", "customer_sentiment", "own_sentiment"}
    assert asked.smallest_cell >= 5


answers = st.lists(
    st.builds(Given, st.sampled_from([f"E{n}" for n in range(12)]), st.sampled_from("ab"), st.sampled_from("uvwxyz")),
    max_size=120,
)


@given(answers, st.integers(3, 6))
def test_every_number_that_is_shown_stands_for_enough_people(given: list[Given], smallest: int) -> None:
    cells = counted(given, smallest)
    for group in {cell.group for cell in cells}:
        said = [item for item in given if item.group == group]
        shown = {cell.answer for cell in cells if cell.group == group}
        hidden = {item.answer for item in said} - shown
        for cell in (cell for cell in cells if cell.group == group):
            of = hidden if cell.answer == WITHHELD else {cell.answer}
            part = [item for item in said if item.answer in of]
            assert cell.answers == len(part)
            assert cell.people == len({item.person for item in part}) >= smallest
        # What is shown is a partition, so no sum or difference of it is about fewer people than its parts.
        assert sum(cell.answers for cell in cells if cell.group == group) == len(said)
        assert len(hidden) != 1


@given(answers, st.integers(3, 6))
def test_a_group_is_left_out_exactly_when_too_few_people_are_in_it(given: list[Given], smallest: int) -> None:
    people = {group: {item.person for item in given if item.group == group} for group in "ab"}
    assert {cell.group for cell in counted(given, smallest)} == {g for g in "ab" if len(people[g]) >= smallest}


def test_one_person_who_answers_often_is_still_one_person() -> None:
    loud = [Given("E1", "a", "policy")] * 50
    assert counted(loud, 5) == ()
    others = [Given(f"E{n}", "a", "nothing") for n in range(2, 9)]
    (cell,) = counted(loud + others, 5)
    assert (cell.answer, cell.answers, cell.people) == (WITHHELD, 57, 8)


def test_a_rare_answer_is_hidden_together_with_the_next_rarest() -> None:
    said = [Given(f"E{n}", "a", "policy") for n in range(9)] + [Given(f"E{n}", "a", "nothing") for n in range(6)]
    cells = counted([*said, Given("E9", "a", "system")], 5)
    assert [(cell.answer, cell.answers) for cell in cells] == [("policy", 9), (WITHHELD, 7)]


causes = st.sampled_from(["fees", "wait", "staff"])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(st.lists(st.tuples(causes, causes), min_size=5, max_size=80))
def test_kappa_and_its_interval_are_those_of_two_other_implementations(pairs: list[tuple[str, str]]) -> None:
    labels = ["fees", "wait", "staff"]
    assume(len({a for pair in pairs for a in pair}) > 1)
    ours = agreement(pairs)
    assert ours.kappa is not None
    assert ours.low is not None
    assert ours.high is not None
    assert ours.kappa == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True), labels=labels), abs=1e-12)
    cells = Counter(pairs)
    theirs = cohens_kappa([[cells[a, b] for b in labels] for a in labels])
    # Theirs is not cut at -1 and 1, and is no number where rounding takes a variance of nothing below it.
    low, high = (ours.kappa if isnan(end) else end for end in (theirs.kappa_low, theirs.kappa_upp))
    assert ours.low == pytest.approx(max(low, -1.0), abs=1e-3)
    assert ours.high == pytest.approx(min(high, 1.0), abs=1e-3)


def test_agreement_leaves_out_cases_that_only_one_side_knows_and_says_how_many() -> None:
    result = agreement([("fees", "fees"), ("wait", "wait"), ("fees", None), (None, "fees"), (None, None)])
    assert (result.n, result.unknown, result.observed, result.kappa) == (2, 3, 1.0, 1.0)


def test_agreement_that_chance_alone_explains_is_not_told() -> None:
    always = agreement([("fees", "fees")] * 10)
    assert (always.observed, always.kappa, always.low, always.high) == (1.0, None, None, None)
    nothing = agreement([])
    assert (nothing.n, nothing.observed, nothing.kappa) == (0, None, None)
