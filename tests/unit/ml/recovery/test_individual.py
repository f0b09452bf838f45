"""Individual effects: found where they are, called one for all where they are not, refused where too few cases are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.recovery.individual import individual_effects
from ml.recovery.surfaces import choose_surface, likeliest_kernel
from tests.support import shared_data

Floats = NDArray[np.float64]


def cases(seed: int, n: int = 500) -> tuple[Floats, NDArray[np.bool_], np.random.Generator]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    return x, rng.random(n) < 1 / (1 + np.exp(-0.8 * x[:, 0] + 0.5)), rng


def miss(found: Floats, truth: Floats) -> float:
    return float(np.sqrt(np.mean((found - truth) ** 2)))


def test_effects_that_differ_by_case_are_found_and_mostly_within_their_intervals() -> None:
    x, treated, rng = cases(1)
    truth = 1.0 + 1.5 * x[:, 1]
    found = individual_effects(x, treated, x[:, 0] + truth * treated + rng.normal(size=len(x)))
    assert found.way == "surfaces"
    assert miss(found.effect, truth) < 0.35
    assert np.mean((found.low <= truth) & (truth <= found.high)) > 0.8


def test_an_effect_that_is_the_same_for_everybody_is_told_as_such() -> None:
    x, treated, rng = cases(2)
    found = individual_effects(x, treated, x[:, 0] + 2.0 * treated + 3 * rng.normal(size=len(x)))
    assert found.way == "one_for_all"
    assert np.ptp(found.effect) == 0.0
    assert (found.high > found.low).all()


def test_the_average_is_right_where_the_plain_difference_is_not() -> None:
    x, treated, rng = cases(3)
    outcome = 2 * x[:, 0] + 1.0 * treated + rng.normal(size=len(x))
    found = individual_effects(x, treated, outcome)
    assert outcome[treated].mean() - outcome[~treated].mean() > 2.0
    assert found.average_low <= 1.0 <= found.average_high


def test_an_outcome_that_multiplies_is_met_by_a_log_link_without_being_transformed() -> None:
    x, _, rng = cases(4)
    outcome = np.exp(1.0 + 0.5 * x[:, 0] + 0.5 * x[:, 1]) + rng.normal(size=len(x))
    surface = choose_surface(x, outcome, np.arange(len(x)) % 5)
    assert surface.name.startswith("log_linear")
    assert surface.errors[surface.name] < 0.8 * surface.errors["linear"]
    assert outcome.min() < 0


def test_a_wave_no_line_can_follow_is_met_by_a_process() -> None:
    x, _, rng = cases(5)
    surface = choose_surface(x[:, :2], 2 * np.sin(2 * x[:, 0]) + 0.3 * rng.normal(size=len(x)), np.arange(len(x)) % 5)
    assert surface.name.endswith("process")
    assert surface.errors[surface.name] < 0.2 < surface.errors["linear"]


def test_pure_noise_has_no_kernel() -> None:
    rng = np.random.default_rng(6)
    noise = rng.normal(size=200)
    assert likeliest_kernel(rng.normal(size=(200, 3)), noise - noise.mean()) is None


def test_other_cases_get_the_effects_the_same_covariates_got() -> None:
    x, treated, rng = cases(7, 200)
    found = individual_effects(x, treated, x[:, 0] + treated * (1 + x[:, 1]) + rng.normal(size=len(x)))
    assert np.allclose(found.predict(x[:20]), found.effect[:20])


def test_the_same_seed_gives_the_same_effects_and_a_new_unit_changes_only_the_unit() -> None:
    x, treated, rng = cases(8, 200)
    outcome = x[:, 0] + treated * (1 + x[:, 1]) + rng.normal(size=len(x))
    once, again = (individual_effects(x, treated, outcome) for _ in range(2))
    assert np.array_equal(once.effect, again.effect)
    assert np.allclose(individual_effects(x, treated, 100 * outcome).effect, 100 * once.effect, rtol=0.02, atol=0.5)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda x, t, y: (x, t & (np.arange(len(t)) < 20), y), "at least 30"),
        (lambda x, t, y: (x, t, np.where(np.arange(len(y)) == 3, np.nan, y)), "unknown outcomes"),
        (lambda x, t, y: (x, t, y[1:]), "one row a case"),
    ],
)
def test_too_few_unknown_or_unequal_cases_are_refused(spoil, told: str) -> None:
    x, treated, _ = cases(9, 200)
    with pytest.raises(ValueError, match=told):
        individual_effects(*spoil(x, treated, x[:, 0].copy()))


def test_the_published_infants_trial_is_met_well_below_a_root_mean_squared_error_of_one() -> None:
    misses = []
    for number in (2, 9):
        rows = np.loadtxt(shared_data("ihdp", f"ihdp_npci_{number}.csv"), delimiter=",")
        found = individual_effects(rows[:, 5:], rows[:, 0] == 1, rows[:, 1])
        misses.append(miss(found.effect, rows[:, 4] - rows[:, 3]))
    assert max(misses) < 0.9
