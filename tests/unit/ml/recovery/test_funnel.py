"""Funnel limits and tail probabilities agree with the exact distributions and with each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm
from statsmodels.stats.multitest import multipletests

from ml.recovery.funnel import Chance, holm


def shares(n: np.ndarray, share: np.ndarray) -> Chance:
    return Chance(share, np.sqrt(share * (1 - share) / n), np.zeros(len(n)), is_share=True)


@given(st.integers(1, 400), st.floats(0.02, 0.98), st.data())
def test_tails_of_a_share_are_those_of_the_binomial(n: int, share: float, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    chance = shares(np.array([float(n)]), np.array([share]))
    seen = np.array([k / n])
    assert chance.below(seen)[0] == pytest.approx(binom.cdf(k, n, share), rel=1e-6, abs=1e-12)
    assert chance.above(seen)[0] == pytest.approx(binom.sf(k - 1, n, share), rel=1e-6, abs=1e-12)


@given(st.integers(5, 2000), st.floats(0.05, 0.95), st.sampled_from([0.95, 0.998]))
def test_who_lies_on_a_limit_has_its_tail_probability(n: int, share: float, level: float) -> None:
    chance = shares(np.array([float(n)]), np.array([share]))
    low, high = chance.limits(level)
    assert low[0] < share < high[0]
    if low[0] > 0:
        assert chance.below(low)[0] == pytest.approx((1 - level) / 2, rel=1e-6)
    if high[0] < 1:
        assert chance.above(high)[0] == pytest.approx((1 - level) / 2, rel=1e-6)


def test_limits_narrow_with_cases_and_hold_the_promised_part_of_alike_units() -> None:
    n, share = np.array([20.0, 80.0, 320.0, 1280.0]), np.full(4, 0.6)
    low, high = shares(n, share).limits(0.95)
    assert (np.diff(high - low) < 0).all()
    seen = np.random.default_rng(0).binomial(n.astype(int), 0.6, (20_000, 4)) / n
    inside = ((seen >= low) & (seen <= high)).mean(axis=0)
    assert (inside >= 0.945).all() and inside[-1] == pytest.approx(0.95, abs=0.01)


def test_over_dispersion_widens_the_limits() -> None:
    plain = shares(np.array([100.0]), np.array([0.6]))
    wide = Chance(plain.expected, plain.se * 2, plain.skew, is_share=True)
    assert wide.limits(0.95)[1][0] - 0.6 == pytest.approx(2 * (plain.limits(0.95)[1][0] - 0.6), rel=0.1)


def test_amounts_without_skewness_have_normal_limits_and_skew_ones_lean_to_the_long_side() -> None:
    even = Chance(np.array([10.0]), np.array([2.0]), np.array([0.0]), is_share=False)
    low, high = even.limits(0.95)
    assert (low[0], high[0]) == pytest.approx((10 - 2 * norm.ppf(0.975), 10 + 2 * norm.ppf(0.975)))
    skew = Chance(even.expected, even.se, np.array([0.8]), is_share=False)
    low, high = skew.limits(0.95)
    assert high[0] - 10 > 10 - low[0]
    assert skew.interval(np.array([10.0]), 0.95)[0][0] < 10 < skew.interval(np.array([10.0]), 0.95)[1][0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    assert holm(np.array(p)) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)


def test_holm_leaves_out_what_is_not_known() -> None:
    assert np.array_equal(holm(np.array([np.nan, 0.02, 0.5])), [np.nan, 0.04, 0.5], equal_nan=True)
