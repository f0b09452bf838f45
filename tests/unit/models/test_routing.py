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
