"""Suites of the model outputs: what may not reach a case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from expectations.ml_outputs import ml_suites
from expectations.results import NO_DATA, CheckResult
from expectations.run import run_suite
from ml.outputs import OUTPUTS
from tests.unit.expectations import recovery_rows, text_rows

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
CAUSES = ("fee_dispute", "app_outage", "branch_wait")
SUITES = ml_suites()


def run(asset: str, rows: list[dict[str, Any]], texts: int | None = None) -> dict[str, CheckResult]:
    table = pa.Table.from_pylist(rows, schema=pa.schema([field.with_nullable(True) for field in OUTPUTS[asset][0]]))
    numbers = {"texts": len(rows) if texts is None else texts}
    results = run_suite(SUITES[asset], table, as_of=AS_OF, numbers=numbers, sets={"causes": CAUSES})
    return {result.name: result for result in results}


def failed(results: dict[str, CheckResult]) -> set[str]:
    return {name for name, result in results.items() if not result.passed}


def prediction(number: int, **changes: Any) -> dict[str, Any]:
    row = {"signal_id": f"s{number}", "text_hash": f"h{number}", "model_cause_id": CAUSES[number % 3],
           "model_confidence": 0.7, "severity": number % 4 + 1, "severity_reason": "words", "topic_id": number % 5,
           "model_id": "m1", "topic_model_id": "t1"}  # fmt: skip
    return {**row, **changes}


def trigger(number: int, **changes: Any) -> dict[str, Any]:
    row = {"trigger_id": f"t{number}", "rule_id": "detractor", "rule_hash": "r", "kind": "recovery", "signal_id": "s1",
           "subject_type": "customer", "subject_id": "K1", "customer_id": "K1", "journey": None, "cause_id": CAUSES[0],
           "theme_id": None, "severity": 2, "occurred_at": AS_OF - timedelta(days=2), "value_usd": 3.5,
           "segment": "mass", "region": None, "branch_id": None, "source": "qualtrics", "dedupe_days": 14,
           "is_historic": False, "evidence": '{"score_value": 2}'}  # fmt: skip
    return {**row, **changes}


def topic(number: int, **changes: Any) -> dict[str, Any]:
    row = {"topic_id": number, "theme_id": f"T-{number:08x}", "name": "long queue", "keywords": "queue, wait, counter",
           "signals": 12, "topic_model_id": "t1"}  # fmt: skip
    return {**row, **changes}


def risk(number: int, **changes: Any) -> dict[str, Any]:
    row = {"risk_id": f"r{number}", "kind": "breach", "subject_id": f"C{number}", "customer_id": None,
           "case_id": f"C{number}", "as_of": AS_OF, "probability": 0.4, "low": 0.3, "high": 0.6, "base_rate": 0.2,
           "horizon_days": None, "reasons": "80% of the time is used", "model_id": "m1"}  # fmt: skip
    return {**row, **changes}


def test_a_risk_outside_its_interval_or_without_its_case_is_found() -> None:
    assert failed(run("ml_detection__risk", [risk(1), risk(2)])) == set()
    assert "probability" in failed(run("ml_detection__risk", [risk(1, probability=0.9)]))
    assert "case_of_breach" in failed(run("ml_detection__risk", [risk(1, case_id=None)]))


def breakdown(number: int, **changes: Any) -> dict[str, Any]:
    day = AS_OF.date()
    row = dict.fromkeys(("theme_id", "segment", "region", "over_on", "mix_part", "rate_part")) | {
        "breakdown_id": f"b{number}", "rule_id": "complaint_surge", "rule_hash": "r1", "measure": "complaints",
        "cause_id": "fee_dispute", "state": "open", "unit": "complaints", "is_relative": True, "n": 20, "alarm_n": 12,
        **dict.fromkeys(("detected_on", "onset_on", "onset_low_on", "onset_high_on", "until_on"), day),
        **dict.fromkeys(("observed", "expected", "p_value", "q_value", "false_alarms_per_year"), 0.5),
        **dict.fromkeys(("effect_low", "alarm_effect_low"), 0.5), **dict.fromkeys(("effect", "alarm_effect"), 1.0),
        **dict.fromkeys(("effect_high", "alarm_effect_high"), 2.0), "series_watched": 9, "related": "[]",
        "sentence": "fee_dispute: complaints +100 %",
    }  # fmt: skip
    return row | changes


def affected(number: int, **changes: Any) -> dict[str, Any]:
    return {"affected_id": f"a{number}", "breakdown_id": "b1", "customer_id": None, "signal_id": f"s{number}"} | changes


def test_a_breakdown_that_ends_before_it_begins_or_leaves_its_interval_is_found() -> None:
    assert failed(run("ml_detection__breakdown", [breakdown(1), breakdown(2)])) == set()
    assert "effect_in_interval" in failed(run("ml_detection__breakdown", [breakdown(1, effect=3.0)]))
    assert "open_or_over" in failed(run("ml_detection__breakdown", [breakdown(1, state="over")]))
    assert failed(run("ml_detection__affected", [affected(1), affected(1)])) == {"unique__affected_id"}


def lane_decision(number: int, **changes: Any) -> dict[str, Any]:
    row = {"decision_id": f"d{number}", "batch_id": number, "signal_id": f"s{number}", "trigger_id": f"d{number}",
           "rule_id": "low_csat", "severity": 3, "occurred_at": AS_OF, "arrived_at": AS_OF, "decided_at": AS_OF,
           "verdict": "agreed", "reason": None}  # fmt: skip
    return row | changes


def test_a_difference_between_the_lanes_without_a_reason_is_found() -> None:
    assert failed(run("ml_detection__lane_decision", [lane_decision(1), lane_decision(2)])) == set()
    assert "reason_of_difference" in failed(run("ml_detection__lane_decision", [lane_decision(1, verdict="only_fast")]))
    assert "allowed__verdict" in failed(run("ml_detection__lane_decision", [lane_decision(1, verdict="perhaps")]))


MAKERS = {"ml_root_cause__prediction": prediction, "ml_root_cause__topic": topic, "ml_detection__trigger": trigger,
          "ml_detection__shadow": trigger, "ml_detection__risk": risk, "ml_detection__lane_decision": lane_decision,
          "ml_detection__breakdown": breakdown, "ml_detection__affected": affected,
          **text_rows.MAKERS, **recovery_rows.MAKERS}  # fmt: skip


@pytest.mark.parametrize("asset", sorted(recovery_rows.MAKERS))
def test_good_rows_of_the_recovery_study_pass(asset: str) -> None:
    assert failed(run(asset, [recovery_rows.MAKERS[asset](1), recovery_rows.MAKERS[asset](2)])) == set()


def test_an_estimate_without_interval_naive_twin_or_reason_is_found() -> None:
    effect = recovery_rows.effect
    assert "intervals" in failed(run("ml_recovery__effect", [effect(1, low=None)]))
    assert "twins" in failed(run("ml_recovery__effect", [effect(1, naive=None)]))
    assert "twins" in failed(run("ml_recovery__effect", [effect(1, standing="not enough data")]))
    assert "overlap" in failed(run("ml_recovery__case_effect", [recovery_rows.case_effect(1, is_in_overlap=False)]))


def test_an_owner_judged_on_too_few_cases_and_a_value_that_is_also_refused_are_found() -> None:
    assert "fair" in failed(run("ml_recovery__owner", [recovery_rows.owner(1, verdict="too few cases")]))
    assert "rates" in failed(run("ml_recovery__rate", [recovery_rows.rate(1, worst=0.9)]))
    assert "lifts" in failed(run("ml_recovery__nps", [recovery_rows.nps(1, lift=None)]))
    assert "causal" in failed(run("ml_recovery__revenue", [recovery_rows.revenue(2, is_causal=True)]))
    assert "refusals" in failed(run("ml_recovery__policy_value", [recovery_rows.policy_value(1, refused="thin")]))


def test_suites_cover_every_output_and_its_columns() -> None:
    assert SUITES.keys() == OUTPUTS.keys()
    for asset, (schema, _) in OUTPUTS.items():
        assert sorted(SUITES[asset].columns) == sorted(schema.names)


@pytest.mark.parametrize("asset", sorted(SUITES))
def test_whatever_column_is_missing_is_reported_and_breaks_nothing(asset: str) -> None:
    schema, _ = OUTPUTS[asset]
    whole = pa.Table.from_pylist([MAKERS[asset](1)], schema=schema)
    for column in schema.names:
        results = run_suite(SUITES[asset], whole.drop_columns([column]), as_of=AS_OF, numbers={"texts": 1},
                            sets={"causes": CAUSES})  # fmt: skip
        assert "columns" in {result.name for result in results if not result.passed}


def test_good_outputs_pass() -> None:
    assert failed(run("ml_root_cause__prediction", [prediction(n) for n in range(600)])) == set()
    assert failed(run("ml_root_cause__topic", [topic(n) for n in range(5)])) == set()
    assert failed(run("ml_detection__trigger", [trigger(n) for n in range(5)])) == set()


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        ({"model_confidence": 1.2}, {"range__model_confidence"}),
        ({"model_confidence": float("nan")}, {"range__model_confidence"}),
        ({"model_confidence": None}, {"confidence_with_cause"}),
        ({"model_id": None}, {"confidence_with_cause"}),
        ({"model_cause_id": "made_up"}, {"known_causes"}),
        ({"severity": 0}, {"range__severity"}),
        ({"severity": 5}, {"range__severity"}),
        ({"severity": None}, {"complete"}),
        ({"signal_id": "s1"}, {"unique__signal_id"}),
        ({"signal_id": None}, {"complete"}),
        ({"model_cause_id": None, "model_confidence": None, "model_id": None}, set()),
        ({"urgency": 1.1}, {"probabilities"}),
        ({"sentiment": -1.5}, {"probabilities"}),
        ({"severity": 3, "severity_floor": 2}, {"severity_floor"}),
        ({"severity": 3, "severity_floor": 4, "severity_model": 2}, {"severity_floor"}),
        ({"severity": 2, "severity_floor": 3, "severity_model": 2}, set()),
        ({"unsure": "perhaps"}, {"allowed__unsure"}),
        ({"feedback_kind": "rant"}, {"allowed__feedback_kind"}),
        ({"is_automatic": True, "unsure": "several"}, {"automatic"}),
        ({"evidence": '{"cause": [[0, 12], [20, 31]], "severity": null}'}, set()),
        ({"evidence": '{"cause": ["they stole"]}'}, {"evidence"}),
        ({"evidence": "they stole"}, {"evidence"}),
    ],
)
def test_a_bad_prediction_is_found(cells: dict[str, Any], names: set[str]) -> None:
    results = run("ml_root_cause__prediction", [*(prediction(n) for n in range(9)), prediction(9, **cells)], texts=9)
    assert failed(results) == names


def test_texts_without_prediction_fail_coverage_even_when_nothing_was_predicted() -> None:
    assert failed(run("ml_root_cause__prediction", [prediction(1)], texts=2)) == {"coverage"}
    nothing = run("ml_root_cause__prediction", [], texts=3)
    assert failed(nothing) == {"coverage"}
    assert nothing["coverage"].observed == 0


def test_no_text_at_all_is_no_data_for_this_stage() -> None:
    results = run("ml_root_cause__prediction", [], texts=0)
    assert failed(results) == set()
    assert {result.note for result in results.values()} == {NO_DATA}


def test_a_collapsed_classifier_and_topics_that_hold_nothing_warn() -> None:
    rows = [prediction(n, model_cause_id=CAUSES[0], topic_id=-1 if n % 4 else None) for n in range(300)]
    results = run("ml_root_cause__prediction", rows)
    assert failed(results) == {"dominant_cause", "unassigned_topics"}
    assert not any(result.blocking for result in results.values())
    assert results["dominant_cause"].observed == 1


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        ({"trigger_id": "t0"}, "unique__trigger_id"),
        ({"kind": "party"}, "allowed__kind"),
        ({"subject_type": "agent"}, "allowed__subject_type"),
        ({"cause_id": "made_up"}, "known_causes"),
        ({"severity": 9}, "range__severity"),
        ({"dedupe_days": -1}, "range__dedupe_days"),
        ({"occurred_at": AS_OF + timedelta(days=5)}, "not_in_future"),
        ({"evidence": "she said: it never works"}, "evidence"),
        ({"evidence": '{"a": "' + "x" * 5000 + '"}'}, "evidence"),
        ({"evidence": '{"field": "ann@mail.example"}'}, "redacted"),
        ({"rule_hash": None}, "complete"),
    ],
)
def test_a_bad_trigger_is_found(cells: dict[str, Any], name: str) -> None:
    results = run("ml_detection__trigger", [trigger(0), trigger(1, **cells)])
    assert failed(results) == {name}
    assert results[name].blocking


@pytest.mark.parametrize(
    ("cells", "name"),
    [({"theme_id": "T-XYZ"}, "theme_ids"), ({"signals": -1}, "range__signals"), ({"topic_id": 0}, "unique__topic_id"),
     ({"keywords": "call, 212-555-0187"}, "redacted"), ({"name": None}, "complete")],
)  # fmt: skip
def test_a_bad_topic_is_found(cells: dict[str, Any], name: str) -> None:
    assert failed(run("ml_root_cause__topic", [topic(0), topic(1, **cells)])) == {name}
