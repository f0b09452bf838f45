"""A policy file chooses among what a case may be given, says why, and leaves to the rules what it does not know."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.policy import ArmValue, Leaf, Node, Policy, PolicyFault, Split, choose, must_act, worth

ARMS = ("none", "apology", "callback", "refund")


def arm(code: str, value: float | None, *, half: float = 2.0, against: str = "none", n: int = 120) -> ArmValue:
    if value is None:
        return ArmValue(code=code, value_usd=None, low_usd=None, high_usd=None, n=3, standing="not_enough_data")
    standing = "reference" if code == against else "better" if value > half else "unclear"
    return ArmValue(code=code, value_usd=value, low_usd=value - half, high_usd=value + half, n=n, standing=standing)


def leaf(name: str, **values: float | None) -> Leaf:
    arms = (arm("none", 0.0, half=0.0), *(arm(code, value) for code, value in values.items()))
    return Leaf(leaf_id=name, n=400, against="none", arms=arms)


def bundle(root: Node | None) -> Policy:
    return Policy(
        format=1,
        policy_id="P1",
        method="rules" if root is None else "tree",
        outcome="net_margin_90d",
        arms=ARMS,
        attempts=4000,
        customers=2500,
        as_of="2026-07-05T00:00:00+00:00",
        root=root,
    )


TREE = bundle(
    Split(
        field="severity",
        at_most=2,
        unknown="yes",
        yes=leaf("grave", apology=1.0, callback=9.0, refund=7.0),
        no=Split(
            field="segment",
            among=("private", "business"),
            unknown="no",
            yes=leaf("mild, valuable", apology=3.0, callback=2.0, refund=None),
            no=leaf("mild", apology=-4.0, callback=-9.0, refund=-20.0),
        ),
    )
)
FACTS: dict[str, Any] = {"severity": 3, "segment": "private", "is_vulnerable": False}


def test_the_eligible_arm_worth_most_is_chosen_with_its_interval_and_the_second_best() -> None:
    choice = choose(TREE, {"severity": 2}, ARMS)
    assert (choice.code, choice.expected_value_usd, choice.low, choice.high) == ("callback", 9.0, 7.0, 11.0)
    assert (choice.second_best, choice.second_value, choice.leaf_id) == ("refund", 7.0, "grave")
    assert choice.ranked == ("callback", "refund", "apology", "none")


def test_an_arm_that_may_not_be_used_is_passed_over_however_much_it_is_worth() -> None:
    assert choose(TREE, {"severity": 2}, ("refund", "apology")).code == "refund"


def test_an_arm_without_enough_data_is_never_chosen() -> None:
    choice = choose(TREE, FACTS, ("refund",))
    assert choice.code is None
    assert "not enough data" in choice.why
    assert "rules decide" in choice.why


def test_doing_nothing_is_chosen_where_every_playbook_costs_more_than_it_brings() -> None:
    choice = choose(TREE, FACTS | {"segment": "mass"}, ARMS)
    assert choice.code == "none"
    assert "no playbook" in choice.why


def test_doing_nothing_is_not_chosen_while_a_playbook_is_hardly_known() -> None:
    choice = choose(bundle(leaf("all", apology=-5.0, callback=None)), FACTS, ("none", "apology", "callback"))
    assert choice.code is None
    assert "too little is known of callback" in choice.why


def test_doing_nothing_is_chosen_only_where_it_is_eligible() -> None:
    assert choose(TREE, FACTS | {"segment": "mass"}, ("apology", "callback")).code == "apology"


@pytest.mark.parametrize("grave", [{"severity": 1}, {"severity": None}, {}, {"severity": 3, "is_vulnerable": True}])
def test_nobody_grave_unknown_or_vulnerable_is_left_alone_whatever_is_called_eligible(grave: dict[str, Any]) -> None:
    assert must_act(grave)
    assert choose(bundle(leaf("all", apology=-5.0)), grave, ("none", "apology")).code == "apology"
    assert choose(bundle(leaf("all", apology=-5.0)), grave, ("none",)).code is None


def test_the_reason_names_the_answers_the_value_and_the_runner_up() -> None:
    why = choose(TREE, FACTS, ARMS).why
    for part in (
        "severity is not at most 2 (it is 3)",
        "segment is one of private, business",
        "+3.00 USD",
        "'callback'",
    ):
        assert part in why


def test_an_unknown_fact_goes_to_the_side_the_policy_states_and_says_so() -> None:
    choice = choose(TREE, {"severity": None}, ARMS)
    assert choice.leaf_id == "grave"
    assert "severity is unknown" in choice.why
    assert choose(TREE, {"severity": 4, "segment": None}, ARMS).leaf_id == "mild"


@pytest.mark.parametrize("missing", [None, math.nan, ""])
def test_no_value_and_a_value_that_is_no_number_are_both_unknown(missing: object) -> None:
    assert choose(TREE, {"severity": 4, "segment": missing}, ARMS).leaf_id == "mild"


def test_a_truth_value_is_asked_for_as_yes_or_no() -> None:
    asks = Split(field="is_vulnerable", among=("yes",), unknown="no", yes=leaf("a", apology=1.0), no=leaf("b"))
    assert choose(bundle(asks), {"severity": 3, "is_vulnerable": True}, ARMS).leaf_id == "a"
    assert choose(bundle(asks), {"severity": 3, "is_vulnerable": False}, ARMS).leaf_id == "b"


def test_a_policy_without_a_tree_leaves_every_case_to_the_rules() -> None:
    choice = choose(bundle(None), FACTS, ARMS)
    assert choice.code is None
    assert choice.why == "no learned policy is in use; the rules decide"


def test_a_leaf_left_to_the_rules_still_says_what_their_playbook_is_worth() -> None:
    policy = bundle(leaf("all", apology=3.0).model_copy(update={"left_to_rules": True}))
    choice = choose(policy, FACTS, ARMS)
    assert choice.code is None
    assert "promises more than what the rules choose" in choice.why
    found = worth(policy, FACTS, "apology")
    assert found is not None and found.value_usd == 3.0
    assert worth(policy, FACTS, "callback") is None
    assert worth(bundle(None), FACTS, "apology") is None


def test_a_policy_reads_back_as_it_was_written() -> None:
    assert Policy.from_json(TREE.to_json()) == TREE
    assert Policy.from_json(TREE.to_json()).to_json() == TREE.to_json()


def test_a_policy_lists_what_it_asks_for() -> None:
    assert TREE.fields == {"severity", "segment"}
    assert TREE.depth == 2
    assert [one.leaf_id for one in TREE.leaves] == ["grave", "mild, valuable", "mild"]


def broken(**changes: Any) -> str:
    return json.dumps(json.loads(TREE.to_json()) | changes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "policy file"),
        (broken(format=2), "format 1 only"),
        (broken(root=None), "a policy has a tree unless"),
        (broken(arms=["none"]), "an arm the policy does not list: apology, callback, refund"),
        (broken(extra=1), "extra"),
        (broken(attempts=-1), "attempts"),
    ],
)
def test_a_file_that_is_not_in_order_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(PolicyFault, match=reason):
        Policy.from_json(text)


def test_a_tree_that_asks_for_an_unheard_of_fact_is_refused() -> None:
    text = TREE.to_json().replace('"segment"', '"shoe_size"')
    with pytest.raises(PolicyFault, match="no fact 'shoe_size'"):
        Policy.from_json(text)


def test_two_leaves_of_one_name_are_refused() -> None:
    with pytest.raises(PolicyFault, match="same name"):
        Policy.from_json(TREE.to_json().replace("mild, valuable", "mild"))


@pytest.mark.parametrize(("value", "low", "high"), [(1.0, 2.0, 3.0), (math.inf, 0.0, math.inf), (None, 0.0, 1.0)])
def test_figures_that_contradict_each_other_are_refused(value: float | None, low: float, high: float) -> None:
    with pytest.raises(ValueError, match=r"figures|interval"):
        ArmValue(code="refund", value_usd=value, low_usd=low, high_usd=high, n=50, standing="unclear")


def test_a_text_where_a_number_is_compared_is_an_error_that_names_the_fact_and_not_its_value() -> None:
    asks = Split(field="value_usd", at_most=100, unknown="no", yes=leaf("a"), no=leaf("b"))
    with pytest.raises(PolicyFault, match="'value_usd'") as error:
        choose(bundle(asks), {"severity": 3, "value_usd": "secret"}, ARMS)
    assert "secret" not in str(error.value)


values = st.one_of(st.none(), st.floats(-50, 50).filter(lambda v: v == 0 or abs(v) > 1e-6))
leaves = st.fixed_dictionaries(dict.fromkeys(ARMS[1:], values))


@given(
    leaves,
    leaves,
    st.sets(st.sampled_from(ARMS)),
    st.fixed_dictionaries(
        {"severity": st.sampled_from([None, 1, 2, 3, 4]), "is_vulnerable": st.sampled_from([None, True, False])}
    ),
)
def test_the_choice_is_eligible_known_well_enough_and_worth_most_or_left_to_the_rules(
    left: dict[str, float | None], right: dict[str, float | None], eligible: set[str], facts: dict[str, Any]
) -> None:
    policy = bundle(Split(field="severity", at_most=2, unknown="no", yes=leaf("l", **left), no=leaf("r", **right)))
    choice = choose(policy, facts, eligible)
    value = {"none": 0.0, **(left if facts["severity"] in (1, 2) else right)}
    may = eligible - ({"none"} if must_act(facts) else set())
    known = [code for code in ARMS if code in may and value[code] is not None]
    best = max(known, key=lambda code: value[code] or 0.0, default=None)
    if best == "none" and len(known) < len(may):
        best = None
    assert choice.code == best
    assert choice.expected_value_usd == (None if best is None else value[best])
    assert best is None or choice.second_best in {*known, None} - {best}
