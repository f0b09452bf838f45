"""Recovery NPS on answers whose truth is planted: the published simulation of detractors for whom nothing works."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.recovery.regression_to_mean import NpsPairs, nps_value, recovery_nps

Floats = NDArray[np.float64]


def answers(random: np.random.Generator, n: int, *, shift: float = 0.0) -> tuple[Floats, Floats]:
    """Two answers of n customers on 0 to 10 whose test-retest correlation is 0.48; the second is moved by `shift`."""
    mood = random.normal(0, np.sqrt(0.5), n)
    first, second = (7.3 + 2.25 * (mood + random.normal(0, np.sqrt(0.5), n)) for _ in range(2))
    return np.clip(np.rint(first), 0, 10), np.clip(np.rint(second + shift), 0, 10)


def detractors(seed: int, n: int = 6000, *, shift: float = 0.0, answering: float = 1.0, happy: float = 0.0) -> NpsPairs:
    """Detractors, half of them treated with an effect of `shift`, and repeats of everybody else who was left alone."""
    random = np.random.default_rng(seed)
    before, after = answers(random, n)
    low = np.flatnonzero(before <= 6)
    treated = random.random(len(low)) < 0.5
    second = np.where(treated, np.clip(after[low] + shift, 0, 10), after[low])
    odds = np.log(answering / (1 - answering)) if answering < 1 else np.inf
    heard = random.random(len(low)) < 1 / (1 + np.exp(-(odds + happy * (second - 6))))
    first, again = answers(random, n)
    return NpsPairs(
        customer=low,
        before=before[low],
        after=np.where(heard, second, np.nan),
        treated=treated,
        weight=np.ones(len(low)),
        repeat_customer=n + np.arange(n),
        first=first,
        second=again,
    )


def test_detractors_nothing_was_done_for_seem_to_recover_and_neither_lift_believes_it() -> None:
    """FEATURES 6.1: with a test-retest of 0.48 detractors go from -100 to -43 on their own, 44 % no longer are."""
    first, second = answers(np.random.default_rng(5), 200_000)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0.48, abs=0.01)
    low = first <= 6
    assert nps_value(second[low]).mean() == pytest.approx(-43, abs=2)
    assert (second[low] > 6).mean() == pytest.approx(0.44, abs=0.015)
    found = recovery_nps(detractors(1))
    assert (found.before, found.naive > 50) == (-100, True)
    assert found.after == pytest.approx(-43, abs=5)
    assert found.expected_control == pytest.approx(-43, abs=5)
    assert found.expected_reliability == pytest.approx(-43, abs=3)
    assert found.lift_low < 0 < found.lift_high
    assert found.lift_reliability_low < 0 < found.lift_reliability_high


def test_intervals_cover_no_lift_about_as_often_as_they_promise() -> None:
    found = [recovery_nps(detractors(seed, 1500), draws=299) for seed in range(80)]
    for low, high in (("lift_low", "lift_high"), ("lift_reliability_low", "lift_reliability_high")):
        covered = np.mean([getattr(one, low) <= 0 <= getattr(one, high) for one in found])
        assert 0.88 <= covered <= 1.0
    assert min(one.naive for one in found) > 30


def test_a_real_lift_is_found_beside_what_would_have_come_anyway() -> None:
    worlds = [(detractors(seed, 3000, shift=2.0), detractors(seed, 3000)) for seed in range(30)]
    found = [recovery_nps(moved, draws=299) for moved, _ in worlds]
    real = float(
        np.mean([(nps_value(moved.after) - nps_value(same.after))[moved.treated].mean() for moved, same in worlds])
    )
    assert real > 50
    assert np.mean([one.lift for one in found]) == pytest.approx(real, abs=2)
    assert np.mean([one.lift_low <= real <= one.lift_high for one in found]) >= 0.85
    assert np.mean([one.lift_reliability_low <= real <= one.lift_reliability_high for one in found]) >= 0.85
    assert min(one.naive for one in found) > real + 30


def test_silence_of_the_unhappy_flatters_the_naive_figure_and_the_bounds_say_how_little_is_known() -> None:
    """The same world with 20 % answering, the happier the more: -100 becomes far better than -43, and no lift is there."""
    found = recovery_nps(detractors(2, answering=0.2, happy=0.45))
    assert 0.1 < found.response_rate < 0.4
    assert found.after > -20
    assert found.lift_worst < 0 < found.lift_best
    assert found.after_worst < -43 < found.after_best
    assert found.lift_low < 0 < found.lift_high


def test_those_left_alone_are_brought_to_the_same_first_answer() -> None:
    """Treated detractors against all others left alone: subtracting changes as they are would invent a lift."""
    random = np.random.default_rng(9)
    before, after = answers(random, 8000)
    treated = (before <= 6) & (random.random(8000) < 0.7)
    first, second = answers(random, 8000)
    found = recovery_nps(
        NpsPairs(np.arange(8000), before, after, treated, np.ones(8000), 8000 + np.arange(8000), first, second)
    )
    plain = found.naive - float((nps_value(after) - nps_value(before))[~treated].mean())
    assert plain > 40
    assert abs(found.lift) < 5
    assert found.lift_low < 0 < found.lift_high


def test_the_same_customer_in_many_attempts_widens_the_interval() -> None:
    pairs = detractors(4, 3000)
    many = replace(pairs, customer=pairs.customer[np.arange(len(pairs.customer)) // 20])
    order = np.argsort(np.where(pairs.treated, pairs.after, pairs.after + 20))
    arrays = ("before", "after", "treated", "weight")
    sorted_pairs = replace(many, **{name: getattr(many, name)[order] for name in arrays})
    alone, together = recovery_nps(pairs), recovery_nps(sorted_pairs)
    assert together.lift_high - together.lift_low > 2 * (alone.lift_high - alone.lift_low)


def test_weights_make_those_left_alone_count_for_the_kind_of_customer_that_was_treated() -> None:
    """Among those left alone the easy cases answer well; weighted to the mix of the treated, the lift is none."""
    random = np.random.default_rng(6)
    n = 8000
    hard = random.random(n) < 0.5
    before, after = answers(random, n)
    after = np.clip(after - 3 * hard, 0, 10)
    treated = random.random(n) < np.where(hard, 0.8, 0.2)
    first, second = answers(random, n)
    pairs = NpsPairs(np.arange(n), before, after, treated, np.ones(n), n + np.arange(n), first, second)
    assert recovery_nps(pairs).lift_high < 0
    fair = recovery_nps(replace(pairs, weight=np.where(hard, 4.0, 0.25)))
    assert fair.lift_low < 0 < fair.lift_high


def test_where_too_few_answered_there_is_a_reason_and_no_lift() -> None:
    pairs = detractors(7)
    few = recovery_nps(replace(pairs, after=np.where(np.arange(len(pairs.after)) < 20, pairs.after, np.nan)))
    assert few.reason is not None and few.reason.endswith("treated customers answered before and after: 20 are needed")
    assert np.isnan([few.lift, few.lift_low, few.lift_reliability, few.after_low]).all()
    alone = recovery_nps(replace(pairs, after=np.where(pairs.treated, pairs.after, np.nan)))
    assert alone.reason == "0 customers who were left alone answered before and after: 20 are needed"
    assert np.isnan([alone.lift, alone.lift_low, alone.expected_control, alone.lift_worst]).all()
    assert alone.lift_reliability_low < 0 < alone.lift_reliability_high
    unrepeated = recovery_nps(
        replace(pairs, repeat_customer=np.empty(0, dtype=np.int64), first=np.empty(0), second=np.empty(0))
    )
    assert unrepeated.reason is None and unrepeated.lift_low < 0 < unrepeated.lift_high
    assert unrepeated.reason_reliability == "0 customers answered twice with nothing done between: 100 are needed"
    assert np.isnan([unrepeated.lift_reliability, unrepeated.expected_reliability]).all()


def test_the_same_seed_gives_the_same_interval() -> None:
    pairs = detractors(8, 1000)
    assert recovery_nps(pairs, seed=3) == recovery_nps(pairs, seed=3)
    assert recovery_nps(pairs, seed=3) != recovery_nps(pairs, seed=4)


def test_what_cannot_be_is_refused() -> None:
    pairs = detractors(1, 400)
    with pytest.raises(ValueError, match="between 0 and 10"):
        recovery_nps(replace(pairs, before=pairs.before + 20))
    with pytest.raises(ValueError, match="of one length"):
        recovery_nps(replace(pairs, after=pairs.after[1:]))
    with pytest.raises(ValueError, match="nobody was treated"):
        recovery_nps(replace(pairs, treated=np.zeros_like(pairs.treated)))
