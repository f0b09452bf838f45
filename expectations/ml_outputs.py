"""Suites of the tables that models put out: what a prediction, topic or trigger must look like to be used.

Belongs here: checks of `ml_outputs/*.parquet`. Not here: model quality (accuracy, slices), a gate of `ml/`; the outputs
about texts other than predictions (`text_outputs.py`), and those of the recovery study (`recovery_outputs.py`).
"""

from __future__ import annotations

from dataclasses import replace

from expectations import sql
from expectations.limits import Limits
from expectations.recovery_outputs import recovery_suites
from expectations.suites import Check, Given, Measure, Suite
from expectations.text_outputs import text_suites

CAUSES = Given("causes")
_PROBABILITIES = ("failure_type_confidence", "sentiment_confidence", "urgency", "feedback_kind_confidence")
# Names of decisions, numbers and brackets: a word of a text has no place among the places.
_PLACES = r'(?:[{}\[\]0-9,:\s]|"[a-z_]{1,30}"\s*:|null)*'
_SEVERE = Check("range__severity", "Severity is 1 (worst) to 4.", sql.in_range("severity", 1, 4))


def ml_suites(limits: Limits | None = None) -> dict[str, Suite]:
    """Suite per ML output by asset name, sorted."""
    bounds = limits or Limits()
    suites = (
        _trigger(bounds),
        _shadow(bounds),
        _risk(),
        _lane_decision(),
        _breakdown(),
        _affected(),
        _prediction(bounds),
        _topic(),
        *text_suites(bounds),
        *recovery_suites(),
    )
    return {suite.asset: suite for suite in sorted(suites, key=lambda suite: suite.asset)}


def _prediction(limits: Limits) -> Suite:
    """Needs the number `texts` (signals with a text) and the set `causes` (ids of the taxonomy)."""
    columns = {
        **dict.fromkeys(
            ("signal_id", "text_hash", "evidence_key", "reading_key", "model_cause_id", "unsure", "model_failure_type"),
            "VARCHAR",
        ),
        **dict.fromkeys(("severity_reason", "urgency_reasons", "feedback_kind", "evidence"), "VARCHAR"),
        **dict.fromkeys(("model_id", "topic_model_id", "reading_id"), "VARCHAR"),
        **dict.fromkeys(("severity", "severity_floor", "severity_model", "topic_id"), "BIGINT"),
        **dict.fromkeys(("model_confidence", "sentiment", "topic_nearness", *_PROBABILITIES), "DOUBLE"),
        "cause_set": "VARCHAR[]",
        "is_automatic": "BOOLEAN",
    }
    checks = (
        sql.columns_present(columns),
        sql.complete(["signal_id", "severity"]),
        sql.unique("signal_id", "One prediction per signal."),
        Check("known_causes", "Predicted causes are in the taxonomy.", Measure("model_cause_id", '"model_cause_id"'),
              allowed=CAUSES),
        Check("range__model_confidence", "Confidence is a probability, and no number is no confidence.",
              sql.in_range("model_confidence", 0, 1)),
        Check("probabilities", "Probabilities are 0 to 1, feelings and cosines -1 to 1.",
              sql.faults("outside", [*((name, f"NOT ({name} BETWEEN 0 AND 1)") for name in _PROBABILITIES),
                                     *((name, f"NOT ({name} BETWEEN -1 AND 1)") for name in ("sentiment", "topic_nearness"))])),
        _SEVERE,
        # The promise to the safety, legal and vulnerable rules: a model may find worse, never milder.
        Check("severity_floor", "No severity is milder than its rules say.",
              sql.faults("below_floor", [("severity", "severity > severity_floor"),
                                         ("milder than the model", "severity > severity_model")])),
        Check("allowed__unsure", "The reason to look is one of the words in use.", Measure("unsure", '"unsure"'),
              allowed=("none", "several", "low_confidence")),
        Check("allowed__feedback_kind", "The kind is one of the words in use.", Measure("feedback_kind", '"feedback_kind"'),
              allowed=("problem", "suggestion", "praise", "other")),
        Check("automatic", "What is routed without a look is sure of its cause.",
              sql.faults("unsure_automatic", [("no cause", "is_automatic AND model_cause_id IS NULL"),
                                              ("unsure", "is_automatic AND unsure IS NOT NULL")])),
        Check("evidence", "Evidence is places in the text, never its words.",
              sql.faults("bad_evidence", [("not JSON", "NOT json_valid(evidence)"),
                                           ("words", f"NOT regexp_full_match(evidence, {sql.literal(_PLACES)})")])),
        Check("confidence_with_cause", "A cause has a confidence and a model (an unsure model tells a confidence only).",
              sql.faults("half_predictions", [
                  ("cause without confidence", "model_cause_id IS NOT NULL AND model_confidence IS NULL"),
                  ("cause without model", "model_cause_id IS NOT NULL AND model_id IS NULL"),
                  ("confidence without model", "model_confidence IS NOT NULL AND model_id IS NULL"),
              ])),
        Check("coverage", "Signals with a text have a prediction.",
              Measure("coverage", "(SELECT count(DISTINCT signal_id) FILTER (WHERE text_hash IS NOT NULL) "
                                  "/ nullif($texts, 0) FROM t)"),
              frame="facts", low=limits.coverage, when_empty=True),
        Check("unassigned_topics", "Most texts belong to a topic.",
              Measure("unassigned_share", "(SELECT avg((coalesce(topic_id, -1) < 0)::INTEGER) FROM t "
                                          f"WHERE text_hash IS NOT NULL HAVING count(*) >= {limits.enough_rows})"),
              frame="facts", severity="warn", low=0, high=limits.unassigned_topics),
        Check("dominant_cause", "No single cause takes nearly everything (a classifier that has collapsed does).",
              Measure("dominant_share", "(SELECT max(n) / sum(n) FROM (SELECT count(*) AS n FROM t "
                                        "WHERE model_cause_id IS NOT NULL GROUP BY model_cause_id) "
                                        f"HAVING sum(n) >= {limits.enough_rows})"),
              frame="facts", severity="warn", low=0, high=limits.dominant_cause),
    )  # fmt: skip
    return Suite("ml_root_cause__prediction", columns, checks, numbers=("texts",), sets=("causes",))


