"""The trigger rule language: what must be seen, in which signals, and what it then opens.

Belongs here: the typed form of `programme/<company>/triggers/*.yml` (conditions as data, never as code). Not here:
compiling a rule to SQL and running it (`ml/detection`), or opening cases (`cases/`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from models.chart import Chart, check_example
from models.clause import (
    MAX_DEPTH,
    MAX_LEAVES,
    Change,
    Duration,
    Frozen,
    Node,
    Window,
    check_plain,
    checked_keys,
    clauses,
    kinds_of,
)
from models.signal import Severity, SignalKind, field_kind
from models.taxonomy import Slug


class Repeat(Frozen):
    """k-of-n: fire from the k-th matching signal inside a rolling window, per customer, cause or both."""

    at_least: int = Field(ge=2, le=100)
    within: Duration
    by: tuple[str, ...] = ("customer_id",)

    @field_validator("by")
    @classmethod
    def _by_categories(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return checked_keys(value)


class Expected(Frozen):
    """The signal that should have come: its kinds, and what else it must meet."""

    signal: SignalKind | tuple[SignalKind, ...]
    when: Node | None = None

    @model_validator(mode="after")
    def _is_plain(self) -> Expected:
        if self.when is not None:
            check_plain(self.when, "absence.of.when")
        return self


class Absence(Frozen):
    """Fire when nothing expected came in (t, t + within] after a matching signal at t, for the same `by`.

    Decided once `as_of` has reached t + within; that is when the trigger occurred.
    """

    of: Expected
    within: Duration
    by: tuple[str, ...] = ("customer_id",)

    @field_validator("by")
    @classmethod
    def _by_categories(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return checked_keys(value)


class Dedupe(Frozen):
    """How long later signals of the same subject and journey attach to the case instead of opening another."""

    within: Duration


class OpenCase(Frozen):
    """What a firing rule opens. `severity` is the mildest the case may be; a worse signal makes it worse. `theme` is the
    theme such cases belong to; without one they take their signal's."""

    severity: Severity
    dedupe: Dedupe
    theme: str | None = Field(default=None, min_length=1, max_length=64)


class RuleTest(Frozen):
    """An example kept beside the rule. `given` is one signal or several in time order; the last one decides. With
    `absence` any of them may, as of `as_of` (a span after the first signal, or an instant). For a chart rule `given` is
    `{days: [...], exposure: [...]}`, and any day decides."""

    given: dict[str, Any] | tuple[dict[str, Any], ...]
    then: Literal["opens", "nothing"]
    as_of: Duration | datetime | None = None

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """The given signals as a tuple, also when one was written."""
        return self.given if isinstance(self.given, tuple) else (self.given,)


def _from_surge(data: dict[str, Any]) -> dict[str, Any]:
    """An earlier rule on weeks of themes as a chart; each week of its examples becomes seven equal days."""
    surge = data["surge"] if isinstance(data["surge"], dict) else {}
    kept = {key: value for key, value in data.items() if key != "surge"}
    chart = {"measure": "complaints", "by": ["theme_id"], "min_n": surge.get("min_signals", 10)}
    tests = [{**test, "given": _days_of(test.get("given") or {})} for test in data.get("tests") or ()]
    return {**kept, "signal": "series", "chart": chart, "tests": tests}


def _days_of(given: dict[str, Any]) -> dict[str, Any]:
    names = {"weeks": ("days", 7), "exposure": ("exposure", 1)}
    return {
        names[key][0]: [value / names[key][1] for value in values for _ in range(7)]
        for key, values in given.items()
        if key in names
    }


