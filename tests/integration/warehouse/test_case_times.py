"""Times of cases of which some are still open: the published medians and means against statsmodels and against the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.duration.survfunc import SurvfuncRight

from tests.integration.warehouse.stores import AS_OF, Stores

DAY = 86400.0
NOW = datetime.fromisoformat(AS_OF).replace(tzinfo=UTC)
TRUE_MEDIAN_DAYS = 7.4
Z = 1.959963984540054


def generated(seed: int, cases: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Age at as_of and time to closing, whole seconds: opened evenly over the last 14 days, closed after 7.4 days (median)."""
    rng = np.random.default_rng(seed)
    ages = rng.integers(1, int(14 * DAY) - 1, cases)
    # Some close at the same second, as imported ones do.
    lasted = np.ceil(rng.exponential(TRUE_MEDIAN_DAYS * DAY / np.log(2), cases) / 600).astype(np.int64) * 600
    return ages, lasted


def put(stores: Stores, ages: NDArray[np.int64], lasted: NDArray[np.int64]) -> None:
    heads: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for number, (age, wait) in enumerate(zip(ages, lasted, strict=True)):
        case, opened_at = f"C-{number}", NOW - timedelta(seconds=int(age))
        heads.append({"case_id": case, "case_no": number, "dedup_key": case, "case_kind": "recovery",
                      "rule_id": "r", "subject_type": "customer", "episode_started_at": opened_at})  # fmt: skip
        said = [("opened", "new", opened_at, {"severity": 3, "case_kind": "recovery"})]
        if wait <= age:
            closed_at = opened_at + timedelta(seconds=int(wait))
            said += [("resolved", "resolved", closed_at, {}), ("closed", "closed", closed_at, {"outcome_code": "done"})]
        events += [
            {"event_id": 3 * number + seq, "seq": seq, "case_id": case, "kind": kind, "state_after": state,
             "actor_type": "source", "occurred_at": moment, "recorded_at": moment, "payload": json.dumps(payload)}
            for seq, (kind, state, moment, payload) in enumerate(said, start=1)
        ]  # fmt: skip
    stores.put("ledger", "case", heads)
    stores.put("ledger", "case_event", events)


@pytest.fixture(scope="module")
def seen(parsed_stores: Stores) -> Iterator[tuple[dict[str, Any], NDArray[np.float64], NDArray[np.bool_]]]:
    """The published row of the month, and the waits it was made from: seconds watched, and whether the case closed."""
    parsed_stores.clear()
    ages, lasted = generated(seed=17, cases=1500)
    put(parsed_stores, ages, lasted)
    parsed_stores.grow("+agg_case_time_month")
    row = parsed_stores.one("select * from agg_case_time_month where metric = 'close' and clock = 'wall'")
    yield row, np.minimum(ages, lasted).astype(np.float64), lasted <= ages


def test_the_median_of_closed_cases_alone_is_far_too_low_and_the_one_beside_it_is_not(
    seen: tuple[dict[str, Any], NDArray[np.float64], NDArray[np.bool_]],
) -> None:
    row, _, closed = seen
    assert row["cases"] == 1500 and row["censored"] == int((~closed).sum())
    assert row["closed_only_median_seconds"] / DAY < 4.5
    assert row["closed_only_mean_seconds"] < row["rmst_seconds"]
    assert row["km_median_seconds"] / DAY == pytest.approx(TRUE_MEDIAN_DAYS, abs=0.5)
    assert row["km_median_low_seconds"] < TRUE_MEDIAN_DAYS * DAY < row["km_median_high_seconds"]


def test_medians_and_their_intervals_are_those_of_statsmodels(
    seen: tuple[dict[str, Any], NDArray[np.float64], NDArray[np.bool_]],
) -> None:
    row, seconds, closed = seen
    curve = SurvfuncRight(seconds, closed.astype(int))
    times, left, error = curve.surv_times, curve.surv_prob, curve.surv_prob_se
    inside = (left > 0) & (left < 1)
    spread = Z * error[inside] / (left[inside] * np.abs(np.log(left[inside])))
    low, high = left[inside] ** np.exp(spread), left[inside] ** np.exp(-spread)
    assert row["km_median_seconds"] == times[left <= 0.5][0] == curve.quantile(0.5)
    assert row["km_median_low_seconds"] == times[inside][low <= 0.5][0]
    assert row["km_median_high_seconds"] == times[inside][high <= 0.5][0]
    assert row["km_p90_seconds"] is None and left.min() > 0.1


def test_the_restricted_mean_and_its_interval_are_the_area_under_the_curve_of_statsmodels(
    seen: tuple[dict[str, Any], NDArray[np.float64], NDArray[np.bool_]],
) -> None:
    row, seconds, closed = seen
    curve = SurvfuncRight(seconds, closed.astype(int))
    horizon = seconds.max()
    times, events, risk = curve.surv_times, curve.n_events, curve.n_risk
    widths = np.diff(np.concatenate([times, [horizon]]))
    areas = curve.surv_prob * widths
    mean = times[0] + areas.sum()
    after = areas[::-1].cumsum()[::-1]
    error = np.sqrt((after**2 * events / (risk * (risk - events))).sum())
    assert row["horizon_seconds"] == horizon
    assert row["rmst_seconds"] == pytest.approx(mean, rel=1e-12)
    assert row["rmst_low_seconds"] == pytest.approx(mean - Z * error, rel=1e-12)
    assert row["rmst_high_seconds"] == pytest.approx(mean + Z * error, rel=1e-12)