def _topic() -> Suite:
    columns = {
        **dict.fromkeys(("topic_id", "signals"), "BIGINT"),
        **dict.fromkeys(("theme_id", "name", "keywords", "topic_model_id"), "VARCHAR"),
    }
    shape = [("theme_id", "NOT regexp_full_match(theme_id, 'T-[0-9a-f]{8}')")]
    checks = (
        sql.columns_present(columns),
        sql.complete(tuple(columns)),
        sql.unique("topic_id", "One row per topic."),
        Check("theme_ids", "Theme ids have their form.", sql.faults("malformed_theme_id", shape)),
        Check("range__signals", "Topics count their signals.", sql.in_range("signals", 0, None)),
        sql.redacted(["name", "keywords"]),
    )
    return Suite("ml_root_cause__topic", columns, checks)


def _shadow(limits: Limits) -> Suite:
    """What holds for triggers holds for those that open nothing."""
    return replace(_trigger(limits), asset="ml_detection__shadow")


def _risk() -> Suite:
    """Probabilities with their intervals; reasons are numbers and names of ours, never words of a text."""
    required = (
        "risk_id",
        "kind",
        "subject_id",
        "as_of",
        "probability",
        "low",
        "high",
        "base_rate",
        "reasons",
        "model_id",
    )
    columns = dict.fromkeys((*required, "customer_id", "case_id"), "VARCHAR") | {
        **dict.fromkeys(("probability", "low", "high", "base_rate"), "DOUBLE"),
        "as_of": "TIMESTAMPTZ",
        "horizon_days": "BIGINT",
    }
    checks = (
        sql.columns_present(columns),
        sql.complete(required),
        sql.unique("risk_id", "One row per kind, subject and week."),
        Check("allowed__kind", "A risk is of a breach or of a customer leaving.", Measure("kind", '"kind"'),
              allowed=("breach", "churn")),
        Check("probability", "A probability lies within its interval, and both within 0 and 1.",
              sql.faults("bad_probability", [
                  ("outside 0 and 1", "low < 0 OR high > 1"),
                  ("outside its interval", "probability < low OR probability > high"),
              ])),
        Check("case_of_breach", "A breach is foreseen of a case.",
              sql.faults("breach_without_case", [("no case", "kind = 'breach' AND case_id IS NULL")])),
    )  # fmt: skip
    return Suite("ml_detection__risk", columns, checks)


