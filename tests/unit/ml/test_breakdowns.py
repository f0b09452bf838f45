"""From signals to breakdowns: one per event, told by the series that explains it, the same day by day as at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.conditions import SIGNAL_SCHEMA
from ml.detection.breakdowns import Breakdowns, find_breakdowns
from ml.detection.evidence import Evidence
from ml.detection.mix import kitagawa
from ml.detection.panels import heard
from ml.detection.triggers import Window, detect, detect_in_force
from models.trigger import TriggerRule

FIRST, DAYS = datetime(2025, 1, 6, tzinfo=UTC), 120
REGIONS, CAUSES = ("north", "south", "west"), ("fees", "card", "app")


def rule(**chart: Any) -> TriggerRule:
    """A chart rule over complaints by cause and region."""
    return TriggerRule.model_validate(
        {
            "id": "worse", "title": "Something got worse", "status": "draft", "kind": "breakdown", "signal": "series",
            "chart": {"measure": "complaints", "by": ["cause_id", "region"], "false_alarms_per_year": 3, **chart},
            "open_case": {"severity": 2, "dedupe": {"within": "21d"}},
        }
    )  # fmt: skip


def rows_of(counts: dict[tuple[str, str], np.ndarray], kind: str = "complaint") -> list[dict[str, Any]]:
    """One complaint per count; customers unknown, so that each counts."""
    return [
        {"signal_id": f"{cause}-{region}-{day}-{number}", "signal_kind": kind, "source": "complaints", "cause_id": cause,
         "region": region, "occurred_at": FIRST + timedelta(days=day, minutes=number)}
        for (cause, region), days in counts.items()
        for day, count in enumerate(days)
        for number in range(int(count))
    ]  # fmt: skip


def company(seed: int = 1, **more: tuple[str, str, int, int, float]) -> dict[tuple[str, str], np.ndarray]:
    """Poisson complaints of four a day in each cell; `more` names events (cause, region, first day, last day, added a day)."""
    dice = np.random.default_rng(seed)
    counts = {(cause, region): dice.poisson(4.0, DAYS) for cause in CAUSES for region in REGIONS}
    for cause, region, begin, end, added in more.values():
        for key in counts:
            if key[0] == cause and region in (key[1], "all"):
                counts[key][begin : end + 1] += dice.poisson(added, end + 1 - begin)
    return counts


def found(rows: list[dict[str, Any]], *, until: int = DAYS, **chart: Any) -> Breakdowns:
    """Breakdowns as of the end of a day."""
    table = pa.Table.from_pylist(rows, schema=SIGNAL_SCHEMA)
    return find_breakdowns(Evidence(table), [rule(**chart)], as_of=FIRST + timedelta(days=until))


def day(number: int) -> date:
    return (FIRST + timedelta(days=number)).date()


def test_a_quiet_company_has_no_breakdown() -> None:
    assert found(rows_of(company())).breakdowns.num_rows == 0


def test_an_outage_in_one_region_is_one_breakdown_told_by_its_cause_and_region() -> None:
    (row,) = found(rows_of(company(event=("app", "south", 80, 86, 18.0)))).breakdowns.to_pylist()
    assert (row["cause_id"], row["region"]) == ("app", "south")
    assert day(80) <= row["detected_on"] <= day(82)
    assert row["onset_low_on"] <= day(80) <= row["onset_high_on"]
    assert row["effect_low"] <= row["effect"] <= row["effect_high"]
    assert row["state"] == "over" and row["over_on"] > day(86)
    assert "app / south: complaints +" in row["sentence"]


def test_a_surge_everywhere_is_told_by_its_cause_alone() -> None:
    (row,) = found(rows_of(company(event=("fees", "all", 80, 100, 4.0)))).breakdowns.to_pylist()
    assert (row["cause_id"], row["region"]) == ("fees", None)


def test_two_events_at_once_are_two_breakdowns() -> None:
    counts = company(one=("fees", "north", 80, 95, 14.0), two=("card", "west", 82, 95, 14.0))
    told = {(row["cause_id"], row["region"]) for row in found(rows_of(counts)).breakdowns.to_pylist()}
    assert {("fees", "north"), ("card", "west")} <= told


def test_those_it_hit_are_the_signals_since_its_onset() -> None:
    made = found(rows_of(company(event=("app", "south", 80, 86, 18.0))))
    (row,) = made.breakdowns.to_pylist()
    hit = made.affected.to_pylist()
    assert {one["breakdown_id"] for one in hit} == {row["breakdown_id"]}
    assert all(one["signal_id"].startswith("app-south-") for one in hit)
    assert len(hit) >= 18 * 7


@pytest.mark.parametrize("seed", [1, 2])
def test_detecting_every_day_gives_the_breakdowns_and_triggers_of_one_look_at_the_end(seed: int) -> None:
    rows = rows_of(company(seed, event=("app", "south", 80, 90, 14.0), later=("fees", "all", 98, 110, 5.0)))
    whole = {row["breakdown_id"]: row for row in found(rows).breakdowns.to_pylist()}
    seen: dict[str, dict[str, Any]] = {}
    for until in range(78, DAYS + 1):
        known = [one for one in rows if one["occurred_at"] < FIRST + timedelta(days=until)]
        for row in found(known, until=until).breakdowns.to_pylist():
            seen.setdefault(row["breakdown_id"], row)
    assert seen.keys() == whole.keys()
    stable = ("detected_on", "onset_on", "cause_id", "region", "alarm_n", "alarm_effect")
    for key, row in seen.items():
        assert [row[name] for name in stable] == [whole[key][name] for name in stable]
        assert row["detected_on"] == whole[key]["detected_on"]


def test_a_breakdown_is_one_trigger_known_when_its_day_had_ended() -> None:
    table = pa.Table.from_pylist(rows_of(company(event=("app", "south", 80, 86, 18.0))), schema=SIGNAL_SCHEMA)
    window = Window(as_of=FIRST + timedelta(days=DAYS), historic_after_days=365)
    (trigger,) = detect(Evidence(table), [rule()], window).to_pylist()
    told = detect_in_force(Evidence(table), [rule()], (), window)
    (row,) = told.breakdowns.to_pylist()
    assert trigger["subject_type"] == "breakdown" and trigger["subject_id"] == row["breakdown_id"]
    assert trigger["occurred_at"].date() == row["detected_on"] + timedelta(days=1)
    assert trigger["customer_id"] is None and not trigger["is_historic"]
    assert told.triggers.num_rows == 1 and told.affected.num_rows > 0


def test_growth_of_customers_is_no_breakdown_where_customers_are_known() -> None:
    dice = np.random.default_rng(3)
    counts = {("fees", "north"): np.concatenate([dice.poisson(6, 80), dice.poisson(12, 40)])}
    exposure = pa.table(
        {
            "exposed_on": pa.array([day(number) for number in range(DAYS)], pa.date32()),
            "segment": ["mass"] * DAYS,
            "region": ["north"] * DAYS,
            "customers": [1000 if number < 80 else 2000 for number in range(DAYS)],
        }
    )
    table = pa.Table.from_pylist(rows_of(counts), schema=SIGNAL_SCHEMA)
    as_of = FIRST + timedelta(days=DAYS)
    assert find_breakdowns(Evidence(table), [rule()], as_of=as_of).breakdowns.num_rows > 0
    assert find_breakdowns(Evidence(table, exposure=exposure), [rule()], as_of=as_of).breakdowns.num_rows == 0


def answers(days: int, mean: float, until: float, shift: int) -> list[dict[str, Any]]:
    """Ten NPS answers a day; from day `shift` on their mean is `until`."""
    dice = np.random.default_rng(11)
    return [
        {"signal_id": f"a{number}-{one}", "signal_kind": "survey_response", "source": "qualtrics", "score_metric": "nps",
         "score_normalised": float(np.clip(round(dice.normal(mean if number < shift else until, 2.2)), 0, 10) / 10),
         "region": REGIONS[one % 3], "occurred_at": FIRST + timedelta(days=number, minutes=one)}
        for number in range(days) for one in range(10)
    ]  # fmt: skip


def test_a_lasting_drop_of_nps_is_found_and_told_in_points() -> None:
    (row, *_) = found(answers(DAYS, 8.0, 6.2, 90), measure="nps", by=["region"]).breakdowns.to_pylist()
    assert row["measure"] == "nps" and row["is_relative"] is False
    assert day(90) <= row["detected_on"] <= day(97)
    assert row["effect_low"] > 0 and row["rate_part"] is not None
    assert found(answers(DAYS, 8.0, 8.0, 90), measure="nps", by=["region"]).breakdowns.num_rows == 0


@settings(max_examples=200)
@given(st.data())
def test_mix_and_rate_add_up_to_the_whole_change(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 6))
    many = st.lists(st.floats(0.5, 500), min_size=size, max_size=size)
    n, past_n = np.array(data.draw(many)), np.array(data.draw(many))
    rates = st.lists(st.floats(0, 1), min_size=size, max_size=size)
    total, past = n * np.array(data.draw(rates)), past_n * np.array(data.draw(rates))
    mix, rate = kitagawa(n, total, past_n, past)
    assert mix + rate == pytest.approx(total.sum() / n.sum() - past.sum() / past_n.sum(), abs=1e-9)


def test_the_same_rates_in_other_shares_are_mix_alone() -> None:
    mix, rate = kitagawa(np.array([10.0, 90.0]), np.array([1.0, 45.0]), np.array([90.0, 10.0]), np.array([9.0, 5.0]))
    assert rate == pytest.approx(0.0, abs=1e-12) and mix == pytest.approx(0.46 - 0.14)


def test_a_silence_of_a_busy_source_is_no_delivery_and_a_quiet_day_is_one() -> None:
    counts = np.array([5.0] * 20 + [0.0] * 3 + [5.0] * 20 + [0.0] + [5.0] * 5 + [0.0] * 4)
    there = heard(counts)
    assert not there[20:23].any() and there[43] and not there[-4:].any()
