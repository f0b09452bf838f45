"""A learned playbook policy as a file: a shallow tree over a case's facts whose leaves say what each playbook is worth.

Belongs here: the frozen bundle, its check, and the choice for one case in plain Python. Not here: learning and judging
policies (`ml/recovery/policy.py`), rules and exploration (`models/recommendation.py`), who may use which playbook
(`models/playbook.py`). Policy trees: Athey and Wager (2021), "Policy learning with observational data".

A policy never speaks where it knows nothing: a bundle without a tree, a leaf without enough data and a case without an
eligible arm all leave the choice to the rules (`Choice.code` is None), and say so.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from models.routing import ROUTING_FIELDS, Strict

FORMAT = 1
MAX_DEPTH = 6
# What a tree may ask: what routing knows of a case, and what attempts of the past were described by besides.
POLICY_FIELDS = ROUTING_FIELDS | {"failure_type", "is_vulnerable", "tier", "language", "channel"}
Standing = Literal["reference", "better", "worse", "unclear", "not_enough_data"]
Method = Literal["rules", "one_arm", "tree"]


class PolicyFault(ValueError):
    """A policy file is not in order, or a fact is not of the kind the policy compares."""


class ArmValue(Strict):
    """What a playbook is worth in a leaf: dollars per case more than the leaf's `against`, net of offers and handling.

    The interval holds for all arms of the leaf at once (95 %). `n` counts attempts with this arm, among customers the
    tree was not grown on. All three figures are None where that was not enough data.
    """

    code: str = Field(min_length=1)
    value_usd: float | None
    low_usd: float | None
    high_usd: float | None
    n: int = Field(ge=0)
    standing: Standing

    @model_validator(mode="after")
    def _figures_agree(self) -> Self:
        figures = (self.low_usd, self.value_usd, self.high_usd)
        known = [figure for figure in figures if figure is not None]
        if (not known) != (self.standing == "not_enough_data") or len(known) not in (0, 3):
            raise ValueError(f"arm '{self.code}': figures are missing exactly where there is not enough data")
        if any(not math.isfinite(figure) for figure in known) or known != sorted(known):
            raise ValueError(f"arm '{self.code}': figures are finite, and the value lies within its interval")
        return self


class Lead(Strict):
    """Dollars per case the arm values are compared with brings more than doing nothing, with its 95 % interval, told by
    `n` attempts with either: worth knowing also where nobody may be left alone, to say which case to take first.
    """

    value_usd: float
    low_usd: float
    high_usd: float
    n: int = Field(ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        figures = (self.low_usd, self.value_usd, self.high_usd)
        if any(not math.isfinite(figure) for figure in figures) or list(figures) != sorted(figures):
            raise ValueError("the lead over doing nothing is finite and lies within its interval")
        return self


class Leaf(Strict):
    """Where cases of one kind end up; `n` attempts of other customers than the tree was grown on.

    `against` is what values are compared with: doing nothing, or the usual arm where nobody was ever left alone. With
    `left_to_rules` no arm promised more than what the rules choose; the values still say what that is worth.
    `over_nothing` is what `against` brings more than doing nothing, None where that is the same or not known.
    """

    leaf_id: str = Field(min_length=1)
    n: int = Field(ge=0)
    against: str = Field(min_length=1)
    arms: tuple[ArmValue, ...]
    left_to_rules: bool = False
    over_nothing: Lead | None = None

    @model_validator(mode="after")
    def _each_arm_once(self) -> Self:
        if len({arm.code for arm in self.arms}) != len(self.arms):
            raise ValueError(f"leaf '{self.leaf_id}' values an arm twice")
        if any((arm.code == self.against) != (arm.standing == "reference") for arm in self.arms):
            raise ValueError(f"leaf '{self.leaf_id}': the arm values are compared with is the one called reference")
        return self


class Split(Strict):
    """A question: is the number at most `at_most`, or the text among `among`? Who is unknown goes where `unknown` says.

    A truth value counts as the text "yes" or "no".
    """

    field: str
    at_most: float | None = None
    among: tuple[str, ...] = ()
    unknown: Literal["yes", "no"]
    yes: Node
    no: Node

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if (self.at_most is None) == (not self.among):
            raise ValueError(f"split on '{self.field}': either 'at_most' or 'among'")
        if self.at_most is not None and not math.isfinite(self.at_most):
            raise ValueError(f"split on '{self.field}': 'at_most' is a finite number")
        if self.field not in POLICY_FIELDS:
            raise ValueError(f"a case has no fact '{self.field}'")
        return self

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether a case goes to the `yes` side. Raises `PolicyFault` for a text where a number is compared."""
        actual = facts.get(self.field)
        if is_unknown(actual):
            return self.unknown == "yes"
        if self.at_most is None:
            return as_text(actual) in self.among
        try:
            return float(actual) <= self.at_most  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise PolicyFault(f"the policy compares '{self.field}' with a number, but it is no number") from error

    def sentence(self, facts: Mapping[str, Any]) -> str:
        """The answer for a case, for `why`."""
        actual, holds = facts.get(self.field), self.holds(facts)
        wanted = f"at most {self.at_most:g}" if self.at_most is not None else "one of " + ", ".join(self.among)
        if is_unknown(actual):
            return f"{self.field} is unknown, which counts as {'' if holds else 'not '}{wanted}"
        met = round(actual, 2) if isinstance(actual, float) else as_text(actual)
        return f"{self.field} is {'' if holds else 'not '}{wanted} (it is {met})"


