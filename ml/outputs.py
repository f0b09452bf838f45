"""The tables ML hands to the warehouse: their schemas, and the one way to write them.

Belongs here: the shape of `ml_outputs/*.parquet`. Not here: how their rows come about.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq

from ml.recovery.tables import RECOVERY_OUTPUTS

# One row per signal. `evidence_key` and `reading_key` are what scores and readings
# depend on besides the models; `evidence` names the places in the
# redacted text that carried each decision, as JSON: {"cause": [[begin, end], ...], "severity": ..., "sentiment": ...}.
PREDICTION = pa.schema(
    [
        pa.field("signal_id", pa.string(), nullable=False),
        ("text_hash", pa.string()),
        ("evidence_key", pa.string()),
        ("model_cause_id", pa.string()),
        ("model_confidence", pa.float64()),
        ("cause_set", pa.list_(pa.string())),
        ("unsure", pa.string()),
        ("is_automatic", pa.bool_()),
        ("model_failure_type", pa.string()),
        ("failure_type_confidence", pa.float64()),
        ("severity", pa.int64()),
        ("severity_reason", pa.string()),
        ("severity_floor", pa.int64()),
        ("severity_model", pa.int64()),
        ("sentiment", pa.float64()),
        ("sentiment_confidence", pa.float64()),
        ("urgency", pa.float64()),
        ("urgency_reasons", pa.string()),
        ("feedback_kind", pa.string()),
        ("feedback_kind_confidence", pa.float64()),
        ("evidence", pa.string()),
        ("topic_id", pa.int64()),
        ("topic_nearness", pa.float64()),
        ("model_id", pa.string()),
        ("topic_model_id", pa.string()),
        ("reading_id", pa.string()),
        ("reading_key", pa.string()),
    ]
)
TOPIC = pa.schema(
    [
        pa.field("topic_id", pa.int64(), nullable=False),
        ("theme_id", pa.string()),
        ("name", pa.string()),
        ("keywords", pa.string()),
        ("signals", pa.int64()),
        ("topic_model_id", pa.string()),
    ]
)
# One row per clause group of a text that speaks of several causes; characters count in the redacted text.
ASPECT = pa.schema(
    [
        pa.field("aspect_id", pa.string(), nullable=False),
        ("signal_id", pa.string()),
        ("aspect_no", pa.int64()),
        ("begin_char", pa.int64()),
        ("end_char", pa.int64()),
        ("cause_id", pa.string()),
        ("confidence", pa.float64()),
        ("sentiment", pa.float64()),
    ]
)
# One row per coded text the model could judge: what people coded, what the words suggest, and both probabilities.
MISCODING = pa.schema(
    [
        pa.field("signal_id", pa.string(), nullable=False),
        ("coded_cause_id", pa.string()),
        ("suggested_cause_id", pa.string()),
        ("coded_share", pa.float64()),
        ("suggested_share", pa.float64()),
        ("is_finding", pa.bool_()),
    ]
)
# One row per change of a theme; `related` names other themes, separated by blanks.
THEME_EVENT = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        ("theme_id", pa.string()),
        ("kind", pa.string()),
        ("topic_model_id", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("by", pa.string()),
        ("related", pa.string()),
        ("share", pa.float64()),
        ("sentence", pa.string()),
    ]
)
# One row per metric, contrast and theme or cause; effects are in points of `scale_min` to `scale_max`, minus is worse.
DRIVER = pa.schema(
    [
        pa.field("driver_id", pa.string(), nullable=False),
        ("metric", pa.string()),
        ("contrast", pa.string()),
        ("level", pa.string()),
        ("subject_id", pa.string()),
        ("name", pa.string()),
        ("answers", pa.int64()),
        ("n", pa.int64()),
        ("share", pa.float64()),
        ("scale_min", pa.float64()),
        ("scale_max", pa.float64()),
        ("effect", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("p", pa.float64()),
        ("q", pa.float64()),
        ("impact", pa.float64()),
        ("impact_low", pa.float64()),
        ("impact_high", pa.float64()),
        ("alerts", pa.int64()),
        ("alert_share", pa.float64()),
        ("alert_share_low", pa.float64()),
        ("alert_share_high", pa.float64()),
        ("verdict", pa.string()),
        ("sentence", pa.string()),
    ]
)
TRIGGER = pa.schema(
    [
        pa.field("trigger_id", pa.string(), nullable=False),
        ("rule_id", pa.string()),
        ("rule_hash", pa.string()),
        ("kind", pa.string()),
        ("signal_id", pa.string()),
        ("subject_type", pa.string()),
        ("subject_id", pa.string()),
        ("customer_id", pa.string()),
        ("journey", pa.string()),
        ("cause_id", pa.string()),
        ("theme_id", pa.string()),
        ("severity", pa.int64()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("value_usd", pa.float64()),
        ("segment", pa.string()),
        ("region", pa.string()),
        ("branch_id", pa.string()),
        ("source", pa.string()),
        ("dedupe_days", pa.int64()),
        ("cool_off_days", pa.int64()),
        ("is_historic", pa.bool_()),
        ("evidence", pa.string()),
    ]
)
# One row per signal the fast lane decided on and trigger it set off, with what the batch lane made of the same rows later.
LANE_DECISION = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),
        ("batch_id", pa.int64()),
        ("signal_id", pa.string()),
        ("trigger_id", pa.string()),
        ("rule_id", pa.string()),
        ("severity", pa.int64()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("arrived_at", pa.timestamp("us", tz="UTC")),
        ("decided_at", pa.timestamp("us", tz="UTC")),
        ("verdict", pa.string()),
        ("reason", pa.string()),
    ]
)
# One row per kind of risk, subject and ISO week: the highest probability told in that week, with its 95 % interval.
RISK = pa.schema(
    [
        pa.field("risk_id", pa.string(), nullable=False),
        ("kind", pa.string()),
        ("subject_id", pa.string()),
        ("customer_id", pa.string()),
        ("case_id", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
        ("probability", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("base_rate", pa.float64()),
        ("horizon_days", pa.int64()),
        ("reasons", pa.string()),
        ("model_id", pa.string()),
    ]
)
# One row per breakdown: what got worse, where, since when, by how much, and how sure that is. Effects are in `unit`, shares
# of the usual where `is_relative`; positive is worse.
BREAKDOWN = pa.schema(
    [
        pa.field("breakdown_id", pa.string(), nullable=False),
        ("rule_id", pa.string()),
        ("rule_hash", pa.string()),
        ("measure", pa.string()),
        ("theme_id", pa.string()),
        ("cause_id", pa.string()),
        ("segment", pa.string()),
        ("region", pa.string()),
        ("state", pa.string()),
        ("detected_on", pa.date32()),
        ("onset_on", pa.date32()),
        ("onset_low_on", pa.date32()),
        ("onset_high_on", pa.date32()),
        ("until_on", pa.date32()),
        ("over_on", pa.date32()),
        ("unit", pa.string()),
        ("is_relative", pa.bool_()),
        ("n", pa.int64()),
        ("observed", pa.float64()),
        ("expected", pa.float64()),
        ("effect", pa.float64()),
        ("effect_low", pa.float64()),
        ("effect_high", pa.float64()),
        ("mix_part", pa.float64()),
        ("rate_part", pa.float64()),
        ("alarm_n", pa.int64()),
        ("alarm_effect", pa.float64()),
        ("alarm_effect_low", pa.float64()),
        ("alarm_effect_high", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("false_alarms_per_year", pa.float64()),
        ("series_watched", pa.int64()),
        ("related", pa.string()),
        ("sentence", pa.string()),
    ]
)
# One row per breakdown and signal that tells of it.
AFFECTED = pa.schema(
    [
        pa.field("affected_id", pa.string(), nullable=False),
        ("breakdown_id", pa.string()),
        ("customer_id", pa.string()),
        ("signal_id", pa.string()),
    ]
)
REVIEW = pa.schema(
    [
        pa.field("review_id", pa.string(), nullable=False),
        ("signal_id", pa.string()),
        ("question", pa.string()),
        ("reason", pa.string()),
        ("priority", pa.float64()),
        # Probability that chance picked the signal for the audit; null for whatever was picked on purpose.
        ("inclusion", pa.float64()),
        ("model_value", pa.string()),
        ("model_confidence", pa.float64()),
        ("model_id", pa.string()),
    ]
)
DRIFT = pa.schema(
    [
        pa.field("drift_id", pa.string(), nullable=False),
        ("week", pa.date32()),
        ("measure", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("limit_value", pa.float64()),
        ("is_drift", pa.bool_()),
        ("model_id", pa.string()),
    ]
)

# Output name -> (schema, key the rows are sorted by).
OUTPUTS = MappingProxyType(
    {
        "ml_root_cause__prediction": (PREDICTION, "signal_id"),
        "ml_root_cause__topic": (TOPIC, "topic_id"),
        "ml_root_cause__aspect": (ASPECT, "aspect_id"),
        "ml_root_cause__miscoding": (MISCODING, "signal_id"),
        "ml_root_cause__theme_event": (THEME_EVENT, "event_id"),
        "ml_root_cause__review": (REVIEW, "review_id"),
        "ml_root_cause__drift": (DRIFT, "drift_id"),
        "ml_root_cause__driver": (DRIVER, "driver_id"),
        "ml_detection__trigger": (TRIGGER, "trigger_id"),
        "ml_detection__risk": (RISK, "risk_id"),
        # What shadow rules found: counted and looked at, never opened.
        "ml_detection__shadow": (TRIGGER, "trigger_id"),
        "ml_detection__breakdown": (BREAKDOWN, "breakdown_id"),
        "ml_detection__affected": (AFFECTED, "affected_id"),
        "ml_detection__lane_decision": (LANE_DECISION, "decision_id"),
    }
    | RECOVERY_OUTPUTS
)


def ensure_outputs(folder: Path) -> None:
    """Write a zero-row file for every output that is not there yet, so that the warehouse never meets a gap."""
    for name, (schema, _) in OUTPUTS.items():
        if not (folder / f"{name}.parquet").exists():
            write_output(folder, name, schema.empty_table())


def write_output(folder: Path, name: str, table: pa.Table) -> Path:
    """Write one output sorted by its key, replacing the old file in one step; the same rows give the same bytes.

    Raises KeyError for a name that is no output and ValueError when a key is missing or comes twice.
    """
    schema, key = OUTPUTS[name]
    rows = table.select(schema.names).cast(schema).sort_by(key)
    keys = rows.column(key)
    if keys.null_count or len(keys.unique()) != len(keys):
        raise ValueError(f"{name}: {key} must be present and unique")
    folder.mkdir(parents=True, exist_ok=True)
    target, fresh = folder / f"{name}.parquet", folder / f".{name}.{os.getpid()}.tmp"
    pq.write_table(rows, fresh, compression="zstd")
    fresh.replace(target)
    return target


def read_output(folder: Path, name: str) -> pa.Table:
    """Rows of one output; zero rows of the right shape when it was never written."""
    schema, _ = OUTPUTS[name]
    path = folder / f"{name}.parquet"
    return pq.read_table(path, schema=schema) if path.exists() else schema.empty_table()
