"""Breakdowns against planted ones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from amends.scoring.detection import detection_scores

PLANTED = [
    {"breakdown_id": "BD-1", "kind": "outage", "cause": "app", "region": "south", "size": 0.1, "unit": "share",
     "realised": 90.0, "started_at": datetime(2026, 3, 18, tzinfo=UTC), "ended_at": datetime(2026, 3, 19, tzinfo=UTC)},
    {"breakdown_id": "BD-2", "kind": "nps_dip", "cause": "wait", "region": "west", "size": 2.0, "unit": "points",
     "realised": 30.0, "started_at": datetime(2026, 5, 1, tzinfo=UTC), "ended_at": datetime(2026, 5, 21, tzinfo=UTC)},
    {"breakdown_id": "BD-3", "kind": "shipped_fix", "cause": "fee", "region": None, "size": 0.5, "unit": "share",
     "realised": 10.0, "started_at": datetime(2026, 4, 1, tzinfo=UTC), "ended_at": datetime(2026, 7, 1, tzinfo=UTC)},
]  # fmt: skip


def breakdown(number: int, on: date, measure: str = "complaints", **more: Any) -> dict[str, Any]:
    return {
        "breakdown_id": f"b{number}", "measure": measure, "detected_on": on, "onset_on": on, "onset_low_on": on,
        "onset_high_on": on, "cause_id": None, "region": None, "effect": 1.0, "effect_low": 0.5, "effect_high": 2.0,
        "n": 20, "sentence": "worse", **more,
    }  # fmt: skip


def scores(*rows: dict[str, Any]) -> dict[str, Any]:
    return detection_scores(rows, PLANTED, first=date(2026, 1, 5), last=date(2026, 7, 6), cases={"b1": "CASE-1"})


def test_a_planted_breakdown_is_found_by_a_wider_series_of_the_same_place_with_its_delay() -> None:
    found = scores(breakdown(1, date(2026, 3, 20), region="south"))
    outage, dip = found["planted"]
    assert (outage["found"], outage["delay_days"], outage["case_id"]) == (True, 2, "CASE-1")
    assert not outage["onset_interval_holds"]
    assert dip["found"] is False and dip["delay_days"] is None
    assert found["false"] == 0 and found["not_looked_for"] == ["shipped_fix"]


def test_another_region_or_cause_or_a_time_before_is_false() -> None:
    found = scores(
        breakdown(1, date(2026, 3, 20), region="north"),
        breakdown(2, date(2026, 3, 20), cause_id="fee", region="south"),
        breakdown(3, date(2026, 2, 1)),
    )
    assert found["false"] == 3 and found["false_cases"] == 1
    assert found["false_per_week"]["low"] < 3 / 26 < found["false_per_week"]["high"]


def test_what_surely_began_before_a_planted_breakdown_is_not_it() -> None:
    early = {"onset_on": date(2026, 3, 10), "onset_low_on": date(2026, 3, 8), "onset_high_on": date(2026, 3, 12)}
    found = scores(breakdown(1, date(2026, 3, 19), region="south", **early))
    assert found["planted"][0]["found"] is False and found["false"] == 1
    found = scores(breakdown(1, date(2026, 3, 19), region="south", **early | {"onset_high_on": date(2026, 3, 18)}))
    assert found["planted"][0]["found"] is True and found["false"] == 0


def test_what_an_outage_leaves_behind_is_a_consequence_and_no_false_alarm() -> None:
    found = scores(breakdown(1, date(2026, 4, 10), "csat", region="south", onset_on=date(2026, 4, 1)))
    assert [row["is"] for row in found["breakdowns"]] == ["consequence"] and found["false"] == 0
