"""Conditions as data, turned into SQL over signals and run where nothing else can be reached.

Belongs here: the translation of `models.clause` condition trees and the sealed in-memory DuckDB they run in; trigger
rules and severity rules share both. Not here: what a rule does when its condition holds. Values reach SQL only as
sqlglot literals, names only from the allow-list in `models/signal.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp

from models.clause import AtLeast, Change, Condition, Leaf, Like, Window, children
from models.signal import FIELDS, FieldKind
from models.taxonomy import phrase_pattern

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ARROW = {
    FieldKind.CATEGORY: pa.string(),
    FieldKind.TEXT: pa.string(),
    FieldKind.NUMBER: pa.float64(),
    FieldKind.FLAG: pa.bool_(),
    FieldKind.TIME: pa.timestamp("us", tz="UTC"),
}
SIGNAL_SCHEMA = pa.schema([(name, _ARROW[kind]) for name, kind in FIELDS.items()])


def aligned(signals: pa.Table) -> pa.Table:
    """The allow-listed columns in their rule types; a column the table does not have becomes all null."""
    columns = [
        signals.column(field.name).cast(field.type)
        if field.name in signals.column_names
        else pa.nulls(signals.num_rows, field.type)
        for field in SIGNAL_SCHEMA
    ]
    return pa.table(columns, schema=SIGNAL_SCHEMA)


def sealed_connection(signals: pa.Table) -> DuckDBPyConnection:
    """In-memory DuckDB that knows only the relation `signal`: no files, no network, no further settings."""
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute("set timezone = 'UTC'")
    connection.execute("set python_enable_replacements = false")
    connection.register("signal", signals)
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def condition_sql(node: Condition, *, lowered: exp.Expr | None = None) -> exp.Expr:
    """SQL of a condition tree in three-valued logic: unknown stays unknown, also under `not`.

    `lowered` is what stands for `lower(text)` where a caller has it already. Raises TypeError for a window or a change:
    they need more than one row (`ml/detection/compiled.py`).
    """
    if isinstance(node, Leaf):
        return _leaf_sql(node, lowered)
    if isinstance(node, Like):
        return exp.column(like_column(node)) >= literal(0.0)
    if isinstance(node, Window | Change):
        raise TypeError("a window or a change is no condition on one row")
    return joined_sql(node, [condition_sql(child, lowered=lowered) for child in children(node)])


def joined_sql(node: Condition, parts: list[exp.Expr]) -> exp.Expr:
    """SQL of a group or a k of n, given the SQL of its children in the order of `models.clause.children`."""
    if isinstance(node, AtLeast):
        return _at_least_sql(node.at_least, parts)
    assert not isinstance(node, Leaf | Like | Window | Change), "clauses have no children"
    joined = parts[: len(node.all)]
    if node.any:
        joined.append(exp.paren(exp.or_(*parts[len(node.all) : len(node.all) + len(node.any)])))
    if node.not_ is not None:
        joined.append(exp.not_(exp.paren(parts[-1])))
    return exp.paren(exp.and_(*joined))


def _at_least_sql(least: int, parts: list[exp.Expr]) -> exp.Expr:
    """True once enough hold, false once too many fail, unknown in between."""
    total = sum_of(exp.Case().when(exp.paren(part.copy()), literal(1)).else_(literal(0)) for part in parts)
    failed = sum_of(exp.Case().when(exp.not_(exp.paren(part.copy())), literal(1)).else_(literal(0)) for part in parts)
    return (
        exp.Case()
        .when(exp.paren(total) >= literal(least), exp.true())
        .when(exp.paren(failed) > literal(len(parts) - least), exp.false())
    )


def sum_of(parts: Any) -> exp.Expr:
    """Expressions added up, left to right."""
    first, *rest = parts
    whole: exp.Expr = first
    for part in rest:
        whole = exp.Add(this=whole, expression=part)
    return whole


def literal(value: Any) -> exp.Expr:
    """A value as an SQL literal, quoted by sqlglot."""
    return exp.convert(value)


def like_column(clause: Like) -> str:
    """Name of the extra column a clause of likeness reads: how far above its threshold the nearest example is."""
    return f"like_{clause.like.key}"


def compared(column: exp.Expr, op: str, values: tuple[Any, ...]) -> exp.Expr:
    """A column compared with literal values by an operator of `models.clause` that takes one or two."""
    if op == "between":
        low, high = map(literal, values)
        return exp.Between(this=column, low=low, high=high)
    return _COMPARISONS[op](this=column, expression=literal(values[0]))


def _leaf_sql(leaf: Leaf, lowered: exp.Expr | None) -> exp.Expr:
    column = exp.column(leaf.field)
    match leaf.op:
        case "is_unknown":
            return column.is_(exp.null())
        case "is_known":
            return exp.not_(column.is_(exp.null()))
        case "in":
            return column.isin(*map(literal, leaf.values))
        case "not_in":
            return exp.not_(column.isin(*map(literal, leaf.values)))
        case "contains_any":
            pattern = exp.Literal.string(phrase_pattern(str(value) for value in leaf.values))
            text = exp.func("lower", column) if lowered is None else lowered.copy()
            return exp.func("regexp_matches", text, pattern)
    return compared(column, leaf.op, leaf.values)


_COMPARISONS: dict[str, type[exp.Binary]] = {
    "is": exp.EQ,
    "is_not": exp.NEQ,
    "lt": exp.LT,
    "lte": exp.LTE,
    "gt": exp.GT,
    "gte": exp.GTE,
}
