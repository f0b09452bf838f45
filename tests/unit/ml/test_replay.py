"""A past stretch is decided on as it was known then, and in one go as day by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.programme import load_programme
from ml.conditions import SIGNAL_SCHEMA
from ml.detection.evidence import Evidence
from ml.detection.replay import Stretch, as_known, find_daily
from ml.detection.triggers import Window, detect
from models.settings import ROOT
from models.trigger import TriggerRule
from tests.unit.casework.evidence_days import FCT, INT, RESOLUTION, signal

BANK = load_programme(ROOT / "programme" / "bank")
FIRST = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 6


def rules() -> list[TriggerRule]:
    """One rule of every kind that looks at more than one signal, and one that would only come into force later."""
    known = {"field": "severity", "op": "is_known"}
    parts: dict[str, dict[str, Any]] = {
        "grave": {"when": {"field": "severity", "op": "lte", "value": 2}, "effective_from": "2030-01-01"},
        "again": {"when": known, "repeat": {"at_least": 2, "within": "2d", "by": ["customer_id"]}},
        "often": {"when": {"window": {"measure": "count", "within": "2d", "by": ["customer_id"]}, "op": "gte", "value": 3}},
        "worse": {"when": {"change": {"field": "severity", "baseline": {"within": "4d", "at_least": 1},
                                      "by": ["customer_id"]}, "op": "lte", "value": -1}},
        "silent": {"when": known, "absence": {"of": {"signal": "complaint"}, "within": "1d", "by": ["customer_id"]}},
    }  # fmt: skip
    shared = {"title": "A rule", "status": "draft", "kind": "recovery", "signal": "complaint",
              "open_case": {"severity": 3, "dedupe": {"within": "14d"}}}  # fmt: skip
    return [TriggerRule.model_validate({**shared, "id": name, **part}) for name, part in parts.items()]


# Never at midnight itself: an evening's detection has not seen the signals of that very instant.
signals = st.lists(
    st.tuples(st.integers(0, DAYS - 1), st.integers(1, 86_399), st.sampled_from("AB"), st.integers(1, 4)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(rows=signals, skipped=st.integers(0, DAYS - 1))
def test_one_detection_over_a_stretch_finds_what_a_detection_each_evening_finds(
    rows: list[tuple[int, int, str, int]], skipped: int
) -> None:
    made = [
        {"signal_id": f"s{n}", "signal_kind": "complaint", "customer_id": who, "severity": severity,
         "occurred_at": FIRST + timedelta(days=day, seconds=at)}
        for n, (day, at, who, severity) in enumerate(rows)
    ]  # fmt: skip
    table = pa.Table.from_pylist(made, schema=SIGNAL_SCHEMA)
    since, until = FIRST + timedelta(days=skipped), FIRST + timedelta(days=DAYS)
    by_day: dict[str, bool] = {}
    undated = [rule.model_copy(update={"effective_from": None}) for rule in rules()]
    for day in range(skipped, DAYS):
        evening = FIRST + timedelta(days=day + 1)
        known = table.filter(pc.less(table.column("occurred_at"), evening))
        for row in detect(Evidence(known), undated, Window(evening, 14)).to_pylist():
            if evening - timedelta(days=1) <= row["occurred_at"]:
                by_day[row["trigger_id"]] = row["is_historic"]
    found = find_daily(Evidence(table), rules(), Stretch(since, until, 14))
    assert dict(zip(found["trigger_id"].to_pylist(), found["is_historic"].to_pylist(), strict=True)) == by_day


def test_where_everything_is_history_a_replay_says_so() -> None:
    row = {"signal_id": "s", "signal_kind": "complaint", "severity": 1, "occurred_at": FIRST}
    table = pa.Table.from_pylist([row], schema=SIGNAL_SCHEMA)
    found = find_daily(Evidence(table), rules(), Stretch(FIRST, FIRST + timedelta(days=1), 0))
    assert found["rule_id"].to_pylist() == ["grave"]
    assert found["is_historic"].to_pylist() == [True]


NOON = FIRST + timedelta(hours=12)


def known(fct: dict[str, Any], labels: dict[str, Any], resolved: datetime | None = None) -> dict[str, Any]:
    """One signal as it was known on its day, from what is known of it now."""
    row = signal("s", NOON, **fct)
    done = (
        []
        if resolved is None
        else [{"resolution_id": "r", "signal_id": "s", "resolved_at": resolved.replace(tzinfo=None)}]
    )
    found = as_known(
        pa.Table.from_pylist([row], schema=FCT), pa.Table.from_pylist([row | labels], schema=INT),
        pa.Table.from_pylist(done, schema=RESOLUTION), BANK.taxonomy,
    )  # fmt: skip
    assert found.schema == FCT
    return dict(found.to_pylist()[0])


CODED = {"coded_cause_id": "fee_dispute", "cause_id": "fee_dispute", "cause_basis": "code", "journey": "everyday",
         "model_cause_id": "staff_conduct"}  # fmt: skip


def test_a_cause_coded_on_solving_days_later_gives_way_to_what_the_model_read() -> None:
    found = known(CODED, {"coded_cause_basis": "resolution"}, NOON + timedelta(days=3))
    assert (found["coded_cause_id"], found["cause_id"], found["cause_basis"]) == (None, "staff_conduct", "model")
    assert found["journey"] == next(c.journey for c in BANK.taxonomy.causes if c.id == "staff_conduct")


def test_a_cause_coded_on_solving_the_same_day_stays() -> None:
    found = known(CODED, {"coded_cause_basis": "resolution"}, NOON + timedelta(hours=6))
    assert (found["cause_id"], found["cause_basis"], found["journey"]) == ("fee_dispute", "code", "everyday")


def test_the_code_a_matter_came_with_stands_before_the_model() -> None:
    labels = {"coded_cause_basis": "qa_review", "reported_cause_id": "card_fraud"}
    found = known(CODED, labels)
    assert (found["coded_cause_id"], found["cause_id"], found["cause_basis"]) == ("card_fraud", "card_fraud", "code")


def test_a_code_given_on_receiving_is_never_taken_back() -> None:
    assert known(CODED, {"coded_cause_basis": "reason_code"})["cause_id"] == "fee_dispute"


@pytest.mark.parametrize(("days", "severity", "kind", "theme"), [(2, 3, None, None), (0, 1, "problem", "T-0000000a")])
def test_what_a_reviewer_said_counts_from_the_day_it_was_said(
    days: int, severity: int, kind: str | None, theme: str | None
) -> None:
    fct = {
        "severity": 1,
        "severity_floor": 4,
        "severity_model": 3,
        "feedback_kind": "problem",
        "theme_id": "T-0000000a",
    }
    said = {"labelled_severity": 1, "labelled_kind": "problem", "labelled_theme_id": "T-0000000a",
            "labelled_at": (NOON + timedelta(days=days, hours=1)).replace(tzinfo=None)}  # fmt: skip
    found = known(fct, said)
    assert (found["severity"], found["feedback_kind"], found["theme_id"]) == (severity, kind, theme)
