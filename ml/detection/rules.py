"""Trigger rules compiled to one SQL statement and run over signals.

Belongs here: the translation of `models.trigger` conditions to SQL and its execution in a sealed in-memory DuckDB; the
batch lane and the fast lane use this same code. Not here: the meaning of a rule (`models/trigger.py`) or surges of
themes (`surge.py`). Values reach SQL only as sqlglot literals, names only from the allow-list in `models/signal.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlglot import exp

from ml.conditions import SIGNAL_SCHEMA, aligned, condition_sql, literal, sealed_connection
from ml.outputs import TRIGGER
from models.signal import FIELDS, MILDEST, OWN_SOURCE, FieldKind
from models.trigger import Repeat, TriggerRule, leaves

# Written into the evidence of a trigger: numbers and flags only. Text and categories may hold what a person wrote.
_EVIDENCE_KINDS = frozenset({FieldKind.NUMBER, FieldKind.FLAG})


def find_triggers(
    signals: pa.Table, rules: Iterable[TriggerRule], *, as_of: datetime, historic_after_days: int
) -> pa.Table:
    """Rows of the trigger table for every (rule, signal) that fires, sorted by trigger_id.

    `signals` has columns of `fct_signal` (absent ones count as unknown). Signals of `OWN_SOURCE` neither fire nor count,
    whatever a rule says. Surge and chart rules are ignored here. Raises ValueError when `as_of` carries no time zone.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    own = [rule for rule in rules if rule.surge is None and rule.chart is None]
    if not own or signals.num_rows == 0:
        return TRIGGER.empty_table()
    statement = compile_rules(own, as_of=as_of, historic_after_days=historic_after_days)
    connection = sealed_connection(aligned(signals))
    try:
        found = connection.execute(statement).to_arrow_table()
    finally:
        connection.close()
    return found.select(TRIGGER.names).cast(TRIGGER).combine_chunks()


def compile_rules(rules: Iterable[TriggerRule], *, as_of: datetime, historic_after_days: int) -> str:
    """One DuckDB statement for a rule set: a union of one select per rule, ordered by trigger_id."""
    selects = [_rule_select(rule, as_of, historic_after_days) for rule in sorted(rules, key=lambda rule: rule.id)]
    if not selects:
        raise ValueError("a rule set needs at least one rule")
    whole: exp.Query = selects[0]
    for select in selects[1:]:
        whole = exp.union(whole, select, distinct=False)
    return exp.select("*").from_(whole.subquery("fired")).order_by("trigger_id").sql("duckdb")


def _rule_select(rule: TriggerRule, as_of: datetime, historic_after_days: int) -> exp.Select:
    """One select: the signals that meet the rule, as rows of the trigger table."""
    has_customer = exp.not_(exp.column("customer_id").is_(exp.null()))
    columns: dict[str, exp.Expr] = {
        "trigger_id": exp.func("md5", exp.func("concat", exp.Literal.string(f"{rule.id}|"), exp.column("signal_id"))),
        "rule_id": exp.Literal.string(rule.id),
        "rule_hash": exp.Literal.string(rule.rule_hash),
        "kind": exp.Literal.string(rule.kind),
        "signal_id": exp.column("signal_id"),
        "subject_type": exp.Case()
        .when(has_customer, exp.Literal.string("customer"))
        .else_(exp.Literal.string("signal")),
        "subject_id": exp.func("coalesce", exp.column("customer_id"), exp.column("signal_id")),
        "customer_id": exp.column("customer_id"),
        "journey": exp.column("journey"),
        "cause_id": exp.column("cause_id"),
        "theme_id": exp.column("theme_id"),
        "severity": exp.func(
            "least",
            exp.Literal.number(rule.open_case.severity),
            exp.func("coalesce", exp.column("severity"), exp.Literal.number(MILDEST)),
        ),
        "occurred_at": exp.column("occurred_at"),
        "value_usd": exp.column("annual_value_usd"),
        "segment": exp.column("segment"),
        "region": exp.column("region"),
        "branch_id": exp.column("branch_id"),
        "source": exp.column("source"),
        "dedupe_days": exp.Literal.number(rule.dedupe_days),
        "is_historic": _historic_sql(rule, as_of, historic_after_days),
        "evidence": _evidence_sql(rule),
    }
    projected = [expression.as_(name) for name, expression in columns.items()]
    query = exp.select(*projected).from_(_matching(rule).subquery("matching"))
    return query.where(exp.column("repeats") >= literal(rule.repeat.at_least)) if rule.repeat else query


