"""One good row of each output of the recovery study, for the tests of its suite."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

AT = datetime(2024, 5, 1, tzinfo=UTC)


def effect(number: int, **changes: Any) -> dict[str, Any]:
    row = {"effect_id": f"e{number}", "outcome": "net_margin_90d", "unit": "usd", "arm": "refund", "reference": "none",
           "estimand": "att", "level": "all", "subject": "all", "n": 300, "n_treated": 200, "n_reference": 100,
           "n_overlap": 180, "n_trimmed": 20, "n_unknown": 0, "point": 4.0, "low": 1.0, "high": 7.0, "naive": 9.0,
           "naive_low": 5.0, "naive_high": 13.0, "total": 720.0, "total_low": 180.0, "total_high": 1260.0, "q": None,
           "standing": "suggestive", "reason": "overlap is partial", "sentence": "It added 4 USD.", "method": "aipw",
           "horizon_days": 90, "from_at": AT, "until_at": AT, "as_of": AT}  # fmt: skip
    return {**row, **changes}


def diagnostic(number: int, **changes: Any) -> dict[str, Any]:
    row = {"diagnostic_id": f"d{number}", "outcome": "recovered", "arm": "refund", "check_name": "overlap",
           "subject": "share outside", "value": 0.1, "low": None, "high": None, "limit_value": 0.3, "is_passed": True,
           "sentence": "A tenth is left out.", "as_of": AT}  # fmt: skip
    return {**row, **changes}


def case_effect(number: int, **changes: Any) -> dict[str, Any]:
    row = {"attempt_id": f"a{number}", "case_id": None, "customer_id": "c1", "arm": "refund", "is_in_overlap": True,
           "expected_usd": -2.5, "as_of": AT}  # fmt: skip
    return {**row, **changes}


def owner(number: int, **changes: Any) -> dict[str, Any]:
    halves = ("naive", "observed", "expected", "ratio", "group_mean", "adjusted", "low", "high", "shrunken",
              "shrunken_low", "shrunken_high", "p_best", "funnel_low95", "funnel_high95", "funnel_low998",
              "funnel_high998", "p", "p_family")  # fmt: skip
    row = {"comparison_id": f"o{number}", "unit_type": "owner", "unit_id": f"E-{number}", "team_id": "care",
           "outcome": "recovered", "unit": "share", "cases": 50, "known": 40, "expected_rank": 2.0, "rank_low": 1,
           "rank_high": 3, "ranked": 3, "verdict": "not to be told apart", "sentence": "Not to be told apart.",
           "from_at": AT, "until_at": AT, "as_of": AT, **dict.fromkeys(halves, 0.5)}  # fmt: skip
    return {**row, **changes}


def policy(number: int, **changes: Any) -> dict[str, Any]:
    row = {"row_id": f"r{number}", "policy_id": "p1", "method": "tree", "candidate": "tree-1", "why": "It leads.",
           "leaf_id": "L1", "asked": "severity at most 2", "leaf_attempts": 200, "is_left_to_rules": False,
           "against": "none", "playbook_code": "refund", "value_usd": 3.0, "low_usd": 1.0, "high_usd": 5.0,
           "attempts": 80, "standing": "better", "is_best": True, "learned_from_attempts": 2000,
           "learned_from_customers": 1500, "is_passed": False, "next_share": None, "gates": "[]", "as_of": AT}  # fmt: skip
    return {**row, **changes}


def policy_value(number: int, **changes: Any) -> dict[str, Any]:
    row = {"value_id": f"v{number}", "policy_id": "p1", "outcome": "net_margin_90d", "policy": "candidate",
           "against": None, "estimator": "dr", "value": 40.0, "low": 30.0, "high": 50.0, "attempts": 2000,
           "effective_attempts": 600.0, "thin_share": 0.01, "largest_weight": 0.02, "changed_share": 0.4,
           "propensities": "estimated", "refused": None, "as_of": AT}  # fmt: skip
    return {**row, **changes}


def policy_curve(number: int, **changes: Any) -> dict[str, Any]:
    row = {"point_id": f"q{number}", "policy_id": "p1", "followed_share": 0.1, "gain_usd": 2.0, "low_usd": 1.0,
           "high_usd": 3.0, "as_of": AT}  # fmt: skip
    return {**row, **changes}


def rate(number: int, **changes: Any) -> dict[str, Any]:
    row = {"rate_id": f"r{number}", "level": "treated", "subject": "any playbook", "n": 100, "n_known": 60,
           "n_recovered": 30, "n_answered": 50, "n_immature": 5, "effective": 40.0, "raw": 0.5, "raw_low": 0.4,
           "raw_high": 0.6, "adjusted": 0.45, "adjusted_low": 0.3, "adjusted_high": 0.6, "worst": 0.3, "best": 0.7,
           "bounds_low": 0.25, "bounds_high": 0.75, "reason": None, "as_of": AT}  # fmt: skip
    return {**row, **changes}


def nps(number: int, **changes: Any) -> dict[str, Any]:
    numbers = ("response_rate", "before", "after", "after_low", "after_high", "after_worst", "after_best", "naive",
               "reliability", "mean", "expected_control", "expected_reliability", "lift", "lift_low", "lift_high",
               "lift_worst", "lift_best", "lift_reliability", "lift_reliability_low", "lift_reliability_high")  # fmt: skip
    counts = ("n", "n_answered", "n_customers", "n_control", "n_repeats")
    row = {"nps_id": f"n{number}", "level": "all", "subject": "any playbook", "reason": None, "reason_reliability": None,
           "as_of": AT, **dict.fromkeys(numbers, 0.5), **dict.fromkeys(counts, 50)}  # fmt: skip
    return {**row, **changes}


def revenue(number: int, **changes: Any) -> dict[str, Any]:
    row = {"line": ("identified", "saved")[number % 2], "line_no": number, "is_causal": number % 2 == 1, "point": 9.0,
           "low": 1.0, "high": 20.0, "n": 10, "n_borrowed": 0, "n_unknown": 0, "value_usd": None, "horizon_days": 90,
           "sentence": "At risk.", "reason": None, "as_of": AT}  # fmt: skip
    return {**row, **changes}


MAKERS = {
    "ml_recovery__rate": rate,
    "ml_recovery__nps": nps,
    "ml_recovery__revenue": revenue,
    "ml_recovery__effect": effect,
    "ml_recovery__diagnostic": diagnostic,
    "ml_recovery__case_effect": case_effect,
    "ml_recovery__owner": owner,
    "ml_recovery__policy": policy,
    "ml_recovery__policy_value": policy_value,
    "ml_recovery__policy_curve": policy_curve,
}
