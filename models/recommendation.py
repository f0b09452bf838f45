"""Which playbook is recommended for a case, among which alternatives, and with what probability each.

Belongs here: the typed recommendation.yml and the pure choice. Not here: what a playbook is (`models/playbook.py`),
effects and learned policies (`ml/recovery`, which will plug in by scores). Every choice carries its arms and their
propensities, because without them no later question about what works can be answered (Dudik, Langford and Li 2011).
Exploration moves only between arms the rules call acceptable, and never on grave, vulnerable or regulated cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from pydantic import Field, model_validator

from models.playbook import Playbook
from models.routing import ROUTING_FIELDS, Match, Strict


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
    or of a severity nobody knows, are never tried on, whatever the file says.
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
class Recommendation:
    """The choice and everything needed to judge it later. `excluded` says why a playbook was no arm."""

    code: str
    arms: tuple[Arm, ...]
    excluded: dict[str, str]
    rule: str
    explored: bool
    reason: str

    @property
    def propensity(self) -> float:
        """Probability with which the choice was made."""
        return next(arm.propensity for arm in self.arms if arm.code == self.code)


class NothingEligible(LookupError):
    """No rule that fits names a playbook that may be used for the case."""


def recommend(
    playbooks: Sequence[Playbook], facts: Mapping[str, Any], policy: RecommendationPolicy, *, key: str
) -> Recommendation:
    """Choose for a case with these facts. `key` (case and policy version) decides the draw: a replay chooses the same.

    A rule that fits but names no playbook the case is eligible for is passed over. Raises `NothingEligible` when that
    leaves none.
    """
    known = {playbook.code: playbook for playbook in playbooks}
    fitting = (rule for rule in policy.rules if rule.match.holds(facts))
    rule = next((rule for rule in fitting if _eligible(rule, known, facts)), None)
    if rule is None:
        raise NothingEligible("no rule names a playbook the case is eligible for")
    named, eligible = (rule.playbook, *rule.alternatives), _eligible(rule, known, facts)
    excluded = {code: _why_not(code, known, facts) for code in sorted({*known, *named}) if code not in eligible}
    arms = _arms(eligible, policy.exploration, facts)
    code = _draw(arms, key)
    explored = code != eligible[0]
    tried = f"; '{code}' is tried in place of '{eligible[0]}' to learn what works" if explored else ""
    reason = f"rule '{rule.name}': " + ("; ".join(rule.match.sentences(facts)) or "no other rule fits") + tried
    return Recommendation(code, arms, excluded, rule.name, explored, reason)


def _eligible(rule: Rule, known: Mapping[str, Playbook], facts: Mapping[str, Any]) -> list[str]:
    """The rule's own playbook and its alternatives, in order, as far as the case is eligible for them."""
    named = (rule.playbook, *rule.alternatives)
    return [code for code in named if code in known and known[code].eligible(facts)]


def _why_not(code: str, known: Mapping[str, Playbook], facts: Mapping[str, Any]) -> str:
    if code not in known:
        return "no such playbook"
    return "the rule does not name it" if known[code].eligible(facts) else "the case is not eligible for it"


def _arms(eligible: Sequence[str], exploration: Exploration, facts: Mapping[str, Any]) -> tuple[Arm, ...]:
    """Propensities: all on the first, or a share spread evenly over the alternatives. They sum to 1."""
    is_grave = facts.get("severity") in (None, 1)
    barred = is_grave or any(match.holds(facts) for match in exploration.never)
    others = eligible[1:]
    share = 0.0 if barred or not others else exploration.share
    rest = tuple(Arm(code, share / len(others)) for code in others)
    return (Arm(eligible[0], 1.0 - share), *rest)


def _draw(arms: Sequence[Arm], key: str) -> str:
    """Inverse of the cumulative propensities at a number in [0, 1) made from the key."""
    point = int.from_bytes(sha256(key.encode()).digest()[:8], "big") / 2**64
    for arm in arms:
        point -= arm.propensity
        if point < 0:
            return arm.code
    return arms[0].code


def logged(choice: Recommendation, *, policy_version: str | None) -> dict[str, Any]:
    """What the event of a recommendation says."""
    return {
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