def _breakdown() -> Suite:
    """What got worse, and how sure that is."""
    days = ("detected_on", "onset_on", "onset_low_on", "onset_high_on", "until_on", "over_on")
    numbers = ("observed", "expected", "effect", "effect_low", "effect_high", "mix_part", "rate_part", "alarm_effect",
               "alarm_effect_low", "alarm_effect_high", "p_value", "q_value", "false_alarms_per_year")  # fmt: skip
    required = (
        "breakdown_id",
        "rule_id",
        "rule_hash",
        "measure",
        "state",
        "detected_on",
        "onset_on",
        "unit",
        "sentence",
    )
    texts = (*required, "theme_id", "cause_id", "segment", "region", "related")
    columns = dict.fromkeys(texts, "VARCHAR") | {
        **dict.fromkeys(days, "DATE"),
        **dict.fromkeys(numbers, "DOUBLE"),
        **dict.fromkeys(("n", "alarm_n", "series_watched"), "BIGINT"),
        "is_relative": "BOOLEAN",
    }
    checks = (
        sql.columns_present(columns),
        sql.complete(required),
        sql.unique("breakdown_id", "One row per breakdown."),
        Check("onset_before_alarm", "A change begins no later than it is detected, within its interval.",
              sql.faults("out_of_order", [("onset after alarm", "onset_on > detected_on"),
                                          ("onset outside its interval",
                                           "NOT (onset_on BETWEEN onset_low_on AND onset_high_on)")])),
        Check("effect_in_interval", "An effect lies within its interval.",
              sql.faults("outside", [("effect", "effect < effect_low OR effect > effect_high")])),
        Check("open_or_over", "A breakdown is over when it has an end.",
              sql.faults("state", [("neither", "state NOT IN ('open', 'over') OR (state = 'over') <> (over_on IS NOT NULL)")])),
    )  # fmt: skip
    return Suite("ml_detection__breakdown", columns, checks)


def _affected() -> Suite:
    """Whom a breakdown has hit."""
    columns = dict.fromkeys(("affected_id", "breakdown_id", "customer_id", "signal_id"), "VARCHAR")
    checks = (
        sql.columns_present(columns),
        sql.complete(["affected_id", "breakdown_id", "signal_id"]),
        sql.unique("affected_id", "One row per breakdown and signal."),
    )
    return Suite("ml_detection__affected", columns, checks)


def _lane_decision() -> Suite:
    """What the fast lane decided beside what the batch lane made of the same rows."""
    required = ("decision_id", "batch_id", "signal_id", "verdict")
    columns = dict.fromkeys((*required, "trigger_id", "rule_id", "reason"), "VARCHAR") | {
        **dict.fromkeys(("batch_id", "severity"), "BIGINT"),
        **dict.fromkeys(("occurred_at", "arrived_at", "decided_at"), "TIMESTAMPTZ"),
    }
    checks = (
        sql.columns_present(columns),
        sql.complete(required),
        sql.unique("decision_id", "One verdict per decision."),
        Check("allowed__verdict", "A verdict is one of four words.", Measure("verdict", '"verdict"'),
              allowed=("agreed", "changed", "only_fast", "only_batch")),
        Check("reason_of_difference", "Every difference has its reason, and only differences have one.",
              sql.faults("bad_reason", [("missing or idle", "(verdict = 'agreed') <> (reason IS NULL)")])),
        Check("after_arrival", "Nothing is decided before it arrived.",
              sql.faults("early", [("decided before arrival", "decided_at < arrived_at")])),
    )  # fmt: skip
    return Suite("ml_detection__lane_decision", columns, checks)


def _trigger(limits: Limits) -> Suite:
    """Needs the set `causes`."""
    required = ("trigger_id", "rule_id", "rule_hash", "kind", "subject_type", "subject_id", "severity", "occurred_at",
                "dedupe_days", "is_historic", "evidence")  # fmt: skip
    optional = ("signal_id", "customer_id", "journey", "cause_id", "theme_id", "value_usd", "segment", "region",
                "branch_id", "source", "cool_off_days")  # fmt: skip
    typed = {"severity": "BIGINT", "dedupe_days": "BIGINT", "cool_off_days": "BIGINT", "occurred_at": "TIMESTAMPTZ",
             "is_historic": "BOOLEAN", "value_usd": "DOUBLE"}  # fmt: skip
    columns = dict.fromkeys((*required, *optional), "VARCHAR") | typed
    evidence = [
        ("not JSON", "NOT json_valid(evidence)"),
        ("too long for numbers and field names", f"length(evidence) > {limits.evidence_characters}"),
    ]
    checks = (
        sql.columns_present(columns),
        sql.complete(required),
        sql.unique("trigger_id", "One row per trigger."),
        Check("allowed__kind", "A trigger is a recovery, an excellence or a breakdown.", Measure("kind", '"kind"'),
              allowed=("recovery", "excellence", "breakdown")),
        Check("allowed__subject_type", "A trigger is about a customer, a signal, a breakdown or (earlier) a theme.",
              Measure("subject_type", '"subject_type"'), allowed=("customer", "signal", "theme", "breakdown")),
        Check("known_causes", "Causes of triggers are in the taxonomy.", Measure("cause_id", '"cause_id"'),
              allowed=CAUSES),
        _SEVERE,
        Check("range__dedupe_days", "Triggers say for how long they are one episode.",
              sql.in_range("dedupe_days", 0, 366)),
        sql.not_in_future([("occurred_at", 1)]),
        Check("evidence", "Evidence is short JSON of numbers and field names.", sql.faults("bad_evidence", evidence)),
        sql.redacted(["evidence"]),
    )  # fmt: skip
    return Suite("ml_detection__trigger", columns, checks, sets=("causes",))
