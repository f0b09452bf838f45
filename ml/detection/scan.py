"""What a rule set reads of the signals: one scan for every condition on one row, and what is measured around a row.

Belongs here: the common table expressions `said`, `read`, `hits` and `near`, and windows, changes and absences over them.
Not here: the statement made of them, its triggers and their evidence (`compiled.py`), or what a clause means (`models/clause.py`).

`said` lowers a text once, and only where any phrase of any rule is in it, so that 50 patterns run on the few texts that can
match; `read` scans the signals once and computes every condition on one row; `hits` keeps what may fire; `near` keeps what
counts in a group where something may fire, for rules that look around in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlglot import exp

from ml.conditions import compared, condition_sql, joined_sql, literal
from models.clause import Change, Condition, Group, Rolling, Window, children, clauses, leaves
from models.signal import OWN_SOURCE
from models.taxonomy import phrase_pattern
from models.trigger import TriggerRule

AT = "at_us"
_HEARD = "heard"
# Sums of decimals do not depend on the order of the rows, sums of floating numbers do in their last digits.
_EXACT = "decimal(18, 6)"


def rule_conditions(rule: TriggerRule) -> tuple[Condition, ...]:
    """Every condition a rule has: its own, and that of the signal whose absence it watches."""
    wanted = rule.absence.of.when if rule.absence is not None else None
    return tuple(node for node in (rule.when, wanted) if node is not None)


@dataclass
class Scan:
    """What is computed while the signals are read, and which columns (`taken`) and rows are kept."""

    heard: exp.Expr | None
    taken: set[str]
    computed: dict[str, str] = field(default_factory=dict)
    firing: set[str] = field(default_factory=set)
    # By grouping: what may fire there, and what counts.
    candidates: dict[tuple[str, ...], set[str]] = field(default_factory=dict)
    counted: dict[tuple[str, ...], set[str]] = field(default_factory=dict)

    def column(self, condition: exp.Expr) -> exp.Column:
        """A column with this condition's truth; the same condition is computed once."""
        return exp.column(self.computed.setdefault(condition.sql("duckdb"), f"c{len(self.computed)}"))

    def fires(self, condition: exp.Expr) -> exp.Column:
        """As `column`, of a condition that makes a rule fire."""
        found = self.column(condition)
        self.firing.add(found.name)
        return found

    def plain(self, node: Condition) -> exp.Expr:
        """SQL of a condition on one row, on the lowered text of this scan."""
        return condition_sql(node, lowered=exp.column(_HEARD) if self.heard is not None else None)

    def sql(self) -> str:
        """The common table expressions `said`, `read`, `hits` and, where a rule looks around, `near`."""
        heard = f", {self.heard.sql('duckdb')} AS {_HEARD}" if self.heard is not None else ""
        ours = exp.NullSafeNEQ(this=exp.column("source"), expression=literal(OWN_SOURCE)).sql("duckdb")
        taken = ", ".join(exp.column(name).sql("duckdb") for name in sorted(self.taken))
        computed = ", ".join(f"{sql} AS {name}" for sql, name in self.computed.items())
        asked = {name for names in self.candidates.values() for name in names}
        parts = [
            f"WITH said AS (SELECT *{heard} FROM signal WHERE {ours})",
            f"read AS MATERIALIZED (SELECT {taken}, epoch_us(occurred_at) AS {AT}, {computed} FROM said)",
            f"hits AS MATERIALIZED (SELECT * FROM read WHERE {_any_of(self.firing | asked)})",
        ]
        if asked:
            near = " OR ".join(
                f"({_any_of(names)}) AND {_key(by)} IN (SELECT {_key(by)} FROM hits WHERE {_any_of(self.candidates[by])})"
                for by, names in self.counted.items()
            )
            parts.append(f"near AS MATERIALIZED (SELECT * FROM read WHERE {_any_of(asked)} OR {near})")
        return ", ".join(parts)


def _any_of(names: set[str]) -> str:
    return " OR ".join(sorted(names, key=lambda name: int(name[1:])))