def _matching(rule: TriggerRule) -> exp.Select:
    """Signals of the rule's kinds that meet its condition, with the running count when it asks for repeats."""
    assert rule.when is not None, "surge rules are not compiled"
    conditions = [_not_ours(), condition_sql(rule.when)]
    if rule.signal_kinds:
        conditions.append(exp.column("signal_kind").isin(*map(literal, rule.signal_kinds)))
    query = exp.select(*(exp.column(name) for name in FIELDS)).from_("signal")
    if rule.repeat is not None:
        conditions += [exp.not_(exp.column(name).is_(exp.null())) for name in (*rule.repeat.by, "occurred_at")]
        query = query.select(_running_count(rule.repeat).as_("repeats"))
    return query.where(*conditions)


def _not_ours() -> exp.Expr:
    """Signals somebody else wrote; an unknown source is somebody else's."""
    return exp.NullSafeNEQ(this=exp.column("source"), expression=literal(OWN_SOURCE))


def _running_count(repeat: Repeat) -> exp.Expr:
    """Count of matching signals in [t - within, t] per `by`; signals of the same instant count for each other."""
    span = exp.Interval(this=exp.Literal.string(str(int(repeat.within.total_seconds()))), unit=exp.var("SECOND"))
    return exp.Window(
        this=exp.Count(this=exp.Star()),
        partition_by=[exp.column(name) for name in repeat.by],
        order=exp.Order(expressions=[exp.Ordered(this=exp.column("occurred_at"))]),
        spec=exp.WindowSpec(kind="RANGE", start=span, start_side="PRECEDING", end="CURRENT ROW"),
    )


def _historic_sql(rule: TriggerRule, as_of: datetime, historic_after_days: int) -> exp.Expr:
    """Same as `TriggerRule.is_historic`, as SQL: an edit or an old load never re-opens the past."""
    limit = as_of.astimezone(UTC) - timedelta(days=historic_after_days)
    if rule.effective_from is not None:
        born = datetime(rule.effective_from.year, rule.effective_from.month, rule.effective_from.day, tzinfo=UTC)
        limit = max(limit, born)
    return exp.column("occurred_at") < exp.cast(exp.Literal.string(limit.isoformat()), "timestamptz")


def _evidence_sql(rule: TriggerRule) -> exp.Expr:
    """JSON text with the fields the rule looked at and the numbers it saw; never text or categories."""
    assert rule.when is not None, "surge rules are not compiled"
    names = sorted({leaf.field for leaf, _ in leaves(rule.when)})
    pairs: list[exp.Expr] = [exp.Literal.string("fields"), exp.func("list_value", *map(literal, names))]
    for name in names:
        if FIELDS[name] in _EVIDENCE_KINDS:
            pairs += [exp.Literal.string(name), exp.column(name)]
    if rule.repeat is not None:
        pairs += [exp.Literal.string("repeats"), exp.column("repeats")]
    return exp.cast(exp.Anonymous(this="json_object", expressions=pairs), "text")


def failing_tests(rule: TriggerRule) -> list[str]:
    """Sentences for the rule's in-file tests that do not hold; empty when all hold or it looks at series."""
    if rule.surge is not None or rule.chart is not None:
        return []
    return [
        f"{rule.id}: test {number} expects '{test.then}' but the rule does the opposite"
        for number, test in enumerate(rule.tests, start=1)
        if _fires_on_last(rule, test.rows) != (test.then == "opens")
    ]


def _fires_on_last(rule: TriggerRule, given: tuple[dict[str, Any], ...]) -> bool:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [_given_row(rule, row, number, start + timedelta(hours=number)) for number, row in enumerate(given)]
    table = pa.Table.from_pylist(rows, schema=SIGNAL_SCHEMA)
    found = find_triggers(table, [rule], as_of=start, historic_after_days=1)
    return rows[-1]["signal_id"] in found.column("signal_id").to_pylist()


def _given_row(rule: TriggerRule, given: dict[str, Any], number: int, occurred_at: datetime) -> dict[str, Any]:
    """A signal with the given fields; the kind, an id and a time are filled in when the test leaves them out."""
    kinds = rule.signal_kinds
    row: dict[str, Any] = {"signal_id": f"given-{number}", "signal_kind": kinds[0] if kinds else "complaint"}
    row |= {"occurred_at": occurred_at, **given}
    if isinstance(row["occurred_at"], str):
        row["occurred_at"] = datetime.fromisoformat(row["occurred_at"]).astimezone(UTC)
    return row
