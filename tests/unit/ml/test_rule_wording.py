"""A rule says in plain English what it does, and why it did or did not fire on a signal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings

from ml.conditions import SIGNAL_SCHEMA
from ml.detection.wording import sentences, why
from models.trigger import TriggerRule
from tests.unit.ml.rule_oracle import fires, holds
from tests.unit.ml.test_rule_language import rows, rules
from tests.unit.ml.test_rules import AS_OF, rule

SILENT = rule(
    {"all": [{"field": "severity", "op": "lte", "value": 2}], "not": {"field": "is_timely", "op": "is", "value": True}},
    signal=["complaint", "escalation"],
    absence={"of": {"signal": "agent_note"}, "within": "36h"},
    cool_off="7d",
)
FELL = rule(
    {
        "any": [
            {
                "change": {"field": "score_value", "baseline": {"within": "90d", "at_least": 2}},
                "op": "lte",
                "value": -3,
            },
            {"field": "text", "op": "contains_any", "value": ["refund"]},
        ]
    },
    signal="survey_response",
)


def test_a_rule_is_told_in_sentences_that_name_what_it_waits_for_and_what_it_opens() -> None:
    assert sentences(SILENT) == [
        "A complaint or escalation counts if severity is at most 2 and not (is_timely is true).",
        "It fires 36 hours later, if by then no agent note of the same customer_id has come.",
        "It opens a recovery case of severity 3 or worse; what comes within 14 days about the same subject joins that case.",
        "For 7 days after it has opened one, it opens no other for the same subject.",
    ]
    assert sentences(FELL)[0] == (
        "A survey response counts if score_value less the mean of at least 2 earlier ones of the same customer_id within "
        "90 days is at most -3 or text contains any of refund."
    )


def surveys(*scores: float | None, text: str | None = None) -> pa.Table:
    """One answer a day of one customer, the last one with the text."""
    made: list[dict[str, Any]] = [
        {"signal_id": f"S{day}", "signal_kind": "survey_response", "customer_id": "C1", "score_value": score,
         "occurred_at": AS_OF - timedelta(days=len(scores) - day), "text": text if day == len(scores) - 1 else None}
        for day, score in enumerate(scores)
    ]  # fmt: skip
    return pa.Table.from_pylist(made, schema=SIGNAL_SCHEMA)


def test_an_explanation_shows_each_clause_with_what_was_seen_and_never_a_text() -> None:
    found = why(FELL, "S2", surveys(9.0, 8.0, 4.0, text="Zacharias wants his money"), as_of=AS_OF)
    assert found.fired
    assert [(item.holds, item.seen) for item in found.verdicts] == [(True, None), (True, -4.5), (False, "a text")]
    assert "Zacharias" not in repr(found)


def test_an_explanation_tells_what_is_unknown_from_what_does_not_hold() -> None:
    found = why(FELL, "S1", surveys(9.0, 2.0), as_of=AS_OF)
    assert (found.fired, [item.holds for item in found.verdicts]) == (False, [None, None, None])


def test_who_asks_about_a_signal_that_is_not_there_is_told_so() -> None:
    with pytest.raises(LookupError, match="no signal S9"):
        why(FELL, "S9", surveys(9.0), as_of=AS_OF)


@settings(max_examples=25, deadline=None)
@given(some=rules(), signals=rows())
def test_an_explanation_agrees_with_a_plain_reading_of_the_rule(
    some: TriggerRule, signals: list[dict[str, Any]]
) -> None:
    others = [row for row in signals if row["source"] != "desk"]
    if not others:
        return
    asked = others[-1]
    found = why(some, asked["signal_id"], pa.Table.from_pylist(signals, schema=SIGNAL_SCHEMA), as_of=AS_OF)
    assert some.when is not None
    assert found.verdicts[0].holds is holds(some.when, asked, others, some)
    assert found.fired == (asked["signal_id"] in fires(some, signals, AS_OF))
