"""The clauses a trigger rule is made of: comparisons, groups, k of n, likeness, rolling windows, change.

Belongs here: the typed form of what stands under `when` and `where`. Not here: the rule around it (`models/trigger.py`)
or its translation to SQL (`ml/conditions.py`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from models.signal import FieldKind, SignalKind, field_kind
from models.taxonomy import checked_phrase

MAX_DEPTH = 5
MAX_LEAVES = 50
MAX_VALUES = 500
MAX_EXAMPLES = 50
# So many examples are needed before leaving one out says where a threshold lies.
MIN_CALIBRATION = 3

Operator = Literal[
    "is", "is_not", "lt", "lte", "gt", "gte", "between", "in", "not_in", "contains_any", "is_unknown", "is_known"
]
NumberOperator = Literal["is", "is_not", "lt", "lte", "gt", "gte", "between"]
Scalar = bool | int | float | str
Number = int | float
Kinds = SignalKind | Literal["any"] | tuple[SignalKind, ...]

_ORDERED = frozenset({"lt", "lte", "gt", "gte", "between"})
_LISTS = frozenset({"in", "not_in", "contains_any"})
_PRESENCE = frozenset({"is_unknown", "is_known"})
_ALLOWED: dict[FieldKind, frozenset[str]] = {
    FieldKind.CATEGORY: frozenset({"is", "is_not", "in", "not_in"}) | _PRESENCE,
    FieldKind.TEXT: frozenset({"contains_any"}) | _PRESENCE,
    FieldKind.NUMBER: frozenset({"is", "is_not", "in", "not_in"}) | _ORDERED | _PRESENCE,
    FieldKind.FLAG: frozenset({"is", "is_not"}) | _PRESENCE,
    FieldKind.TIME: _PRESENCE,
}

_DURATION = re.compile(r"^([1-9]\d{0,3})([hdw])$")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def parse_duration(value: Any) -> Any:
    """`12h`, `30d`, `8w` as a span of wall-clock time."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.match(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"'{value}' is not a duration: write a whole number and h, d or w, for example 30d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


class Frozen(BaseModel):
    """Base of everything a rule is made of: unchangeable, and a key nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Leaf(Frozen):
    """One comparison of one field. A comparison with a missing value is unknown: it neither holds nor fails."""

    field: str
    op: Operator
    value: Scalar | tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _value_fits(self) -> Leaf:
        kind = field_kind(self.field)
        if self.op not in _ALLOWED[kind]:
            allowed = ", ".join(sorted(_ALLOWED[kind]))
            raise ValueError(f"operator '{self.op}' does not fit field '{self.field}'; allowed: {allowed}")
        self._check_shape()
        for value in self.values:
            _check_type(self.field, kind, value)
        if self.op == "contains_any":
            for value in self.values:
                checked_phrase(str(value))
        return self

    def _check_shape(self) -> None:
        count = len(self.value) if isinstance(self.value, tuple) else None
        if self.op in _PRESENCE and self.value is not None:
            raise ValueError(f"operator '{self.op}' takes no value")
        if self.op in _LISTS and not (count and count <= MAX_VALUES):
            raise ValueError(f"operator '{self.op}' takes a list of 1 to {MAX_VALUES} values")
        if self.op == "between" and count != 2:
            raise ValueError("operator 'between' takes a list of two numbers, lowest first")
        if self.op not in _LISTS | _PRESENCE | {"between"} and (self.value is None or count is not None):
            raise ValueError(f"operator '{self.op}' takes exactly one value")

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The value or values as a tuple (empty for is_unknown and is_known)."""
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)


def _check_type(field: str, kind: FieldKind, value: Scalar) -> None:
    is_flag = isinstance(value, bool)
    fits = {
        FieldKind.NUMBER: isinstance(value, int | float) and not is_flag,
        FieldKind.FLAG: is_flag,
    }.get(kind, isinstance(value, str))
    if not fits:
        raise ValueError(f"field '{field}' is a {kind.value}; {value!r} is not")


