"""Learned skills: shrunk as far as chance reaches, against scipy and against planted people."""

from __future__ import annotations

import random
from statistics import mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from models.skills import MIN_PEOPLE, LearnedSkill, Tally, beta_quantile, beta_share, fit_prior, learned_skill

CAUSE = "fee_dispute"
loose = settings(deadline=None, max_examples=40)
counts = st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
tallies = st.lists(
    st.builds(
        lambda who, cause, kn: Tally(who, cause, *kn),
        st.sampled_from([f"E{k}" for k in range(9)]), st.sampled_from([CAUSE, "late_card"]), counts,
    ),
    max_size=25,
)  # fmt: skip


def planted(seed: int, people: int, a: float, b: float, trials: tuple[int, int]) -> tuple[np.ndarray, list[Tally]]:
    """True rates of people drawn from Beta(a, b), and the tallies of cases that end by them."""
    rng = np.random.default_rng(seed)
    truth = rng.beta(a, b, people)
    n = rng.integers(*trials, people)
    k = rng.binomial(n, truth)
    return truth, [Tally(f"E{i:03d}", CAUSE, int(k[i]), int(n[i])) for i in range(people)]


@given(st.floats(0, 1), st.floats(0.05, 5_000), st.floats(0.05, 5_000))
def test_the_share_below_a_value_is_scipys(x: float, a: float, b: float) -> None:
    assert beta_share(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), abs=1e-9)


@loose
@given(st.floats(0.001, 0.999), st.floats(0.5, 5_000), st.floats(0.5, 5_000))
def test_quantiles_are_scipys(q: float, a: float, b: float) -> None:
    assert beta_quantile(q, a, b) == pytest.approx(stats.beta.ppf(q, a, b), abs=2e-7)


@pytest.mark.parametrize(("a", "b"), [(3.0, 2.0), (30.0, 10.0), (1.0, 4.0)])
def test_the_prior_is_the_likeliest_one_by_scipy(a: float, b: float) -> None:
    _, found = planted(7, 80, a, b, (5, 80))
    pairs = [(t.successes, t.trials) for t in found]
    ours = fit_prior(pairs)
    share = (sum(k for k, _ in pairs) + 0.5) / (sum(n for _, n in pairs) + 1)

    def loss(log_size: float) -> float:
        size = np.exp(log_size)
        return -sum(stats.betabinom.logpmf(k, n, share * size, (1 - share) * size) for k, n in pairs)

    best = optimize.minimize_scalar(loss, bounds=(0.0, np.log(10_000)), method="bounded", options={"xatol": 1e-8})
    assert np.log(sum(ours)) == pytest.approx(best.x, abs=1e-3)
    assert ours[0] / sum(ours) == pytest.approx(share)


@loose
@given(tallies, st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_slicing_of_the_tallies_matters(found: list[Tally], rng: random.Random) -> None:
    pieces = [
        Tally(t.employee_id, t.cause_id, *kn)
        for t in found
        for kn in ((t.successes, t.successes), (0, t.trials - t.successes))
    ]
    rng.shuffle(pieces)
    assert learned_skill(pieces) == learned_skill(found)


@loose
@given(tallies)
def test_a_learned_rate_lies_between_the_own_rate_and_the_groups_and_inside_its_interval(found: list[Tally]) -> None:
    for skill in learned_skill(found):
        mine = [t for t in found if (t.employee_id, t.cause_id) == (skill.employee_id, skill.cause_id)]
        raw = sum(t.successes for t in mine) / sum(t.trials for t in mine)
        low, high = sorted((raw, skill.group_rate))
        assert low - 1e-12 <= skill.rate <= high + 1e-12
        assert 0 <= skill.low < skill.high <= 1
        assert skill.trials == sum(t.trials for t in mine)


@loose
@given(tallies, st.sets(st.sampled_from([f"E{k}" for k in range(9)])))
def test_who_opts_out_is_as_if_their_cases_had_not_been(found: list[Tally], out: set[str]) -> None:
    learned = learned_skill(found, opted_out=out)
    assert learned == learned_skill([t for t in found if t.employee_id not in out])
    assert not {skill.employee_id for skill in learned} & out


def test_equal_people_are_found_equal_though_their_raw_rates_are_far_apart() -> None:
    rng = np.random.default_rng(3)
    found = [Tally(f"E{i:02d}", CAUSE, int(rng.binomial(40, 0.6)), 40) for i in range(20)]
    raw = [t.successes / t.trials for t in found]
    assert max(raw) - min(raw) > 0.2
    rates = [skill.rate for skill in learned_skill(found)]
    assert max(rates) - min(rates) < 0.05
    assert not any(skill.is_proven for skill in learned_skill(found))


def test_a_person_who_is_truly_better_is_found_to_be() -> None:
    found = [Tally(f"E{i}", CAUSE, 60, 120) for i in range(12)] + [Tally("E99", CAUSE, 110, 120)]
    assert [skill.employee_id for skill in learned_skill(found) if skill.is_proven] == ["E99"]


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    inside = []
    for seed in range(40):
        truth, found = planted(seed, 60, 6.0, 4.0, (5, 60))
        skills = learned_skill(found)
        inside += [float(skill.low <= rate <= skill.high) for skill, rate in zip(skills, truth, strict=True)]
    # 2,400 people: four standard errors of 90 % are 2.5 points.
    assert mean(inside) == pytest.approx(0.9, abs=0.025)


def test_choosing_by_the_learned_rate_costs_less_than_choosing_by_the_raw_one() -> None:
    """Routing regret: how much worse than the best person the chosen one truly is, over 120 planted desks."""
    regret: dict[str, list[float]] = {"learned": [], "raw": []}
    for seed in range(120):
        truth, found = planted(seed, 30, 12.0, 8.0, (2, 60))
        learned = [skill.rate for skill in learned_skill(found)]
        raw = [t.successes / t.trials for t in found]
        for name, rates in (("learned", learned), ("raw", raw)):
            regret[name].append(float(truth.max() - truth[int(np.argmax(rates))]))
    assert mean(regret["learned"]) < 0.75 * mean(regret["raw"])


def test_with_too_few_people_the_prior_knows_nothing() -> None:
    found = [Tally(f"E{i}", CAUSE, 8, 10) for i in range(MIN_PEOPLE - 1)]
    (first, *_) = learned_skill(found)
    assert first == LearnedSkill("E0", CAUSE, 9 / 12, first.low, first.high, 10, 0.5, 2.0)
    assert (first.low, first.high) == pytest.approx(stats.beta.ppf([0.05, 0.95], 9, 3), abs=1e-6)


def test_who_had_no_case_of_a_cause_has_no_rate_at_it() -> None:
    assert learned_skill([Tally("E1", CAUSE, 0, 0)]) == ()


def test_impossible_counts_and_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="3 successes of 2"):
        Tally("E1", CAUSE, 3, 2)
    for level in (0.0, 1.0):
        with pytest.raises(ValueError, match="level"):
            learned_skill([], level=level)
