"""Learned policies beside the rules: who decides about a case, a champion or a challenger, and with what probability.

Belongs here: the roll-out in force as a value, and the pure choice under it. Not here: the rules and the draw
(`models/recommendation.py`), what a policy says of a case (`models/policy.py`), where roll-outs are kept
(`ml/recovery/roll_out.py`). A case is put to a side by a seeded hash of its id; the propensities of its arms are those of
the mixture of both sides, so that what is logged can be judged off-policy (Dudik, Langford and Li 2011) whoever decided.

The challenger is an experiment, so it is bounded like every other: never on what nothing may be tried on. A policy decides
about recovery only, among playbooks the case is eligible for; one that contacts nobody is among them where the rule that
fits says `no_contact_may_be_tried`. Whatever a policy cannot answer is answered by the rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from models.playbook import Playbook
from models.policy import ArmValue, Choice, Leaf, Policy, PolicyFault, choose
from models.recommendation import (
    DO_NOTHING,
    Arm,
    Exploration,
    Ground,
    Learned,
    Recommendation,
    RecommendationPolicy,
    draw,
    ground,
    point_of,
    recommend,
    spread,
)

Side = Literal["champion", "challenger"]
RULES_VERSION = "rules"


@dataclass(frozen=True, slots=True)
class RollOut:
    """Which policies are in force: a champion (None: the rules) and perhaps a challenger that gets `share` of the cases.

    `fault` says why a roll-out that was put in force is not used. Raises ValueError for a share outside 0 to 1, or one
    without a challenger.
    """

    version: str = RULES_VERSION
    champion: Policy | None = None
    challenger: Policy | None = None
    share: float = 0.0
    fault: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError("the challenger's share lies between 0 and 1")
        if self.share > 0 and self.challenger is None:
            raise ValueError("there is no challenger to give a share of the cases")

    @property
    def is_rules(self) -> bool:
        """Whether the rules alone decide, as they were meant to."""
        return self.champion is None and self.challenger is None and self.fault is None

    def policy_of(self, side: Side) -> Policy | None:
        """The policy of a side; None: the rules."""
        return self.champion if side == "champion" else self.challenger


RULES = RollOut()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one side does with a case: its arms, the first being its own pick, and what the policy said."""

    arms: tuple[Arm, ...]
    choice: Choice
    policy_id: str | None


def advise(
    playbooks: Sequence[Playbook],
    facts: Mapping[str, Any],
    policy: RecommendationPolicy,
    roll_out: RollOut,
    *,
    case_id: str,
    version: str,
) -> Recommendation:
    """Choose for a case under the roll-out in force; `version` is the programme's. A replay chooses the same.

    Raises `NothingEligible` when no rule names a playbook the case is eligible for.
    """
    if roll_out.is_rules:
        return recommend(playbooks, facts, policy, key=f"{case_id}|{version}")
    found = ground(playbooks, facts, policy)
    share = 0.0 if found.barred else roll_out.share
    side = side_of(roll_out, case_id, share)
    answers = {s: _answer(roll_out, s, found, facts, policy.exploration) for s in _sides(share)}
    mine, arms = answers[side], _mixture(answers, share)
    code = draw(mine.arms, f"{case_id}|{version}|{roll_out.version}")
    first = mine.arms[0].code
    said = f"policy '{mine.policy_id}': {mine.choice.why}" if mine.policy_id else found.because(facts)
    tried = f"; '{code}' is tried in place of '{first}' to learn what works" if code != first else ""
    excluded = found.excluded([arm.code for arm in arms], unnamed="neither the rule nor a policy names it")
    learned = _learned(roll_out, side, share, mine, code, facts)
    return Recommendation(code, arms, excluded, found.rule.name, code != first, said + tried, learned)


