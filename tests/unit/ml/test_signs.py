"""Signs: what words say by rules, in three languages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.text.lexicon import de, en, es
from ml.text.phrases import PhraseBook, entries
from ml.text.signs import KINDS, REASONS, feelings, guess_language, marked_words, parse, read_signs


def valence(text: str) -> float:
    return float(read_signs([text]).valence[0])


def counted(text: str) -> set[str]:
    signs = read_signs([text])
    return {name for name, count in zip(REASONS, signs.reasons[0], strict=True) if count} | {
        name for name, count in zip(KINDS, signs.kinds[0], strict=True) if count
    }


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("not bad", "bad"),
        ("The app is good", "The app is not good"),
        ("The app is very good", "The app is good"),
        ("The app is slow", "The app is very slow"),
        ("nicht schlecht", "schlecht"),
        ("Das gefällt mir sehr", "Das gefällt mir gar nicht"),
        ("El servicio es rápido", "El servicio no es rápido"),
        ("el servicio es rapido", "el servicio no es rapido"),
        ("It was slow but the staff was friendly", "The staff was friendly but it was slow"),
        ("I will say no problem at all", "I will say problem"),
        ("The waiting was GREAT", "The waiting was great"),
        ("Terrible", "Terrible!!!"),
    ],
)
def test_negation_degree_contrast_and_emphasis_move_the_feeling(better: str, worse: str) -> None:
    assert valence(better) > valence(worse)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I was in the branch for two hours", "en"),
        ("Ich war zwei Stunden in der Filiale", "de"),
        ("Estuve dos horas en la sucursal", "es"),
        ("Schlecht", "de"),
        ("pésimo", "es"),
        ("xyz", "en"),
        ("", "en"),
    ],
)
def test_the_language_is_that_of_the_small_words(text: str, language: str) -> None:
    assert guess_language(parse(text).words) == language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I need this by tomorrow, it is urgent", {"deadline", "urgent"}),
        ("It is not urgent at all", set()),
        ("Ich habe schon 4 mal angerufen, ich bin wütend", {"repeated_contact", "anger"}),
        ("Es ist nicht dringend, danke der Nachfrage", set()),
        (
            "Llevo semanas y sigo esperando, necesito ayuda urgente",
            {"repeated_contact", "desperate", "urgent", "problem"},
        ),
        ("It would be nice if you had dark mode", {"suggestion"}),
        ("Vielen Dank für alles", {"praise"}),
        ("There is no problem with my card", set()),
        ("WHERE IS MY MONEY NOW", {"shouting"}),
    ],
)
def test_phrases_of_urgency_and_kind_are_found_and_denied_ones_are_not(text: str, expected: set[str]) -> None:
    assert counted(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The app is not very good. I pay", "the app is not not_very not_good i pay"),
        ("Das geht nicht und [NAME] weiß es", "not_das not_geht nicht not_und not_weiß not_es"),
        ("don't know", "dont not_know"),
    ],
)
def test_words_under_a_negation_are_marked_to_the_end_of_the_clause(text: str, expected: str) -> None:
    assert marked_words(parse(text)) == expected


def test_the_longest_phrase_at_a_place_counts_and_an_open_ending_is_any_ending() -> None:
    book = PhraseBook({"charge": 1, "charged twice": 2, "delay*": 3, "über": 4})
    assert book.find(["charged", "twice", "no", "charge", "delays", "ueber"]) == [
        (0, 2, 2),
        (3, 4, 1),
        (4, 5, 3),
        (5, 6, 4),
    ]


@pytest.mark.parametrize("data", [en, de, es])
def test_no_phrase_of_a_language_has_two_feelings(data: object) -> None:
    phrases = [phrase for text in data.VALENCE.values() for phrase in entries(text)]  # type: ignore[attr-defined]
    assert len(phrases) == len(set(phrases)) > 200


BITS = [
    "not",
    "good",
    "bad",
    "very",
    "nicht",
    "no",
    "gut",
    "mal",
    "rápido",
    "!",
    ".",
    "but",
    "[NAME]",
    "7",
    "aber",
    "Ä",
]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(BITS), max_size=20))
def test_signs_are_bounded_and_hits_are_quotes(words: list[str]) -> None:
    text = " ".join(words)
    signs = read_signs([text])
    assert np.abs(signs.features()).max() <= 1 and -1 <= signs.valence[0] <= 1
    parsed = parse(text)
    assert all(
        0 <= hit.start < hit.end <= len(text) and "[" not in text[hit.start : hit.end] for hit in feelings(parsed)
    )


def test_texts_do_not_influence_each_other() -> None:
    texts = ["good", "nicht gut", "", "malo!!!"]
    together = read_signs(texts)
    for place, text in enumerate(texts):
        assert np.array_equal(together.features()[place], read_signs([text]).features()[0])
