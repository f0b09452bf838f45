"""What the leaves of a grown tree are worth, told by other customers, and what a policy does with many cases at once.

Belongs here: turning a grown tree into the frozen bundle of `models/policy.py`, and `assign`, its choice for n cases.
Not here: growing (`policy_tree.py`), the choice for one case (`models/policy.py`; `assign` is the same choice by columns).

Values are honest in the sense of Athey and Imbens (2016): customers who shaped the tree do not price it. Within a leaf
the best of several noisy figures flatters itself a little; so intervals hold for all arms of a leaf at once (Bonferroni),
and what the policy as a whole is worth is told by customers who did neither (`policy.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.recovery.pairs import clustered_error, interval
from ml.recovery.policy_facts import Facts, Question
from ml.recovery.policy_tree import Branch, Grown, Tip, tips, walk
from models.policy import ArmValue, Leaf, Node, Policy, Split, Standing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Attempts with an arm, and customers behind them, before a leaf says what the arm is worth.
LEAST_ARM = 30
# The reference serves for comparison in a leaf where this share of the cases could have been left alone.
_REFERENCE_SHARE = 0.2
_LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Scored:
    """n attempts with known outcomes, ready to learn from or to judge by.

    `scores` (n, A) doubly robust outcomes of every arm, `eligible` (n, A) arms that may be used, `rules` (n,) the arm the
    rules take, `arm` (n,) what was given, `cluster` (n,) the customer. Raises ValueError saying what does not fit.
    """

    facts: Facts
    scores: Floats
    eligible: Flags
    rules: Ints
    arm: Ints
    cluster: Ints
    arms: tuple[str, ...]

    def __post_init__(self) -> None:
        shape = (len(self.facts), len(self.arms))
        for name, values, wanted in (
            ("scores", self.scores, shape),
            ("eligible", self.eligible, shape),
            ("rules", self.rules, shape[:1]),
            ("arm", self.arm, shape[:1]),
            ("cluster", self.cluster, shape[:1]),
        ):
            if values.shape != wanted:
                raise ValueError(f"{name} has shape {values.shape}, it should have {wanted}")
        if np.isnan(self.scores[self.eligible]).any():
            raise ValueError("an eligible arm has no score: nothing is known of it, so it cannot be eligible here")
        if len(self.rules) and not self.eligible[np.arange(len(self.rules)), self.rules].all():
            raise ValueError("the rules take an arm that is not eligible")

    def __len__(self) -> int:
        return len(self.arm)

    def take(self, index: Ints | Flags) -> Scored:
        """Some of the attempts."""
        return Scored(
            self.facts.take(index), self.scores[index], self.eligible[index], self.rules[index], self.arm[index],
            self.cluster[index], self.arms,
        )  # fmt: skip

    @property
    def gains(self) -> Floats:
        """Scores minus those of the arm the rules take (n, A); 0 where an arm may not be used."""
        base = self.scores[np.arange(len(self)), self.rules]
        return np.asarray(np.where(self.eligible, self.scores - base[:, None], 0.0))


def with_values(tree: Grown, others: Scored, *, least: int = LEAST_ARM) -> Node:
    """The tree with each leaf valued by `others`, customers it was not grown on."""
    place = walk(tree, others.facts)
    leaves = [_leaf(tip, others.take(place == number), number, least) for number, tip in enumerate(tips(tree))]
    return _node(tree, iter(leaves))


def assign(policy: Policy, data: Scored) -> Ints:
    """The arm (n,) the policy gives each case; the arm of the rules where it leaves the choice to them."""
    value, decides = worth(policy, data.facts, data.arms)
    may = data.eligible.copy()
    may[:, 0] &= ~must_act(data.facts)
    allowed = may & np.isfinite(value)
    best = np.where(allowed, value, -np.inf).argmax(axis=1)
    known = decides & allowed.any(axis=1) & ((best > 0) | (allowed == may).all(axis=1))
    return np.where(known, best, data.rules)


def worth(policy: Policy, facts: Facts, arms: Sequence[str]) -> tuple[Floats, Flags]:
    """What each arm is worth to each case by its leaf, (n, A) in dollars, NaN where unknown; and whether the leaf decides
    (n,) or leaves the choice to the rules. Values of a leaf compare with each other, not with those of other leaves
    unless both are told against doing nothing."""
    value, decides = np.full((len(facts), len(arms)), np.nan), np.zeros(len(facts), dtype=bool)
    if policy.root is not None:
        _fill(policy.root, facts, arms, np.arange(len(facts)), value, decides)
    return value, decides


def must_act(facts: Facts) -> Flags:
    """Cases (n,) that are never left alone: severity 1 or unknown, or a vulnerable customer."""
    severity = facts.columns["severity"]
    vulnerable = facts.columns.get("is_vulnerable", np.zeros(len(facts)))
    return np.asarray(np.isnan(severity) | (severity == 1) | (vulnerable == 1))


def _leaf(tip: Tip, inside: Scored, place: int, least: int) -> Leaf:
    usable = inside.eligible & ~(must_act(inside.facts)[:, None] & (np.arange(len(inside.arms)) == 0))
    against = _against(inside, usable, least)
    both = usable & usable[:, [against]]
    given = np.array([_customers(inside, both[:, a] & (inside.arm == a)) for a in range(len(inside.arms))])
    valued = [a for a in range(len(inside.arms)) if given[a] >= least and given[against] >= least]
    if len(valued) < 2:
        return Leaf(
            leaf_id=f"leaf {place + 1}", n=len(inside), against=inside.arms[against], arms=(), left_to_rules=True
        )
    level = 1 - (1 - _LEVEL) / max(len(valued) - 1, 1)
    arms = [_arm_value(inside, both[:, a], a, against, level if a in valued else None) for a in range(len(inside.arms))]
    return Leaf(
        leaf_id=f"leaf {place + 1}",
        n=len(inside),
        against=inside.arms[against],
        arms=tuple(arms),
        left_to_rules=tip.action is None,
    )


def _against(inside: Scored, usable: Flags, least: int) -> int:
    """Doing nothing, if enough were left alone to compare with; else the arm given most."""
    alone = usable[:, 0]
    if len(inside) and alone.mean() >= _REFERENCE_SHARE and _customers(inside, alone & (inside.arm == 0)) >= least:
        return 0
    counts = np.bincount(inside.arm[usable[np.arange(len(inside)), inside.arm]], minlength=len(inside.arms))
    return int(counts.argmax())


def _customers(inside: Scored, mask: Flags) -> int:
    return len(np.unique(inside.cluster[mask]))


def _arm_value(inside: Scored, mask: Flags, arm: int, against: int, level: float | None) -> ArmValue:
    """`mask` are the cases that may get either of the two; `level` is None where too few did."""
    code, given = inside.arms[arm], int((mask & (inside.arm == arm)).sum())
    if arm == against:
        return ArmValue(code=code, value_usd=0.0, low_usd=0.0, high_usd=0.0, n=given, standing="reference")
    if level is None:
        return ArmValue(code=code, value_usd=None, low_usd=None, high_usd=None, n=given, standing="not_enough_data")
    gain = inside.scores[mask, arm] - inside.scores[mask, against]
    mean = float(gain.mean())
    error, freedom = clustered_error(gain - mean, inside.cluster[mask], float(mask.sum()))
    low, high = interval(mean, error, freedom, level)
    standing: Standing = "better" if low > 0 else "worse" if high < 0 else "unclear"
    return ArmValue(code=code, value_usd=mean, low_usd=low, high_usd=high, n=given, standing=standing)


def _node(tree: Grown, leaves: Iterator[Leaf]) -> Node:
    if not isinstance(tree, Branch):
        return next(leaves)
    asked = tree.question
    yes = _node(tree.yes, leaves)
    return Split(
        field=asked.field,
        at_most=asked.at_most,
        among=asked.among,
        unknown="yes" if asked.unknown else "no",
        yes=yes,
        no=_node(tree.no, leaves),
    )


def _fill(node: Node, facts: Facts, arms: Sequence[str], rows: Ints, value: Floats, decides: Flags) -> None:
    if isinstance(node, Leaf):
        known = {arm.code: arm.value_usd for arm in node.arms if arm.value_usd is not None}
        value[rows] = [known.get(code, np.nan) for code in arms]
        decides[rows] = not node.left_to_rules
        return
    question = Question(node.field, node.at_most, node.among, node.unknown == "yes")
    answers = question.answers(facts.take(rows))
    _fill(node.yes, facts, arms, rows[answers], value, decides)
    _fill(node.no, facts, arms, rows[~answers], value, decides)
