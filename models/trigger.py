"""The trigger rule language: what must be seen, in which signals, and what it then opens.

Belongs here: the typed form of `programme/<company>/triggers/*.yml` (conditions as data, never as code). Not here:
compiling a rule to SQL and running it (`ml/detection`), or opening cases (`cases/`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from models.chart import Chart, check_example
from models.signal import FieldKind, Severity, SignalKind, field_kind
from models.taxonomy import Slug, checked_phrase

MAX_DEPTH = 5
MAX_LEAVES = 50
MAX_VALUES = 500

Operator = Literal[
    "is", "is_not", "lt", "lte", "gt", "gte", "between", "in", "not_in", "contains_any", "is_unknown", "is_known"
]
Scalar = bool | int | float | str

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


def _parse_duration(value: Any) -> Any:
    """`12h`, `30d`, `8w` as a span of wall-clock time."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.match(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"'{value}' is not a duration: write a whole number and h, d or w, for example 30d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


Duration = Annotated[timedelta, BeforeValidator(_parse_duration)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Leaf(_Frozen):
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


def _node_tag(value: Any) -> str:
    has_field = "field" in value if isinstance(value, dict) else isinstance(value, Leaf)
    return "leaf" if has_field else "group"


class Group(_Frozen):
    """Conditions joined: every one of `all`, at least one of `any`, and not `not`, as far as each is given."""

    all: tuple[Node, ...] = ()
    any: tuple[Node, ...] = ()
    not_: Node | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _says_something(self) -> Group:
        if not (self.all or self.any or self.not_):
            raise ValueError("a condition needs all, any or not, or a field with an operator")
        return self


Node = Annotated[Annotated[Leaf, Tag("leaf")] | Annotated[Group, Tag("group")], Discriminator(_node_tag)]
Group.model_rebuild()


def leaves(node: Leaf | Group, depth: int = 1) -> Iterator[tuple[Leaf, int]]:
    """Every comparison below a node with its depth, in reading order."""
    if isinstance(node, Leaf):
        yield node, depth
        return
    children = [*node.all, *node.any, *([node.not_] if node.not_ is not None else [])]
    for child in children:
        yield from leaves(child, depth + 1)


class Repeat(_Frozen):
    """k-of-n: fire from the k-th matching signal inside a rolling window, per customer, cause or both."""

    at_least: int = Field(ge=2, le=100)
    within: Duration
    by: tuple[str, ...] = ("customer_id",)

    @field_validator("by")
    @classmethod
    def _by_categories(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any(field_kind(name) is not FieldKind.CATEGORY for name in value):
            raise ValueError("repeat.by takes one or more category fields, for example customer_id, cause_id")
        return value


class Surge(_Frozen):
    """How much more than usual a theme's week must be. See `ml/detection/surge.py` for the statistics."""

    baseline_weeks: int = Field(default=13, ge=8, le=26)
    min_baseline_weeks: int = Field(default=8, ge=4, le=26)
    min_signals: int = Field(default=10, ge=1)
    min_ratio: float = Field(default=1.5, ge=1.0)
    false_discovery_rate: float = Field(default=0.01, gt=0, lt=0.5)

    @model_validator(mode="after")
    def _window_holds_minimum(self) -> Surge:
        if self.min_baseline_weeks > self.baseline_weeks:
            raise ValueError("min_baseline_weeks may not exceed baseline_weeks")
        return self


class Dedupe(_Frozen):
    """How long later signals of the same subject and journey attach to the case instead of opening another."""

    within: Duration


class OpenCase(_Frozen):
    """What a firing rule opens. `severity` is the mildest the case may be; a worse signal makes it worse."""

    severity: Severity
    dedupe: Dedupe


class RuleTest(_Frozen):
    """An example kept beside the rule. `given` is one signal or several in time order; with `repeat`, the last one
    decides. For a surge rule `given` is `{weeks: [counts ...]}`, oldest first, and the last week decides; for a chart
    rule it is `{days: [...], exposure: [...]}`, and any day decides."""

    given: dict[str, Any] | tuple[dict[str, Any], ...]
    then: Literal["opens", "nothing"]

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """The given signals as a tuple, also when one was written."""
        return self.given if isinstance(self.given, tuple) else (self.given,)


class TriggerRule(_Frozen):
    """One trigger rule as written by the business. Frozen; two rules are the same when their `rule_hash` is."""

    id: Slug
    title: str = Field(min_length=3, max_length=120)
    status: Literal["draft", "shadow", "live", "retired"]
    kind: Literal["recovery", "excellence", "breakdown"]
    signal: SignalKind | Literal["any", "theme_week", "series"] | tuple[SignalKind, ...]
    when: Node | None = None
    repeat: Repeat | None = None
    surge: Surge | None = None
    chart: Chart | None = None
    open_case: OpenCase
    effective_from: date | None = None
    tests: tuple[RuleTest, ...] = ()

    @model_validator(mode="after")
    def _parts_belong_together(self) -> TriggerRule:
        if (self.surge is None) != (self.signal != "theme_week"):
            raise ValueError("a surge needs `signal: theme_week`, and theme_week needs a surge")
        if self.surge is not None and (self.when is not None or self.repeat is not None):
            raise ValueError("a surge rule takes neither when nor repeat")
        if (self.chart is None) != (self.signal != "series"):
            raise ValueError("a chart needs `signal: series`, and series needs a chart")
        if self.chart is not None and (self.when is not None or self.repeat is not None):
            raise ValueError("a chart rule takes neither when nor repeat")
        if self.surge is None and self.chart is None and self.when is None:
            raise ValueError("a rule needs `when` (conditions) or `chart`")
        if self.status == "live" and not self.tests:
            raise ValueError("a live rule needs at least one test")
        return self

    @model_validator(mode="after")
    def _condition_is_small(self) -> TriggerRule:
        found = list(leaves(self.when)) if self.when is not None else []
        if len(found) > MAX_LEAVES:
            raise ValueError(f"{len(found)} comparisons; at most {MAX_LEAVES} are allowed")
        if found and max(depth for _, depth in found) > MAX_DEPTH:
            raise ValueError(f"conditions nested deeper than {MAX_DEPTH}")
        return self

    @model_validator(mode="after")
    def _tests_name_known_fields(self) -> TriggerRule:
        for test in self.tests:
            if self.chart is not None:
                for row in test.rows:
                    check_example(row)
                continue
            for name in (name for row in test.rows for name in row):
                if self.surge is not None and name not in {"weeks", "exposure"}:
                    raise ValueError(f"a surge test is given weeks (and exposure), not '{name}'")
                if self.surge is None:
                    field_kind(name)
        return self

    @property
    def signal_kinds(self) -> tuple[str, ...]:
        """Kinds of signal the rule looks at; empty means every kind."""
        if self.signal in ("any", "theme_week", "series"):
            return ()
        return self.signal if isinstance(self.signal, tuple) else (self.signal,)

    @property
    def is_about_signals(self) -> bool:
        """Whether the rule fires on a signal as it comes; a rule on series needs days to pass."""
        return self.signal not in ("theme_week", "series")

    @property
    def dedupe_days(self) -> int:
        """Whole days of the dedupe window, rounded up."""
        return -(-self.open_case.dedupe.within // timedelta(days=1))

    @property
    def rule_hash(self) -> str:
        """sha256 (hex) of the rule's canonical JSON: the version a trigger carries."""
        canonical = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def is_historic(self, occurred_at: datetime, as_of: datetime, historic_after_days: int) -> bool:
        """Whether a signal is too old to act on, or older than the rule itself (an edit never re-opens the past)."""
        too_old = occurred_at < as_of - timedelta(days=historic_after_days)
        return too_old or (self.effective_from is not None and occurred_at.date() < self.effective_from)


@dataclass(frozen=True, slots=True)
class FormerRule:
    """A wording a rule had from `begins` up to `ends` (UTC): what it found in that time is no history by a later edit."""

    rule: TriggerRule
    begins: datetime
    ends: datetime
