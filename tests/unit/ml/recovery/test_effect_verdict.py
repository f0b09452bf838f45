"""The words about an effect follow from diagnostics: never upbeat where these fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.recovery.effect import Effect, effect
from ml.recovery.estimators import Estimate
from ml.recovery.nuisance import nuisances
from ml.recovery.overlap import Overlap, overlap
from ml.recovery.placebo import Placebo
from ml.recovery.sensitivity import Sensitivity, sensitivity
from ml.recovery.verdict import Verdict, verdict
from tests.unit.ml.recovery.worlds import planted

Parts = tuple[Effect, Overlap, Sensitivity]
PASSED = (
    Placebo("outcome", 0.1, -1.0, 1.2, 0.8, 900, True),
    Placebo("treatment", 0.0, -0.1, 0.1, 0.02, 900, True, 0.05, 40),
)


def parts(n: int = 4000, *, size: float = 1.0, arm: str = "refund") -> Parts:
    """An effect with its diagnostics, in a planted world."""
    attempts, _ = planted(n, 1, effect=size)
    fitted = nuisances(attempts, "recovered")
    found = effect(attempts, "recovered", arm, fitted=fitted)
    return found, overlap(attempts, "recovered", arm, fitted), sensitivity(attempts, found, fitted)


@pytest.fixture(scope="module")
def sound() -> Parts:
    """A large effect that every check passes."""
    return parts(size=1.6)


def told(given: Parts, *, placebos: tuple[Placebo, ...] = PASSED, **more: object) -> Verdict:
    found, lap, unseen = given
    return verdict(found, lap, placebos, unseen, unit="share", **more)  # type: ignore[arg-type]


def test_a_large_effect_that_passes_every_check_is_supported(sound: Parts) -> None:
    said = told(sound)
    assert (said.standing, said.reason) == ("supported", None)
    assert said.sentence.startswith("Against none, refund added ")
    assert "by observation, not by a trial" in said.sentence and "naive difference" in said.sentence


def test_even_a_supported_effect_says_what_would_change_our_mind(sound: Parts) -> None:
    minds = told(sound).would_change
    assert minds[0].startswith("An unseen cause that explains ") and "as strong as severity" in minds[0]
    assert any("A trial in which chance decides between refund and none" in mind for mind in minds)


def test_who_is_counted_is_always_said(sound: Parts) -> None:
    assert f"{sound[0].n_trimmed} of {sound[0].n} could not and are not counted" in told(sound).sentence


@pytest.mark.parametrize("change", [{"share_outside": 0.4}, {"effective_reference": 30.0}, {"n": 0}])
def test_nothing_is_claimed_where_overlap_fails(sound: Parts, change: dict[str, float]) -> None:
    said = told((sound[0], replace(sound[1], **change), sound[2]))
    assert said.standing == "not enough data"
    assert "cannot be told" in said.sentence
    assert said.would_change == ("Attempts with none among cases that now get refund, and the other way round.",)
    assert not any(word in said.sentence for word in ("added", "took", "points", "supported"))


def test_no_estimate_is_not_enough_data_and_says_what_is_missing() -> None:
    said = told(parts(60, arm="escalate"))
    assert said.standing == "not enough data"
    assert said.reason is not None and "20 of each are needed" in said.reason
    assert said.would_change == ("More attempts with escalate and with none whose cases are alike and outcomes known.",)


def test_a_failed_placebo_makes_it_suggestive_and_is_named(sound: Parts) -> None:
    said = told(sound, placebos=(replace(PASSED[0], passes=False), PASSED[1]))
    assert said.standing == "suggestive"
    assert "the placebo on margin before the action shows an effect where there can be none" in said.sentence


def test_a_placebo_that_could_not_be_run_is_no_pass(sound: Parts) -> None:
    assert told(sound, placebos=()).standing == "suggestive"
    assert "could not be run" in told(sound, placebos=(PASSED[0], replace(PASSED[1], passes=None))).sentence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"share_outside": 0.1}, "overlap is partial (10% of those asked about are not counted"),
        ({"effective_reference": 80.0}, "the reference is worth 80 attempts"),
    ],
)
def test_partial_overlap_is_suggestive(sound: Parts, change: dict[str, float], words: str) -> None:
    said = told((sound[0], replace(sound[1], **change), sound[2]))
    assert said.standing == "suggestive" and words in said.sentence


def test_a_covariate_out_of_balance_is_suggestive_and_is_named(sound: Parts) -> None:
    off = (replace(sound[1].balance[0], name="tenure_days", after=0.2), *sound[1].balance[1:])
    said = told((sound[0], replace(sound[1], balance=off), sound[2]))
    assert said.standing == "suggestive" and "tenure days still differs after weighting" in said.sentence


def test_an_effect_something_as_strong_as_severity_could_explain_is_suggestive() -> None:
    said = told(parts(size=0.6))
    assert said.standing == "suggestive"
    assert "something unseen as strong as severity could explain it away" in said.sentence


def test_where_chance_decided_nothing_unseen_can_explain_it() -> None:
    said = told(parts(size=0.6), is_randomised=True)
    assert said.standing == "supported"
    assert "by its logged chances" in said.sentence and "observation" not in said.sentence
    assert not any("unseen" in mind for mind in said.would_change)


def test_an_interval_with_zero_is_no_clear_difference() -> None:
    said = told(parts(size=0.0, arm="callback"))
    assert said.standing == "suggestive"
    assert "made no clear difference" in said.sentence and "the interval holds zero" in said.sentence
    assert not any(word in said.sentence for word in ("added", "took"))


def test_an_estimator_that_disagrees_is_named(sound: Parts) -> None:
    other = Estimate("g-computation", sound[0].point / 4, 0.0, 0.2, sound[0].se, 900)
    assert "another estimator disagrees (g-computation)" in told(sound, estimates=[other]).sentence


def test_the_naive_difference_disagreeing_is_no_doubt(sound: Parts) -> None:
    naive = Estimate("naive difference", -sound[0].point, -1.0, 0.0, sound[0].se, 900)
    assert told(sound, estimates=[naive]).standing == "supported"


def test_too_many_unknown_outcomes_make_it_suggestive(sound: Parts) -> None:
    silent = replace(sound[0], n_unknown=int(0.4 * sound[0].n_overlap))
    said = told((silent, *sound[1:]))
    assert said.standing == "suggestive" and "of outcomes are unknown" in said.sentence
    assert any("attempts where they are unknown" in mind for mind in said.would_change)


def test_a_harmful_playbook_is_said_to_take(sound: Parts) -> None:
    found = sound[0]
    harm = replace(found, point=-found.point, low=-found.high, high=-found.low)
    said = told((harm, *sound[1:]))
    assert "refund took " in said.sentence and "added" not in said.sentence


def test_amounts_have_the_unit_of_the_outcome(sound: Parts) -> None:
    found, lap, unseen = sound
    money = replace(found, point=12.5, low=3.0, high=22.0, naive=np.float64(1234.5))
    said = verdict(money, lap, PASSED, unseen, unit="usd", name="margin")
    assert "added 12.50 USD an attempt to margin (95 % interval 3.00 USD to 22.00 USD)" in said.sentence
    assert "The naive difference is 1,234.50 USD" in said.sentence
