"""Champion and challenger beside the rules: whoever decides, what is logged is the chance the choice was made with."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.playbook import Playbook, Step
from models.policy import ArmValue, Lead, Leaf, Split
from models.recommendation import Recommendation, RecommendationPolicy, expected_value_usd, logged, recommend
from models.trial import RULES, RollOut, advise, side_of
from tests.unit.models.learned import CODES, best, leaf, policy

MILD: dict[str, Any] = {"kind": "recovery", "severity": 3, "source": "surveys", "rule_id": "low_csat", "journey": "support",
                        "segment": "retail", "is_historic": False}  # fmt: skip


def play(code: str, tells: bool = True) -> Playbook:
    return Playbook(code=code, title=code, steps=(Step(code="s", title="S", tells_customer=tells),))


PLAYS = (*map(play, CODES), play("none", tells=False))


def rules(share: float = 0.2, *, silence: bool = False) -> RecommendationPolicy:
    """Apology, else callback; complaints are never tried on."""
    rest = {"name": "rest", "playbook": "apology", "alternatives": ["callback"], "no_contact_may_be_tried": silence}
    never = [{"all": [{"field": "source", "op": "is", "value": "complaints"}]}]
    return RecommendationPolicy.model_validate({"rules": [rest], "exploration": {"share": share, "never": never}})


def told(
    roll_out: RollOut, case_id: str = "C1", share: float = 0.2, silence: bool = False, **facts: Any
) -> Recommendation:
    return advise(PLAYS, MILD | facts, rules(share, silence=silence), roll_out, case_id=case_id, version="v1")


policies = st.none() | st.sampled_from([best(code) for code in CODES])
roll_outs = st.builds(
    lambda champion, challenger, share: RollOut("r1", champion, challenger, share if challenger else 0.0),
    policies, policies, st.floats(0, 1),
)  # fmt: skip


@given(
    roll_outs,
    st.floats(0, 0.5),
    st.text(),
    st.sampled_from([None, 1, 2, 3, 4]),
    st.sampled_from(["complaints", "surveys"]),
)
def test_propensities_sum_to_one_whoever_decides_and_whatever_is_tried(
    roll_out: RollOut, share: float, case_id: str, severity: int | None, source: str
) -> None:
    choice = told(roll_out, case_id, share, severity=severity, source=source)
    assert sum(arm.propensity for arm in choice.arms) == pytest.approx(1.0, abs=1e-9)
    assert choice.propensity > 0
    assert len({arm.code for arm in choice.arms}) == len(choice.arms)
    assert not {arm.code for arm in choice.arms} & set(choice.excluded)
    assert {arm.code for arm in choice.arms} | set(choice.excluded) == {play.code for play in PLAYS}


@given(
    roll_outs,
    st.floats(0, 0.5),
    st.text(),
    st.sampled_from([{"severity": 1}, {"severity": None}, {"source": "complaints"}, {"is_vulnerable": True}]),
)
def test_nothing_is_tried_on_barred_cases_by_a_challenger_or_otherwise(
    roll_out: RollOut, share: float, case_id: str, barred: dict[str, Any]
) -> None:
    choice = told(roll_out, case_id, share, **barred)
    assert choice.propensity == 1.0
    assert not choice.explored
    if choice.learned is not None:
        assert (choice.learned.side, choice.learned.share) == ("champion", 0.0)


def test_cases_fall_to_arms_and_sides_as_often_as_the_log_says() -> None:
    trial = RollOut("r1", best("refund"), best("specialist"), 0.3)
    choices = [told(trial, f"C{n}") for n in range(20_000)]
    said = {arm.code: arm.propensity for arm in choices[0].arms}
    # Champion 0.7 x (0.8 refund, 0.1 + 0.1 tried), challenger 0.3 x (0.8 specialist, 0.1 + 0.1 tried).
    assert said == pytest.approx({"refund": 0.56, "specialist": 0.24, "apology": 0.1, "callback": 0.1})
    assert all({arm.code: arm.propensity for arm in choice.arms} == said for choice in choices)
    drawn = Counter(choice.code for choice in choices)
    # Four standard deviations of a share of a half over 20,000 draws are 0.014.
    assert {code: drawn[code] / 20_000 for code in said} == pytest.approx(said, abs=0.014)
    sides = Counter(choice.learned.side for choice in choices if choice.learned)
    assert sides["challenger"] / 20_000 == pytest.approx(0.3, abs=0.014)


def test_what_a_side_tries_does_not_depend_on_how_the_side_was_drawn() -> None:
    trial = RollOut("r1", best("refund"), best("specialist"), 0.5)
    choices = [told(trial, f"C{n}") for n in range(20_000)]
    for side in ("champion", "challenger"):
        mine = [choice.explored for choice in choices if choice.learned and choice.learned.side == side]
        # Four standard deviations of a share of 0.2 over 10,000 draws are 0.016.
        assert sum(mine) / len(mine) == pytest.approx(0.2, abs=0.016)


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_greater_share_takes_no_case_from_the_challenger(case_id: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    trial = RollOut("r1", best("refund"), best("specialist"), high)
    if side_of(trial, case_id, low) == "challenger":
        assert side_of(trial, case_id, high) == "challenger"


def test_the_champion_takes_the_arm_worth_most_among_those_the_case_is_eligible_for() -> None:
    roll_out = RollOut("r1", policy("p1", leaf(refund=9.0, callback=5.0, apology=2.0)))
    assert told(roll_out, share=0.0).code == "refund"
    without = tuple(play for play in PLAYS if play.code != "refund")
    assert advise(without, MILD, rules(0.0), roll_out, case_id="C1", version="v1").code == "callback"


def test_a_leaf_without_enough_data_leaves_the_case_to_the_rules_and_says_so() -> None:
    grown = Split(
        field="segment", among=("retail",), unknown="no", yes=leaf("thin", refund=None), no=leaf("fat", refund=9.0)
    )
    choice = told(RollOut("r1", policy("p1", grown)), share=0.0)
    assert (choice.code, choice.learned and choice.learned.policy_id) == ("apology", None)
    assert choice.learned is not None and "not enough data" in choice.learned.why
    said = logged(choice, policy_version="v1")
    assert (said["policy"], said["policy_version"]) == ("rules/rest", "v1+r1")
    assert "expected" not in said


def test_the_customer_is_left_alone_only_where_the_rule_allows_it_and_never_in_grave_cases() -> None:
    loss = RollOut("r1", policy("p1", leaf(apology=-3.0, callback=-9.0, refund=-9.0, specialist=-9.0)))
    assert told(loss, share=0.0).code == "apology"
    assert told(loss, share=0.0, silence=True).code == "none"
    assert told(loss, share=0.0, silence=True, severity=1).code == "apology"


@pytest.mark.parametrize("case", [{"kind": "excellence"}, {"kind": "breakdown"}, {"is_historic": True}])
def test_a_policy_learned_from_recovery_decides_about_live_recovery_only(case: dict[str, Any]) -> None:
    choice = told(RollOut("r1", best("refund")), share=0.0, **case)
    assert choice.code == "apology"
    assert choice.learned is not None and choice.learned.policy_id is None


def test_a_fact_the_policy_cannot_compare_leaves_the_case_to_the_rules() -> None:
    grown = Split(field="value_usd", at_most=500.0, unknown="no", yes=leaf("a", refund=9.0), no=leaf("b", refund=9.0))
    choice = told(RollOut("r1", policy("p1", grown)), share=0.0, value_usd="plenty")
    assert choice.code == "apology"
    assert choice.learned is not None and "it is no number" in choice.learned.why


def test_the_event_says_effect_interval_second_best_side_and_why() -> None:
    roll_out = RollOut("r1", best("refund"), best("specialist"), 0.3)
    choice = next(c for n in range(99) if (c := told(roll_out, f"C{n}")).code == "refund")
    said = logged(choice, policy_version="v1")
    assert (said["policy"], said["policy_version"]) == ("learned/p-refund", "v1+r1")
    assert said["expected"] == {
        "value_usd": 9.0,
        "low_usd": 8.0,
        "high_usd": 10.0,
        "against": "none",
        "leaf_id": "all",
        "over_nothing_usd": 9.0,
    }
    assert said["second_best"] == {"code": "apology", "value_usd": 4.0}
    assert said["roll_out"] == {"version": "r1", "side": "champion", "challenger_share": 0.3}
    assert "expected to bring +9.00 USD" in said["why_policy"] and "p-refund" in said["reason"]
    assert expected_value_usd(said) == 9.0


def test_an_arm_that_is_tried_is_told_at_its_own_value_beside_the_best() -> None:
    roll_out = RollOut("r1", best("refund"))
    choice = next(c for n in range(199) if (c := told(roll_out, f"C{n}")).code == "apology")
    said = logged(choice, policy_version="v1")
    assert choice.explored and "tried in place of 'refund'" in said["reason"]
    assert (said["expected"]["value_usd"], said["second_best"]["code"]) == (4.0, "refund")


def test_without_a_roll_out_the_rules_choose_and_log_as_they_always_did() -> None:
    choice = told(RULES)
    assert choice == recommend(PLAYS, MILD, rules(), key="C1|v1")
    assert set(logged(choice, policy_version="v1")) == {
        "playbook_code", "propensity", "arms", "excluded", "policy", "policy_version", "explored", "reason", "by",
    }  # fmt: skip


def test_an_older_event_has_no_expected_value() -> None:
    assert expected_value_usd(None) is None
    assert expected_value_usd({"playbook_code": "refund"}) is None
    assert expected_value_usd({"expected": {"value_usd": 9.0, "against": "apology"}}) is None


def test_a_share_needs_a_challenger() -> None:
    with pytest.raises(ValueError, match="no challenger"):
        RollOut("r1", best("refund"), None, 0.1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        RollOut("r1", None, best("refund"), 1.1)


def test_a_value_told_against_the_usual_playbook_counts_with_what_that_brings_over_doing_nothing() -> None:
    usual = ArmValue(code="apology", value_usd=0.0, low_usd=0.0, high_usd=0.0, n=90, standing="reference")
    better = ArmValue(code="callback", value_usd=6.0, low_usd=1.0, high_usd=11.0, n=90, standing="better")
    known = Leaf(leaf_id="all", n=400, against="apology", arms=(usual, better),
                 over_nothing=Lead(value_usd=-2.0, low_usd=-5.0, high_usd=1.0, n=300))  # fmt: skip
    told_so, unknown = policy("p1", known), policy("p2", known.model_copy(update={"over_nothing": None}))
    assert expected_value_usd(logged(told(RollOut("r1", told_so), share=0.0), policy_version="v1")) == 4.0
    said = logged(told(RollOut("r1", unknown), share=0.0), policy_version="v1")
    assert said["expected"]["value_usd"] == 6.0
    assert expected_value_usd(said) is None


def test_a_leaf_left_to_the_rules_still_says_what_the_rules_choice_is_worth() -> None:
    left = leaf(apology=4.0, callback=3.0).model_copy(update={"left_to_rules": True})
    choice = told(RollOut("r1", policy("p1", left)), share=0.0)
    said = logged(choice, policy_version="v1")
    assert (said["policy"], said["playbook_code"]) == ("rules/rest", "apology")
    assert expected_value_usd(said) == 4.0
