"""What a signal (one piece of evidence) is: its kinds, its fields and their types.

Belongs here: the vocabulary every room shares about `int_signal` and `fct_signal`, so that a rule, a test and a table
agree on a field's name and type. Not here: how signals are made (dbt) or judged (`ml/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

SignalKind = Literal[
    "complaint",
    "survey_response",
    "ticket",
    "review",
    "escalation",
    "qa_audit",
    "agent_note",
    "service_request",
    # Not heard but foreseen (`ml/early_warning`): one per subject and week, with its probability in `risk`.
    "churn_risk",
    "breach_risk",
]
ScoreMetric = Literal["nps", "csat", "ces", "rating", "qa"]
Severity = Annotated[int, Field(ge=1, le=4, description="1 is worst, 4 is mildest")]
MILDEST = 4
# What our own people wrote on cases comes back as signals of this source. No rule fires on them and no surge counts them:
# a note about a case that opened the next case, whose note opened the next, would feed on itself.
OWN_SOURCE = "desk"


class FieldKind(StrEnum):
    """The type a field has in a rule; decides which operators and values are allowed."""

    CATEGORY = "category"
    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    TIME = "time"


# Columns of fct_signal a rule may ask about. Provenance columns (leading underscore) are left out on purpose: a rule
# that looks at file names would decide differently after a re-delivery.
FIELDS: Mapping[str, FieldKind] = MappingProxyType(
    {
        "signal_id": FieldKind.CATEGORY,
        "signal_kind": FieldKind.CATEGORY,
        "source": FieldKind.CATEGORY,
        "entity": FieldKind.CATEGORY,
        "source_key": FieldKind.CATEGORY,
        "occurred_at": FieldKind.TIME,
        "customer_id": FieldKind.CATEGORY,
        "channel": FieldKind.CATEGORY,
        "product": FieldKind.CATEGORY,
        "branch_id": FieldKind.CATEGORY,
        "region": FieldKind.CATEGORY,
        "language": FieldKind.CATEGORY,
        "score_metric": FieldKind.CATEGORY,
        "score_value": FieldKind.NUMBER,
        "score_min": FieldKind.NUMBER,
        "score_max": FieldKind.NUMBER,
        "score_normalised": FieldKind.NUMBER,
        "text": FieldKind.TEXT,
        "text_author": FieldKind.CATEGORY,
        "text_hash": FieldKind.CATEGORY,
        "reason_code": FieldKind.CATEGORY,
        "related_type": FieldKind.CATEGORY,
        "related_id": FieldKind.CATEGORY,
        "company_response": FieldKind.CATEGORY,
        "is_timely": FieldKind.FLAG,
        "coded_cause_id": FieldKind.CATEGORY,
        "model_cause_id": FieldKind.CATEGORY,
        "model_confidence": FieldKind.NUMBER,
        "unsure": FieldKind.CATEGORY,
        "is_automatic": FieldKind.FLAG,
        "model_failure_type": FieldKind.CATEGORY,
        "failure_type_confidence": FieldKind.NUMBER,
        "cause_id": FieldKind.CATEGORY,
        "cause_basis": FieldKind.CATEGORY,
        "severity": FieldKind.NUMBER,
        "severity_reason": FieldKind.CATEGORY,
        "severity_floor": FieldKind.NUMBER,
        "severity_model": FieldKind.NUMBER,
        "sentiment": FieldKind.NUMBER,
        "sentiment_confidence": FieldKind.NUMBER,
        "urgency": FieldKind.NUMBER,
        "feedback_kind": FieldKind.CATEGORY,
        "feedback_kind_confidence": FieldKind.NUMBER,
        "topic_id": FieldKind.NUMBER,
        "theme_id": FieldKind.CATEGORY,
        "journey": FieldKind.CATEGORY,
        "failure_type": FieldKind.CATEGORY,
        "segment": FieldKind.CATEGORY,
        "tier": FieldKind.CATEGORY,
        "annual_value_usd": FieldKind.NUMBER,
        "risk": FieldKind.NUMBER,
        "model_id": FieldKind.CATEGORY,
    }
)


def field_kind(name: str) -> FieldKind:
    """Type of a rule field. Raises ValueError naming the nearest known field when there is no such column."""
    kind = FIELDS.get(name)
    if kind is None:
        raise ValueError(f"unknown field '{name}'{did_you_mean(name, list(FIELDS))}")
    return kind


def did_you_mean(word: str, known: list[str]) -> str:
    """`; did you mean 'x'?` for the nearest known word, or an empty string when nothing is near."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""
