"""The whole rule language: compiled SQL and a plain reading of the rule give the same triggers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.conditions import SIGNAL_SCHEMA
from ml.detection.likeness import threshold
from ml.detection.rules import failing_tests, find_triggers, unanswered
from models.clause import Examples
from models.trigger import TriggerRule, lookback
from tests.unit.ml.rule_oracle import fires
from tests.unit.ml.test_rules import AS_OF, LEAVES, TEXTS, depth, rule

ZONES = [UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-11))]
KINDS = ["complaint", "ticket", "survey_response"]
# Halves only: their sums are exact, so both readings meet a threshold on the same side.
HALVES = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, 2.5, 6.0, 9.0])
BY = st.sampled_from([["customer_id"], ["customer_id", "cause_id"], ["segment"]])
SPANS = st.sampled_from(["1h", "24h", "3d", "2w"])
NUMBER_OPS = st.sampled_from(["is", "is_not", "lt", "lte", "gt", "gte"])


@st.composite
def rows(draw: Any) -> list[dict[str, Any]]:
    """Up to a dozen signals: ties in time, other zones, unknown times, keys and values, own notes, any alphabet."""
    fields = st.fixed_dictionaries(
        {
            "signal_kind": st.sampled_from(KINDS),
            "segment": st.none() | st.sampled_from(["mass", "ü", "o'brien"]),
            "score_value": st.none() | HALVES,
            "severity": st.none() | st.sampled_from([1.0, 2.0, 4.0]),
            "is_timely": st.none() | st.booleans(),
            "text": st.none() | TEXTS,
            "customer_id": st.none() | st.sampled_from(["C1", "C2"]),
            "cause_id": st.none() | st.sampled_from(["a", "b"]),
            "source": st.none() | st.sampled_from(["zendesk", "desk"]),
        }
    )
    found = draw(st.lists(st.tuples(fields, st.none() | st.integers(-30, 30), st.sampled_from(ZONES)), max_size=12))
    return [
        row | {"signal_id": f"S{place}", "occurred_at": _at(hours, zone)}
        for place, (row, hours, zone) in enumerate(found)
    ]


def _at(hours: int | None, zone: Any) -> datetime | None:
    return None if hours is None else (AS_OF + timedelta(hours=12 * hours)).astimezone(zone)


@st.composite
def windows(draw: Any) -> dict[str, Any]:
    measure = draw(st.sampled_from(["count", "share", "mean", "min", "max", "sum"]))
    look: dict[str, Any] = {"measure": measure, "within": draw(SPANS), "by": draw(BY)}
    look |= _around(draw)
    if measure not in ("count", "share"):
        look["field"] = draw(st.sampled_from(["score_value", "severity"]))
    if measure == "share":
        look["where"] = draw(LEAVES)
    return {"window": look, "op": draw(NUMBER_OPS), "value": draw(st.sampled_from([0, 0.5, 1, 2, 3]))}


@st.composite
def changes(draw: Any) -> dict[str, Any]:
    baseline = {"within": draw(SPANS), "at_least": draw(st.integers(1, 3))}
    change = {"field": "score_value", "baseline": baseline, "by": draw(BY)} | _around(draw)
    return {"change": change, "op": draw(NUMBER_OPS), "value": draw(st.sampled_from([-2, -0.5, 0, 1]))}


def _around(draw: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if draw(st.booleans()):
        found["where"] = draw(LEAVES)
    if draw(st.booleans()):
        found["signal"] = draw(st.sampled_from(["any", "ticket", ["complaint", "ticket"]]))
    return found


CONDITIONS = st.recursive(
    st.one_of(LEAVES, windows(), changes()),
    lambda inner: st.one_of(
        st.builds(lambda nodes: {"all": nodes}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda nodes: {"any": nodes}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda node: {"not": node}, inner),
        st.builds(
            lambda nodes, least: {"at_least": min(least, len(nodes)), "of": nodes},
            st.lists(inner, min_size=2, max_size=4),
            st.integers(1, 3),
        ),
    ),
    max_leaves=5,
)


@st.composite
def rules(draw: Any) -> TriggerRule:
    when = draw(CONDITIONS.filter(lambda tree: depth(tree) <= 3))
    signal = draw(st.sampled_from(["any", "complaint", ["complaint", "survey_response"]]))
    more = draw(
        st.one_of(
            st.just({}),
            st.fixed_dictionaries({"repeat": st.builds(lambda n, w, by: {"at_least": n, "within": w, "by": by},
                                                       st.integers(2, 3), SPANS, BY)}),
            st.fixed_dictionaries({"absence": st.builds(
                lambda kinds, node, w, by: {"of": {"signal": kinds, "when": node}, "within": w, "by": by},
                st.sampled_from(["ticket", ["complaint", "ticket"]]), st.none() | LEAVES, SPANS, BY)}),
        )
    )  # fmt: skip
    return rule(when, id=draw(st.sampled_from(["one", "two", "three"])), signal=signal, **more)


def table(given_rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(given_rows), schema=SIGNAL_SCHEMA)


def found_by(some: Sequence[TriggerRule], given_rows: Sequence[dict[str, Any]], **more: Any) -> set[tuple[str, str]]:
    found = find_triggers(table(given_rows), some, as_of=AS_OF, historic_after_days=14, **more)
    return set(zip(found["rule_id"].to_pylist(), found["signal_id"].to_pylist(), strict=True))


@settings(max_examples=120, deadline=None)
@given(some=st.lists(rules(), min_size=1, max_size=3, unique_by=lambda item: item.id), signals=rows())
def test_a_compiled_rule_set_fires_where_a_plain_reading_of_each_rule_does(
    some: list[TriggerRule], signals: list[dict[str, Any]]
) -> None:
    expected = {(item.id, signal) for item in some for signal in fires(item, signals, AS_OF)}
    assert found_by(some, signals) == expected


@settings(max_examples=40, deadline=None)
@given(some=rules(), signals=rows())
def test_a_signal_fires_the_same_when_only_what_the_lookback_names_is_at_hand(
    some: TriggerRule, signals: list[dict[str, Any]]
) -> None:
    dated = [row for row in signals if row["occurred_at"] is not None]
    if not dated or some.absence is not None:
        return
    new = max(dated, key=lambda row: row["occurred_at"])
    asked = lookback([some])
    near = [row for row in dated if asked and _is_near(row, new, asked)] + [new]
    near = list({row["signal_id"]: row for row in near}.values())
    whole = (some.id, new["signal_id"]) in found_by([some], dated)
    assert ((some.id, new["signal_id"]) in found_by([some], near)) == whole


def _is_near(row: dict[str, Any], new: dict[str, Any], asked: Any) -> bool:
    alike = any(all(row[name] is not None and row[name] == new[name] for name in by) for by in asked.keys)
    return alike and row["occurred_at"] >= new["occurred_at"] - asked.span


def survey(score: float, day: float, **more: Any) -> dict[str, Any]:
    return {
        "signal_id": f"S{day}", "signal_kind": "survey_response", "customer_id": "C1", "score_normalised": score,
        "occurred_at": AS_OF + timedelta(days=day), **more,
    }  # fmt: skip


def test_a_fall_below_the_customers_own_level_fires_where_the_level_itself_would_not() -> None:
    fall = rule({"change": {"field": "score_normalised", "baseline": {"within": "365d"}}, "op": "lte", "value": -0.3})
    steady = [survey(0.6, -4), survey(0.6, -3), survey(0.6, -2)]
    assert found_by([fall], [*steady, survey(0.2, -1)]) == {("some_rule", "S-1")}
    assert found_by([fall], [*steady[1:], survey(0.2, -1)]) == set()
    assert found_by([fall], [survey(0.2, day) for day in (-4, -3, -2, -1)]) == set()


def test_a_window_leaves_out_what_is_exactly_as_old_as_it_is_long() -> None:
    often = rule({"window": {"measure": "count", "within": "3d"}, "op": "gte", "value": 2})
    assert found_by([often], [survey(1, -3), survey(1, 0)]) == set()
    assert found_by([often], [survey(1, -2.999), survey(1, 0)]) == {("some_rule", "S0")}


def test_an_absence_is_decided_when_its_time_is_up_and_occurred_then() -> None:
    silent = rule(
        {"field": "score_normalised", "op": "lte", "value": 0.2},
        signal="survey_response",
        absence={"of": {"signal": "agent_note"}, "within": "5d"},
    )
    asked = survey(0.1, -6)
    answered = {**asked, "signal_id": "N", "signal_kind": "agent_note", "occurred_at": AS_OF - timedelta(days=2)}
    found = find_triggers(table([asked]), [silent], as_of=AS_OF, historic_after_days=14)
    assert found["occurred_at"].to_pylist() == [AS_OF - timedelta(days=1)]
    assert found_by([silent], [survey(0.1, -4)]) == set()
    assert found_by([silent], [asked, answered]) == set()
    assert found_by([silent], [asked, {**answered, "occurred_at": AS_OF - timedelta(days=1)}]) == set()
    assert found_by([silent], [asked, {**answered, "occurred_at": AS_OF - timedelta(hours=23)}]) != set()


def test_k_of_n_stays_unknown_while_what_is_unknown_could_decide() -> None:
    two = {
        "at_least": 2,
        "of": [{"field": name, "op": "gte", "value": 1} for name in ("severity", "score_value", "urgency")],
    }
    neither = rule({"not": two})
    half_known = [survey(0, 0, severity=1.0)]
    assert found_by([rule(two)], half_known) == found_by([neither], half_known) == set()
    assert found_by([neither], [survey(0, 0, severity=0.0, urgency=0.0)]) == {("some_rule", "S0")}


def test_a_rule_says_for_how_long_it_opens_nothing_more() -> None:
    cooled = rule({"field": "customer_id", "op": "is_known"}, cool_off="36h")
    found = find_triggers(table([survey(0, 0)]), [cooled], as_of=AS_OF, historic_after_days=14)
    assert found["cool_off_days"].to_pylist() == [2]


# --- likeness -------------------------------------------------------------------------------------------------------

AXES = {"refund": 0, "money": 0, "rude": 1, "staff": 1, "app": 2}


def encode(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Words on axes of meaning, as a sentence encoder would lay them out."""
    vectors = np.zeros((len(texts), 4))
    for place, text in enumerate(texts):
        for word in text.split():
            vectors[place, AXES.get(word, 3)] += 1.0
    return vectors


