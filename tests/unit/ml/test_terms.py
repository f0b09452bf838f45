"""Terms counted in one pass are those of the texts taken one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.text.terms import count_terms
from ml.text.words import BREAK, content_words, joined_words, words_of

TEXTS = [
    "They stood in line",
    "stood in line again",
    "we stood line, charged a fee",
    "Die Karte ist gesperrt",
    "la tarjeta no funciona",
]


@given(st.lists(st.text(max_size=60), max_size=6))
def test_words_of_all_texts_at_once_are_the_words_of_each(texts: list[str]) -> None:
    texts = [text.replace(BREAK, " ") for text in texts]
    together = " ".join(joined_words(texts)).split(BREAK)
    # A sigma at the end of a word is lowered by its neighbours; the joined text has others.
    assert [part.replace("ς", "σ").split() for part in together] == [
        [word.replace("ς", "σ") for word in words_of(text)] for text in texts
    ] or not texts


def test_presence_counts_a_text_once_and_pairs_reach_over_one_small_word_that_joins() -> None:
    table = count_terms(["line line line stood", *TEXTS], rarest=3, commonest=1.0)
    assert table.terms == ("line", "stood", "stood line")
    assert table.presence.toarray().sum(axis=0).tolist() == [4.0, 4.0, 3.0]
    assert table.is_pair.tolist() == [False, False, True]


def test_a_pair_does_not_reach_over_an_article() -> None:
    assert "charged fee" not in count_terms(TEXTS, rarest=1, commonest=1.0).terms


def test_pairs_are_written_as_most_people_write_them() -> None:
    table = count_terms(TEXTS, rarest=1, commonest=1.0)
    assert table.written(["stood line", "line"]) == {"stood line": "stood in line", "line": "line"}


def test_the_language_of_a_text_is_that_of_its_small_words() -> None:
    assert count_terms([*TEXTS, "12345 !!"], rarest=1).language.tolist() == [0, 0, 0, 1, 2, -1]


def test_texts_without_words_have_no_terms() -> None:
    table = count_terms(["", "123", "!!"])
    assert table.terms == ()
    assert table.presence.shape == (3, 0)


@given(st.lists(st.sampled_from(["fee", "card", "app", "the", "and", "queue"]), max_size=12), st.integers(1, 4))
def test_every_content_word_of_every_text_is_counted(words: list[str], copies: int) -> None:
    text = " ".join(words)
    table = count_terms([text] * copies, rarest=1, commonest=1.0)
    singles = {term for term, pair in zip(table.terms, table.is_pair, strict=True) if not pair}
    assert singles == set(content_words(text).split())
    assert np.all(table.presence.toarray() == 1.0)
