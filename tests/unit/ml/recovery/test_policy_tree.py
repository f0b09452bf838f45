"""The tree found is the best there is, and never takes an arm it has seen too rarely."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.recovery.policy_facts import Facts, Question, cells, questions, read_facts
from ml.recovery.policy_tree import Branch, Grown, Tip, grow, tips, walk

Floats = NDArray[np.float64]
FIELDS = ("severity", "cause_id", "value_usd")


def cases(n: int, seed: int, *, gaps: bool = False) -> tuple[Facts, Floats, NDArray[np.int64]]:
    """Facts, gains of three arms and the arms given: which arm gains depends on severity and cause."""
    rng = np.random.default_rng(seed)
    severity = rng.integers(1, 5, n).astype(np.float64)
    cause = rng.choice(["fee", "card", "app"], n)
    value = rng.lognormal(6, 1, n)
    gains = rng.normal(0, 2, (n, 3))
    gains[:, 1] += np.where((severity <= 2) & (cause == "card"), 4, -1)
    gains[:, 2] += np.where(severity > 2, 2, -2) * (value > 400)
    gains[:, 0] = 0
    if gaps:
        severity[rng.random(n) < 0.2] = np.nan
        cause = np.where(rng.random(n) < 0.2, "", cause)
    return Facts({"severity": severity, "cause_id": cause, "value_usd": value}), gains, rng.integers(0, 3, n)


def total(tree: Grown, facts: Facts, gains: Floats) -> float:
    """What the tree gains in all."""
    actions = np.array([-1 if tip.action is None else tip.action for tip in tips(tree)])[walk(tree, facts)]
    return float(np.where(actions < 0, 0.0, gains[np.arange(len(gains)), actions]).sum())


def best_by_trying(facts: Facts, gains: Floats, arm: Any, depth: int, least: tuple[int, int], asked: Any) -> float:
    """Best total of any tree, by trying every question at every node."""
    seen = np.bincount(arm, minlength=gains.shape[1])
    best = max([0.0, *(float(gains[:, a].sum()) for a in range(gains.shape[1]) if seen[a] >= least[1])])
    for question in asked if depth else ():
        yes = question.answers(facts)
        if min(yes.sum(), (~yes).sum()) >= least[0]:
            sides = [best_by_trying(facts.take(s), gains[s], arm[s], depth - 1, least, asked) for s in (yes, ~yes)]
            best = max(best, sum(sides))
    return best


@given(st.integers(0, 1000), st.integers(0, 2), st.booleans())
@settings(max_examples=25, deadline=None)
def test_no_tree_of_that_depth_gains_more(seed: int, depth: int, gaps: bool) -> None:
    facts, gains, arm = cases(160, seed, gaps=gaps)
    tree = grow(facts, gains, arm, depth=depth, fields=FIELDS, least_leaf=20, least_arm=8)
    tried = best_by_trying(facts, gains, arm, depth, (20, 8), questions(facts, gains, FIELDS))
    assert total(tree, facts, gains) == pytest.approx(tried)


def test_no_tree_of_depth_three_gains_more() -> None:
    facts, gains, arm = cases(150, 11)
    fields = ("severity", "cause_id")
    tree = grow(facts, gains, arm, depth=3, fields=fields, least_leaf=12, least_arm=3)
    tried = best_by_trying(facts, gains, arm, 3, (12, 3), questions(facts, gains, fields))
    assert total(tree, facts, gains) == pytest.approx(tried)


def test_deeper_trees_never_gain_less_on_what_they_were_grown_on() -> None:
    facts, gains, arm = cases(3000, 4)
    gained = [total(grow(facts, gains, arm, depth=d, fields=FIELDS), facts, gains) for d in range(4)]
    assert gained == sorted(gained)


def test_the_planted_questions_are_found() -> None:
    facts, gains, arm = cases(8000, 5)
    tree = grow(facts, gains, arm, depth=2, fields=FIELDS)
    assert isinstance(tree, Branch)
    assert (tree.question.field, tree.question.at_most) == ("severity", 2.0)
    assert isinstance(tree.yes, Branch)
    assert tree.yes.question.field == "cause_id"


def test_an_arm_seen_too_rarely_is_never_taken_however_much_it_seems_to_gain() -> None:
    facts, gains, _ = cases(500, 6)
    gains[:, 2] = 1000.0
    rare = np.r_[np.full(10, 2), np.zeros(490, dtype=np.int64)]
    tree = grow(facts, gains, rare, depth=2, fields=FIELDS, least_arm=40)
    assert 2 not in {tip.action for tip in tips(tree)}


def test_where_no_arm_gains_everything_is_left_to_the_rules() -> None:
    facts, gains, arm = cases(500, 7)
    assert grow(facts, -np.abs(gains) - 1, arm, depth=2, fields=FIELDS) == Tip(None)


def test_every_leaf_has_the_cases_it_needs() -> None:
    facts, gains, arm = cases(2000, 8)
    tree = grow(facts, gains, arm, depth=3, fields=FIELDS, least_leaf=150)
    assert np.bincount(walk(tree, facts)).min() >= 150


def test_too_few_cases_for_two_leaves_give_one() -> None:
    facts, gains, arm = cases(150, 9)
    assert isinstance(grow(facts, gains, arm, depth=3, fields=FIELDS, least_leaf=100), Tip)


def test_cells_lose_nothing_the_questions_ask_for() -> None:
    facts, gains, _ = cases(2000, 10, gaps=True)
    asked = questions(facts, gains, FIELDS)
    groups = cells(facts, asked)
    assert len(groups.first) < 300
    for question in asked:
        answers = question.answers(facts)
        assert (answers == answers[groups.first][groups.of]).all()


def test_the_best_set_of_levels_for_one_contrast_is_among_the_questions() -> None:
    rng = np.random.default_rng(12)
    level = rng.choice(list("abcdef"), 3000)
    gain = rng.normal(size=3000) + np.select([level == "a", level == "d"], [3.0, 2.0], -1.0)
    facts = Facts({"cause_id": level})
    asked = questions(facts, gain[:, None], ("cause_id",))
    by_hand = max(
        max(0.0, gain[np.isin(level, some)].sum()) + max(0.0, gain[~np.isin(level, some)].sum())
        for size in range(1, 6)
        for some in itertools.combinations("abcdef", size)
    )
    asked_best = max(max(0.0, gain[q.answers(facts)].sum()) + max(0.0, gain[~q.answers(facts)].sum()) for q in asked)
    assert asked_best == pytest.approx(by_hand)


def test_an_unknown_may_go_to_either_side() -> None:
    facts = Facts({"severity": np.array([1.0, np.nan, 4.0])})
    assert Question("severity", 2.0, ()).answers(facts).tolist() == [True, False, False]
    assert Question("severity", 2.0, (), unknown=True).answers(facts).tolist() == [True, True, False]


def test_facts_are_read_as_the_desk_knows_them() -> None:
    table = pa.table(
        {
            "severity": [2, None],
            "cause_id": ["fee", None],
            "annual_value_usd": [10.5, None],
            "is_vulnerable": [True, None],
        }
    )
    facts = read_facts(table)
    assert facts.row(0) == {
        "severity": 2.0, "cause_id": "fee", "value_usd": 10.5, "is_vulnerable": True,
        "failure_type": None, "journey": None, "segment": None,
    }  # fmt: skip
    assert set(facts.row(1).values()) == {None}


@pytest.mark.parametrize(("depth", "change", "reason"), [(4, 0.0, "depth 0 to 3"), (1, np.nan, "gain is unknown")])
def test_what_cannot_be_grown_is_refused_with_the_reason(depth: int, change: float, reason: str) -> None:
    facts, gains, arm = cases(300, 13)
    with pytest.raises(ValueError, match=reason):
        grow(facts, gains + change, arm, depth=depth, fields=FIELDS)
