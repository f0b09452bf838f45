"""With too few hands, cases get the arms that together are worth most, and the price of an hour is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.recovery.budget import per_minute, within_budget


def cases(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Values and minutes of doing nothing and three arms."""
    rng = np.random.default_rng(seed)
    minutes = np.column_stack([np.zeros(n), rng.uniform(5, 20, n), rng.uniform(15, 40, n), rng.uniform(60, 120, n)])
    value = np.column_stack([np.zeros(n), rng.normal(2, 6, n), rng.normal(5, 10, n), rng.normal(8, 20, n)])
    value[rng.random((n, 4)) < 0.15] = -np.inf
    value[:, 0] = 0.0
    return value, minutes


@given(st.integers(0, 5000), st.integers(1, 6), st.floats(0, 300))
@settings(max_examples=60)
def test_no_assignment_is_worth_more_than_the_bound_and_ours_fits_the_budget(seed: int, n: int, budget: float) -> None:
    value, minutes = cases(n, seed)
    rows = np.arange(n)
    found = within_budget(value, minutes, budget)
    assert minutes[rows, found.action].sum() <= budget + 1e-9
    assert found.value_usd == pytest.approx(value[rows, found.action].sum())
    best = max(
        value[rows, list(arms)].sum()
        for arms in itertools.product(range(4), repeat=n)
        if minutes[rows, list(arms)].sum() <= budget
    )
    assert found.value_usd <= best + 1e-9 <= found.bound_usd + 1e-6


def test_among_many_cases_next_to_nothing_is_missed() -> None:
    value, minutes = cases(20_000, 1)
    found = within_budget(value, minutes, 100_000)
    assert 0 <= found.gap < 1e-4
    assert found.minutes > 99_990


def test_the_price_of_an_hour_is_what_an_hour_more_brings() -> None:
    value, minutes = cases(20_000, 2)
    found, more = within_budget(value, minutes, 100_000), within_budget(value, minutes, 106_000)
    assert (more.value_usd - found.value_usd) / 100 == pytest.approx(found.hour_usd, rel=0.02)


def test_more_time_is_never_worth_less_and_its_price_falls() -> None:
    value, minutes = cases(3000, 3)
    found = [within_budget(value, minutes, budget) for budget in (5_000, 20_000, 60_000, 1e9)]
    assert [one.value_usd for one in found] == sorted(one.value_usd for one in found)
    assert [one.hour_usd for one in found] == sorted((one.hour_usd for one in found), reverse=True)
    assert (found[-1].hour_usd, found[-1].gap) == (0.0, 0.0)


def test_an_arm_that_may_not_be_used_is_never_given() -> None:
    value, minutes = cases(2000, 4)
    found = within_budget(value, minutes, 8_000)
    assert np.isfinite(value[np.arange(2000), found.action]).all()


def test_a_budget_below_what_must_be_done_is_refused_with_both_figures() -> None:
    value, minutes = np.array([[-np.inf, 1.0]]), np.array([[0.0, 30.0]])
    with pytest.raises(ValueError, match="take 30 minutes, the budget is 10"):
        within_budget(value, minutes, 10)


def test_a_case_without_any_arm_is_refused() -> None:
    with pytest.raises(ValueError, match="no arm"):
        within_budget(np.array([[-np.inf, -np.inf]]), np.ones((1, 2)), 10)


def test_cases_are_worked_by_value_per_minute_and_unknown_ones_last() -> None:
    assert per_minute(np.array([10.0, np.nan, 30.0, -5.0]), np.array([10.0, 1.0, 60.0, 5.0])).tolist() == [0, 2, 3, 1]
