"""Suites of what is learned from texts beside the prediction: aspects, mis-coding, theme events, review, drift, drivers.

Belongs here: checks of those `ml_outputs/*.parquet`. Not here: predictions, topics and triggers (`ml_outputs.py`), nor
whether a finding is right, which people decide.
"""

from __future__ import annotations

from expectations import sql
from expectations.limits import Limits
from expectations.suites import Check, Given, Measure, Suite

QUESTIONS = ("cause", "severity", "sentiment", "kind", "theme", "is_valid")
METRICS = ("nps", "csat", "ces", "rating", "qa")
CONTRASTS = ("mentioned", "experienced")
LEVELS = ("theme", "cause")
VERDICTS = ("lowers", "raises", "no clear effect", "not enough data")
_THEME_ID = "NOT regexp_full_match(theme_id, 'T-[0-9a-f]{8}')"


def text_suites(limits: Limits) -> tuple[Suite, ...]:
    """Suite of each of the six outputs."""
    return (_aspect(), _miscoding(limits), _theme_event(), _review(), _drift(), _driver())


def _columns(texts: tuple[str, ...], **others: str) -> dict[str, str]:
    return {**dict.fromkeys(texts, "VARCHAR"), **others}


def _share(column: str, about: str) -> Check:
    return Check(f"range__{column}", about, sql.in_range(column, 0, 1))


def _known_causes(column: str) -> Check:
    return Check(f"known__{column}", f"{column} is in the taxonomy.", Measure(column, sql.quoted(column)),
                 allowed=Given("causes"))  # fmt: skip


def _allowed(column: str, values: tuple[str, ...]) -> Check:
    about = f"{column} is one of the words in use."
    return Check(f"allowed__{column}", about, Measure(column, sql.quoted(column)), allowed=values)


def _aspect() -> Suite:
    """Needs the set `causes`."""
    columns = _columns(
        ("aspect_id", "signal_id", "cause_id"),
        **dict.fromkeys(("aspect_no", "begin_char", "end_char"), "BIGINT"),
        **dict.fromkeys(("confidence", "sentiment"), "DOUBLE"),
    )
    span = [("begins before the text", "begin_char < 0"), ("ends where it begins", "end_char <= begin_char")]
    alone = [("only one aspect", "count(*) OVER (PARTITION BY signal_id) < 2")]
    checks = (
        sql.columns_present(columns),
        sql.complete(("aspect_id", "signal_id", "aspect_no", "begin_char", "end_char", "cause_id", "confidence")),
        sql.unique("aspect_id", "One row per aspect."),
        _known_causes("cause_id"),
        Check("spans", "An aspect is a stretch of its text.", sql.faults("empty_span", span)),
        Check("several", "Only texts with several issues have aspects.", sql.faults("lonely_aspect", alone)),
        _share("confidence", "Confidence is a probability."),
        Check("range__sentiment", "Sentiment is -1 (bad) to 1 (good).", sql.in_range("sentiment", -1, 1)),
    )
    return Suite("ml_root_cause__aspect", columns, checks, sets=("causes",))


def _miscoding(limits: Limits) -> Suite:
    """Needs the set `causes`."""
    columns = _columns(
        ("signal_id", "coded_cause_id", "suggested_cause_id"),
        **dict.fromkeys(("coded_share", "suggested_share"), "DOUBLE"),
        is_finding="BOOLEAN",
    )
    # The suggestion need not be the likelier one: each share is held against what is usual for its cause.
    finding = [
        ("nothing suggested", "is_finding AND suggested_cause_id IS NULL"),
        ("the same cause", "is_finding AND suggested_cause_id = coded_cause_id"),
    ]
    checks = (
        sql.columns_present(columns),
        sql.complete(("signal_id", "coded_cause_id", "is_finding")),
        sql.unique("signal_id", "One row per coded text."),
        _known_causes("coded_cause_id"),
        _known_causes("suggested_cause_id"),
        _share("coded_share", "The share of the coded cause is a probability."),
        _share("suggested_share", "The share of the suggested cause is a probability."),
        Check("findings", "A finding suggests another cause.", sql.faults("odd_finding", finding)),
        Check("finding_share", "Few codes are called wrong (a model that has lost its way calls most of them wrong).",
              Measure("finding_share", "(SELECT avg(is_finding::INTEGER) FROM t "
                                       f"HAVING count(*) >= {limits.enough_rows})"),
              frame="facts", severity="warn", low=0, high=limits.miscoded_share),
    )  # fmt: skip
    return Suite("ml_root_cause__miscoding", columns, checks, sets=("causes",))


