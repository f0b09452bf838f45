"""Which playbook is recommended for a case by the rules, among which alternatives, and with what probability each.

Belongs here: the typed recommendation.yml and the pure choice by rules. Not here: what a playbook is
(`models/playbook.py`), learned policies (`models/policy.py`) and putting them to use beside the rules
(`models/trial.py`). Every choice carries its arms and their propensities, because without them no later question about
what works can be answered (Dudik, Langford and Li 2011). Exploration moves only between arms the rules call acceptable,
and never on grave, vulnerable or regulated cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from models.playbook import Playbook
from models.routing import ROUTING_FIELDS, Match, Strict

# The playbook of leaving a customer alone: what every other is compared with.
DO_NOTHING = "none"


class Rule(Strict):
    """First match wins: the playbook to use, and others that would do as well (`alternatives`)."""

    name: str
    match: Match = Match()
    playbook: str
    alternatives: tuple[str, ...] = ()
    # Without this, "no contact" cannot be tried in place of help.
    no_contact_may_be_tried: bool = False


class Exploration(Strict):
    """How often an acceptable alternative is tried: `share` of the cases that fit none of `never`. Cases of severity 1,
    or of a severity nobody knows, and customers known as vulnerable are never tried on, whatever the file says.
    """

    share: float = Field(default=0.0, ge=0, le=0.5)
    never: tuple[Match, ...] = ()


class RecommendationPolicy(Strict):
    """recommendation.yml. The last rule is the catch-all, so every case gets an answer."""

    rules: tuple[Rule, ...] = Field(min_length=1)
    exploration: Exploration = Exploration()

    @model_validator(mode="after")
    def _catch_all(self) -> Self:
        if self.rules[-1].match.conditions:
            raise ValueError("the last rule is the catch-all: it has no conditions")
        if early := [rule.name for rule in self.rules[:-1] if not rule.match.conditions]:
            raise ValueError(f"rule '{early[0]}' takes everything, so the rules after it are never reached")
        for rule in self.rules:
            if rule.playbook in rule.alternatives or len(set(rule.alternatives)) != len(rule.alternatives):
                raise ValueError(f"rule '{rule.name}' names a playbook twice")
        return self

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        matches = (*(rule.match for rule in self.rules), *self.exploration.never)
        unknown = sorted({c.field for match in matches for c in match.conditions} - ROUTING_FIELDS)
        if unknown:
            raise ValueError(f"a case has no field {', '.join(unknown)}")
        return self

    @property
    def playbooks(self) -> frozenset[str]:
        """Every playbook a rule names."""
        return frozenset(code for rule in self.rules for code in (rule.playbook, *rule.alternatives))


@dataclass(frozen=True, slots=True)
class Arm:
    """One playbook that could have been recommended, with the probability that it would be."""

    code: str
    propensity: float


@dataclass(frozen=True, slots=True)
class Learned:
    """What a learned policy had to do with a choice. `policy_id` is the one that decided; None: the rules did.

    Dollars are per case more than `against`, of the playbook recommended; None where the policy does not know it.
    `over_nothing_usd` is the same compared with doing nothing. `share` is the probability with which the case was put to
    the challenger.
    """

    roll_out: str
    side: Literal["champion", "challenger"]
    share: float
    policy_id: str | None
    why: str
    value_usd: float | None = None
    low_usd: float | None = None
    high_usd: float | None = None
    against: str | None = None
    leaf_id: str | None = None
    second_best: str | None = None
    second_value_usd: float | None = None
    over_nothing_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The choice and everything needed to judge it later. `excluded` says why a playbook was no arm."""

    code: str
    arms: tuple[Arm, ...]
    excluded: dict[str, str]
    rule: str
    explored: bool
    reason: str
    learned: Learned | None = None

    @property
    def propensity(self) -> float:
        """Probability with which the choice was made."""
        return next(arm.propensity for arm in self.arms if arm.code == self.code)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the rules leave open for a case: the rule that fits, its playbooks the case is eligible for (its own first),
    every playbook the case is eligible for, all there are, and whether nothing may be tried on the case.
    """

    rule: Rule
    named: tuple[str, ...]
    eligible: frozenset[str]
    known: tuple[Playbook, ...]
    barred: bool

    def excluded(self, arms: Sequence[str], *, unnamed: str) -> dict[str, str]:
        """Why each playbook that is no arm is none; `unnamed` is said of those the case is eligible for."""
        known = {playbook.code for playbook in self.known}
        others = sorted({*known, self.rule.playbook, *self.rule.alternatives} - set(arms))
        return {code: self._why_not(code, known, unnamed) for code in others}

    def _why_not(self, code: str, known: Set[str], unnamed: str) -> str:
        if code not in known:
            return "no such playbook"
        return unnamed if code in self.eligible else "the case is not eligible for it"

    def because(self, facts: Mapping[str, Any]) -> str:
        """The rule and what held, in words."""
        return f"rule '{self.rule.name}': " + ("; ".join(self.rule.match.sentences(facts)) or "no other rule fits")


class NothingEligible(LookupError):
    """No rule that fits names a playbook that may be used for the case."""


def recommend(
    playbooks: Sequence[Playbook], facts: Mapping[str, Any], policy: RecommendationPolicy, *, key: str
) -> Recommendation:
    """Choose for a case with these facts. `key` (case and policy version) decides the draw: a replay chooses the same.

    A rule that fits but names no playbook the case is eligible for is passed over. Raises `NothingEligible` when that
    leaves none.
    """
    found = ground(playbooks, facts, policy)
    arms = spread(found.named, policy.exploration, barred=found.barred)
    code = draw(arms, key)
    explored = code != found.named[0]
    tried = f"; '{code}' is tried in place of '{found.named[0]}' to learn what works" if explored else ""
    excluded = found.excluded(found.named, unnamed="the rule does not name it")
    return Recommendation(code, arms, excluded, found.rule.name, explored, found.because(facts) + tried)


def ground(playbooks: Sequence[Playbook], facts: Mapping[str, Any], policy: RecommendationPolicy) -> Ground:
    """What the rules leave open for a case with these facts. Raises `NothingEligible` as `recommend` does."""
    eligible = frozenset(playbook.code for playbook in playbooks if playbook.eligible(facts))
    for rule in policy.rules:
        named = tuple(code for code in (rule.playbook, *rule.alternatives) if code in eligible)
        if named and rule.match.holds(facts):
            return Ground(rule, named, eligible, tuple(playbooks), _barred(policy.exploration, facts))
    raise NothingEligible("no rule names a playbook the case is eligible for")


def _barred(exploration: Exploration, facts: Mapping[str, Any]) -> bool:
    grave = facts.get("severity") in (None, 1) or facts.get("is_vulnerable") is True
    return grave or any(match.holds(facts) for match in exploration.never)


def spread(acceptable: Sequence[str], exploration: Exploration, *, barred: bool) -> tuple[Arm, ...]:
    """Propensities: all on the first, or a share spread evenly over the others. They sum to 1."""
    others = acceptable[1:]
    share = 0.0 if barred or not others else exploration.share
    rest = tuple(Arm(code, share / len(others)) for code in others)
    return (Arm(acceptable[0], 1.0 - share), *rest)


def draw(arms: Sequence[Arm], key: str) -> str:
    """Inverse of the cumulative propensities at a number in [0, 1) made from the key."""
    point = point_of(key)
    for arm in arms:
        point -= arm.propensity
        if point < 0:
            return arm.code
    return arms[0].code


def point_of(key: str) -> float:
    """A number in [0, 1) made from the key: evenly spread over keys, the same for the same key."""
    # The top 53 bits: all 64 would round to 1 for one key in 10^16.
    return (int.from_bytes(sha256(key.encode()).digest()[:8], "big") >> 11) / 2.0**53


def logged(choice: Recommendation, *, policy_version: str | None) -> dict[str, Any]:
    """What the event of a recommendation says. `policy_version` is the programme's, and the roll-out's where one counts."""
    learned = choice.learned
    said: dict[str, Any] = {
        "playbook_code": choice.code,
        "propensity": choice.propensity,
        "arms": [{"code": arm.code, "propensity": arm.propensity} for arm in choice.arms],
        "excluded": choice.excluded,
        "policy": f"rules/{choice.rule}",
        "policy_version": policy_version,
        "explored": choice.explored,
        "reason": choice.reason,
        "by": "recommendation",
    }
    if learned is None:
        return said
    if learned.policy_id is not None:
        said["policy"] = f"learned/{learned.policy_id}"
    said["policy_version"] = f"{policy_version}+{learned.roll_out}"
    return said | _said_by(learned)


def _said_by(learned: Learned) -> dict[str, Any]:
    """Sides, expected effect and runner-up; unknown things are left out, so that readers see null and not a zero."""
    side = {"version": learned.roll_out, "side": learned.side, "challenger_share": learned.share}
    said: dict[str, Any] = {"roll_out": side, "why_policy": learned.why}
    if learned.value_usd is not None:
        said["expected"] = {
            "value_usd": learned.value_usd, "low_usd": learned.low_usd, "high_usd": learned.high_usd,
            "against": learned.against, "leaf_id": learned.leaf_id,
        }  # fmt: skip
        if learned.over_nothing_usd is not None:
            said["expected"]["over_nothing_usd"] = learned.over_nothing_usd
    if learned.second_best is not None:
        said["second_best"] = {"code": learned.second_best, "value_usd": learned.second_value_usd}
    return said


def expected_value_usd(said: Mapping[str, Any] | None) -> float | None:
    """Dollars the recommended playbook is expected to bring more than doing nothing, as an event says; None where nobody
    knows, and in older events."""
    value = ((said or {}).get("expected") or {}).get("over_nothing_usd")
    return float(value) if value is not None else None
