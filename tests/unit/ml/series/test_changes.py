"""Change points of a whole series, an onset with its interval, and what a watched volume tells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.detection.series import change_points, onset, watch

DAYS = np.datetime64("2024-01-01") + np.arange(364)
WEEK = np.tile([1.0, 1.0, 1.0, 1.0, 1.0, 0.6, 0.4], 52)


def stepped(seed: int, n: int = 200, at: int = 120, step: float = 2.5) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=n)
    values[at:] += step
    return values


def test_a_step_is_found_within_three_points() -> None:
    found = [change_points(stepped(seed)) for seed in range(30)]
    assert sum(len(marks) == 1 and abs(marks[0] - 120) <= 3 for marks in found) >= 27


def test_noise_of_any_tail_has_no_change() -> None:
    rng = np.random.default_rng(1)
    series = [*rng.normal(size=(30, 300)), *rng.poisson(3, size=(30, 300)), *rng.standard_t(3, size=(30, 300))]
    assert sum(len(change_points(values)) > 0 for values in series) <= 1


def test_a_season_and_a_steady_trend_are_no_changes() -> None:
    rng = np.random.default_rng(2)
    assert change_points(rng.poisson(60 * WEEK).astype(float)) == ()
    assert change_points(0.05 * np.arange(300) + rng.normal(size=300)) == ()


def test_a_bend_in_a_trend_is_found_as_one_change() -> None:
    t = np.arange(200)
    values = np.where(t < 100, t, 200.0 - t) + np.random.default_rng(3).normal(size=200)
    marks = change_points(values)
    assert len(marks) == 1
    assert abs(marks[0] - 100) <= 5


def test_one_wild_point_is_no_change() -> None:
    values = np.random.default_rng(4).normal(size=200)
    values[77] = 1e4
    assert change_points(values) == ()


def test_missing_points_are_left_out_and_indices_stay_those_of_the_series() -> None:
    values = stepped(5)
    values[30:60] = np.nan
    values[121] = np.nan
    (mark,) = change_points(values)
    assert abs(mark - 120) <= 3


@pytest.mark.parametrize("values", [[], [1.0], [2.0] * 50, [np.nan] * 20, [np.nan, 1.0, 2.0, np.nan]])
def test_nothing_to_tell_gives_no_change(values: list[float]) -> None:
    assert change_points(values) == ()


def test_a_long_series_is_answered_to_within_a_block() -> None:
    marks = change_points(stepped(6, n=12_000, at=7_000))
    assert len(marks) == 1
    assert abs(marks[0] - 7_000) <= 8


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 500), st.floats(1e-3, 1e3), st.floats(-100.0, 100.0))
def test_scaling_and_shifting_values_moves_no_change(seed: int, scale: float, shift: float) -> None:
    values = stepped(seed, n=100, at=60, step=4.0)
    assert change_points(scale * (values + shift)) == change_points(values)


def test_the_interval_of_an_onset_holds_the_true_day_nineteen_times_in_twenty() -> None:
    told = [onset(stepped(seed, n=115, at=100, step=2.0), 112) for seed in range(300)]
    held = [dated.low <= 100 <= dated.high for dated in told if dated is not None]
    assert len(held) >= 200
    assert np.mean(held) >= 0.93


def test_no_onset_is_made_up_where_one_level_explains_everything() -> None:
    rng = np.random.default_rng(7)
    assert sum(onset(rng.normal(size=100), 99) is not None for _ in range(200)) <= 8
    assert onset([3.0] * 50, 49) is None
    with pytest.raises(ValueError, match="outside"):
        onset([1.0, 2.0], 2)


def test_a_doubled_day_is_a_sudden_point_and_no_lasting_change() -> None:
    values = np.random.default_rng(8).poisson(500 * WEEK).astype(float)
    values[301] *= 2.0
    found = [finding for finding in watch(values, timestamps=DAYS) if finding.index >= 290]
    assert [(finding.index, finding.kind) for finding in found] == [(301, "sudden")]
    assert found[0].after == values[301]


def test_a_source_that_loses_half_its_volume_is_dated_with_an_interval() -> None:
    values = np.random.default_rng(9).poisson(200 * WEEK).astype(float)
    values[250:] = np.round(values[250:] / 2.0)
    (lasting,) = [finding for finding in watch(values, timestamps=DAYS) if finding.kind == "lasting"]
    assert abs(lasting.index - 250) <= 3
    assert lasting.low is not None
    assert lasting.high is not None
    assert lasting.low <= 250 <= lasting.high
    assert lasting.after == pytest.approx(lasting.before / 2.0, rel=0.1)
