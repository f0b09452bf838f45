"""The table of owners and teams beside each other: its schema, and the words for what may be said.

Belongs here: the shape of `ml_outputs/ml_recovery__owner.parquet`. Not here: how rows come about (`owners.py`).
"""

from __future__ import annotations

import pyarrow as pa

ABOVE = "above the group beyond chance"
BELOW = "below the group beyond chance"
ALIKE = "not to be told apart"
FEW = "too few cases"
VERDICTS = (ABOVE, BELOW, ALIKE, FEW)

# One row per outcome and owner or team; key `comparison_id`.
OWNER = pa.schema(
    [
        pa.field("comparison_id", pa.string(), nullable=False),
        ("unit_type", pa.string()),
        ("unit_id", pa.string()),
        ("team_id", pa.string()),
        ("outcome", pa.string()),
        ("unit", pa.string()),
        ("cases", pa.int64()),
        ("known", pa.int64()),
        ("naive", pa.float64()),
        ("observed", pa.float64()),
        ("expected", pa.float64()),
        ("ratio", pa.float64()),
        ("group_mean", pa.float64()),
        ("adjusted", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("shrunken", pa.float64()),
        ("shrunken_low", pa.float64()),
        ("shrunken_high", pa.float64()),
        ("expected_rank", pa.float64()),
        ("rank_low", pa.int64()),
        ("rank_high", pa.int64()),
        ("ranked", pa.int64()),
        ("p_best", pa.float64()),
        ("funnel_low95", pa.float64()),
        ("funnel_high95", pa.float64()),
        ("funnel_low998", pa.float64()),
        ("funnel_high998", pa.float64()),
        ("p", pa.float64()),
        ("p_family", pa.float64()),
        ("verdict", pa.string()),
        ("sentence", pa.string()),
        ("from_at", pa.timestamp("us", tz="UTC")),
        ("until_at", pa.timestamp("us", tz="UTC")),
        ("as_of", pa.timestamp("us", tz="UTC")),
    ]
)