def _kind(node: Any) -> str:
    """A question names a field, a leaf does not: a fault is then told for the one it was meant to be."""
    return "split" if isinstance(node, Split) or (isinstance(node, dict) and "field" in node) else "leaf"


Node = Annotated[Annotated[Leaf, Tag("leaf")] | Annotated[Split, Tag("split")], Discriminator(_kind)]
Split.model_rebuild()


class Policy(Strict):
    """The bundle. `arms` begins with the reference; without a `root` the rules decide every case.

    `attempts` and `customers` say what it was learned from, `as_of` until when (ISO date-time); `method` how it was found.
    """

    format: Literal[1]
    policy_id: str = Field(min_length=1)
    method: Method
    outcome: str
    arms: tuple[str, ...] = Field(min_length=1)
    attempts: int = Field(ge=0)
    customers: int = Field(ge=0)
    as_of: str
    root: Node | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.root is None) != (self.method == "rules"):
            raise ValueError("a policy has a tree unless it leaves everything to the rules")
        if self.depth > MAX_DEPTH:
            raise ValueError(f"a tree has at most {MAX_DEPTH} questions one after the other")
        ids = [leaf.leaf_id for leaf in self.leaves]
        if len(set(ids)) != len(ids):
            raise ValueError("two leaves have the same name")
        valued = {code for leaf in self.leaves for code in (leaf.against, *(arm.code for arm in leaf.arms))}
        if unknown := sorted(valued - set(self.arms)):
            raise ValueError(f"a leaf values an arm the policy does not list: {', '.join(unknown)}")
        return self

    @property
    def reference(self) -> str:
        """Doing nothing: what values are compared with wherever it was ever tried."""
        return self.arms[0]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All leaves, from left to right."""
        return tuple(node for node in _nodes(self.root) if isinstance(node, Leaf))

    @property
    def fields(self) -> frozenset[str]:
        """Facts the tree asks for."""
        return frozenset(node.field for node in _nodes(self.root) if isinstance(node, Split))

    @property
    def depth(self) -> int:
        """Most questions asked of one case."""
        return _depth(self.root)

    def leaf(self, facts: Mapping[str, Any]) -> tuple[Leaf, tuple[str, ...]] | None:
        """Where a case ends up and the answers that led there; None when the rules decide everything."""
        node, answers = self.root, list[str]()
        while isinstance(node, Split):
            answers.append(node.sentence(facts))
            node = node.yes if node.holds(facts) else node.no
        return None if node is None else (node, tuple(answers))

    def to_json(self) -> str:
        """The bundle as text; the same policy gives the same text."""
        return self.model_dump_json(indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Policy:
        """Read a bundle. Raises `PolicyFault` with the place and the reason when it is not in order."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise PolicyFault(_first_fault(error)) from None


@dataclass(frozen=True, slots=True)
class Choice:
    """What the policy says about one case. `code` None: the rules decide, `why` says why.

    Values are dollars per case more than the arm `against`, with the interval of the chosen one. `ranked` are all
    eligible arms that are known well enough, best first.
    """

    code: str | None
    expected_value_usd: float | None
    low: float | None
    high: float | None
    second_best: str | None
    second_value: float | None
    why: str
    leaf_id: str | None
    ranked: tuple[str, ...] = ()
    against: str | None = None


