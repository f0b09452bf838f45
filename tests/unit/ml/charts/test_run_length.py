"""Run lengths against published values and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from ml.detection.charts.bank import ALLOWANCES, CHARTS, LAMBDA, TAIL, TAIL_QUANTILES, Bank, limits_for
from ml.detection.charts.run_length import arl_cusum, arl_ewma, arl_shewhart, limit_cusum, limit_ewma

# Montgomery, Introduction to Statistical Quality Control, and Lucas and Saccucci 1990: two-sided EWMA(.1, 2.703).
PUBLISHED = {0.0: 372, 0.25: 90, 0.5: 28, 1.0: 9.7, 1.5: 5.8, 2.0: 4.2, 3.0: 2.8}


@pytest.mark.parametrize(("shift", "days"), PUBLISHED.items())
def test_an_ewma_runs_as_long_as_published(shift: float, days: float) -> None:
    assert arl_ewma(0.1, 2.703, shift, two_sided=True) == pytest.approx(days, rel=0.015)


def test_a_two_sided_cusum_is_half_as_long_as_one_side() -> None:
    assert arl_cusum(0.5, 5.0) / 2 == pytest.approx(465, rel=0.01)
    assert arl_cusum(0.5, 5.0, 1.0) == pytest.approx(10.4, rel=0.01)


def test_a_three_sigma_chart_waits_44_days_for_one_sigma() -> None:
    assert arl_shewhart(3.0, two_sided=True) == pytest.approx(370.4, rel=0.001)
    assert arl_shewhart(3.0, 1.0, two_sided=True) == pytest.approx(43.9, rel=0.01)


@pytest.mark.parametrize("run_length", [50.0, 370.0, 20_000.0, 1e7])
def test_a_limit_gives_back_the_run_length_it_was_solved_for(run_length: float) -> None:
    assert arl_cusum(0.25, limit_cusum(0.25, run_length)) == pytest.approx(run_length, rel=0.03)
    assert arl_ewma(0.1, limit_ewma(0.1, run_length)) == pytest.approx(run_length, rel=0.05)


def test_no_chart_alarms_every_other_day() -> None:
    with pytest.raises(ValueError, match="2 days or more"):
        limit_cusum(0.5, 1.0)


def simulated(series: int, days: int, seed: int) -> Bank:
    """A bank on independent normal scores."""
    dice, bank = np.random.default_rng(seed), Bank(series)
    for _ in range(days):
        bank.take(dice.standard_normal(series))
    return bank


def test_the_bank_runs_at_least_as_long_as_stated_and_not_twice_as_long() -> None:
    dice, bank, alarms = np.random.default_rng(4), Bank(4_000), np.zeros(4_000, dtype=bool)
    lasted = np.full(4_000, 400.0)
    for day in range(400):
        bank.take(dice.standard_normal(4_000))
        fresh = (bank.levels(200.0, np.ones(CHARTS)).max(axis=0) >= 1) & ~alarms
        lasted[fresh], alarms = day + 1, alarms | fresh
    # Run lengths are nearly geometric: the share that alarmed within 400 days tells their mean.
    mean = -400 / np.log(1 - alarms.mean())
    assert 200 <= mean <= 400


def test_tail_quantiles_are_those_of_charts_in_control() -> None:
    found = np.quantile(simulated(40_000, 500, 9).statistics(), 1 - TAIL, axis=1)
    assert found == pytest.approx(np.array(TAIL_QUANTILES), rel=0.03)


def test_limits_are_in_the_order_of_the_statistics() -> None:
    assert len(limits_for(1000.0)) == CHARTS == len(simulated(3, 5, 1).statistics())
    assert len(ALLOWANCES) == 2 and 0 < LAMBDA < 1


def test_a_rarer_statistic_stands_for_a_longer_run() -> None:
    bank = Bank(2)
    for _ in range(6):
        bank.take(np.array([0.5, 2.5]))
    ones = np.ones(CHARTS)
    assert bank.rarity(1, ones) > 100 * bank.rarity(0, ones)
    assert bank.rarity(1, 2 * ones) < bank.rarity(1, ones)
