"""One good row of each output about texts, for the tests of its suite."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

CAUSE, OTHER = "fee_dispute", "app_outage"


def aspect(number: int, **changes: Any) -> dict[str, Any]:
    row = {"aspect_id": f"a{number}", "signal_id": f"s{number // 2}", "aspect_no": number % 2 + 1, "begin_char": 0,
           "end_char": 20, "cause_id": CAUSE, "confidence": 0.8, "sentiment": -0.5}  # fmt: skip
    return {**row, **changes}


def miscoding(number: int, **changes: Any) -> dict[str, Any]:
    row = {"signal_id": f"s{number}", "coded_cause_id": CAUSE, "suggested_cause_id": OTHER, "coded_share": 0.1,
           "suggested_share": 0.8, "is_finding": True}  # fmt: skip
    return {**row, **changes}


def theme_event(number: int, **changes: Any) -> dict[str, Any]:
    row = {"event_id": f"e{number}", "theme_id": f"T-{number:08x}", "kind": "born", "topic_model_id": "t1",
           "at": datetime(2024, 5, 1, tzinfo=UTC), "by": None, "related": "", "share": 0.4,
           "sentence": "was found in 40 texts"}  # fmt: skip
    return {**row, **changes}


def review(number: int, **changes: Any) -> dict[str, Any]:
    row = {"review_id": f"r{number}", "signal_id": f"s{number}", "question": "cause", "reason": "audit",
           "priority": 0.4, "inclusion": 0.02, "model_value": CAUSE, "model_confidence": 0.5, "model_id": "m1"}  # fmt: skip
    return {**row, **changes}


def drift(number: int, **changes: Any) -> dict[str, Any]:
    row = {"drift_id": f"d{number}", "week": date(2024, 5, 6), "measure": "share_unknown", "value": 0.2, "low": 0.1,
           "high": 0.3, "limit_value": 0.25, "is_drift": False, "model_id": "m1"}  # fmt: skip
    return {**row, **changes}


def driver(number: int, **changes: Any) -> dict[str, Any]:
    row = {"driver_id": f"v{number}", "metric": "nps", "contrast": "mentioned", "level": "cause", "subject_id": CAUSE,
           "name": "Fees", "answers": 900, "n": 90, "share": 0.1, "scale_min": 0.0, "scale_max": 10.0, "effect": -1.5,
           "low": -2.0, "high": -1.0, "p": 0.001, "q": 0.01, "impact": -0.15, "impact_low": -0.2,
           "impact_high": -0.1, "alerts": 40, "alert_share": 0.4, "alert_share_low": 0.3, "alert_share_high": 0.5,
           "verdict": "lowers", "sentence": "Fees lower NPS."}  # fmt: skip
    return {**row, **changes}


MAKERS = {
    "ml_root_cause__aspect": aspect,
    "ml_root_cause__miscoding": miscoding,
    "ml_root_cause__theme_event": theme_event,
    "ml_root_cause__review": review,
    "ml_root_cause__drift": drift,
    "ml_root_cause__driver": driver,
}
