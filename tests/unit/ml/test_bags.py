"""Counting with arrays gives what counting with words gives."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.text import bags
from ml.text.bags import Lexicon, learn_lexicon, lexed, parts_of, word_parts

TEXTS = ["The card was late", "card late again", "the fee, the FEE!", "", "späte Karte\nlate card"]

words_of = re.compile(r"\w+").findall
some_texts = st.lists(
    st.lists(st.sampled_from(["card", "Late", "fee", "karte", "\n", ",", "ünïcode", "x1", "_"]), max_size=8).map(
        " ".join
    ),
    max_size=8,
)


def counted(rows: object, names: list[str]) -> list[Counter[str]]:
    """A sparse matrix of counts as one Counter per text."""
    dense = rows.toarray()  # type: ignore[attr-defined]
    return [Counter({names[place]: int(row[place]) for place in np.flatnonzero(row)}) for row in dense]


def test_a_lexicon_holds_what_occurs_in_two_texts_in_order_of_name() -> None:
    lexicon = learn_lexicon(TEXTS)
    assert lexicon.words == {"card": 0, "late": 1, "the": 2}
    assert lexicon.texts == len(TEXTS)
    assert not len(lexicon.pairs)
    assert "late>" in lexicon.parts
    assert "fee>" not in lexicon.parts


def test_pairs_do_not_reach_from_one_text_into_the_next() -> None:
    lexicon = learn_lexicon(["late fee", "late fee", "fee late x", "card"])
    late, fee = lexicon.words["late"], lexicon.words["fee"]
    assert lexicon.pairs.tolist() == [late * len(lexicon.words) + fee]
    found = lexed(["so late", "fee"], lexicon)
    assert not len(found.pairs.rows)


@given(texts=some_texts, more=some_texts)
def test_words_and_new_words_are_counted_as_a_counter_would(texts: list[str], more: list[str]) -> None:
    lexicon = learn_lexicon(more)
    found = lexed(texts, lexicon)
    expected = [Counter(words_of(text.lower())) for text in texts]
    known = counted(found.words.counts(len(lexicon.words)), list(lexicon.words))
    new = counted(found.unknown.counts(len(found.new)), list(found.new))
    assert [one + other for one, other in zip(known, new, strict=True)] == expected
    assert not set(found.new) & set(lexicon.words)


@given(texts=some_texts)
def test_pairs_are_counted_as_a_counter_would(texts: list[str]) -> None:
    lexicon = learn_lexicon(texts)
    names = list(lexicon.words)
    known = {(names[code // len(names)], names[code % len(names)]) for code in lexicon.pairs.tolist()}
    lists = [words_of(text.lower()) for text in texts]
    expected = [sum(pair in known for pair in pairwise(words)) for words in lists]
    assert lexed(texts, lexicon).pairs.counts(len(lexicon.pairs)).sum(axis=1).tolist() == expected


@given(texts=some_texts)
def test_the_order_of_texts_does_not_change_a_lexicon(texts: list[str]) -> None:
    one, other = learn_lexicon(texts), learn_lexicon(texts[::-1])
    assert (one.words, one.parts) == (other.words, other.parts)
    assert one.pairs.tolist() == other.pairs.tolist()


def test_parts_know_where_a_word_starts_and_ends_and_are_never_the_whole() -> None:
    assert parts_of("fee") == ["<fe", "fee", "ee>", "<fee", "fee>"]
    assert parts_of("a") == []


def test_a_very_long_word_has_few_parts() -> None:
    assert len(parts_of("x" * 6_000)) < 130


def test_known_parts_of_words_are_counted() -> None:
    rows = word_parts(["banana", "fee", ""], {"ana": 0, "fee": 1})
    assert rows.toarray().tolist() == [[2, 0], [0, 1], [0, 0]]


def test_an_empty_lexicon_finds_only_new_words() -> None:
    found = lexed(["late fee"], Lexicon({}, np.array([], dtype=np.int64), {}, 0))
    assert found.new == ("late", "fee")
    assert not len(found.words.rows) and not len(found.pairs.rows)


def test_what_the_teacher_does_not_read_is_not_counted() -> None:
    text = "a " * bags.READ_CHARACTERS + "late"
    assert "late" not in lexed([text], Lexicon({}, np.array([], dtype=np.int64), {}, 0)).new
