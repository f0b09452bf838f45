"""Suites of what the recovery study puts out: no estimate without its interval and its naive twin, no case twice.

Belongs here: checks of `ml_outputs/ml_recovery__*.parquet`. Not here: whether an effect is to be believed (its diagnostics,
`ml/recovery`), sums across tables (dbt).
"""

from __future__ import annotations

from expectations import sql
from expectations.suites import Check, Measure, Suite

STANDINGS = ("supported", "suggestive", "not enough data")
VERDICTS = ("above the group beyond chance", "below the group beyond chance", "not to be told apart", "too few cases")
_INTERVAL = [
    ("point without interval", "point IS NOT NULL AND (low IS NULL OR high IS NULL)"),
    ("point outside its interval", "NOT (low <= point AND point <= high)"),
    ("naive outside its interval", "NOT (naive_low <= naive AND naive <= naive_high)"),
]


def recovery_suites() -> tuple[Suite, ...]:
    """One suite per table of the study."""
    return (
        _effect(),
        _diagnostic(),
        _case_effect(),
        _rate(),
        _nps(),
        _revenue(),
        _owner(),
        _policy(),
        _policy_value(),
        _policy_curve(),
    )


def _effect() -> Suite:
    texts = ("effect_id", "outcome", "unit", "arm", "reference", "estimand", "level", "subject", "standing", "sentence")
    numbers = ("point", "low", "high", "naive", "naive_low", "naive_high", "total", "total_low", "total_high", "q")
    counts = ("n", "n_treated", "n_reference", "n_overlap", "n_trimmed", "n_unknown", "horizon_days")
    columns = _typed(
        ("VARCHAR", (*texts, "reason", "method")),
        ("DOUBLE", numbers),
        ("BIGINT", counts),
        ("TIMESTAMPTZ", ("from_at", "until_at", "as_of")),
    )
    twins = [
        ("estimate without standing to make one", "(point IS NULL) <> (standing = 'not enough data')"),
        ("no estimate and no reason", "point IS NULL AND reason IS NULL"),
        ("estimate without its naive twin", "point IS NOT NULL AND naive IS NULL"),
    ]
    checks = (
        sql.columns_present(columns),
        sql.complete([*texts, "as_of"]),
        sql.unique("effect_id", "One row per outcome, playbook, level and subject."),
        Check("allowed__standing", "A standing is one of three words.", Measure("standing", '"standing"'),
              allowed=STANDINGS),
        Check("intervals", "No estimate stands without its interval, and none outside it.",
              sql.faults("bad_interval", _INTERVAL)),
        Check("twins", "An estimate stands beside its naive twin, or there is none and a reason for it.",
              sql.faults("bad_twin", twins)),
        Check("counts", "No more attempts are estimated for than were treated.",
              sql.faults("bad_counts", [("more than treated", "n_overlap > n_treated"),
                                        ("lost", "n_treated > n")])),
    )  # fmt: skip
    return Suite("ml_recovery__effect", columns, checks)


def _diagnostic() -> Suite:
    texts = ("diagnostic_id", "outcome", "arm", "check_name", "subject", "sentence")
    columns = _typed(
        ("VARCHAR", texts), ("DOUBLE", ("value", "low", "high", "limit_value")), ("BOOLEAN", ("is_passed",)),
        ("TIMESTAMPTZ", ("as_of",)),
    )  # fmt: skip
    checks = (
        sql.columns_present(columns),
        sql.complete(texts),
        sql.unique("diagnostic_id", "One row per effect, check and subject."),
    )
    return Suite("ml_recovery__diagnostic", columns, checks)


def _case_effect() -> Suite:
    columns = _typed(
        ("VARCHAR", ("attempt_id", "case_id", "customer_id", "arm")), ("DOUBLE", ("expected_usd",)),
        ("BOOLEAN", ("is_in_overlap",)), ("TIMESTAMPTZ", ("as_of",)),
    )  # fmt: skip
    told = [("told outside the overlap", "expected_usd IS NOT NULL AND NOT is_in_overlap")]
    checks = (
        sql.columns_present(columns),
        sql.complete(["attempt_id", "arm", "is_in_overlap"]),
        sql.unique("attempt_id", "One row per attempt."),
        Check("overlap", "Nothing is expected of an attempt that nothing can be said about.",
              sql.faults("outside", told)),
    )  # fmt: skip
    return Suite("ml_recovery__case_effect", columns, checks)


