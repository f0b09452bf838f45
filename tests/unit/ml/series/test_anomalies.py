"""Scores of a stream: causal, silent on the ordinary, loud once on what was never seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.detection.series import ALARM, DAILY, anomaly_scores

FIVE_MINUTES = np.datetime64("2024-03-01T00:00") + np.arange(3000) * np.timedelta64(5, "m")
DAYS = np.datetime64("2024-01-01") + np.arange(364)
WEEK = np.tile([1.0, 1.0, 1.0, 1.0, 1.0, 0.6, 0.4], 52)


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def alarms(scores: np.ndarray) -> list[int]:
    return np.flatnonzero(scores >= ALARM).tolist()


def test_a_far_value_alarms_at_once_and_its_repetition_is_not_told_again() -> None:
    values = noise(1500)
    values[[1200, 1250, 1300]] += 15.0
    assert [t for t in alarms(anomaly_scores(values)) if 1195 <= t < 1400] == [1200]


def test_a_far_plateau_is_told_a_few_times_while_its_means_rise_and_then_no_more() -> None:
    values = noise(1500)
    values[1200:1230] += 12.0
    told = [t for t in alarms(anomaly_scores(values)) if 1195 <= t < 1400]
    assert told[0] == 1200
    assert len(told) <= 6
    assert told[-1] < 1212


def test_a_shift_of_three_deviations_is_found_within_twelve_points() -> None:
    values = noise(1500, seed=3)
    values[1000:] += 3.0
    assert any(1000 <= t < 1012 for t in alarms(anomaly_scores(values)))


def test_a_score_does_not_change_when_later_values_come() -> None:
    values = noise(900) + 0.01 * np.arange(900)
    whole = anomaly_scores(values, timestamps=FIVE_MINUTES[:900])
    for n in (150, 400, 777):
        assert np.array_equal(anomaly_scores(values[:n], timestamps=FIVE_MINUTES[:n]), whole[:n])


def test_a_day_without_its_usual_peak_alarms_though_its_values_are_ordinary() -> None:
    day = np.sin(np.arange(288) / 288 * 2 * np.pi)
    values = np.tile(day, 11)[:3000] + 0.02 * noise(3000)
    assert [t for t in alarms(anomaly_scores(values, timestamps=FIVE_MINUTES)) if t >= 2 * 288] == []
    values[2592 + 40 : 2592 + 104] = 0.0
    assert any(2632 <= t < 2696 for t in alarms(anomaly_scores(values, timestamps=FIVE_MINUTES)))


def test_quiet_weekly_counts_alarm_at_most_three_times_a_year_each() -> None:
    rng = np.random.default_rng(4)
    told = [
        len(alarms(anomaly_scores(rng.poisson(50 * WEEK).astype(float), timestamps=DAYS, kind=DAILY)))
        for _ in range(40)
    ]
    assert np.mean(told) <= 3.0


def test_a_source_that_falls_silent_alarms_within_a_week() -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        values = rng.poisson(50 * WEEK).astype(float)
        values[300:] = 0.0
        assert any(300 <= t < 307 for t in alarms(anomaly_scores(values, timestamps=DAYS, kind=DAILY)))


def test_missing_values_score_zero_and_do_not_hide_what_follows() -> None:
    values = noise(1500)
    values[::7] = np.nan
    values[1201] = 15.0
    scores = anomaly_scores(values)
    assert np.isfinite(scores).all()
    assert not scores[np.isnan(values)].any()
    assert scores[1201] >= ALARM


@pytest.mark.parametrize("level", [0.0, 7.0, -1e9, 0.1])
def test_a_constant_series_scores_zero_until_it_moves(level: float) -> None:
    values = np.full(500, level)
    assert not anomaly_scores(values, timestamps=FIVE_MINUTES[:500]).any()
    values[400] = level + 1.0
    assert alarms(anomaly_scores(values, timestamps=FIVE_MINUTES[:500])) == [400]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_scaling_and_shifting_values_changes_no_score(seed: int, scale: float, shift: float) -> None:
    values = np.random.default_rng(seed).standard_t(3, 400)
    moved = anomaly_scores(values * scale + shift * scale)
    assert np.allclose(moved, anomaly_scores(values), atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6)), max_size=300))
def test_any_finite_or_missing_values_give_scores_from_zero_to_one(values: list[float]) -> None:
    scores = anomaly_scores(values, kind=DAILY)
    assert scores.shape == (len(values),)
    assert ((scores >= 0.0) & (scores <= 1.0)).all()


def test_infinite_values_and_too_few_timestamps_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        anomaly_scores([1.0, np.inf])
    with pytest.raises(ValueError, match="timestamps"):
        anomaly_scores(noise(200), timestamps=FIVE_MINUTES[:10])
