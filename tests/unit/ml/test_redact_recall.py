"""Texts marked by hand: what must go goes, what must stay stays, in every language and every disguise."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.text.redact import KINDS, redact
from ml.text.spans import masked
from tests.unit.ml.marked import Marked, marked_texts

TEXTS = marked_texts()
VALUES = [
    ("EMAIL", "write to ", "jane.roe@example.com"),
    ("PHONE", "call ", "+44 20 7946 0321"),
    ("CARD", "card ", "4539 5780 3927 4615"),
    ("IBAN", "IBAN ", "DE44 5001 0517 5407 3249 31"),
    ("SSN", "SSN ", "536-90-4399"),
    ("TAX_ID", "Steuer-ID ", "71 358 952 543"),
    ("ID_NUMBER", "DNI ", "48291736Q"),
    ("ACCOUNT", "account number ", "31926819"),
    ("BIRTH_DATE", "born on ", "12.08.1964"),
    ("IP", "from ", "203.0.113.42"),
]


def _gone(text: Marked) -> list[bool]:
    """For each marked value, whether no letter or digit of it is left."""
    spans = redact(text.text, text.names).spans
    hidden = {place for span in spans for place in range(span.start, span.end)}
    return [all(i in hidden for i in range(a, b) if text.text[i].isalnum()) for a, b, _ in text.spans]


def test_every_kind_is_found_where_people_write_it():
    planted, found = Counter[str](), Counter[str]()
    for text in TEXTS:
        for (_, _, kind), gone in zip(text.spans, _gone(text), strict=True):
            planted[kind] += 1
            found[kind] += gone
    assert set(planted) == set(KINDS)
    short = {kind: f"{found[kind]} of {n}" for kind, n in planted.items() if found[kind] < n and kind != "NAME"}
    assert short == {}
    # Names that nobody introduces and no record knows cannot be found without a language model.
    assert found["NAME"] >= 0.9 * planted["NAME"]


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_nothing_else_goes(language):
    for text in (t for t in TEXTS if t.language == language):
        spans = redact(text.text, text.names).spans
        wrong = [
            text.text[s.start : s.end] for s in spans if not any(s.start < b and a < s.end for a, b, _ in text.spans)
        ]
        assert wrong == [], text.text


def test_each_value_is_called_what_it_is():
    for text in TEXTS:
        for span in redact(text.text, text.names).spans:
            assert span.kind in {kind for a, b, kind in text.spans if span.start < b and a < span.end}, text.text


def test_a_second_look_at_a_redacted_text_finds_nothing():
    for text in TEXTS:
        once = redact(text.text, text.names).text
        assert redact(once, text.names).text == once


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4), st.sampled_from([" ", "\n", ", ", "", "-", " / "]))
def test_texts_run_together_are_redacted_for_good_and_spans_say_what_was_masked(texts, between):
    text = between.join(t.text for t in texts)
    result = redact(text)
    assert masked(text, result.spans) == result.text
    assert redact(result.text).text == result.text
    assert len(result.text) <= len(text) + sum(len(span.kind) + 2 for span in result.spans)
    assert all(0 <= a.start < a.end <= len(text) for a in result.spans)
    assert all(a.end <= b.start for a, b in zip(result.spans, result.spans[1:], strict=False))


_DISGUISES = {
    "zero-width characters between the letters": lambda value: "\u200b".join(value),
    "soft hyphens": lambda value: "\u00ad".join(value),
    "no-break spaces": lambda value: value.replace(" ", "\u00a0"),
    "narrow spaces": lambda value: value.replace(" ", "\u202f"),
    "full-width characters": lambda value: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value),
    "Arabic digits": lambda value: re.sub("[0-9]", lambda m: chr(0x0660 + int(m.group())), value),
    "typographic dashes": lambda value: value.replace("-", "\u2011"),
    "line breaks for spaces": lambda value: value.replace(" ", "\n"),
}


@pytest.mark.parametrize("disguise", list(_DISGUISES))
@pytest.mark.parametrize(("kind", "before", "value"), VALUES, ids=[kind for kind, _, _ in VALUES])
def test_a_value_goes_in_any_disguise_and_its_span_is_the_disguise(kind, before, value, disguise):
    hidden = _DISGUISES[disguise](value)
    text = f"{before}{hidden} thanks"
    (span,) = redact(text).spans
    assert (span.kind, text[span.start : span.end]) == (kind, hidden)


def test_accents_typed_as_marks_of_their_own_are_the_same_name():
    assert redact("soy Jose\u0301 Mun\u0303oz, cliente", ("José", "Muñoz")).text == "soy [NAME], cliente"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(VALUES), st.data())
def test_a_zero_width_character_anywhere_in_a_value_hides_nothing(value, data):
    kind, before, shown = value
    at = data.draw(st.integers(1, len(shown) - 1))
    text = f"{before}{shown[:at]}\u200d{shown[at:]} thanks"
    assert redact(text).text == f"{before}[{kind}] thanks"
