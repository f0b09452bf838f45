"""Words as topic models count them."""

from __future__ import annotations

import pytest

from ml.root_cause.naming import topic_name
from ml.text.words import content_words, surface_forms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("On XX/XX/2023 I paid {$500.00} to XXXX XXXX", "paid"),
        ("Write to [EMAIL] or <CARD_1> about fees", "write fees"),
        ("They don't refund, it's a shame", "refund shame"),
        ("Die Überweisung ist nicht angekommen", "überweisung angekommen"),
        ("La comisión es muy alta", "comisión alta"),
        ("12345 ... !!", ""),
    ],
)
def test_masks_digits_and_stop_words_are_left_out_in_three_languages(text: str, words: str) -> None:
    assert content_words(text) == words


def test_terms_are_written_the_way_people_write_them() -> None:
    texts = ["they charged me a fee", "charged a fee again", "I was charged a fee"]
    assert surface_forms(texts, ["charged fee", "fee", "never seen"]) == {
        "charged fee": "charged a fee",
        "fee": "fee",
        "never seen": "never seen",
    }


def test_a_topic_name_says_nothing_twice() -> None:
    assert topic_name(["identity theft", "victim of identity theft", "block"]) == "Identity theft, block"
    assert topic_name([]) == "Texts without common words"