def heard_sql(rules: Sequence[TriggerRule]) -> exp.Expr | None:
    """The lowered text where any phrase of any rule is in it, else an empty text, which no phrase is in."""
    phrases = {
        str(value)
        for rule in rules
        for node in rule_conditions(rule)
        for leaf, _ in leaves(node)
        if leaf.op == "contains_any"
        for value in leaf.values
    }
    if not phrases:
        return None
    lowered, every = exp.func("lower", exp.column("text")), exp.Literal.string(phrase_pattern(phrases))
    return (
        exp.Case()
        .when(exp.column("text").is_(exp.null()), exp.null())
        .when(exp.func("regexp_matches", lowered, every), lowered.copy())
        .else_(exp.Literal.string(""))
    )


@dataclass
class Looks:
    """What one rule measures around its signals: a column each, computed over the rows that count and no others."""

    kinds: tuple[str, ...]
    scan: Scan
    columns: dict[str, exp.Expr] = field(default_factory=dict)
    counted: dict[tuple[str, ...], set[str]] = field(default_factory=dict)
    candidate: str = ""

    def condition(self, node: Condition) -> exp.Expr:
        """The condition over columns: whatever needs one row only was computed in the scan."""
        if isinstance(node, Window):
            return compared(self._window(node.window), node.op, node.values)
        if isinstance(node, Change):
            return compared(self._change(node), node.op, node.values)
        if not _looks_around(node):
            return self.scan.column(self.scan.plain(node))
        return joined_sql(node, [self.condition(child) for child in children(node)])

    def query(self, rule: TriggerRule) -> exp.Select:
        """Rows of `near` that may fire, and those of their groups that count, with what is measured around each."""
        assert rule.when is not None, "rules on series are not compiled"
        candidate = self.scan.column(of_kinds(self.kinds, self._necessary(rule.when)))
        self.candidate = candidate.name
        near = []
        for by, counted in self.counted.items():
            self.scan.candidates.setdefault(by, set()).add(candidate.name)
            self.scan.counted.setdefault(by, set()).update(counted)
            asked = exp.select(_key(by)).from_("near").where(candidate.copy())
            same = exp.In(this=exp.maybe_parse(_key(by), dialect="duckdb"), query=asked.subquery())
            near.append(exp.and_(exp.or_(*map(exp.column, sorted(counted))), same))
        columns = [expression.as_(name) for name, expression in self.columns.items()]
        return exp.select("*", *columns).from_("near").where(exp.or_(candidate, *near))

    def _necessary(self, node: Condition) -> exp.Expr | None:
        """What a signal must meet on its own to be able to fire."""
        if not _looks_around(node):
            return self.scan.plain(node)
        parts = node.all if isinstance(node, Group) else ()
        found = [sql for sql in (self._necessary(part) for part in parts) if sql is not None]
        return exp.and_(*found) if found else None

    def _rows(self, kinds: tuple[str, ...], where: Condition | None, by: tuple[str, ...]) -> exp.Column:
        found = self.scan.column(of_kinds(kinds, self.scan.plain(where) if where is not None else None))
        self.counted.setdefault(by, set()).add(found.name)
        return found

    def _named(self, measure: exp.Expr, by: Sequence[str]) -> exp.Column:
        """A column with the measure; unknown where time or group of the signal is."""
        name = f"m{len(self.columns)}"
        known = exp.and_(*(exp.not_(exp.column(key).is_(exp.null())) for key in (*by, AT)))
        self.columns[name] = exp.Case().when(known, measure)
        return exp.column(name)

    def _window(self, look: Rolling) -> exp.Column:
        kinds = look.kinds(self.kinds)
        counted = self._rows(kinds, look.where, look.by)
        begin = f"{_inside(look.within)} PRECEDING"

        def over(measure: exp.Expr, rows: exp.Column) -> exp.Expr:
            return over_time(exp.Filter(this=measure, expression=exp.Where(this=rows)), look.by, begin, "CURRENT ROW")

        count = over(exp.Count(this=exp.Star()), counted)
        if look.field is None:
            return self._named(
                count if look.measure == "count" else _share(count, over, self._rows(kinds, None, look.by)), look.by
            )
        value = exp.column(look.field)
        if look.measure in ("min", "max"):
            return self._named(over(exp.func(look.measure, value), counted), look.by)
        total: exp.Expr = exp.cast(
            over(exp.Sum(this=exp.TryCast(this=value, to=exp.DataType.build(_EXACT))), counted), "double"
        )
        if look.measure == "mean":
            total = exp.Div(
                this=total, expression=exp.func("nullif", over(exp.Count(this=value.copy()), counted), literal(0))
            )
        return self._named(total, look.by)

    def _change(self, clause: Change) -> exp.Column:
        shift = clause.change
        counted = self._rows(shift.kinds(self.kinds), shift.where, shift.by)
        begin, end = f"{shift.baseline.within // timedelta(microseconds=1)} PRECEDING", "1 PRECEDING"
        value = exp.column(shift.field)

        def over(measure: exp.Expr) -> exp.Expr:
            return over_time(exp.Filter(this=measure, expression=exp.Where(this=counted)), shift.by, begin, end)

        known = over(exp.Count(this=value.copy()))
        total: exp.Expr = exp.cast(
            over(exp.Sum(this=exp.TryCast(this=value.copy(), to=exp.DataType.build(_EXACT)))), "double"
        )
        change = exp.Sub(this=value, expression=exp.paren(exp.Div(this=total, expression=known.copy())))
        return self._named(exp.Case().when(known >= literal(shift.baseline.at_least), change), shift.by)

    def absence(self, rule: TriggerRule) -> exp.Column:
        """How many of the expected signals came after this one, in time."""
        assert rule.absence is not None, "only for rules of absence"
        wanted = rule.absence.of
        kinds = wanted.signal if isinstance(wanted.signal, tuple) else (wanted.signal,)
        counted = self._rows(kinds, wanted.when, rule.absence.by)
        end = f"{rule.absence.within // timedelta(microseconds=1)} FOLLOWING"
        came = exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=counted))
        return self._named(over_time(came, rule.absence.by, "1 FOLLOWING", end), rule.absence.by)