def checked_keys(value: tuple[str, ...]) -> tuple[str, ...]:
    """The fields something is grouped by. Raises ValueError unless they are category fields, each once."""
    if not value or len(set(value)) < len(value) or any(field_kind(name) is not FieldKind.CATEGORY for name in value):
        raise ValueError("`by` takes one or more category fields, each once, for example customer_id, cause_id")
    return value


def _checked_number(name: str | None) -> None:
    if name is not None and field_kind(name) is not FieldKind.NUMBER:
        raise ValueError(f"field '{name}' is a {field_kind(name).value}; a number is needed here")


class _Measured(Frozen):
    """A comparison with a number that is worked out, not read."""

    op: NumberOperator
    value: Number | tuple[Number, Number]

    @model_validator(mode="after")
    def _value_fits_operator(self) -> _Measured:
        if (self.op == "between") != isinstance(self.value, tuple):
            raise ValueError(
                "operator 'between' takes a list of two numbers, lowest first; every other takes one number"
            )
        return self

    @property
    def values(self) -> tuple[Number, ...]:
        """The value or values as a tuple."""
        return self.value if isinstance(self.value, tuple) else (self.value,)


class _Looking(Frozen):
    """What is looked at around a signal: which kinds (the rule's own, unless said), meeting what, grouped by what."""

    signal: Kinds | None = None
    where: Node | None = None
    by: tuple[str, ...] = ("customer_id",)

    @field_validator("by")
    @classmethod
    def _by_categories(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return checked_keys(value)

    @model_validator(mode="after")
    def _where_is_plain(self) -> _Looking:
        if self.where is not None:
            check_plain(self.where, "where")
        return self

    def kinds(self, own: tuple[str, ...]) -> tuple[str, ...]:
        """Kinds of signal looked at, given the rule's own; empty means every kind."""
        return own if self.signal is None else kinds_of(self.signal)

    @property
    def key(self) -> str:
        """Twelve hex digits that name this measure: the same words, the same key."""
        canonical = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


class Rolling(_Looking):
    """A rolling aggregate over signals in (t - within, t], t being the time of the signal that is judged.

    `share` is the share of those signals that meet `where`. Signals of the same instant count for each other.
    Of no signal the count is 0 and everything else unknown.
    """

    measure: Literal["count", "share", "mean", "min", "max", "sum"]
    field: str | None = None
    within: Duration

    @model_validator(mode="after")
    def _field_fits_measure(self) -> Rolling:
        if (self.field is None) != (self.measure in {"count", "share"}):
            raise ValueError("mean, min, max and sum take a `field`; count and share take none")
        if self.measure == "share" and self.where is None:
            raise ValueError("share needs a `where`: of all signals, those that meet it")
        _checked_number(self.field)
        return self


class Window(_Measured):
    """A rolling aggregate, compared with a number."""

    window: Rolling


class Baseline(Frozen):
    """The subject's own past: signals in [t - within, t), and how many with the field known make a baseline."""

    within: Duration
    at_least: int = Field(default=3, ge=1, le=1000)


class Shift(_Looking):
    """The signal's value less the mean of the subject's earlier ones; unknown while there is no baseline."""

    field: str
    baseline: Baseline

    @field_validator("field")
    @classmethod
    def _field_is_number(cls, value: str) -> str:
        _checked_number(value)
        return value


class Change(_Measured):
    """The change against the subject's own baseline, compared with a number."""

    change: Shift


class Examples(Frozen):
    """Texts of the kind that is meant, texts that are not meant, and how alike is alike enough (cosine).

    Without `at_least` the threshold is worked out by leaving out one example at a time (`ml/detection/likeness.py`).
    """

    examples: tuple[Annotated[str, Field(min_length=3, max_length=500)], ...] = Field(
        min_length=1, max_length=MAX_EXAMPLES
    )
    unlike: tuple[Annotated[str, Field(min_length=3, max_length=500)], ...] = Field(default=(), max_length=MAX_EXAMPLES)
    at_least: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _threshold_can_be_found(self) -> Examples:
        if self.at_least is None and len(set(self.examples)) < MIN_CALIBRATION:
            raise ValueError(f"fewer than {MIN_CALIBRATION} examples say nothing about a threshold: give at_least")
        if both := sorted(set(self.examples) & set(self.unlike)):
            raise ValueError(f"'{both[0]}' is among examples and unlike")
        return self

    @property
    def key(self) -> str:
        """Twelve hex digits that name this set of examples."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


class Like(Frozen):
    """The text is like the examples. Unknown where there is no text, and where no sentence encoder is at hand."""

    like: Examples
    field: Literal["text"] = "text"


class AtLeast(Frozen):
    """At least so many of the conditions hold. Unknown as long as those that are unknown could decide it."""

    at_least: int = Field(ge=1, le=MAX_LEAVES)
    of: tuple[Node, ...] = Field(min_length=2, max_length=MAX_LEAVES)

    @model_validator(mode="after")
    def _can_be_reached(self) -> AtLeast:
        if self.at_least > len(self.of):
            raise ValueError(f"at_least {self.at_least} of {len(self.of)} conditions can never hold")
        return self


class Group(Frozen):
    """Conditions joined: every one of `all`, at least one of `any`, and not `not`, as far as each is given."""

    all: tuple[Node, ...] = ()
    any: tuple[Node, ...] = ()
    not_: Node | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _says_something(self) -> Group:
        if not (self.all or self.any or self.not_):
            raise ValueError("a condition needs all, any or not, or a field with an operator")
        return self


_TAGS = {"like": "like", "window": "window", "change": "change", "of": "at_least", "at_least": "at_least"}
_CLASSES: dict[type, str] = {Like: "like", Window: "window", Change: "change", AtLeast: "at_least", Leaf: "leaf"}


def _node_tag(value: Any) -> str:
    if not isinstance(value, dict):
        return _CLASSES.get(type(value), "group")
    named = next((tag for key, tag in _TAGS.items() if key in value), "group")
    return "leaf" if named == "group" and ("field" in value or "op" in value) else named


Node = Annotated[
    Annotated[Leaf, Tag("leaf")]
    | Annotated[Like, Tag("like")]
    | Annotated[Window, Tag("window")]
    | Annotated[Change, Tag("change")]
    | Annotated[AtLeast, Tag("at_least")]
    | Annotated[Group, Tag("group")],
    Discriminator(_node_tag),
]
Clause = Leaf | Like | Window | Change
Condition = Clause | AtLeast | Group
for _model in (Rolling, Shift, Window, Change, AtLeast, Group):
    _model.model_rebuild()


def children(node: Condition) -> tuple[Condition, ...]:
    """The conditions directly below a group or a k of n, in reading order; none below a clause."""
    if isinstance(node, AtLeast):
        return node.of
    if isinstance(node, Group):
        return (*node.all, *node.any, *((node.not_,) if node.not_ is not None else ()))
    return ()


def clauses(node: Condition, depth: int = 1) -> Iterator[tuple[Clause, int]]:
    """Every clause below a node with its depth, in reading order; a `where` is one level below its clause."""
    if isinstance(node, Window | Change):
        yield node, depth
        where = node.window.where if isinstance(node, Window) else node.change.where
        if where is not None:
            yield from clauses(where, depth + 1)
    elif isinstance(node, Leaf | Like):
        yield node, depth
    else:
        for child in children(node):
            yield from clauses(child, depth + 1)


def leaves(node: Condition) -> Iterator[tuple[Leaf, int]]:
    """Every comparison of a field below a node with its depth, in reading order."""
    return ((clause, depth) for clause, depth in clauses(node) if isinstance(clause, Leaf))


def kinds_of(signal: str | tuple[str, ...]) -> tuple[str, ...]:
    """Kinds as a tuple; empty for `any`."""
    if signal == "any":
        return ()
    return signal if isinstance(signal, tuple) else (signal,)


def check_plain(node: Condition, place: str) -> None:
    """Raise ValueError where a condition that says which signals count looks at a window or a change itself."""
    if any(isinstance(clause, Window | Change) for clause, _ in clauses(node)):
        raise ValueError(f"`{place}` says which signals count; window and change have no place in it")