def _theme_event() -> Suite:
    columns = _columns(
        ("event_id", "theme_id", "kind", "topic_model_id", "by", "related", "sentence"),
        at="TIMESTAMPTZ",
        share="DOUBLE",
    )
    related = "related <> '' AND NOT regexp_full_match(related, 'T-[0-9a-f]{8}( T-[0-9a-f]{8})*')"
    decided = [("decided without a time", '"by" IS NOT NULL AND "at" IS NULL')]
    checks = (
        sql.columns_present(columns),
        sql.complete(("event_id", "theme_id", "kind", "sentence")),
        sql.unique("event_id", "One row per event."),
        Check("theme_ids", "Theme ids have their form.",
              sql.faults("malformed_theme_id", [("theme_id", _THEME_ID), ("related", related)])),
        Check("decisions", "A person's decision says when.", sql.faults("undated_decision", decided)),
        _share("share", "A share of texts is 0 to 1."),
        sql.not_in_future([("at", 1)]),
        sql.redacted(["sentence"]),
    )  # fmt: skip
    return Suite("ml_root_cause__theme_event", columns, checks)


def _review() -> Suite:
    columns = _columns(
        ("review_id", "signal_id", "question", "reason", "model_value", "model_id"),
        **dict.fromkeys(("priority", "inclusion", "model_confidence"), "DOUBLE"),
    )
    checks = (
        sql.columns_present(columns),
        sql.complete(("review_id", "signal_id", "question", "reason")),
        sql.unique("review_id", "One row per question."),
        _allowed("question", QUESTIONS),
        # A chance of zero could not have been chosen, and would weigh infinitely much.
        Check("chances", "Chances of being chosen are above 0 and at most 1.",
              sql.faults("bad_chance", [("inclusion", "NOT (inclusion > 0 AND inclusion <= 1)")])),
        _share("model_confidence", "Confidence is a probability."),
    )  # fmt: skip
    return Suite("ml_root_cause__review", columns, checks)


def _drift() -> Suite:
    numbers = ("value", "low", "high", "limit_value")
    columns = _columns(("drift_id", "measure", "model_id"), **dict.fromkeys(numbers, "DOUBLE"), week="DATE",
                       is_drift="BOOLEAN")  # fmt: skip
    checks = (
        sql.columns_present(columns),
        sql.complete(("drift_id", "week", "measure")),
        sql.unique("drift_id", "One row per measure and week."),
        Check("intervals", "An interval is not upside down.", sql.faults("upside_down", [("low, high", "low > high")])),
        Check("monday", "Weeks begin on a Monday.", sql.faults("no_monday", [("week", "isodow(week) <> 1")])),
        Check("known_verdict", "Drift is said only of what was measured.",
              sql.faults("unmeasured_drift", [("is_drift", "is_drift AND value IS NULL")])),
        Check("still_as_learnt", "No measure of the newest week is beyond its limit: texts are what the models learnt from.",
              Measure("drifting", "(SELECT count(*) FROM t WHERE is_drift AND value IS NOT NULL "
                                  "AND week = (SELECT max(week) FROM t))"),
              frame="facts", severity="warn", low=0, high=0),
        sql.not_in_future([("week", 1)]),
    )  # fmt: skip
    return Suite("ml_root_cause__drift", columns, checks)


def _driver() -> Suite:
    counts, texts = ("answers", "n", "alerts"), ("driver_id", "metric", "contrast", "level", "subject_id", "name")
    numbers = ("share", "scale_min", "scale_max", "effect", "low", "high", "p", "q", "impact", "impact_low",
               "impact_high", "alert_share", "alert_share_low", "alert_share_high")  # fmt: skip
    columns = _columns((*texts, "verdict", "sentence"), **dict.fromkeys(counts, "BIGINT"),
                       **dict.fromkeys(numbers, "DOUBLE"))  # fmt: skip
    order = [
        ("effect outside its interval", "NOT (effect BETWEEN low AND high)"),
        ("impact interval upside down", "impact_low > impact_high"),
        ("alert share outside its interval", "NOT (alert_share BETWEEN alert_share_low AND alert_share_high)"),
        ("effect larger than the scale", "abs(effect) > scale_max - scale_min"),
    ]
    unknown = [
        ("effect without interval", "effect IS NOT NULL AND (low IS NULL OR high IS NULL)"),
        ("effect of too little data", "verdict = 'not enough data' AND effect IS NOT NULL"),
        ("verdict without effect", "verdict <> 'not enough data' AND effect IS NULL"),
    ]
    checks = (
        sql.columns_present(columns),
        sql.complete(("driver_id", "metric", "contrast", "level", "subject_id", "answers", "n", "verdict", "sentence")),
        sql.unique("driver_id", "One row per metric, contrast and subject."),
        _allowed("metric", METRICS),
        _allowed("contrast", CONTRASTS),
        _allowed("level", LEVELS),
        _allowed("verdict", VERDICTS),
        *(_share(column, f"{column} is 0 to 1.") for column in ("share", "p", "q")),
        Check("intervals", "Estimates lie in their intervals and on their scale.", sql.faults("odd_interval", order)),
        Check("known_effects", "Every effect has an interval; too little data has none.",
              sql.faults("half_effect", unknown)),
        Check("counts", "Nobody mentions more often than there are answers.",
              sql.faults("odd_counts", [("n", "n < 0 OR n > answers"), ("alerts", "alerts < 0")])),
        sql.redacted(["name", "sentence"]),
    )  # fmt: skip
    return Suite("ml_root_cause__driver", columns, checks)
