"""Who gets a case: a tree of conditions, first match, children inherit, and a catch-all that must exist.

Belongs here: the condition shape shared by triggers, routing, SLAs and playbooks, the routing tree and the pure
`route`. Not here: people, absences and capacity (who exactly of the role takes it), and the YAML itself (`programme/`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Scalar = str | int | float | bool
Op = Literal["is", "is_not", "in", "not_in", "gt", "gte", "lt", "lte", "is_known", "is_unknown"]

ROUTING_FIELDS = frozenset(
    {
        "kind", "severity", "source", "rule_id", "subject_type", "customer_id", "journey", "cause_id", "theme_id",
        "value_usd", "segment", "region", "branch_id", "is_historic",
    }
)  # fmt: skip


class Strict(BaseModel):
    """Frozen configuration that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(Strict):
    """One comparison. A field whose value is unknown satisfies nothing but `is_unknown`."""

    field: str
    op: Op
    value: Scalar | tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _value_fits(self) -> Self:
        if self.op in ("is_known", "is_unknown"):
            fits = self.value is None
        elif self.op in ("in", "not_in"):
            fits = isinstance(self.value, tuple) and len(self.value) > 0
        else:
            fits = self.value is not None and not isinstance(self.value, tuple)
        if not fits:
            raise ValueError(f"{self.field}: value does not suit the comparison {self.op!r}")
        return self

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether the facts satisfy the condition. Raises `TypeError` when text is compared with a number by size."""
        actual = facts.get(self.field)
        if self.op == "is_unknown" or actual is None:
            return self.op == "is_unknown" and actual is None
        return self.op == "is_known" or _compare(actual, self.op, self.value)

    def sentence(self, facts: Mapping[str, Any]) -> str:
        """The condition and the value it met, for `why me`."""
        wanted = ", ".join(map(str, self.value)) if isinstance(self.value, tuple) else self.value
        actual = facts.get(self.field)
        # Money read from tables is binary: 11544.710000000001 helps nobody.
        met = f"(it is {round(actual, 2) if isinstance(actual, float) else actual})"
        return f"{self.field} {self.op} {met}" if wanted is None else f"{self.field} {self.op} {wanted} {met}"


def _compare(actual: Any, op: Op, value: Any) -> bool:
    match op:
        case "is":
            return bool(actual == value)
        case "is_not":
            return bool(actual != value)
        case "in":
            return actual in value
        case "not_in":
            return actual not in value
        case "gt":
            return bool(actual > value)
        case "gte":
            return bool(actual >= value)
        case "lt":
            return bool(actual < value)
        case _:
            return bool(actual <= value)


class Match(Strict):
    """All of `all` and, if given, at least one of `any`. An empty match holds for everything."""

    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition in it."""
        return self.all + self.any

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether the facts satisfy the match."""
        return all(c.holds(facts) for c in self.all) and (not self.any or any(c.holds(facts) for c in self.any))

    def sentences(self, facts: Mapping[str, Any]) -> list[str]:
        """The conditions that held, with the values they met."""
        return [c.sentence(facts) for c in self.conditions if c.holds(facts)]


class RouteNode(Strict):
    """One branch. `team` and `owner_role` left out are inherited from the branch above."""

    name: str
    match: Match = Match()
    team: str | None = None
    owner_role: str | None = None
    routes: tuple[RouteNode, ...] = ()


class RoutingTree(Strict):
    """The root is the catch-all: it matches everything and names a team and a role, so no case is ever unrouted."""

    root: RouteNode = Field(description="catch-all; its children are tried in order, first match wins")

    @model_validator(mode="after")
    def _catch_all(self) -> Self:
        if self.root.match.conditions or not self.root.team or not self.root.owner_role:
            raise ValueError("the root route is the catch-all: it needs a team and an owner_role, and no conditions")
        unknown = sorted({c.field for node in _nodes(self.root) for c in node.match.conditions} - ROUTING_FIELDS)
        if unknown:
            raise ValueError(f"routing does not know these fields: {', '.join(unknown)}")
        if (found := next(_never_reached(self.root), None)) is not None:
            takers, branch = found
            if not takers[0].match.conditions:
                name = takers[0].name
                raise ValueError(f"branch '{name}' takes everything, so the branches after it are never reached")
            names = " or ".join(f"'{taker.name}'" for taker in takers)
            raise ValueError(f"branch '{branch.name}' is never reached: what fits it fits {names} before it")
        return self

    @property
    def teams(self) -> frozenset[str]:
        """Every team a case may be routed to."""
        return frozenset(node.team for node in _nodes(self.root) if node.team)


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Where a case goes, and why: the names of the branches taken and the conditions that held."""

    team: str
    owner_role: str
    path: tuple[str, ...]
    reasons: tuple[str, ...]


def route(tree: RoutingTree, facts: Mapping[str, Any]) -> RouteDecision:
    """Walk down from the catch-all, at each step into the first child that matches. Total: every case is routed."""
    node, path, reasons = tree.root, [tree.root.name], [f"{tree.root.name}: everything starts here"]
    team, role = node.team or "", node.owner_role or ""
    while (child := next((item for item in node.routes if item.match.holds(facts)), None)) is not None:
        node = child
        path.append(node.name)
        reasons.append(f"{node.name}: " + ("; ".join(node.match.sentences(facts)) or "always"))
        team, role = node.team or team, node.owner_role or role
    return RouteDecision(team=team, owner_role=role, path=tuple(path), reasons=tuple(reasons))


# Sets of conditions of which at least one holds in full.
_Ways = tuple[frozenset[Condition], ...]


def _never_reached(
    node: RouteNode, ways: _Ways = (frozenset(),), before: tuple[RouteNode, ...] = ()
) -> Iterator[tuple[list[RouteNode], RouteNode]]:
    """Branches that earlier ones always take first, with those. Exact as far as conditions are the same or not: that a
    value above 1,500 is above 1,000, for instance, is not seen.
    """
    for k, child in enumerate(node.routes):
        ahead = (*before, *node.routes[:k])
        inside = tuple(way | {*child.match.all, *some} for way in ways for some in _each(child.match.any))
        takers = [next((taker for taker in ahead if _holds_in(taker.match, way)), None) for way in inside]
        if None not in takers:
            yield [taker for taker in ahead if taker in takers], child
        yield from _never_reached(child, inside, ahead)


def _each(conditions: tuple[Condition, ...]) -> list[tuple[Condition, ...]]:
    return [(condition,) for condition in conditions] or [()]


def _holds_in(match: Match, way: frozenset[Condition]) -> bool:
    return way.issuperset(match.all) and (not match.any or not way.isdisjoint(match.any))


def _nodes(node: RouteNode) -> list[RouteNode]:
    return [node, *(inner for child in node.routes for inner in _nodes(child))]
