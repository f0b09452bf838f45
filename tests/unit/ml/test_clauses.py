"""Clauses: a text is cut where its sense turns, and nowhere else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.text.clauses import clauses


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in clauses(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The app is slow, but the staff was nice.", ["The app is slow,", "but the staff was nice."]),
        ("Die App ist gut aber langsam", ["Die App ist gut", "aber langsam"]),
        ("El servicio es bueno pero la app no funciona", ["El servicio es bueno", "pero la app no funciona"]),
        ("First line\nsecond line", ["First line", "second line"]),
        ("My card was declined, and nobody answered", ["My card was declined,", "and nobody answered"]),
        ("Stop!!! Now. :)", ["Stop!!!", "Now. :)"]),
    ],
)
def test_a_clause_begins_after_a_sentence_and_at_a_word_of_contrast(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "It cost 3.50 euro",
        "Mr. Smith e.g. knows",
        "Das war z. B. falsch",
        "see www.shop.example/but.html now",
        "red, green",
    ],
)
def test_numbers_abbreviations_addresses_and_lists_are_not_cut(text: str) -> None:
    assert cut(text) == [text]


def test_a_text_without_letters_has_no_clause() -> None:
    assert clauses("") == clauses("!!! 12 ...") == clauses("[EMAIL]") == []


PIECES = st.sampled_from(
    [
        "but",
        "aber",
        " ",
        "\n",
        ". ",
        "!",
        "?!",
        ",",
        ", and",
        ";",
        "[EMAIL]",
        "[ORDER NUMBER]",
        "good",
        "ä",
        "3.5",
        "(",
        "]",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_clauses_are_in_order_hold_every_letter_and_never_split_a_mask(text: str) -> None:
    found = clauses(text)
    assert all(start < end for start, end in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    inside = {place for start, end in found for place in range(start, end)}
    for mask in ("[EMAIL]", "[ORDER NUMBER]"):
        place = text.find(mask)
        while place >= 0:
            assert len(inside & set(range(place, place + len(mask)))) in (0, len(mask))
            assert all(
                not place < border < place + len(mask) for border in {edge for clause in found for edge in clause}
            )
            place = text.find(mask, place + 1)
    plain = text.replace("[EMAIL]", " " * 7).replace("[ORDER NUMBER]", " " * 14)
    assert all(place in inside for place, letter in enumerate(plain) if letter.isalpha())


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", ["!", "\n", " ", ". ", "but ", "[", "[A", "- ", ", and "])
def test_a_long_run_of_borders_is_no_trap(piece: str) -> None:
    clauses(piece * 100_000)
