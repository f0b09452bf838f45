"""Leaves are priced honestly, and many cases at once are decided exactly as one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.recovery.policy_facts import Facts, Question
from ml.recovery.policy_leaves import Scored, assign, must_act, with_values
from ml.recovery.policy_tree import Branch, Grown, Tip
from models.policy import ArmValue, Leaf, Node, Policy, Split, choose

ARMS = ("none", "apology", "callback")


def scored(n: int, seed: int, *, gain: float = 5.0, noise: float = 20.0, per_customer: int = 1) -> Scored:
    """Attempts where a callback brings `gain` dollars for severities 1 and 2, and an apology nothing."""
    rng = np.random.default_rng(seed)
    cluster = np.arange(n) // per_customer
    severity = rng.integers(1, 5, n).astype(np.float64)
    facts = Facts(
        {
            "severity": severity,
            "segment": rng.choice(["mass", "private", ""], n),
            "is_vulnerable": (rng.random(n) < 0.1).astype(np.float64),
        }
    )
    shared = rng.normal(size=cluster[-1] + 1)[cluster]
    scores = 30 + 10 * shared[:, None] + rng.normal(0, noise, (n, 3))
    scores[:, 2] += np.where(severity <= 2, gain, -gain) * (1 + 0.5 * shared)
    eligible = np.ones((n, 3), dtype=bool)
    eligible[:, 0] = ~must_act(facts)
    return Scored(facts, scores, eligible, np.ones(n, dtype=np.int64), rng.integers(0, 3, n), cluster, ARMS)


TREE: Grown = Branch(Question("severity", 2.0, ()), Tip(2), Tip(None))


def bundle(root: Node | None) -> Policy:
    return Policy(
        format=1, policy_id="p", method="rules" if root is None else "tree", outcome="net_margin_90d", arms=ARMS,
        attempts=1, customers=1, as_of="2026-07-05", root=root,
    )  # fmt: skip


def priced(data: Scored, tree: Grown = TREE) -> Policy:
    return bundle(with_values(tree, data))


def arm(policy: Policy, leaf: int, code: str) -> ArmValue:
    return next(value for value in policy.leaves[leaf].arms if value.code == code)


def test_a_leaf_says_what_an_arm_brings_with_an_interval_that_holds_it() -> None:
    found = arm(priced(scored(6000, 1)), 0, "callback")
    assert found.value_usd is not None and found.low_usd is not None and found.high_usd is not None
    assert found.low_usd <= 5.0 <= found.high_usd
    assert found.standing == "better"


def test_a_leaf_the_tree_leaves_to_the_rules_is_marked_so_and_still_priced() -> None:
    policy = priced(scored(6000, 1))
    assert [leaf.left_to_rules for leaf in policy.leaves] == [False, True]
    assert arm(policy, 1, "callback").standing == "worse"


def test_intervals_of_a_leaf_hold_together_in_nineteen_of_twenty_worlds() -> None:
    held = 0
    for seed in range(120):
        leaf = priced(scored(700, seed, gain=0.0)).leaves[1]
        held += all((a.low_usd or 0.0) <= 0 <= (a.high_usd or 0.0) for a in leaf.arms)
    assert held / 120 >= 0.91


def test_one_customer_with_many_attempts_does_not_count_as_many_customers() -> None:
    data = scored(6000, 2, per_customer=60, noise=1.0)
    alone = replace(data, cluster=np.arange(6000))
    width = [(v.high_usd or 0) - (v.low_usd or 0) for v in (arm(priced(d), 0, "callback") for d in (data, alone))]
    assert width[0] > 2 * width[1]


def test_an_arm_given_to_too_few_customers_has_no_value() -> None:
    data = scored(3000, 3)
    given = np.where(data.arm == 2, 1, data.arm)
    given[:20] = 2
    found = arm(priced(replace(data, arm=given)), 0, "callback")
    assert (found.value_usd, found.standing) == (None, "not_enough_data")


def test_where_nobody_may_be_left_alone_values_are_told_against_the_usual_arm() -> None:
    data = scored(3000, 4)
    grave = data.take(data.facts.columns["severity"] == 1)
    usual = replace(grave, arm=np.where(np.arange(len(grave)) % 3 == 0, 2, 1))
    leaf = priced(usual, Tip(2)).leaves[0]
    assert leaf.against == "apology"
    assert next(value for value in leaf.arms if value.code == "none").standing == "not_enough_data"


def test_a_leaf_nobody_ends_up_in_knows_nothing() -> None:
    data = scored(2000, 5)
    severe = data.take(data.facts.columns["severity"] <= 2)
    empty = priced(severe).leaves[1]
    assert (empty.n, empty.arms, empty.left_to_rules) == (0, (), True)


values = st.one_of(st.none(), st.floats(-9, 9).map(lambda v: round(v, 3)))


def leaves(name: str) -> st.SearchStrategy[Leaf]:
    def build(drawn: tuple[float | None, float | None, bool]) -> Leaf:
        arms = [ArmValue(code="none", value_usd=0.0, low_usd=0.0, high_usd=0.0, n=9, standing="reference")]
        for code, value in zip(ARMS[1:], drawn[:2], strict=True):
            figures: Any = {"value_usd": value, "low_usd": value, "high_usd": value, "n": 9}
            arms.append(ArmValue(code=code, standing="unclear" if value is not None else "not_enough_data", **figures))
        return Leaf(leaf_id=name, n=9, against="none", arms=tuple(arms), left_to_rules=drawn[2])

    return st.tuples(values, values, st.booleans()).map(build)


@given(leaves("a"), leaves("b"), leaves("c"), st.booleans(), st.booleans(), st.integers(0, 500))
@settings(max_examples=40, deadline=None)
def test_many_cases_are_decided_exactly_as_each_alone(
    a: Leaf, b: Leaf, c: Leaf, first: bool, second: bool, seed: int
) -> None:
    inner = Split(field="segment", among=("private",), unknown="yes" if first else "no", yes=a, no=b)
    policy = bundle(Split(field="severity", at_most=2, unknown="yes" if second else "no", yes=inner, no=c))
    data = scored(60, seed)
    severity = np.where(np.arange(60) % 7 == 0, np.nan, data.facts.columns["severity"])
    facts = Facts(dict(data.facts.columns) | {"severity": severity})
    eligible = np.random.default_rng(seed).random((60, 3)) < 0.7
    eligible[:, 1] = True
    data = replace(data, facts=facts, eligible=eligible)
    for place, code in enumerate(assign(policy, data)):
        one = choose(policy, facts.row(place), [arm for arm, may in zip(ARMS, eligible[place], strict=True) if may])
        assert ARMS[code] == (one.code or ARMS[data.rules[place]])


def test_a_policy_of_rules_gives_what_the_rules_give() -> None:
    data = scored(50, 6)
    assert (assign(bundle(None), data) == data.rules).all()


def test_arms_the_policy_has_never_heard_of_are_never_given() -> None:
    data = scored(500, 7)
    wider = Scored(
        data.facts, np.column_stack([data.scores, np.full(500, 99.0)]), np.column_stack([data.eligible, np.ones(500, bool)]),
        data.rules, data.arm, data.cluster, (*ARMS, "voucher"),
    )  # fmt: skip
    assert 3 not in assign(priced(data), wider)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rules": np.zeros(200, dtype=np.int64)}, "not eligible"),
        ({"scores": np.full((200, 3), np.nan)}, "no score"),
        ({"arm": np.zeros(3, dtype=np.int64)}, "arm has shape"),
    ],
)
def test_attempts_that_do_not_fit_together_are_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(scored(200, 8), **change)