def of_kinds(kinds: Sequence[str], condition: exp.Expr | None) -> exp.Expr:
    """Whether a signal is of these kinds (none given: any) and meets a condition; never unknown."""
    of_kind = exp.column("signal_kind").isin(*map(literal, kinds)) if kinds else None
    met = condition if condition is not None else exp.true()
    if of_kind is None:
        return exp.func("coalesce", met, exp.false())
    # A CASE stops at the first that fails, where AND in a projection would work out both.
    return exp.Case().when(of_kind, exp.func("coalesce", met, exp.false())).else_(exp.false())


def _key(by: Sequence[str]) -> str:
    """What a grouping is told by: its one field, or its fields in one value."""
    names = ", ".join(exp.column(name).sql("duckdb") for name in by)
    return names if len(by) == 1 else f"row({names})"


def _looks_around(node: Condition) -> bool:
    return any(isinstance(clause, Window | Change) for clause, _ in clauses(node))


def _share(count: exp.Expr, over: object, everything: exp.Column) -> exp.Expr:
    """Counted signals over all of their kind; unknown of none."""
    assert callable(over), "the frame of the measure"
    total = over(exp.Count(this=exp.Star()), everything)
    return exp.Div(this=exp.cast(count, "double"), expression=exp.func("nullif", total, literal(0)))


def _inside(within: timedelta) -> int:
    """Microseconds that make (t - within, t] out of a frame that includes both its ends."""
    return within // timedelta(microseconds=1) - 1


def over_time(measure: exp.Expr, by: Sequence[str], begin: str, end: str) -> exp.Window:
    """A measure over a range of time around a row, per group; time in whole microseconds."""

    def side(bound: str) -> tuple[exp.Expr | str, str | None]:
        number, _, word = bound.partition(" ")
        return ("CURRENT ROW", None) if bound == "CURRENT ROW" else (exp.Literal.number(number), word)

    (start, start_side), (stop, stop_side) = side(begin), side(end)
    return exp.Window(
        this=measure,
        partition_by=[exp.column(name) for name in by],
        order=exp.Order(expressions=[exp.Ordered(this=exp.column(AT))]),
        spec=exp.WindowSpec(kind="RANGE", start=start, start_side=start_side, end=stop, end_side=stop_side),
    )