def _rate() -> Suite:
    texts = ("rate_id", "level", "subject")
    numbers = ("effective", "raw", "raw_low", "raw_high", "adjusted", "adjusted_low", "adjusted_high", "worst", "best",
               "bounds_low", "bounds_high")  # fmt: skip
    columns = _typed(
        ("VARCHAR", (*texts, "reason")), ("DOUBLE", numbers),
        ("BIGINT", ("n", "n_known", "n_recovered", "n_answered", "n_immature")), ("TIMESTAMPTZ", ("as_of",)),
    )  # fmt: skip
    told = [
        ("outside its interval", "NOT (adjusted_low <= adjusted AND adjusted <= adjusted_high)"),
        ("no rate and no reason", "adjusted IS NULL AND reason IS NULL"),
        ("bounds the wrong way round", "worst > best"),
        ("more known than there are", "n_known > n OR n_recovered > n_known"),
    ]
    checks = (
        sql.columns_present(columns),
        sql.complete(texts),
        sql.unique("rate_id", "One row per level and subject."),
        Check("rates", "A rate lies within its interval and its bounds, or says why there is none.",
              sql.faults("bad_rate", told)),
    )  # fmt: skip
    return Suite("ml_recovery__rate", columns, checks)


def _nps() -> Suite:
    texts = ("nps_id", "level", "subject")
    numbers = ("response_rate", "before", "after", "after_low", "after_high", "after_worst", "after_best", "naive",
               "reliability", "mean", "expected_control", "expected_reliability", "lift", "lift_low", "lift_high",
               "lift_worst", "lift_best", "lift_reliability", "lift_reliability_low", "lift_reliability_high")  # fmt: skip
    columns = _typed(
        ("VARCHAR", (*texts, "reason", "reason_reliability")), ("DOUBLE", numbers),
        ("BIGINT", ("n", "n_answered", "n_customers", "n_control", "n_repeats")), ("TIMESTAMPTZ", ("as_of",)),
    )  # fmt: skip
    checks = (
        sql.columns_present(columns),
        sql.complete(texts),
        sql.unique("nps_id", "One row per level and subject."),
        Check("lifts", "There is a lift with its interval, or the reason why there is none.",
              sql.faults("bad_lift", [("no lift and no reason", "lift IS NULL AND reason IS NULL"),
                                      ("without interval", "lift IS NOT NULL AND lift_low IS NULL")])),
    )  # fmt: skip
    return Suite("ml_recovery__nps", columns, checks)


def _revenue() -> Suite:
    columns = _typed(
        ("VARCHAR", ("line", "sentence", "reason")), ("DOUBLE", ("point", "low", "high", "value_usd")),
        ("BIGINT", ("line_no", "n", "n_borrowed", "n_unknown", "horizon_days")), ("BOOLEAN", ("is_causal",)),
        ("TIMESTAMPTZ", ("as_of",)),
    )  # fmt: skip
    checks = (
        sql.columns_present(columns),
        sql.complete(["line", "sentence"]),
        sql.unique("line", "One row per line."),
        Check("causal", "Only what was saved is called an effect, and it has its interval.",
              sql.faults("bad_line", [("called an effect", "is_causal AND line <> 'saved'"),
                                      ("without interval", "is_causal AND point IS NOT NULL AND low IS NULL")])),
    )  # fmt: skip
    return Suite("ml_recovery__revenue", columns, checks)


