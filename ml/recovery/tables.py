"""The tables the recovery study hands to the warehouse: their schemas.

Belongs here: the shape of `ml_outputs/ml_recovery__*.parquet`; `ml/outputs.py` writes them. Not here: how rows come about.
"""

from __future__ import annotations

import pyarrow as pa

from ml.recovery.owner_table import OWNER

# One row per outcome, playbook, level and subject: estimate and naive figure in `unit` a treated attempt.
EFFECT = pa.schema(
    [
        pa.field("effect_id", pa.string(), nullable=False),
        ("outcome", pa.string()),
        ("unit", pa.string()),
        ("arm", pa.string()),
        ("reference", pa.string()),
        ("estimand", pa.string()),
        ("level", pa.string()),
        ("subject", pa.string()),
        ("n", pa.int64()),
        ("n_treated", pa.int64()),
        ("n_reference", pa.int64()),
        ("n_overlap", pa.int64()),
        ("n_trimmed", pa.int64()),
        ("n_unknown", pa.int64()),
        ("point", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("naive", pa.float64()),
        ("naive_low", pa.float64()),
        ("naive_high", pa.float64()),
        ("total", pa.float64()),
        ("total_low", pa.float64()),
        ("total_high", pa.float64()),
        ("q", pa.float64()),
        ("standing", pa.string()),
        ("reason", pa.string()),
        ("sentence", pa.string()),
        ("method", pa.string()),
        ("horizon_days", pa.int64()),
        ("from_at", pa.timestamp("us", tz="UTC")),
        ("until_at", pa.timestamp("us", tz="UTC")),
        ("as_of", pa.timestamp("us", tz="UTC")),
    ]
)
# One row per outcome, playbook, check and subject.
EFFECT_DIAGNOSTIC = pa.schema(
    [
        pa.field("diagnostic_id", pa.string(), nullable=False),
        ("outcome", pa.string()),
        ("arm", pa.string()),
        ("check_name", pa.string()),
        ("subject", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("limit_value", pa.float64()),
        ("is_passed", pa.bool_()),
        ("sentence", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
    ]
)
# One row per attempt with a playbook: its expected effect in US dollars.
CASE_EFFECT = pa.schema(
    [
        pa.field("attempt_id", pa.string(), nullable=False),
        ("case_id", pa.string()),
        ("customer_id", pa.string()),
        ("arm", pa.string()),
        ("is_in_overlap", pa.bool_()),
        ("expected_usd", pa.float64()),
        ("as_of", pa.timestamp("us", tz="UTC")),
    ]
)

# One row per leaf of the policy learned and playbook; a policy of rules only has one row without leaf and playbook.
# Dollars are per case more than `against`; null where there was not enough data. `asked` tells who ends up in the leaf.
POLICY = pa.schema(
    [
        pa.field("row_id", pa.string(), nullable=False),
        ("policy_id", pa.string()),
        ("method", pa.string()),
        ("candidate", pa.string()),
        ("why", pa.string()),
        ("leaf_id", pa.string()),
        ("asked", pa.string()),
        ("leaf_attempts", pa.int64()),
        ("is_left_to_rules", pa.bool_()),
        ("against", pa.string()),
        ("playbook_code", pa.string()),
        ("value_usd", pa.float64()),
        ("low_usd", pa.float64()),
        ("high_usd", pa.float64()),
        ("attempts", pa.int64()),
        ("standing", pa.string()),
        ("is_best", pa.bool_()),
        ("learned_from_attempts", pa.int64()),
        ("learned_from_customers", pa.int64()),
        ("is_passed", pa.bool_()),
        ("next_share", pa.float64()),
        ("gates", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
    ]
)
# One row per outcome, policy, policy compared with and estimator. `estimator` 'held_out' compares the candidates on
# customers they were not learned from. Value per attempt in units of the outcome; null with a reason where refused.
POLICY_VALUE = pa.schema(
    [
        pa.field("value_id", pa.string(), nullable=False),
        ("policy_id", pa.string()),
        ("outcome", pa.string()),
        ("policy", pa.string()),
        ("against", pa.string()),
        ("estimator", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("attempts", pa.int64()),
        ("effective_attempts", pa.float64()),
        ("thin_share", pa.float64()),
        ("largest_weight", pa.float64()),
        ("changed_share", pa.float64()),
        ("propensities", pa.string()),
        ("refused", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
    ]
)
# One row per share of cases that follow the policy, those with the greatest expected lead first.
POLICY_CURVE = pa.schema(
    [
        pa.field("point_id", pa.string(), nullable=False),
        ("policy_id", pa.string()),
        ("followed_share", pa.float64()),
        ("gain_usd", pa.float64()),
        ("low_usd", pa.float64()),
        ("high_usd", pa.float64()),
        ("as_of", pa.timestamp("us", tz="UTC")),
    ]
)

# One row per level and subject: the rate as answered, adjusted for silence, and its bounds.
RATE = pa.schema(
    [
        pa.field("rate_id", pa.string(), nullable=False),
        ("level", pa.string()),
        ("subject", pa.string()),
        ("n", pa.int64()),
        ("n_known", pa.int64()),
        ("n_recovered", pa.int64()),
        ("n_answered", pa.int64()),
        ("n_immature", pa.int64()),
        ("effective", pa.float64()),
        ("raw", pa.float64()),
        ("raw_low", pa.float64()),
        ("raw_high", pa.float64()),
        ("adjusted", pa.float64()),
        ("adjusted_low", pa.float64()),
        ("adjusted_high", pa.float64()),
        ("worst", pa.float64()),
        ("best", pa.float64()),
        ("bounds_low", pa.float64()),
        ("bounds_high", pa.float64()),
        ("reason", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
    ]
)

# One row per level and subject: NPS before and after, what it would have been without action, and the lift.
NPS = pa.schema(
    [
        pa.field("nps_id", pa.string(), nullable=False),
        ("level", pa.string()),
        ("subject", pa.string()),
        *((name, pa.int64()) for name in ("n", "n_answered", "n_customers", "n_control", "n_repeats")),
        *(
            (name, pa.float64())
            for name in (
                "response_rate", "before", "after", "after_low", "after_high", "after_worst", "after_best", "naive",
                "reliability", "mean", "expected_control", "expected_reliability", "lift", "lift_low", "lift_high",
                "lift_worst", "lift_best", "lift_reliability", "lift_reliability_low", "lift_reliability_high",
            )
        ),
        ("reason", pa.string()),
        ("reason_reliability", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
    ]
)  # fmt: skip

# One row per line: what is at risk, what stayed, what was saved; never added up.
REVENUE = pa.schema(
    [
        pa.field("line", pa.string(), nullable=False),
        ("line_no", pa.int64()),
        ("is_causal", pa.bool_()),
        ("point", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int64()),
        ("n_borrowed", pa.int64()),
        ("n_unknown", pa.int64()),
        ("value_usd", pa.float64()),
        ("horizon_days", pa.int64()),
        ("sentence", pa.string()),
        ("reason", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
    ]
)

# Output name -> (schema, key the rows are sorted by).
RECOVERY_OUTPUTS: dict[str, tuple[pa.Schema, str]] = {
    "ml_recovery__effect": (EFFECT, "effect_id"),
    "ml_recovery__diagnostic": (EFFECT_DIAGNOSTIC, "diagnostic_id"),
    "ml_recovery__case_effect": (CASE_EFFECT, "attempt_id"),
    "ml_recovery__owner": (OWNER, "comparison_id"),
    "ml_recovery__rate": (RATE, "rate_id"),
    "ml_recovery__nps": (NPS, "nps_id"),
    "ml_recovery__revenue": (REVENUE, "line"),
    "ml_recovery__policy": (POLICY, "row_id"),
    "ml_recovery__policy_value": (POLICY_VALUE, "value_id"),
    "ml_recovery__policy_curve": (POLICY_CURVE, "point_id"),
}