def choose(policy: Policy, facts: Mapping[str, Any], eligible: Collection[str]) -> Choice:
    """The best eligible arm of the case's leaf. Ties go to the arm the policy lists first.

    The reference arm (nothing is done) is taken out for severity 1, an unknown severity and vulnerable customers,
    whatever `eligible` says, and chosen only where every other eligible arm is known to bring no more.

    Raises `PolicyFault` for a fact of the wrong kind.
    """
    found = policy.leaf(facts)
    if found is None:
        return _left_to_rules("no learned policy is in use", None)
    leaf, answers = found
    allowed = set(eligible) - ({policy.reference} if must_act(facts) else set())
    known = [arm for arm in leaf.arms if arm.code in allowed and arm.value_usd is not None]
    where = "; ".join(answers) or "all cases"
    if leaf.left_to_rules:
        return _left_to_rules(f"{where}: no playbook promises more than what the rules choose", leaf.leaf_id)
    if not known:
        return _left_to_rules(f"{where}: not enough data about any playbook the case is eligible for", leaf.leaf_id)
    ranked = sorted(known, key=lambda arm: (-_value(arm), policy.arms.index(arm.code)))
    best, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    if best.code == policy.reference and len(known) < len(allowed):
        unknown = ", ".join(sorted(allowed - {arm.code for arm in known}))
        return _left_to_rules(
            f"{where}: nothing known brings more than '{best.code}', but too little is known of {unknown}", leaf.leaf_id
        )
    return Choice(
        code=best.code,
        expected_value_usd=best.value_usd,
        low=best.low_usd,
        high=best.high_usd,
        second_best=second.code if second else None,
        second_value=second.value_usd if second else None,
        why=f"{where}: {_told(best, second, leaf.against)}",
        leaf_id=leaf.leaf_id,
        ranked=tuple(arm.code for arm in ranked),
        against=leaf.against,
    )


def worth(policy: Policy, facts: Mapping[str, Any], code: str) -> ArmValue | None:
    """What one playbook is worth for a case, whoever chose it; None where the policy does not value it."""
    found = policy.leaf(facts)
    return None if found is None else next((arm for arm in found[0].arms if arm.code == code), None)


def must_act(facts: Mapping[str, Any]) -> bool:
    """Whether doing nothing is out of the question: gravest or unknown severity, or a customer known as vulnerable."""
    return is_unknown(facts.get("severity")) or int(facts["severity"]) == 1 or facts.get("is_vulnerable") is True


def is_unknown(value: object) -> bool:
    """Whether a fact is missing: None, not a number, or an empty text."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def as_text(value: object) -> str:
    """A fact as the text a split compares."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _value(arm: ArmValue) -> float:
    return -math.inf if arm.value_usd is None else arm.value_usd


def _told(best: ArmValue, second: ArmValue | None, against: str) -> str:
    beside = f"; next is '{second.code}' with {_usd(second.value_usd)}" if second else ""
    known = f"{best.n} attempts of other customers"
    if best.code == against:
        return f"'{best.code}' ({known}): no playbook the case is eligible for is expected to bring more{beside}"
    interval = f"{_usd(best.low_usd)} to {_usd(best.high_usd)}"
    doubt = "" if best.standing == "better" else ", not told apart from it"
    return f"'{best.code}' is expected to bring {_usd(best.value_usd)} against '{against}' ({interval}{doubt}; {known}){beside}"


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:+.2f} USD"


def _left_to_rules(reason: str, leaf_id: str | None) -> Choice:
    return Choice(None, None, None, None, None, None, f"{reason}; the rules decide", leaf_id)


def _nodes(node: Leaf | Split | None) -> Iterator[Leaf | Split]:
    if node is None:
        return
    yield node
    if isinstance(node, Split):
        yield from _nodes(node.yes)
        yield from _nodes(node.no)


def _depth(node: Leaf | Split | None) -> int:
    return 1 + max(_depth(node.yes), _depth(node.no)) if isinstance(node, Split) else 0


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if place == "format":
        return f"this version reads policies of format {FORMAT} only"
    return f"policy file{f' at {place}' if place else ''}: {first['msg']}"
