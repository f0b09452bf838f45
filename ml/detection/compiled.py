"""A rule set compiled to one DuckDB statement over the relation `signal`.

Belongs here: the SQL of trigger rules: one select each, what a trigger takes over, its evidence. Not here: how signals are read
and looked around at (`scan.py`), running it (`rules.py`), conditions on one row (`ml/conditions.py`), or what a rule means
(`models/trigger.py`). Names come from the allow-list in `models/signal.py`, values are sqlglot literals.

The statement reads the signals by one scan for all rules; `fired` holds the signals that meet a rule, and only those are
brought into the shape of a trigger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlglot import exp

from ml.conditions import like_column, literal
from ml.detection.scan import AT, Looks, Scan, heard_sql, of_kinds, over_time, rule_conditions
from models.clause import (
    Change,
    Clause,
    Leaf,
    Like,
    Window,
    clauses,
    leaves,
)
from models.signal import FIELDS, MILDEST, FieldKind
from models.trigger import TriggerRule

# Written into the evidence of a trigger: numbers and flags only. Text and categories may hold what a person wrote.
_EVIDENCE_KINDS = frozenset({FieldKind.NUMBER, FieldKind.FLAG})
# What a trigger takes over from its signal.
_TAKEN = (
    "signal_id", "customer_id", "journey", "cause_id", "theme_id", "severity", "occurred_at", "annual_value_usd",
    "segment", "region", "branch_id", "source",
)  # fmt: skip
_CONSTANTS = (
    "number", "rule_id", "rule_hash", "kind", "at_mildest", "dedupe_days", "cool_off_days", "historic_before",
    "opens_theme",
)  # fmt: skip
# Of a signal that fired to the row of the trigger table, once for all rules.
_PROJECTION = f"""
SELECT md5(concat(rule_id, '|', signal_id)) AS trigger_id, rule_id, rule_hash, kind, signal_id,
    CASE WHEN customer_id IS NULL THEN 'signal' ELSE 'customer' END AS subject_type,
    coalesce(customer_id, signal_id) AS subject_id, customer_id, journey, cause_id,
    coalesce(opens_theme, theme_id) AS theme_id, least(at_mildest, coalesce(severity, {MILDEST})) AS severity,
    occurred_at, annual_value_usd AS value_usd,
    segment, region, branch_id, source, dedupe_days, cool_off_days, occurred_at < historic_before AS is_historic, evidence