def side_of(roll_out: RollOut, case_id: str, share: float) -> Side:
    """The side a case is put to. Raising the share of a trial moves cases to the challenger, never back."""
    if share <= 0 or roll_out.challenger is None:
        return "champion"
    trial = f"{roll_out.champion.policy_id if roll_out.champion else RULES_VERSION}|{roll_out.challenger.policy_id}"
    return "challenger" if point_of(f"side|{trial}|{case_id}") < share else "champion"


def _sides(share: float) -> tuple[Side, ...]:
    if share <= 0:
        return ("champion",)
    return ("challenger",) if share >= 1 else ("champion", "challenger")


def _answer(
    roll_out: RollOut, side: Side, found: Ground, facts: Mapping[str, Any], exploration: Exploration
) -> _Answer:
    """The policy's best arm first, or the rule's; what is tried in its place are the arms the rule names."""
    learned = roll_out.policy_of(side)
    choice = _choice(learned, found, facts, roll_out.fault)
    first = choice.code or found.named[0]
    acceptable = (first, *(code for code in found.named if code != first))
    arms = spread(acceptable, exploration, barred=found.barred)
    return _Answer(arms, choice, learned.policy_id if learned is not None and choice.code is not None else None)


def _choice(learned: Policy | None, found: Ground, facts: Mapping[str, Any], fault: str | None) -> Choice:
    if fault is not None:
        return _rules_decide(fault)
    if learned is None:
        return _rules_decide("the rules are the champion")
    if facts.get("kind") != "recovery":
        return _rules_decide("policies are learned from recovery, and this case is none")
    if facts.get("is_historic"):
        return _rules_decide("the case is of history: what it taught may not judge it")
    silent = {playbook.code for playbook in found.known if not playbook.reaches_customer}
    allowed = found.eligible if found.rule.no_contact_may_be_tried else found.eligible - (silent - set(found.named))
    try:
        return choose(learned, facts, allowed)
    except PolicyFault as fault_found:
        return _rules_decide(str(fault_found))


def _rules_decide(why: str) -> Choice:
    return Choice(None, None, None, None, None, None, f"{why}; the rules decide", None)


def _mixture(answers: Mapping[Side, _Answer], share: float) -> tuple[Arm, ...]:
    """Probability of each arm over both sides; they sum to 1."""
    weights: dict[str, float] = defaultdict(float)
    for side, answer in answers.items():
        weight = 1.0 if len(answers) == 1 else (share if side == "challenger" else 1.0 - share)
        for arm in answer.arms:
            weights[arm.code] += weight * arm.propensity
    return tuple(Arm(code, weight) for code, weight in weights.items())


def _learned(
    roll_out: RollOut, side: Side, share: float, mine: _Answer, code: str, facts: Mapping[str, Any]
) -> Learned:
    """What is logged of the side's answer: the value of the playbook drawn by its leaf, also where the rules decided.

    An arm that is tried is told beside the best, the best beside the second best.
    """
    choice, policy = mine.choice, roll_out.policy_of(side)
    found = policy.leaf(facts) if policy is not None and choice.leaf_id is not None else None
    if found is None:
        return Learned(roll_out.version, side, share, None, choice.why)
    leaf = found[0]
    arm = next((arm for arm in leaf.arms if arm.code == code), None)
    second = (
        (choice.second_best, choice.second_value) if code == choice.code else (choice.code, choice.expected_value_usd)
    )
    return Learned(
        roll_out.version, side, share, mine.policy_id, choice.why, value_usd=arm.value_usd if arm else None,
        low_usd=arm.low_usd if arm else None, high_usd=arm.high_usd if arm else None, against=leaf.against,
        leaf_id=leaf.leaf_id, second_best=second[0], second_value_usd=second[1], over_nothing_usd=_over_nothing(leaf, arm),
    )  # fmt: skip


def _over_nothing(leaf: Leaf, arm: ArmValue | None) -> float | None:
    if arm is None or arm.value_usd is None:
        return None
    if leaf.against == DO_NOTHING:
        return arm.value_usd
    return arm.value_usd + leaf.over_nothing.value_usd if leaf.over_nothing is not None else None
