"""Evidence and aspects: which clauses carried a decision, and which issues a text has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.root_cause.aspects import aspects
from ml.root_cause.evidence import Pieces, carried, pieces_of, quotes
from ml.text.embed import Vectors
from tests.unit.ml.conftest import CountingEncoder

CAUSES = ("app", "card")


def word_share(word: str) -> object:
    """Support for a decision: how often a word stands in a text, per word."""

    def score(texts: Sequence[str], vectors: Vectors, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        assert len(texts) == len(vectors) == len(rows)
        return np.array([text.lower().split().count(word) / max(1, len(text.split())) for text in texts])

    return score


def evidence(texts: list[str], word: str, *, leave_out: bool = False) -> list[list[str]]:
    encoder = CountingEncoder()
    pieces = pieces_of(texts, encoder)
    places = carried(texts, pieces, word_share(word), embed=encoder if leave_out else None)  # type: ignore[arg-type]
    return [quotes(text, own) for text, own in zip(texts, places, strict=True)]


@pytest.mark.parametrize("leave_out", [False, True])
def test_the_clause_that_speaks_of_the_decision_is_quoted(leave_out: bool) -> None:
    texts = ["Hello there. My card failed. Have a nice day.", "card", "Nothing but noise"]
    assert evidence(texts, "card", leave_out=leave_out)[:2] == [["My card failed."], ["card"]]


def test_a_second_clause_is_quoted_when_it_supports_nearly_as_much() -> None:
    assert evidence(["My card failed. The card broke. I was there."], "card") == [
        ["My card failed.", "The card broke."]
    ]


def test_a_text_without_letters_has_no_evidence() -> None:
    assert evidence(["!!!", ""], "card", leave_out=True) == [[], []]


def test_all_clauses_are_embedded_in_one_call() -> None:
    calls: list[int] = []

    def embed(texts: Sequence[str]) -> Vectors:
        calls.append(len(texts))
        return CountingEncoder()(texts)

    pieces_of(["One. Two.", "Three"], embed)
    assert calls == [3]


BITS = st.lists(st.sampled_from(["card", "app", ".", "but", "!", "[NAME]", " ", "\n", "ä", ", and"]), max_size=20)


@settings(max_examples=60, deadline=None)
@given(st.lists(BITS.map(" ".join), max_size=4), st.booleans())
def test_quotes_are_parts_of_their_text_in_order_and_apart(texts: list[str], leave_out: bool) -> None:
    encoder = CountingEncoder()
    pieces = pieces_of(texts, encoder)
    places = carried(texts, pieces, word_share("card"), embed=encoder if leave_out else None)  # type: ignore[arg-type]
    for text, own in zip(texts, places, strict=True):
        assert all(0 <= start < end <= len(text) for start, end in own)
        assert own == sorted(own) and all(one[1] <= two[0] for one, two in pairwise(own))
        assert bool(own) == (text.replace("[NAME]", "").upper() != text.replace("[NAME]", "").lower())


def found(
    text: str, shares: list[tuple[float, float]], feelings: list[float] | None = None
) -> list[tuple[object, ...]]:
    pieces: Pieces = pieces_of([text], CountingEncoder())
    assert len(pieces) == len(shares)
    [own] = aspects(1, pieces, np.array(shares), CAUSES, np.array(feelings or [np.nan] * len(shares)))
    return [(a.aspect_no, text[a.start : a.end], a.cause_id, a.sentiment) for a in own]


def test_two_sure_causes_are_two_aspects_with_their_own_feeling() -> None:
    text = "The app works well now, but my card was declined again."
    assert found(text, [(0.9, 0.1), (0.2, 0.8)], [0.6, -0.8]) == [
        (1, "The app works well now,", "app", 0.6),
        (2, "but my card was declined again.", "card", -0.8),
    ]


def test_neighbours_with_one_cause_are_one_aspect() -> None:
    text = "The app crashes all day. The app is slow as well. My card was declined."
    assert [row[:3] for row in found(text, [(0.9, 0.1), (0.8, 0.2), (0.1, 0.9)])] == [
        (1, "The app crashes all day. The app is slow as well.", "app"),
        (2, "My card was declined.", "card"),
    ]


def test_an_unsure_clause_inside_an_aspect_joins_it_and_at_its_end_does_not() -> None:
    text = "The app crashes all day. I do not know. The app is slow. My card was declined. Regards to all of you."
    shares = [(0.9, 0.1), (0.45, 0.4), (0.8, 0.2), (0.1, 0.9), (0.4, 0.4)]
    assert [row[1] for row in found(text, shares)] == [
        "The app crashes all day. I do not know. The app is slow.",
        "My card was declined.",
    ]


@pytest.mark.parametrize("shares", [[(0.9, 0.1), (0.8, 0.2)], [(0.9, 0.1), (0.45, 0.4)], [(0.4, 0.4), (0.4, 0.4)]])
def test_fewer_than_two_sure_causes_are_no_aspects(shares: list[tuple[float, float]]) -> None:
    assert found("The app crashes all day. My card was declined.", shares) == []


def test_a_word_or_two_is_no_aspect() -> None:
    assert found("The app crashes all day. My card.", [(0.9, 0.1), (0.1, 0.9)]) == []