def _owner() -> Suite:
    texts = ("comparison_id", "unit_type", "unit_id", "outcome", "unit", "verdict", "sentence")
    numbers = ("naive", "observed", "expected", "ratio", "group_mean", "adjusted", "low", "high", "shrunken",
               "shrunken_low", "shrunken_high", "expected_rank", "p_best", "funnel_low95", "funnel_high95",
               "funnel_low998", "funnel_high998", "p", "p_family")  # fmt: skip
    columns = _typed(
        ("VARCHAR", (*texts, "team_id")), ("DOUBLE", numbers),
        ("BIGINT", ("cases", "known", "rank_low", "rank_high", "ranked")), ("TIMESTAMPTZ", ("from_at", "until_at", "as_of")),
    )  # fmt: skip
    told = [
        ("ranked on too few cases", "verdict = 'too few cases' AND rank_low IS NOT NULL"),
        ("outside its interval", "NOT (shrunken_low <= shrunken AND shrunken <= shrunken_high)"),
        ("rank that cannot be", "NOT (1 <= rank_low AND rank_low <= rank_high AND rank_high <= ranked)"),
    ]
    checks = (
        sql.columns_present(columns),
        sql.complete(texts),
        sql.unique("comparison_id", "One row per unit and outcome."),
        Check("allowed__verdict", "A verdict is one of four words.", Measure("verdict", '"verdict"'), allowed=VERDICTS),
        Check("fair", "Nobody is ranked on too few cases, and every figure lies within its interval.",
              sql.faults("unfair", told)),
    )  # fmt: skip
    return Suite("ml_recovery__owner", columns, checks)


def _policy() -> Suite:
    texts = ("row_id", "policy_id", "method", "candidate", "why", "gates")
    columns = _typed(
        ("VARCHAR", (*texts, "leaf_id", "asked", "against", "playbook_code", "standing")),
        ("DOUBLE", ("value_usd", "low_usd", "high_usd", "next_share")),
        ("BIGINT", ("leaf_attempts", "attempts", "learned_from_attempts", "learned_from_customers")),
        ("BOOLEAN", ("is_left_to_rules", "is_best", "is_passed")), ("TIMESTAMPTZ", ("as_of",)),
    )  # fmt: skip
    checks = (
        sql.columns_present(columns),
        sql.complete(texts),
        sql.unique("row_id", "One row per leaf and playbook."),
        Check("intervals", "No value stands without its interval.",
              sql.faults("bad_interval", [("outside", "NOT (low_usd <= value_usd AND value_usd <= high_usd)"),
                                          ("without", "value_usd IS NOT NULL AND low_usd IS NULL")])),
    )  # fmt: skip
    return Suite("ml_recovery__policy", columns, checks)


def _policy_value() -> Suite:
    texts = ("value_id", "policy_id", "outcome", "policy", "estimator")
    columns = _typed(
        ("VARCHAR", (*texts, "against", "propensities", "refused")),
        ("DOUBLE", ("value", "low", "high", "effective_attempts", "thin_share", "largest_weight", "changed_share")),
        ("BIGINT", ("attempts",)), ("TIMESTAMPTZ", ("as_of",)),
    )  # fmt: skip
    checks = (
        sql.columns_present(columns),
        sql.complete(texts),
        sql.unique("value_id", "One row per outcome, policy, comparison and estimator."),
        Check("refusals", "There is a number or the reason why there is none.",
              sql.faults("bad_refusal", [("neither or both", "(value IS NULL) <> (refused IS NOT NULL)")])),
    )  # fmt: skip
    return Suite("ml_recovery__policy_value", columns, checks)


def _policy_curve() -> Suite:
    columns = _typed(
        ("VARCHAR", ("point_id", "policy_id")), ("DOUBLE", ("followed_share", "gain_usd", "low_usd", "high_usd")),
        ("TIMESTAMPTZ", ("as_of",)),
    )  # fmt: skip
    checks = (
        sql.columns_present(columns),
        sql.complete(["point_id", "policy_id", "followed_share"]),
        sql.unique("point_id", "One row per share."),
        Check("range__followed_share", "Shares lie between 0 and 1.", sql.in_range("followed_share", 0, 1)),
    )
    return Suite("ml_recovery__policy_curve", columns, checks)


def _typed(*kinds: tuple[str, tuple[str, ...]]) -> dict[str, str]:
    return {name: kind for kind, names in kinds for name in names}
