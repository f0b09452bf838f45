"""Severity: rules only ever make a signal worse."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.conditions import SIGNAL_SCHEMA
from ml.root_cause.severity import BY_MODEL, phrase_places, severities, with_model
from models.programme import PhraseRule, Programme, SeverityRules


def judged(bank: Programme, *rows: dict[str, object]) -> list[tuple[int, str | None]]:
    table = severities(pa.Table.from_pylist(list(rows), schema=SIGNAL_SCHEMA), bank.severity)
    return list(zip(table.column("severity").to_pylist(), table.column("severity_reason").to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The app is slow", (4, None)),
        ("I will see you in court, my LAWYER agrees", (2, "legal_threat")),
        ("Mein Rechtsanwalt meldet sich", (2, "legal_threat")),
        ("Hablaré con mi abogada", (2, "legal_threat")),
        ("Someone stole my identity", (2, "fraud_report")),
        ("Sometimes I want to kill myself because of this", (1, "danger_to_life")),
        ("I work as a journalist and the press will hear of it", (2, "press_threat")),
        ("Let me speak to a manager", (3, "wants_supervisor")),
        ("My pressing matter and my lawful rights", (4, None)),
    ],
)
def test_phrases_in_three_languages_set_the_floor(bank: Programme, text: str, expected: tuple[int, str | None]) -> None:
    assert judged(bank, {"text": text}) == [expected]


def test_the_reason_of_an_escalation_sets_the_floor_and_only_for_escalations(bank: Programme) -> None:
    rows = [
        {"signal_kind": "escalation", "reason_code": "regulator"},
        {"signal_kind": "escalation", "reason_code": "supervisor_request"},
        {"signal_kind": "complaint", "reason_code": "regulator"},
    ]
    assert judged(bank, *rows) == [(1, "escalated_legal"), (3, "escalated_supervisor"), (4, None)]


def test_a_very_low_score_counts_whatever_its_scale(bank: Programme) -> None:
    rows = [{"score_normalised": 0.2}, {"score_normalised": 0.21}, {"score_normalised": None}]
    assert judged(bank, *rows) == [(3, "very_low_score"), (4, None), (4, None)]


@settings(max_examples=25, deadline=None)
@given(
    text=st.lists(st.sampled_from(["fee", "lawyer", "app", "fraud", "supervisor", "x"]), max_size=4).map(" ".join),
    more=st.sampled_from([" suicide", " scam", " speak to a manager", " nothing else"]),
    score=st.none() | st.floats(0, 1),
)
def test_more_evidence_never_makes_a_signal_milder(bank: Programme, text: str, more: str, score: float | None) -> None:
    (before, _), (after, _) = judged(
        bank, {"text": text, "score_normalised": None}, {"text": text + more, "score_normalised": score}
    )
    assert after <= before


def test_every_signal_gets_a_severity_in_the_order_it_came(bank: Programme) -> None:
    rows = [{"text": "suicide" if place % 3 == 0 else "slow"} for place in range(5_000)]
    assert [severity for severity, _ in judged(bank, *rows)] == [1 if place % 3 == 0 else 4 for place in range(5_000)]


def test_no_signals_give_no_rows(bank: Programme) -> None:
    assert judged(bank) == []


@settings(max_examples=50, deadline=None)
@given(
    floors=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    guesses=st.lists(st.none() | st.integers(1, 4), min_size=6, max_size=6),
)
def test_a_model_can_raise_gravity_and_never_lower_it(floors: list[int], guesses: list[int | None]) -> None:
    rules = pa.table({"severity": floors, "severity_reason": pa.array(["rule"] * len(floors))})
    both = with_model(rules, guesses[: len(floors)]).to_pylist()
    for row, floor, guess in zip(both, floors, guesses, strict=False):
        assert row["severity"] == (floor if guess is None else min(floor, guess)) <= row["severity_floor"] == floor
        assert row["severity_reason"] == (BY_MODEL if row["severity"] < floor else "rule")
        assert row["severity_model"] == guess


WORDS = [
    "sue you",
    "Sue",
    "you",
    "LAWYER",
    "lawyers",
    "outlawyer",
    "Anwältin",
    "cáncer",
    "İ",
    "in  danger",
    "x_bbb",
    "bbb.",
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, "\n", "ß"]), max_size=8).map(" ".join))
def test_the_place_of_a_phrase_is_found_exactly_where_its_rule_holds(bank: Programme, text: str) -> None:
    conditions = {rule.id: SeverityRules(default=4, phrases=(rule,)) for rule in bank.severity.phrases}
    for rule_id, alone in conditions.items():
        [(severity, _)] = list(zip(*severities(pa.table({"text": [text]}), alone).to_pydict().values(), strict=True))
        places = phrase_places(text, rule_id, bank.severity)
        assert bool(places) == (severity < 4)
        assert all(text[start:end].strip() for start, end in places)


def test_the_place_of_a_phrase_holds_its_ending_and_nothing_else() -> None:
    rules = SeverityRules(phrases=(PhraseRule(id="legal", severity=2, any_of={"en": ("lawyer*", "legal action")}),))
    text = "My Lawyers plan LEGAL  action."
    assert [text[start:end] for start, end in phrase_places(text, "legal", rules)] == ["Lawyers", "LEGAL  action"]
    assert phrase_places(text, "unknown", rules) == []
