"""A student says what its teacher says, on texts of its own company, and refuses where it could not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.store import ModelStore
from ml.text.embed import DIMENSIONS, Vectors
from ml.text.student import FEWEST_TEACHER_TEXTS, KIND, Student, TooFewTexts, fit_student, load_student
from tests.unit.ml.conftest import CountingEncoder

SUBJECTS = ("card", "invoice", "router", "parcel", "refund", "password", "branch", "insurance", "mortgage", "engineer")
FAULTS = ("declined", "missing", "broken", "late", "wrong", "locked", "doubled", "cancelled", "rude", "expired")
TIMES = (
    "today",
    "yesterday",
    "again",
    "since monday",
    "for weeks",
    "this morning",
    "twice",
    "once more",
    "abroad",
    "online",
)


def made_texts() -> list[str]:
    """A thousand different texts."""
    return [f"my {subject} was {fault} {when}" for subject in SUBJECTS for fault in FAULTS for when in TIMES]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return made_texts()


@pytest.fixture(scope="module")
def vectors(texts: list[str]) -> Vectors:
    return CountingEncoder()(texts)


@pytest.fixture(scope="module")
def student(texts: list[str], vectors: Vectors) -> Student:
    return fit_student(texts, vectors, teacher="counted")


def cosine(left: Vectors, right: Vectors) -> float:
    return float(left[0] @ right[0])


def test_a_student_says_what_its_teacher_says_about_texts_it_was_not_fitted_on(student: Student) -> None:
    unseen = ["my router was rude since monday twice", "parcel expired", "the invoice was doubled again and again"]
    assert (student(unseen) * CountingEncoder()(unseen)).sum(axis=1).min() > 0.75


def test_fidelity_is_told_with_an_interval_from_held_out_texts(student: Student) -> None:
    told = student.fidelity
    assert told.texts == 100
    assert 0.9 < told.low <= told.mean <= told.high <= 1
    assert told.lowest_tenth <= told.mean


def test_vectors_have_length_one_and_a_text_that_says_nothing_has_none(student: Student) -> None:
    found = student(["my card", "", "!?"])
    assert found.dtype == np.float32
    assert found.shape == (3, DIMENSIONS)
    assert np.allclose(np.linalg.norm(found, axis=1), [1, 0, 0], atol=1e-5)
    assert student([]).shape == (0, DIMENSIONS)


def test_a_text_has_the_same_vector_alone_and_among_others(student: Student, texts: list[str]) -> None:
    some = [*texts[::97], "an entirely unmet thing", ""]
    assert np.allclose(student(some), np.concatenate([student([text]) for text in some]), atol=1e-6)


@pytest.mark.parametrize(
    ("typed", "meant"), [("pasword", "password"), ("insurrance", "insurance"), ("cancelld", "cancelled")]
)
def test_a_misspelt_word_is_nearest_to_the_word_that_was_meant(student: Student, typed: str, meant: str) -> None:
    others = [word for word in (*SUBJECTS, *FAULTS) if word != meant]
    near = cosine(student([typed]), student([meant]))
    assert near > max(cosine(student([typed]), student([other])) for other in others)


def test_the_same_texts_in_another_order_give_the_same_student(
    student: Student, texts: list[str], vectors: Vectors
) -> None:
    again = fit_student(texts[::-1], vectors[::-1], teacher="counted")
    assert again.model_id == student.model_id
    assert np.array_equal(again(texts[:20]), student(texts[:20]))


def test_other_texts_give_a_student_of_another_name(student: Student, texts: list[str], vectors: Vectors) -> None:
    texts = [*texts[:-1], "my modem hums"]
    assert fit_student(texts, vectors, teacher="counted").model_id != student.model_id


def test_a_stored_student_computes_the_same(student: Student, texts: list[str], tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.save(KIND, student.model_id, student.files())
    store.promote(KIND, student.model_id)
    stored = store.active(KIND)
    assert stored is not None
    loaded = load_student(stored)
    assert np.array_equal(loaded(["my card was lost", *texts[:50]]), student(["my card was lost", *texts[:50]]))
    assert (loaded.model_id, loaded.fidelity, loaded.teacher) == (student.model_id, student.fidelity, "counted")


def test_too_few_texts_are_refused_with_the_reason(texts: list[str], vectors: Vectors) -> None:
    few = FEWEST_TEACHER_TEXTS - 1
    with pytest.raises(TooFewTexts, match=f"{FEWEST_TEACHER_TEXTS} different texts.*there are {few}"):
        fit_student(texts[:few], vectors[:few], teacher="counted")


def test_vectors_of_other_texts_are_refused(texts: list[str], vectors: Vectors) -> None:
    with pytest.raises(ValueError, match="1000 texts, but vectors of 999"):
        fit_student(texts, vectors[1:], teacher="counted")
