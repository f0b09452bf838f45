"""Conditions as data, turned into SQL over signals and run where nothing else can be reached.

Belongs here: the translation of `models.trigger` condition trees and the sealed in-memory DuckDB they run in; trigger
rules and severity rules share both. Not here: what a rule does when its condition holds. Values reach SQL only as
sqlglot literals, names only from the allow-list in `models/signal.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp

from models.signal import FIELDS, FieldKind
from models.taxonomy import phrase_pattern
from models.trigger import Group, Leaf

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


def condition_sql(node: Leaf | Group) -> exp.Expr:
    """SQL of a condition tree in three-valued logic: unknown stays unknown, also under `not`."""
    if isinstance(node, Leaf):
        return _leaf_sql(node)
    parts = [condition_sql(child) for child in node.all]
    if node.any:
        parts.append(exp.or_(*(condition_sql(child) for child in node.any)))
    if node.not_ is not None:
        parts.append(exp.not_(condition_sql(node.not_)))
    return exp.paren(exp.and_(*parts))


def literal(value: Any) -> exp.Expr:
    """A value as an SQL literal, quoted by sqlglot."""
    return exp.convert(value)


def _leaf_sql(leaf: Leaf) -> exp.Expr:
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
        case "between":
            low, high = map(literal, leaf.values)
            return exp.Between(this=column, low=low, high=high)
        case "contains_any":
            pattern = exp.Literal.string(phrase_pattern(str(value) for value in leaf.values))
            return exp.func("regexp_matches", exp.func("lower", column), pattern)
    return _COMPARISONS[leaf.op](this=column, expression=literal(leaf.values[0]))


_COMPARISONS: dict[str, type[exp.Binary]] = {
    "is": exp.EQ,
    "is_not": exp.NEQ,
    "lt": exp.LT,
    "lte": exp.LTE,
    "gt": exp.GT,
    "gte": exp.GTE,
}
