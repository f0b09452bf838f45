"""Alarms come when something got worse, and not otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.detection.charts.monitor import Alarm, ChartParams, onset_of, watch
from ml.detection.charts.panel import Panel

Floats = NDArray[np.float64]
WEEK = np.array([1.3, 1.1, 1.0, 1.0, 1.0, 0.8, 0.8])
PARAMS = ChartParams(false_alarms_per_year=12)


def counts(series: int, days: int, mean: float, seed: int = 1, dispersion: float = 1.0) -> Floats:
    """Daily counts with a weekday pattern; over-dispersed by a gamma when asked."""
    dice = np.random.default_rng(seed)
    usual = mean * np.tile(WEEK, days // 7 + 1)[:days] * np.ones((series, 1))
    if dispersion > 1:
        scale = (dispersion - 1) / usual
        usual = usual * dice.gamma(1 / scale, scale)
    return dice.poisson(usual).astype(float)


def panel(total: Floats, direction: int = 1, **more: object) -> Panel:
    """Counts out of a thousand customers."""
    return Panel(np.full_like(total, 1000.0), total, direction, **more)  # type: ignore[arg-type]


def alarms_after(alarms: tuple[Alarm, ...], series: int, day: int) -> list[Alarm]:
    """Alarms of a series from a day on."""
    return [alarm for alarm in alarms if alarm.series == series and alarm.day >= day]


@pytest.mark.parametrize("dispersion", [1.0, 2.5])
def test_quiet_series_keep_to_their_budget_of_false_alarms(dispersion: float) -> None:
    found = watch(panel(counts(400, 393, 6.0, dispersion=dispersion)), PARAMS).alarms
    # 12 a year are stated; 24 or more of 12 expected come about once in a thousand years.
    assert len(found) <= 24


def test_a_lasting_rise_by_a_half_is_found_within_a_week_with_its_onset() -> None:
    total = counts(30, 200, 20.0)
    dice = np.random.default_rng(8)
    total[4, 150:] += dice.poisson(10.0, 50)
    (alarm, *_) = alarms_after(watch(panel(total), PARAMS).alarms, 4, 150)
    assert alarm.day <= 157
    assert alarm.onset_low <= 150 <= alarm.onset_high
    assert alarm.observed > alarm.expected
    assert alarm.p < 1e-3 and 0 <= alarm.q <= 1


def test_an_improvement_raises_no_alarm_and_neither_does_its_mirror_image() -> None:
    total = counts(20, 200, 20.0)
    total[:, 150:] = np.floor(total[:, 150:] / 2)
    assert alarms_after(watch(panel(total), PARAMS).alarms, 3, 150) == []
    scores = -total
    assert (
        alarms_after(watch(Panel(np.full_like(scores, 20.0), -scores, -1, squares=total**2), PARAMS).alarms, 3, 200)
        == []
    )


def test_a_lasting_alarm_is_raised_once_and_the_new_level_becomes_the_usual() -> None:
    total = counts(20, 330, 20.0)
    total[2, 150:] = counts(1, 330, 60.0, seed=2)[0, 150:]
    found = alarms_after(watch(panel(total), PARAMS).alarms, 2, 150)
    assert 1 <= len(found) <= 2
    assert all(alarm.day < 230 for alarm in found)


def test_a_much_worse_day_within_an_alarm_is_told_again() -> None:
    total = counts(20, 200, 20.0)
    total[2, 150:] += 15
    total[2, 160] += 400
    days = [alarm.day for alarm in alarms_after(watch(panel(total), PARAMS).alarms, 2, 150)]
    assert len(days) >= 2 and 160 in days


def test_looking_day_by_day_gives_the_alarms_of_one_look_at_the_end() -> None:
    total = counts(12, 160, 8.0, dispersion=1.5)
    total[5, 120:] *= 2
    whole = watch(panel(total), PARAMS).alarms
    for end in (110, 121, 125, 140):
        seen = watch(panel(total[:, :end]), PARAMS).alarms
        assert [(a.series, a.day, a.onset) for a in seen] == [(a.series, a.day, a.onset) for a in whole if a.day < end]


def test_a_day_delivered_twice_is_no_breakdown_and_a_second_such_day_is_believed() -> None:
    total = counts(40, 200, 15.0)
    twice = total.copy()
    twice[:, 170] *= 2
    watched = watch(panel(twice), PARAMS)
    assert watched.doubled_days == (170,)
    assert not any(alarm.day in (170, 171) for alarm in watched.alarms)
    twice[:, 171:] *= 2
    assert any(alarm.day <= 173 for alarm in watch(panel(twice), PARAMS).alarms if alarm.day >= 170)


def test_one_series_that_doubles_is_a_breakdown_and_no_double_delivery() -> None:
    total = counts(40, 200, 30.0)
    total[7, 170:] *= 2
    watched = watch(panel(total), PARAMS)
    assert watched.doubled_days == ()
    assert alarms_after(watched.alarms, 7, 170)


def test_other_customers_alone_raise_no_alarm_where_the_groups_are_watched() -> None:
    dice = np.random.default_rng(3)
    calm, cross = np.full((1, 220), 60.0), np.full((1, 220), 20.0)
    calm[0, 150:], cross[0, 150:] = 25.0, 55.0
    n = np.vstack([calm, cross])
    bad = np.vstack([dice.binomial(n[0].astype(int), 0.1), dice.binomial(n[1].astype(int), 0.4)]).astype(float)
    whole = Panel(
        np.vstack([n, n.sum(axis=0)]), np.vstack([bad, bad.sum(axis=0)]), 1, squares=np.vstack([bad, bad.sum(axis=0)])
    )
    assert alarms_after(watch(whole, PARAMS).alarms, 2, 150)
    assert alarms_after(watch(whole, PARAMS, [None, None, np.array([0, 1])]).alarms, 2, 150) == []


def test_days_that_were_not_delivered_are_not_zero() -> None:
    total = counts(10, 200, 20.0)
    valid = np.ones(200, dtype=bool)
    valid[150:157] = False
    total[:, 150:157] = 0
    low = Panel(np.full_like(total, 1000.0), total, -1, valid=valid)
    assert not [alarm for alarm in watch(low, PARAMS).alarms if 150 <= alarm.day < 165]


def test_too_few_events_make_no_alarm() -> None:
    total = np.zeros((5, 200))
    total[:, ::20] = 1
    total[0, 180] = 4
    assert watch(panel(total), ChartParams(false_alarms_per_year=12, min_n=8)).alarms == ()


def test_a_count_begins_with_its_first_event() -> None:
    total = counts(10, 200, 20.0)
    total[3, :100] = 0
    assert alarms_after(watch(panel(total), PARAMS).alarms, 3, 0) == []


def test_thin_children_lean_on_their_parent_before_they_have_a_past_of_their_own() -> None:
    dice = np.random.default_rng(5)
    children = dice.poisson(0.4, (6, 120)).astype(float)
    children[5, :60] = 0
    whole = np.vstack([children.sum(axis=0, keepdims=True), children])
    n = np.vstack([np.full((1, 120), 6000.0), np.full((6, 120), 1000.0)])
    leaning = Panel(n, whole, 1, parent=np.array([-1, 0, 0, 0, 0, 0, 0]))
    assert watch(leaning, PARAMS).alarms == ()


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        Panel(np.ones((2, 3)), np.ones((3, 2)), 1)
    with pytest.raises(ValueError, match="negative"):
        Panel(np.ones((1, 1)), -np.ones((1, 1)), 1)
    with pytest.raises(ValueError, match="before its children"):
        Panel(np.ones((2, 1)), np.ones((2, 1)), 1, parent=np.array([1, -1]))
    with pytest.raises(ValueError, match="must be positive"):
        watch(panel(np.ones((1, 3))), ChartParams(false_alarms_per_year=0))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([1.0, 7.0, 1000.0]))
def test_the_unit_of_exposure_changes_nothing(seed: int, scale: float) -> None:
    total = counts(4, 90, 5.0, seed=seed)
    total[1, 70:] *= 2
    one = watch(Panel(np.ones_like(total), total, 1), PARAMS).scores
    other = watch(Panel(np.full_like(total, scale), total, 1), PARAMS).scores
    assert np.allclose(one, other, equal_nan=True, atol=1e-6)


@given(st.integers(5, 50), st.floats(1.0, 3.0))
def test_the_onset_of_a_clean_step_is_where_it_began(length: int, size: float) -> None:
    scores = np.concatenate([np.zeros(60), np.full(length, size)])
    onset, low, high = onset_of(scores)
    assert onset == 60 if length < 60 else True
    assert low <= onset <= high
