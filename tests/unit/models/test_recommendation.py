"""Recommendations: rules first, exploration within bounds, and every choice can be judged afterwards."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from intake.programme import load_programme
from models.playbook import Playbook, Step
from models.programme import Programme
from models.recommendation import NothingEligible, RecommendationPolicy, logged, recommend
from models.routing import Condition, Match

ROOT = Path(__file__).resolve().parents[3] / "programme"
MILD = {"kind": "recovery", "severity": 3, "source": "surveys", "rule_id": "low_csat", "journey": "support"}


def play(code: str, *eligible: Condition) -> Playbook:
    """A playbook of one step."""
    step = Step(code="s", title="S", tells_customer=True)
    return Playbook(code=code, title=code, steps=(step,), eligibility=Match(all=eligible))


def policy(share: float = 0.3, **first: Any) -> RecommendationPolicy:
    """A rule for severity 1 and a catch-all with two alternatives."""
    return RecommendationPolicy.model_validate(
        {
            "rules": [
                {
                    "name": "grave",
                    "match": {"all": [{"field": "severity", "op": "is", "value": 1}]},
                    "playbook": "specialist",
                    **first,
                },
                {"name": "rest", "playbook": "apology", "alternatives": ["callback", "voucher"]},
            ],
            "exploration": {
                "share": share,
                "never": [{"all": [{"field": "source", "op": "is", "value": "complaints"}]}],
            },
        }
    )


PLAYS = (play("apology"), play("callback"), play("voucher"), play("specialist"), play("none"))


@given(
    st.floats(0, 0.5), st.integers(1, 4), st.sampled_from(["complaints", "surveys"]), st.sets(st.sampled_from(PLAYS)), st.text()
)  # fmt: skip
def test_propensities_sum_to_one_and_the_choice_is_an_arm_with_a_chance(
    share: float, severity: int, source: str, plays: set[Playbook], key: str
) -> None:
    facts = {**MILD, "severity": severity, "source": source}
    try:
        choice = recommend(sorted(plays, key=lambda p: p.code), facts, policy(share), key=key)
    except NothingEligible:
        assert not {p.code for p in plays} & {"apology", "callback", "voucher"}
        return
    assert sum(arm.propensity for arm in choice.arms) == pytest.approx(1.0, abs=1e-12)
    assert choice.code in {arm.code for arm in choice.arms}
    assert choice.propensity > 0
    assert {arm.code for arm in choice.arms} <= {p.code for p in plays}
    assert not {arm.code for arm in choice.arms} & set(choice.excluded)
    assert {p.code for p in plays} <= {arm.code for arm in choice.arms} | set(choice.excluded)


@given(st.text(), st.randoms(use_true_random=False))
def test_a_replay_chooses_the_same_whatever_the_order_of_the_playbooks(key: str, random: Any) -> None:
    shuffled = list(PLAYS)
    random.shuffle(shuffled)
    assert recommend(PLAYS, MILD, policy(), key=key) == recommend(shuffled, MILD, policy(), key=key)


def test_arms_are_drawn_as_often_as_their_propensity_says() -> None:
    drawn = Counter(recommend(PLAYS, MILD, policy(0.3), key=f"C{n}|v1").code for n in range(20_000))
    # Three standard deviations of a share of 0.15 over 20,000 draws are 0.0076.
    assert drawn["apology"] / 20_000 == pytest.approx(0.70, abs=0.01)
    assert drawn["callback"] / 20_000 == pytest.approx(0.15, abs=0.0076)
    assert drawn["voucher"] / 20_000 == pytest.approx(0.15, abs=0.0076)


def test_another_version_of_the_policy_draws_afresh() -> None:
    first = [recommend(PLAYS, MILD, policy(0.5), key=f"C{n}|v1").code for n in range(500)]
    second = [recommend(PLAYS, MILD, policy(0.5), key=f"C{n}|v2").code for n in range(500)]
    assert first != second


@given(st.text(), st.sampled_from([{"severity": 1}, {"severity": None}, {"source": "complaints"}]))
def test_grave_cases_unknown_ones_and_those_the_policy_bars_are_never_tried_on(key: str, more: dict[str, Any]) -> None:
    choice = recommend(PLAYS, {**MILD, **more}, policy(0.5, alternatives=["callback"]), key=key)
    assert not choice.explored
    assert choice.propensity == 1.0
    assert all(arm.propensity == 0.0 for arm in choice.arms if arm.code != choice.code)


def test_the_reason_names_the_rule_what_held_and_what_is_tried() -> None:
    grave = recommend(PLAYS, {**MILD, "severity": 1}, policy(), key="C1")
    assert grave.reason == "rule 'grave': severity is 1 (it is 1)"
    tried = next(
        choice for n in range(100) if (choice := recommend(PLAYS, MILD, policy(0.5), key=f"C{n}")).code == "voucher"
    )
    assert tried.explored
    assert (
        tried.reason == "rule 'rest': no other rule fits; 'voucher' is tried in place of 'apology' to learn what works"
    )


def test_what_is_no_arm_says_why() -> None:
    plays = (*PLAYS[:2], play("voucher", Condition(field="severity", op="is", value=4)), play("gift"))
    choice = recommend(plays, MILD, policy(), key="C1")
    assert choice.excluded == {"voucher": "the case is not eligible for it", "gift": "the rule does not name it"}
    assert recommend(PLAYS[:2], MILD, policy(), key="C1").excluded == {"voucher": "no such playbook"}


def test_a_rule_without_a_playbook_for_the_case_is_passed_over() -> None:
    choice = recommend(PLAYS[:3], {**MILD, "severity": 1}, policy(), key="C1")
    assert (choice.rule, choice.code) == ("rest", "apology")
    with pytest.raises(NothingEligible):
        recommend([play("gift")], MILD, policy(), key="C1")


def test_what_is_logged_is_all_that_is_needed_to_judge_the_choice_later() -> None:
    choice = recommend(PLAYS, MILD, policy(0.3), key="C1")
    said = logged(choice, policy_version="v7")
    assert said["playbook_code"] == choice.code
    assert said["propensity"] == choice.propensity
    assert said["arms"] == [
        {"code": "apology", "propensity": 0.7},
        {"code": "callback", "propensity": 0.15},
        {"code": "voucher", "propensity": 0.15},
    ]
    assert (said["policy"], said["policy_version"], said["by"]) == ("rules/rest", "v7", "recommendation")


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (
            [{"name": "a", "playbook": "x", "match": {"all": [{"field": "kind", "op": "is", "value": "recovery"}]}}],
            "catch-all",
        ),
        ([{"name": "a", "playbook": "x"}, {"name": "b", "playbook": "y"}], "rule 'a' takes everything"),
        ([{"name": "a", "playbook": "x", "alternatives": ["x"]}], "names a playbook twice"),
        ([{"name": "a", "playbook": "x", "alternatives": ["y", "y"]}], "names a playbook twice"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(rules: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        RecommendationPolicy.model_validate({"rules": rules})


def test_more_than_half_of_the_cases_are_never_tried_on() -> None:
    with pytest.raises(ValidationError, match=r"exploration\.share"):
        policy(0.6)


@pytest.fixture(params=["bank", "telecom"])
def programme(request: pytest.FixtureRequest) -> Programme:
    """Each programme that ships."""
    return load_programme(ROOT / request.param)


def test_every_case_of_a_shipped_programme_gets_a_fitting_playbook(programme: Programme) -> None:
    plays = [item.playbook for item in programme.playbooks]
    journeys = [None, *sorted({cause.journey for cause in programme.taxonomy.causes if cause.journey})]
    kinds, sources, values = ("recovery", "excellence", "breakdown"), ("surveys", "cfpb"), (None, 50.0, 9_000.0)
    for kind, severity, journey, source, value in product(kinds, (1, 2, 3, 4), journeys, sources, values):
        facts = {
            "kind": kind, "severity": severity, "journey": journey, "source": source, "value_usd": value,
            "rule_id": "low_csat",
        }  # fmt: skip
        for key in ("C1", "C2", "C3"):
            choice = recommend(plays, facts, programme.recommendation, key=key)
            arms = {arm.code for arm in choice.arms if arm.propensity > 0}
            if kind == "excellence":
                assert arms <= {"recognition", "referral_ask"}
            else:
                assert not arms & {"recognition", "referral_ask", "none"}
            if severity <= 2 or source == "cfpb":
                assert len(arms) == 1


def test_the_gravest_cases_of_a_shipped_programme_go_to_a_specialist(programme: Programme) -> None:
    plays = [item.playbook for item in programme.playbooks]
    choice = recommend(plays, {**MILD, "severity": 1}, programme.recommendation, key="C1")
    assert (choice.code, choice.propensity) == ("specialist", 1.0)
