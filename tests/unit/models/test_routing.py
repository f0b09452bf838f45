"""Routing: first match, inheritance, a catch-all, and a reason for everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.routing import Condition, Match, RoutingTree, route


def condition(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


TREE = RoutingTree.model_validate(
    {
        "root": {
            "name": "desk",
            "team": "cx-desk",
            "owner_role": "agent",
            "routes": [
                {
                    "name": "severe",
                    "owner_role": "team_lead",
                    "match": {"all": [condition("severity", "lte", 2)]},
                    "routes": [
                        {
                            "name": "severe and valuable",
                            "owner_role": "manager",
                            "match": {
                                "any": [
                                    condition("value_usd", "gte", 10_000),
                                    condition("segment", "in", ["private", "business"]),
                                ]
                            },
                        }
                    ],
                },
                {"name": "security", "team": "fraud", "match": {"all": [condition("journey", "is", "security")]}},
                {"name": "nobody knows", "team": "triage", "match": {"all": [condition("cause_id", "is_unknown")]}},
            ],
        }
    }
)


@pytest.mark.parametrize(
    ("facts", "team", "role", "path"),
    [
        ({"severity": 1, "segment": "private"}, "cx-desk", "manager", ("desk", "severe", "severe and valuable")),
        ({"severity": 1, "value_usd": 10_000.0}, "cx-desk", "manager", ("desk", "severe", "severe and valuable")),
        ({"severity": 2, "value_usd": 9_999}, "cx-desk", "team_lead", ("desk", "severe")),
        ({"severity": 1, "journey": "security"}, "cx-desk", "team_lead", ("desk", "severe")),
        ({"severity": 3, "journey": "security"}, "fraud", "agent", ("desk", "security")),
        ({"severity": 3, "journey": "everyday", "cause_id": "fee_dispute"}, "cx-desk", "agent", ("desk",)),
        ({"severity": 3}, "triage", "agent", ("desk", "nobody knows")),
        ({}, "triage", "agent", ("desk", "nobody knows")),
    ],
)
def test_the_first_branch_that_matches_takes_the_case(
    facts: dict[str, Any], team: str, role: str, path: tuple[str, ...]
) -> None:
    decision = route(TREE, facts)
    assert (decision.team, decision.owner_role, decision.path) == (team, role, path)
    assert len(decision.reasons) == len(path)


def test_the_reasons_name_the_values_that_decided() -> None:
    reasons = route(TREE, {"severity": 1, "segment": "private"}).reasons
    assert reasons[1] == "severe: severity lte 2 (it is 1)"
    assert reasons[2] == "severe and valuable: segment in private, business (it is private)"


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "severity": st.none() | st.integers(1, 4),
            "value_usd": st.none() | st.floats(0, 1e6),
            "segment": st.none() | st.sampled_from(["mass", "private"]),
            "journey": st.none() | st.sampled_from(["security", "everyday"]),
            "cause_id": st.none() | st.just("fee_dispute"),
        },
    )
)
def test_every_case_goes_somewhere(facts: dict[str, Any]) -> None:
    decision = route(TREE, facts)
    assert decision.team and decision.owner_role and decision.path[0] == "desk"


@pytest.mark.parametrize(
    "root",
    [
        {"name": "desk", "owner_role": "agent"},
        {"name": "desk", "team": "cx"},
        {"name": "desk", "team": "cx", "owner_role": "agent", "match": {"all": [condition("severity", "is", 1)]}},
        {
            "name": "desk",
            "team": "cx",
            "owner_role": "agent",
            "routes": [{"name": "x", "match": {"all": [condition("mood", "is", "bad")]}}],
        },
        {"name": "desk", "team": "cx", "owner_role": "agent", "colour": "red"},
    ],
)
def test_a_tree_without_a_catch_all_or_with_unknown_fields_is_refused(root: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RoutingTree.model_validate({"root": root})


@pytest.mark.parametrize(
    ("op", "value"), [("in", "private"), ("in", []), ("is", None), ("is", ["a"]), ("is_known", 1), ("like", "x")]
)
def test_a_comparison_with_an_unsuitable_value_is_refused(op: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(condition("segment", op, value))


@pytest.mark.parametrize("op", ["is", "is_not", "gt", "gte", "lt", "lte"])
def test_an_unknown_value_satisfies_no_comparison(op: str) -> None:
    assert not Condition.model_validate(condition("value_usd", op, 5)).holds({"value_usd": None})


@pytest.mark.parametrize(
    ("op", "value", "actual", "expected"),
    [
        ("is", 3, 3, True), ("is_not", 3, 4, True), ("is_not", 3, 3, False), ("gt", 3, 3, False), ("gte", 3, 3, True),
        ("lt", 3, 2, True), ("lte", 3, 4, False), ("in", [1, 2], 2, True), ("not_in", [1, 2], 2, False),
        ("not_in", [1, 2], 3, True), ("is_known", None, 1, True), ("is_unknown", None, 1, False),
    ],
)  # fmt: skip
def test_each_comparison_means_what_it_says(op: str, value: Any, actual: int, expected: bool) -> None:
    assert Condition.model_validate(condition("severity", op, value)).holds({"severity": actual}) is expected


def test_an_empty_match_holds_for_everything() -> None:
    assert Match().holds({})


SEVERE, VALUABLE, SECURITY = (
    condition("severity", "lte", 2), condition("value_usd", "gte", 1_500), condition("journey", "is", "security"),
)  # fmt: skip


def branch(name: str, match: dict[str, Any], *routes: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "match": match, "routes": list(routes)}


def tree(*routes: dict[str, Any]) -> RoutingTree:
    return RoutingTree.model_validate({"root": {"name": "desk", "team": "cx", "owner_role": "agent", "routes": routes}})


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        ([branch("a", {}), branch("b", {"all": [SEVERE]})], "'a' takes everything"),
        ([branch("a", {"all": [SEVERE]}), branch("b", {"all": [SEVERE]})], "'b' is never reached.*'a'"),
        ([branch("a", {"all": [SEVERE]}), branch("b", {"all": [SECURITY, SEVERE]})], "'b' is never reached.*'a'"),
        ([branch("a", {"any": [SEVERE, VALUABLE]}), branch("b", {"all": [VALUABLE]})], "'b' is never reached"),
        ([branch("a", {"any": [SEVERE, VALUABLE]}), branch("b", {"any": [VALUABLE]})], "'b' is never reached"),
        (
            [
                branch("a", {"all": [SEVERE]}),
                branch("b", {"all": [SECURITY]}),
                branch("c", {"any": [SEVERE, SECURITY]}),
            ],
            "'c' is never reached: what fits it fits 'a' or 'b' before it",
        ),
        ([branch("a", {"all": [SEVERE]}), branch("b", {"all": [SECURITY]}, branch("c", {"all": [SEVERE]}))], "'c'"),
        ([branch("a", {"all": [SECURITY]}, branch("c", {}), branch("d", {"all": [SEVERE]}))], "'c' takes everything"),
    ],
)
def test_a_branch_that_can_never_be_reached_is_refused_by_name(routes: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        tree(*routes)


@given(
    st.lists(
        st.builds(
            lambda every, some: {"all": every, "any": some},
            st.lists(st.sampled_from([SEVERE, VALUABLE, SECURITY]), max_size=2),
            st.lists(st.sampled_from([SEVERE, VALUABLE, SECURITY]), max_size=2),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_tree_is_refused_exactly_when_no_case_reaches_one_of_its_branches(matches: list[dict[str, Any]]) -> None:
    """Against trying every combination of the three facts; the conditions do not depend on each other."""
    names = [f"b{k}" for k in range(len(matches))]
    every = [
        {"severity": severity, "value_usd": value, "journey": journey}
        for severity in (2, 3) for value in (1_500.0, 10.0) for journey in ("security", "cards")
    ]  # fmt: skip
    took = set()
    for facts in every:
        fitting = (n for n, m in zip(names, matches, strict=True) if Match.model_validate(m).holds(facts))
        took.add(next(fitting, None))
    try:
        tree(*(branch(name, match) for name, match in zip(names, matches, strict=True)))
    except ValidationError:
        assert not took >= set(names)
    else:
        assert took >= set(names)


def test_a_narrow_branch_before_a_wide_one_is_fine() -> None:
    assert tree(branch("a", {"all": [SEVERE, SECURITY]}), branch("b", {"all": [SEVERE]}), branch("c", {}))