class TriggerRule(Frozen):
    """One trigger rule as written by the business. Frozen; two rules are the same when their `rule_hash` is."""

    id: Slug
    title: str = Field(min_length=3, max_length=120)
    status: Literal["draft", "shadow", "live", "retired"]
    kind: Literal["recovery", "excellence", "breakdown"]
    signal: SignalKind | Literal["any", "series"] | tuple[SignalKind, ...]
    when: Node | None = None
    repeat: Repeat | None = None
    absence: Absence | None = None
    chart: Chart | None = None
    open_case: OpenCase
    cool_off: Duration | None = None
    effective_from: date | None = None
    tests: tuple[RuleTest, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _surge_is_a_chart(cls, data: Any) -> Any:
        """Programmes applied before charts came hold `surge` rules; in the ledger they stay readable, as charts."""
        return _from_surge(data) if isinstance(data, dict) and "surge" in data else data

    @model_validator(mode="after")
    def _parts_belong_together(self) -> TriggerRule:
        if (self.chart is None) != (self.signal != "series"):
            raise ValueError("a chart needs `signal: series`, and series needs a chart")
        if self.chart is not None and (self.when is not None or self.repeat is not None):
            raise ValueError("a chart rule takes neither when nor repeat")
        if self.absence is not None and self.when is None:
            raise ValueError("absence needs `when`: the signal after which something should have come")
        if self.absence is not None and self.repeat is not None:
            raise ValueError("a rule takes repeat or absence, not both; a window clause counts inside `when`")
        if self.chart is None and self.when is None:
            raise ValueError("a rule needs `when` (conditions) or `chart`")
        if self.status == "live" and not self.tests:
            raise ValueError("a live rule needs at least one test")
        return self

    @model_validator(mode="after")
    def _condition_is_small(self) -> TriggerRule:
        wanted = self.absence.of.when if self.absence is not None else None
        found = [item for node in (self.when, wanted) if node is not None for item in clauses(node)]
        if len(found) > MAX_LEAVES:
            raise ValueError(f"{len(found)} comparisons; at most {MAX_LEAVES} are allowed")
        if found and max(depth for _, depth in found) > MAX_DEPTH:
            raise ValueError(f"conditions nested deeper than {MAX_DEPTH}")
        return self

    @model_validator(mode="after")
    def _absence_tests_have_an_instant(self) -> TriggerRule:
        if any((self.absence is None) != (test.as_of is None) for test in self.tests):
            raise ValueError("a test of absence says `as_of` when it is looked at, for example 15d; no other test does")
        return self

    @model_validator(mode="after")
    def _tests_name_known_fields(self) -> TriggerRule:
        for test in self.tests:
            if self.chart is not None:
                for row in test.rows:
                    check_example(row)
                continue
            for name in (name for row in test.rows for name in row):
                field_kind(name)
        return self

    @property
    def signal_kinds(self) -> tuple[str, ...]:
        """Kinds of signal the rule looks at; empty means every kind."""
        return () if self.signal == "series" else kinds_of(self.signal)

    @property
    def is_about_signals(self) -> bool:
        """Whether the rule fires on a signal as it comes; series and what fails to come need time to pass."""
        return self.chart is None and self.absence is None

    @property
    def dedupe_days(self) -> int:
        """Whole days of the dedupe window, rounded up."""
        return -(-self.open_case.dedupe.within // timedelta(days=1))

    @property
    def cool_off_days(self) -> int | None:
        """Whole days without a new case of this rule and subject after the last one opened, rounded up; None: no such."""
        return None if self.cool_off is None else -(-self.cool_off // timedelta(days=1))

    @property
    def rule_hash(self) -> str:
        """sha256 (hex) of the rule's canonical JSON, parts it does not use left out: the version a trigger carries."""
        parts = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
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


@dataclass(frozen=True, slots=True)
class Lookback:
    """How far behind a new signal rules look (the longest span of all), and by which fields they group what they see."""

    span: timedelta
    keys: tuple[tuple[str, ...], ...]


def lookback(rules: Iterable[TriggerRule]) -> Lookback | None:
    """What history the rules need beside new signals: for windows, repeats, changes and absences; None when none does."""
    asked = [item for rule in rules for item in _looks(rule)]
    if not asked:
        return None
    return Lookback(max(span for span, _ in asked), tuple(sorted({by for _, by in asked})))


def _looks(rule: TriggerRule) -> list[tuple[timedelta, tuple[str, ...]]]:
    parts = [part for part in (rule.repeat, rule.absence) if part is not None]
    found = [(part.within, part.by) for part in parts]
    for clause, _ in clauses(rule.when) if rule.when is not None else ():
        if isinstance(clause, Window):
            found.append((clause.window.within, clause.window.by))
        elif isinstance(clause, Change):
            found.append((clause.change.baseline.within, clause.change.by))
    return found