ABOUT_MONEY = {
    "like": {"examples": ["refund money", "my refund", "money please"], "unlike": ["rude staff", "app please"]}
}


def test_texts_like_the_examples_fire_and_others_do_not() -> None:
    alike = rule(ABOUT_MONEY)
    signals = [survey(0, -1, text="refund"), survey(0, -2, text="rude"), survey(0, -3, text=None)]
    assert found_by([alike], signals, encode=encode) == {("some_rule", "S-1")}


def test_without_an_encoder_likeness_is_unknown_also_when_denied_and_the_caller_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    signals = [survey(0, -1, text="refund")]
    denied = rule({"not": ABOUT_MONEY})
    assert found_by([rule(ABOUT_MONEY), denied.model_copy(update={"id": "other"})], signals) == set()
    assert "stay unknown in other, some_rule" in caplog.text
    assert unanswered([denied], None) == ("some_rule",)
    assert unanswered([denied], encode) == ()


def test_the_threshold_lies_between_examples_and_what_is_not_meant() -> None:
    like = Examples.model_validate(ABOUT_MONEY["like"])
    nearest_of_unlike = 0.5  # "app please" against "money please": one word of two
    assert nearest_of_unlike < threshold(like, encode) < 1.0
    assert threshold(Examples(examples=("refund",), at_least=0.7), encode) == pytest.approx(0.7)


def test_examples_in_the_file_of_a_rule_of_absence_say_when_they_are_looked_at() -> None:
    silent = rule(
        {"field": "severity", "op": "lte", "value": 2},
        absence={"of": {"signal": "agent_note"}, "within": "14d"},
        tests=[
            {"given": {"severity": 1, "customer_id": "C1"}, "then": "opens", "as_of": "14d"},
            {"given": {"severity": 1, "customer_id": "C1"}, "then": "nothing", "as_of": "13d"},
            {
                "given": [{"severity": 1, "customer_id": "C1"}, {"signal_kind": "agent_note", "customer_id": "C1"}],
                "then": "nothing",
                "as_of": "30d",
            },
        ],
    )
    assert failing_tests(silent) == []
