"""What may be answered about a signal, who is asked twice, and whose word may train a model."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.label import (
    BASES,
    NO_CAUSE,
    QUESTIONS,
    TRAINING_BASES,
    Label,
    NotTrainable,
    answered_enough,
    check_training_bases,
    check_value,
    in_audit,
    labellers_wanted,
    options,
)

CAUSES = ("fee_dispute", "app_outage")


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_may_be_answered_by_cannot_say_and_by_each_of_its_options(question: str) -> None:
    check_value(question, None, CAUSES)
    for value in options(question, CAUSES):
        check_value(question, value, CAUSES)


def test_none_of_the_causes_is_an_answer_about_the_cause_alone() -> None:
    check_value("cause", NO_CAUSE, CAUSES)
    with pytest.raises(ValueError, match="not an answer"):
        check_value("kind", NO_CAUSE, CAUSES)


@pytest.mark.parametrize(
    ("question", "value"),
    [("cause", "loan_delay"), ("severity", "5"), ("sentiment", "angry"), ("theme", "T-xyz"), ("is_valid", "maybe")],
)
def test_a_wrong_answer_is_refused_without_being_repeated(question: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"answer|theme is named") as refused:
        check_value(question, value, CAUSES)
    assert value not in str(refused.value)


def test_a_question_nobody_asks_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no such question"):
        check_value("mood", "fine", CAUSES)


def answer(by: str, value: str | None, signal: str) -> Label:
    return Label(f"{by}{signal}", signal, "cause", value, "review", by, datetime(2026, 1, 1, tzinfo=UTC))


def signal_for(people: int) -> str:
    return next(f"s{number}" for number in range(1_000) if labellers_wanted(f"s{number}", "cause") == people)


def test_an_item_leaves_when_as_many_have_answered_as_were_wanted() -> None:
    alone, twice = signal_for(1), signal_for(2)
    assert answered_enough([answer("a", "x", alone), answer("a", "x", twice)]) == {(alone, "cause")}
    assert answered_enough([answer("a", "x", twice), answer("b", "y", twice)]) == {(twice, "cause")}


def test_one_more_is_asked_where_somebody_could_not_say_and_then_no_more() -> None:
    alone = signal_for(1)
    assert answered_enough([answer("a", None, alone)]) == set()
    assert answered_enough([answer("a", None, alone), answer("b", None, alone)]) == {(alone, "cause")}


def test_one_text_in_twenty_is_kept_for_judging_whichever_signal_it_comes_with() -> None:
    kept = [in_audit(f"h{number}", "cause") for number in range(5_000)]
    assert 200 < sum(kept) < 300
    assert not in_audit(None, "cause")
    # Another question has another draw.
    assert sum(a and in_audit(f"h{n}", "severity") for n, a in enumerate(kept)) < 40


def test_about_one_item_in_ten_is_given_to_a_second_person_and_always_the_same() -> None:
    wanted = [labellers_wanted(f"s{number}", "cause") for number in range(5_000)]
    assert wanted == [labellers_wanted(f"s{number}", "cause") for number in range(5_000)]
    assert 400 < wanted.count(2) < 600 and set(wanted) == {1, 2}


@given(st.lists(st.sampled_from(sorted(TRAINING_BASES))))
def test_words_of_people_may_train(bases: list[str]) -> None:
    check_training_bases(bases)


@pytest.mark.parametrize("basis", ["model", "prediction", "code", None, "", "topic"])
def test_no_output_of_a_model_may_train_whatever_it_is_called(basis: str | None) -> None:
    with pytest.raises(NotTrainable):
        check_training_bases(["review", basis])


def test_a_label_that_only_says_a_case_was_invalid_is_no_cause_to_learn() -> None:
    assert "invalid" in BASES and "invalid" not in TRAINING_BASES
