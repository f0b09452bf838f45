"""The rule compiler: the same decisions as reading the conditions one row at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.programme import load_programme
from ml.conditions import SIGNAL_SCHEMA, sealed_connection
from ml.detection.evidence import Evidence
from ml.detection.rules import find_triggers
from ml.detection.triggers import Window, detect, failing_rule_tests
from ml.outputs import TRIGGER
from models.trigger import TriggerRule
from tests.unit.ml.rule_oracle import holds

ROOT = Path(__file__).resolve().parents[3]
AS_OF = datetime(2024, 6, 1, tzinfo=UTC)

# --- generated rules and rows ---------------------------------------------------------------------------------------

CATEGORIES = st.sampled_from(["mass", "private", "o'brien", "a;drop table signal", 'x"y', "ü", ""])
NUMBERS = st.sampled_from([0, 1, 2, 2.5, 6, 9, 10, -1])
WORDS = ["legal", "anwalt", "anwaltskanzlei", "kündige", "refund", "app", "fee"]
PHRASES = st.sampled_from(["legal", "anwalt*", "kündige", "refund fee", "app", "fee*"])
TEXTS = st.lists(st.sampled_from([*WORDS, "LEGAL", "x", "fees", "-", "app,", "refund  fee"]), max_size=5).map(" ".join)

ROWS = st.fixed_dictionaries(
    {
        "signal_kind": st.sampled_from(["complaint", "ticket", "survey_response"]),
        "segment": st.none() | CATEGORIES,
        "score_value": st.none() | NUMBERS.map(float),
        "severity": st.none() | st.sampled_from([1.0, 2.0, 3.0, 4.0]),
        "is_timely": st.none() | st.booleans(),
        "text": st.none() | TEXTS,
        "customer_id": st.none() | st.sampled_from(["C1", "C2"]),
        "cause_id": st.none() | st.sampled_from(["a", "b"]),
        "hour": st.integers(0, 200),
    }
)
LEAVES = st.one_of(
    st.builds(
        lambda op, value: {"field": "segment", "op": op, "value": value}, st.sampled_from(["is", "is_not"]), CATEGORIES
    ),
    st.builds(
        lambda op, values: {"field": "segment", "op": op, "value": values},
        st.sampled_from(["in", "not_in"]),
        st.lists(CATEGORIES, min_size=1, max_size=3),
    ),
    st.builds(
        lambda field, op, value: {"field": field, "op": op, "value": value},
        st.sampled_from(["score_value", "severity"]),
        st.sampled_from(["is", "is_not", "lt", "lte", "gt", "gte"]),
        NUMBERS,
    ),
    st.builds(
        lambda pair: {"field": "score_value", "op": "between", "value": sorted(pair)},
        st.lists(NUMBERS, min_size=2, max_size=2),
    ),
    st.builds(lambda value: {"field": "is_timely", "op": "is", "value": value}, st.booleans()),
    st.builds(
        lambda values: {"field": "text", "op": "contains_any", "value": values},
        st.lists(PHRASES, min_size=1, max_size=3),
    ),
    st.builds(
        lambda field, op: {"field": field, "op": op},
        st.sampled_from(["segment", "text", "score_value", "is_timely"]),
        st.sampled_from(["is_known", "is_unknown"]),
    ),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda nodes: {"all": nodes}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda nodes: {"any": nodes}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda node: {"not": node}, inner),
        st.builds(lambda left, right: {"all": [left], "not": right}, inner, inner),
    ),
    max_leaves=6,
)


def rule(when: Any, **changes: Any) -> TriggerRule:
    base = {
        "id": "some_rule",
        "title": "Some rule",
        "status": "draft",
        "kind": "recovery",
        "signal": "any",
        "when": when,
        "open_case": {"severity": 3, "dedupe": {"within": "14d"}},
    }
    return TriggerRule.model_validate(base | changes)


def table(rows: list[dict[str, Any]]) -> pa.Table:
    filled = [
        {"signal_id": f"S{place}", "occurred_at": AS_OF + timedelta(hours=row.get("hour", 0)), **row}
        for place, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(filled, schema=SIGNAL_SCHEMA)


def fired(rules: list[TriggerRule], rows: list[dict[str, Any]]) -> pa.Table:
    return find_triggers(table(rows), rules, as_of=AS_OF, historic_after_days=14)


def depth(tree: Any) -> int:
    children = [*tree.get("all", []), *tree.get("any", []), *([tree["not"]] if "not" in tree else [])]
    return 1 + max(map(depth, children), default=0)


@settings(max_examples=150, deadline=None)
@given(tree=TREES.filter(lambda tree: depth(tree) <= 5), rows=st.lists(ROWS, min_size=1, max_size=8))
def test_compiled_conditions_decide_as_the_row_by_row_reading_does(tree: Any, rows: list[dict[str, Any]]) -> None:
    some = rule(tree)
    assert some.when is not None
    expected = {f"S{place}" for place, row in enumerate(rows) if holds(some.when, row, rows, some) is True}
    assert set(fired([some], rows).column("signal_id").to_pylist()) == expected


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=12), least=st.integers(2, 4), hours=st.integers(1, 100))
def test_repeats_are_counted_in_a_window_that_ends_with_the_signal(
    rows: list[dict[str, Any]], least: int, hours: int
) -> None:
    some = rule(
        {"field": "customer_id", "op": "is_known"},
        repeat={"at_least": least, "within": f"{hours}h", "by": ["customer_id", "cause_id"]},
    )
    known = [(place, row) for place, row in enumerate(rows) if row["customer_id"] and row["cause_id"]]
    expected = {
        f"S{place}"
        for place, row in known
        if sum(
            other["customer_id"] == row["customer_id"]
            and other["cause_id"] == row["cause_id"]
            and row["hour"] - hours <= other["hour"] <= row["hour"]
            for _, other in known
        )
        >= least
    }
    assert set(fired([some], rows).column("signal_id").to_pylist()) == expected


# --- the trigger rows ---------------------------------------------------------------------------------------------


def test_a_trigger_row_has_the_published_columns_and_an_id_that_never_changes() -> None:
    some = rule({"field": "severity", "op": "lte", "value": 2})
    found = fired([some], [{"severity": 1, "customer_id": "C1", "hour": 1}])
    row = found.to_pylist()[0]
    assert found.schema.equals(TRIGGER)
    assert row["trigger_id"] == md5(b"some_rule|S0").hexdigest()
    again = fired([rule({"field": "severity", "op": "lte", "value": 3})], [{"severity": 1, "hour": 1}]).to_pylist()[0]
    assert again["trigger_id"] == row["trigger_id"]
    assert again["rule_hash"] != row["rule_hash"]


@pytest.mark.parametrize(("signal", "worst"), [(1, 1), (2, 2), (4, 3), (None, 3)])
def test_a_case_is_as_severe_as_the_worse_of_rule_and_signal(signal: int | None, worst: int) -> None:
    some = rule({"field": "segment", "op": "is", "value": "mass"})
    assert fired([some], [{"segment": "mass", "severity": signal}]).column("severity").to_pylist() == [worst]


def test_the_subject_is_the_customer_and_without_one_the_signal_itself() -> None:
    some = rule({"field": "segment", "op": "is", "value": "mass"})
    rows = fired([some], [{"segment": "mass", "customer_id": "C9"}, {"segment": "mass"}]).to_pylist()
    assert {(row["subject_type"], row["subject_id"]) for row in rows} == {("customer", "C9"), ("signal", "S1")}


def test_old_signals_and_signals_older_than_the_rule_are_history() -> None:
    when = {"field": "segment", "op": "is", "value": "mass"}
    rows = [{"segment": "mass", "hour": -24 * 15}, {"segment": "mass", "hour": -24 * 13}]
    by_age = {row["signal_id"]: row["is_historic"] for row in fired([rule(when)], rows).to_pylist()}
    assert by_age == {"S0": True, "S1": False}
    young = rule(when, effective_from="2024-05-25")
    assert all(row["is_historic"] for row in fired([young], rows).to_pylist())


def test_evidence_holds_numbers_and_field_names_but_never_what_somebody_wrote() -> None:
    secret = "refund for Zacharias"
    some = rule(
        {
            "all": [
                {"field": "text", "op": "contains_any", "value": ["refund"]},
                {"field": "segment", "op": "is", "value": "private"},
                {"field": "score_value", "op": "lte", "value": 6},
            ]
        }
    )
    row = fired([some], [{"text": secret, "segment": "private", "score_value": 3.0}]).to_pylist()[0]
    assert json.loads(row["evidence"]) == {"fields": ["score_value", "segment", "text"], "score_value": 3.0}
    assert "Zacharias" not in json.dumps(row, default=str)


def test_evidence_rounds_what_could_be_taken_for_the_number_of_a_card() -> None:
    some = rule({"field": "score_value", "op": "gte", "value": 0.1})
    evidence = fired([some], [{"score_value": 0.4111111111111111}]).column("evidence").to_pylist()
    assert [json.loads(text)["score_value"] for text in evidence] == [0.411111]


def test_a_rule_that_names_a_theme_opens_cases_of_it_and_others_take_their_signals() -> None:
    about = {"field": "score_value", "op": "gte", "value": 0}
    named = rule(about, id="named", open_case={"severity": 3, "dedupe": {"within": "14d"}, "theme": "T-fees"})
    found = fired([named, rule(about)], [{"score_value": 5.0, "theme_id": "T-own"}, {"score_value": 6.0}]).to_pylist()
    assert sorted((row["rule_id"], row["theme_id"]) for row in found if row["theme_id"]) == [
        ("named", "T-fees"), ("named", "T-fees"), ("some_rule", "T-own"),
    ]  # fmt: skip


def test_a_rule_set_gives_one_row_per_rule_and_signal_in_order_of_trigger_id() -> None:
    when = {"field": "severity", "op": "lte", "value": 2}
    found = fired([rule(when), rule(when, id="other_rule")], [{"severity": 1}, {"severity": 2}, {"severity": 3}])
    ids = found.column("trigger_id").to_pylist()
    assert len(ids) == 4
    assert ids == sorted(ids)


def test_the_order_of_the_signals_does_not_matter() -> None:
    some = rule({"field": "customer_id", "op": "is_known"}, repeat={"at_least": 2, "within": "30d"})
    rows = table([{"customer_id": f"C{place % 3}", "hour": place} for place in range(30)])
    turned = rows.take(list(reversed(range(30))))
    assert find_triggers(rows, [some], as_of=AS_OF, historic_after_days=14).equals(
        find_triggers(turned, [some], as_of=AS_OF, historic_after_days=14)
    )


def test_the_database_rules_run_in_can_reach_no_file_and_cannot_be_reopened(tmp_path: Path) -> None:
    import duckdb

    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    connection = sealed_connection(table([{}]))
    for attempt in (
        f"select * from read_csv('{secret}')",
        f"copy signal to '{tmp_path / 'out.csv'}'",
        "set enable_external_access = true",
        "select * from AS_OF_TABLE",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(attempt)


@pytest.mark.parametrize("company", ["bank", "telecom"])
def test_every_test_written_beside_a_shipped_rule_holds(company: str) -> None:
    rules = load_programme(ROOT / "programme" / company).triggers
    assert failing_rule_tests(rules) == []
    assert all(some.tests for some in rules)


def test_a_rule_test_that_expects_the_wrong_thing_is_reported() -> None:
    some = rule(
        {"field": "severity", "op": "lte", "value": 2},
        tests=[{"given": {"severity": 4}, "then": "opens"}, {"given": {"severity": 1}, "then": "opens"}],
    )
    assert len(failing_rule_tests([some])) == 1


def test_only_live_rules_of_the_programme_open_anything() -> None:
    programme = load_programme(ROOT / "programme" / "bank")
    resting = tuple(some.model_copy(update={"status": "shadow"}) for some in programme.triggers)
    rows = table([{"signal_kind": "complaint", "severity": 1, "customer_id": "C1"}])
    window = Window(AS_OF, programme.company.historic_after_days)
    assert detect(Evidence(rows), programme.live_rules, window).column("rule_id").to_pylist() == ["severe_complaint"]
    assert programme.model_copy(update={"triggers": resting}).live_rules == ()