"""


def compile_rules(rules: Iterable[TriggerRule], *, as_of: datetime, historic_after_days: int) -> str:
    """One DuckDB statement for a rule set, ordered by trigger_id; its columns are those of the trigger table.

    The relation `signal` has the columns of `ml.conditions.SIGNAL_SCHEMA`, and a numeric column `like_...` for each clause
    of likeness (`ml.conditions.like_column`). Raises ValueError for an empty rule set.
    """
    ordered = sorted(rules, key=lambda rule: rule.id)
    if not ordered:
        raise ValueError("a rule set needs at least one rule")
    scan = Scan(heard_sql(ordered), taken=set(_TAKEN))
    selects = [_rule_sql(number, rule, scan, as_of).sql("duckdb") for number, rule in enumerate(ordered)]
    constants = ", ".join(_constants(number, rule, as_of, historic_after_days) for number, rule in enumerate(ordered))
    return (
        f"{scan.sql()}, fired AS ({' UNION ALL '.join(selects)}), "
        f"rule({', '.join(_CONSTANTS)}) AS (VALUES {constants}) "
        f"{_PROJECTION} FROM fired JOIN rule USING (number) ORDER BY trigger_id"
    )


def likenesses(rules: Iterable[TriggerRule]) -> tuple[Like, ...]:
    """The clauses of likeness in a rule set, each once, in order of their columns."""
    found = {
        like_column(clause): clause
        for rule in rules
        for node in rule_conditions(rule)
        for clause, _ in clauses(node)
        if isinstance(clause, Like)
    }
    return tuple(found[name] for name in sorted(found))


def _rule_sql(number: int, rule: TriggerRule, scan: Scan, as_of: datetime) -> exp.Select:
    """One select: the signals that meet the rule, with what a trigger takes over from them."""
    matching, measured = _matching(rule, scan)
    occurred_at: exp.Expr = exp.column("occurred_at")
    if rule.absence is not None:
        occurred_at = exp.Add(this=occurred_at, expression=_seconds(rule.absence.within))
    taken = [exp.column(name) for name in _TAKEN if name != "occurred_at"]
    query = exp.select(
        literal(number).as_("number"),
        *taken,
        occurred_at.as_("occurred_at"),
        _evidence_sql(rule, measured).as_("evidence"),
    ).from_(matching.subquery("matching"), copy=False)
    if rule.repeat is not None:
        return query.where(exp.column("repeats") >= literal(rule.repeat.at_least), copy=False)
    return query.where(occurred_at.copy() <= _instant(as_of), copy=False) if rule.absence is not None else query


def _constants(number: int, rule: TriggerRule, as_of: datetime, historic_after_days: int) -> str:
    """What every trigger of a rule has in common, in the order of `_CONSTANTS`."""
    cool_off = exp.null() if rule.cool_off_days is None else literal(rule.cool_off_days)
    values = [
        literal(number), literal(rule.id), literal(rule.rule_hash), literal(rule.kind), literal(rule.open_case.severity),
        literal(rule.dedupe_days), exp.cast(cool_off, "bigint"), _historic_before(rule, as_of, historic_after_days),
        exp.cast(exp.null() if rule.open_case.theme is None else literal(rule.open_case.theme), "text"),
    ]  # fmt: skip
    return f"({', '.join(value.sql('duckdb') for value in values)})"


def _matching(rule: TriggerRule, scan: Scan) -> tuple[exp.Select, list[exp.Expr]]:
    """Rows that meet the rule, and the columns with what was measured around each."""
    assert rule.when is not None, "rules on series are not compiled"
    looks = Looks(rule.signal_kinds, scan)
    scan.taken |= _needed(rule)
    condition = looks.condition(rule.when)
    if rule.absence is not None:
        condition = exp.and_(condition, looks.absence(rule).eq(literal(0)))
    if not looks.columns:
        query = exp.select("*").from_("hits").where(scan.fires(of_kinds(rule.signal_kinds, scan.plain(rule.when))))
    else:
        query = exp.select("*").from_(looks.query(rule).subquery("seen")).where(exp.column(looks.candidate), condition)
    if rule.repeat is not None:
        span = rule.repeat.within // timedelta(microseconds=1)
        known = [exp.not_(exp.column(name).is_(exp.null())) for name in (*rule.repeat.by, AT)]
        repeats = over_time(exp.Count(this=exp.Star()), rule.repeat.by, f"{span} PRECEDING", "CURRENT ROW")
        query = query.select(repeats.as_("repeats")).where(*known)
    return query, [exp.column(name) for name in looks.columns]


def _needed(rule: TriggerRule) -> set[str]:
    """Fields a rule reads after the scan: what it groups by, measures, and writes down as evidence."""
    grouped = [part.by for part in (rule.repeat, rule.absence) if part is not None]
    names = {name for by in grouped for name in by}
    for node in rule_conditions(rule):
        for clause, _ in clauses(node):
            match clause:
                case Leaf(field=name) if FIELDS[name] in _EVIDENCE_KINDS:
                    names.add(name)
                case Like():
                    names.add(like_column(clause))
                case Window(window=look):
                    names |= {*look.by, *([look.field] if look.field else [])}
                case Change(change=shift):
                    names |= {*shift.by, shift.field}
    return names


def _seconds(span: timedelta) -> exp.Interval:
    return exp.Interval(this=exp.Literal.string(str(int(span.total_seconds()))), unit=exp.var("SECOND"))


def _instant(moment: datetime) -> exp.Expr:
    return exp.cast(exp.Literal.string(moment.astimezone(UTC).isoformat()), "timestamptz")


def _historic_before(rule: TriggerRule, as_of: datetime, historic_after_days: int) -> exp.Expr:
    """The instant of `TriggerRule.is_historic`: an edit or an old load never re-opens the past."""
    limit = as_of.astimezone(UTC) - timedelta(days=historic_after_days)
    if rule.effective_from is not None:
        born = datetime(rule.effective_from.year, rule.effective_from.month, rule.effective_from.day, tzinfo=UTC)
        limit = max(limit, born)
    return _instant(limit)


def _evidence_sql(rule: TriggerRule, measured: Sequence[exp.Expr]) -> exp.Expr:
    """JSON text with the fields the rule looked at and the numbers it saw; never text or categories."""
    assert rule.when is not None, "rules on series are not compiled"
    names = sorted({name for clause, _ in clauses(rule.when) for name in fields_of(clause)})
    pairs: list[exp.Expr] = [exp.Literal.string("fields"), exp.func("list_value", *map(literal, names))]
    for name in sorted({leaf.field for leaf, _ in leaves(rule.when) if FIELDS[leaf.field] in _EVIDENCE_KINDS}):
        # Sixteen digits of a probability pass for a card number once in a few hundred rows, and the check stops the build.
        exact = FIELDS[name] is not FieldKind.NUMBER
        seen = exp.column(name) if exact else exp.func("round", exp.column(name), literal(6))
        pairs += [exp.Literal.string(name), seen]
    likes = sorted({like_column(clause) for clause, _ in clauses(rule.when) if isinstance(clause, Like)})
    if likes:
        above = [exp.func("round", exp.column(name), literal(4)) for name in likes]
        pairs += [exp.Literal.string("above_likeness"), exp.func("list_value", *above)]
    if measured:
        numbers = [exp.func("round", exp.cast(column, "double"), literal(6)) for column in measured]
        pairs += [exp.Literal.string("measured"), exp.func("list_value", *numbers)]
    if rule.repeat is not None:
        pairs += [exp.Literal.string("repeats"), exp.column("repeats")]
    return exp.cast(exp.Anonymous(this="json_object", expressions=pairs), "text")


def fields_of(clause: Clause) -> tuple[str, ...]:
    """The fields a clause reads of the signals it looks at (a `where` has clauses of its own)."""
    match clause:
        case Window(window=look):
            return (look.field,) if look.field else ()
        case Change(change=shift):
            return (shift.field,)
    return (clause.field,)
