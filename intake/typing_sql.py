"""The contract as SQL: one statement that types a chunk of text rows and names every fault.

Runs in an in-memory DuckDB over the table `chunk` (`c0..cn` text, `line`, row number `i`). Nothing here knows a source:
everything is generated from the contract. Values reach SQL only through the chunk and quoted literals of the contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from intake.reasons import Reason
from models.contract import Column, ConditionalRange, SourceContract

_ISO_DATE = r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)?"
_ISO_TIME = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?"
_OFFSET = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)"
_TRUE = ("true", "yes", "y", "t", "1")
_FALSE = ("false", "no", "n", "f", "0")
_DAWN = "1900-01-01"

SQL_TYPES = {
    "text": "VARCHAR",
    "json_text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "money": "DECIMAL(18,2)",
    "timestamp": "TIMESTAMPTZ",
    "date": "DATE",
    "boolean": "BOOLEAN",
}


def typed_sql(contract: SourceContract, *, timezone: str | None, latest: date) -> str:
    """Statement making the table `typed`: `i`, `line`, `v<i>` (typed), `f<i>` (reason or null), `row_hash`.

    `timezone` resolves the zone `programme`; `latest` is the day of delivery, after which dates count as future ones.
    `row_hash` is the MD5 of the typed values written as text, each as `<length>:<text>` or `-` for null, in contract
    order: the same row delivered in another spelling of its dates or in another format has the same hash.
    """
    columns = list(enumerate(contract.columns))
    clean = ", ".join(f"{_clean(c, contract)} AS t{i}" for i, c in columns)
    local = "".join(f", {_local(c, i)} AS l{i}" for i, c in columns if _is_local(c))
    value = ", ".join(f"{_value(c, i, timezone)} AS v{i}" for i, c in columns)
    faults = ", ".join(f"{_fault(c, i, contract, latest)} AS f{i}" for i, c in columns)
    hashed = " || ".join(_canonical(f"v{i}", c) for i, c in columns)
    kept = ", ".join(f"v{i}" for i, _ in columns)
    return (
        f"CREATE OR REPLACE TEMP TABLE cleaned AS SELECT i, line, {clean} FROM chunk;"
        f"CREATE OR REPLACE TEMP TABLE valued AS SELECT *, {value} FROM (SELECT *{local} FROM cleaned);"
        f"CREATE OR REPLACE TEMP TABLE typed AS SELECT i, line, {kept}, {faults}, md5({hashed}) AS row_hash FROM valued;"
    )


def any_fault(contract: SourceContract) -> str:
    """Condition on `typed`: the row has a fault."""
    return f"coalesce({', '.join(f'f{i}' for i in range(len(contract.columns)))}) IS NOT NULL"


def literal(text: str) -> str:
    """A quoted SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _clean(column: Column, contract: SourceContract) -> str:
    """Null spellings become null; text people wrote keeps its outer spaces, everything else is trimmed."""
    name = f"c{_index(column, contract)}"
    trimmed = f"nullif(trim({name}), '')"
    nulls = [value for value in dict.fromkeys((*contract.null_values, *column.null_values)) if value]
    if nulls:
        trimmed = f"CASE WHEN {trimmed} IN {_list(nulls)} THEN NULL ELSE {trimmed} END"
    return f"CASE WHEN {trimmed} IS NOT NULL THEN {name} END" if column.pii == "text" else trimmed


def _is_local(column: Column) -> bool:
    return column.type == "timestamp" and column.timezone != "utc"


def _parsed(column: Column, text: str, sql_type: str) -> str:
    """Parse with the formats of the column; `iso` stands for ISO 8601."""
    formats = column.formats or ("iso",)
    tries = []
    if "iso" in formats:
        pattern = _ISO_DATE if column.type == "date" else _ISO_TIME
        source = f"regexp_extract({text}, '^[0-9-]+')" if column.type == "date" else text
        tries.append(f"CASE WHEN regexp_full_match({text}, '{pattern}') THEN try_cast({source} AS {sql_type}) END")
    others = [f for f in formats if f != "iso"]
    if others:
        tries.append(f"try_strptime({text}, {_array(others)})::{sql_type}")
    return tries[0] if len(tries) == 1 else f"coalesce({', '.join(tries)})"


def _local(column: Column, index: int) -> str:
    """Wall-clock time as written, without a zone."""
    return _parsed(column, f"t{index}", "TIMESTAMP")


def _value(column: Column, index: int, timezone: str | None) -> str:
    text = f"t{index}"
    match column.type:
        case "integer":
            return f"CASE WHEN regexp_full_match({text}, '[+-]?\\d+(\\.0+)?') THEN try_cast({text} AS BIGINT) END"
        case "number":
            pattern = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
            return f"CASE WHEN regexp_full_match({text}, '{pattern}') THEN try_cast({text} AS DOUBLE) END"
        case "money":
            pattern = r"[+-]?\$?(\d+|\d{1,3}(,\d{3})+)(\.\d{1,2}0*)?"
            bare = f"replace(replace({text}, '$', ''), ',', '')"
            return f"CASE WHEN regexp_full_match({text}, '{pattern}') THEN try_cast({bare} AS DECIMAL(18,2)) END"
        case "boolean":
            return f"CASE WHEN lower({text}) IN {_list(_TRUE)} THEN true WHEN lower({text}) IN {_list(_FALSE)} THEN false END"
        case "date":
            return _parsed(column, text, "DATE")
        case "timestamp":
            return _instant(column, index, timezone)
        case _:
            return text


def _instant(column: Column, index: int, timezone: str | None) -> str:
    """UTC instant. A stated offset counts; otherwise the column's zone, and of two possible instants the first."""
    text = f"t{index}"
    stated = (
        f"CASE WHEN regexp_full_match({text}, '{_ISO_TIME}{_OFFSET}') "
        f"THEN try_cast(replace({text}, 'UTC', 'Z') AS TIMESTAMPTZ) END"
    )
    if not _is_local(column):
        return f"coalesce({_parsed(column, text, 'TIMESTAMP')} AT TIME ZONE 'UTC', {stated})"
    zone = literal(_zone(column, timezone))
    there, earlier = f"(l{index} AT TIME ZONE {zone})", f"(l{index} AT TIME ZONE {zone} - INTERVAL 1 HOUR)"
    first = f"CASE WHEN {earlier} AT TIME ZONE {zone} = l{index} THEN {earlier} ELSE {there} END"
    return f"coalesce(CASE WHEN {there} AT TIME ZONE {zone} = l{index} THEN {first} END, {stated})"


def _zone(column: Column, timezone: str | None) -> str:
    if column.timezone != "programme":
        return column.timezone
    if timezone is None:
        raise ValueError(f"column {column.name} is in the programme's time zone, which is not known")
    return timezone


def _fault(column: Column, index: int, contract: SourceContract, latest: date) -> str:
    """The first reason that applies to the column, as a CASE over `t<i>` (text) and `v<i>` (typed)."""
    text, value = f"t{index}", f"v{index}"
    cases: list[tuple[str, Reason]] = []
    if column.required:
        cases.append((f"{text} IS NULL", Reason.MISSING_VALUE))
    cases.append((f"length({text}) > {column.longest}", Reason.TOO_LONG))
    if _is_local(column):
        cases.append((f"l{index} IS NOT NULL AND {value} IS NULL", Reason.NONEXISTENT_LOCAL_TIME))
    not_typed = _NOT_TYPED.get(column.type)
    if not_typed is not None:
        cases.append((f"{text} IS NOT NULL AND {value} IS NULL", not_typed))
    if column.type == "json_text":
        cases.append((f"{text} IS NOT NULL AND NOT json_valid({text})", Reason.NOT_JSON))
    if column.allowed:
        cases.append((f"{text} IS NOT NULL AND {text} NOT IN {_list(column.allowed)}", Reason.NOT_ALLOWED))
    cases.extend((condition, Reason.OUT_OF_RANGE) for condition in _ranges(column, value, contract))
    if column.type in ("date", "timestamp"):
        cases.extend(_calendar(column, value, contract, latest))
    whens = " ".join(f"WHEN {condition} THEN '{reason.value}'" for condition, reason in cases)
    return f"CASE {whens} END"


_NOT_TYPED: dict[str, Reason] = {
    "integer": Reason.NOT_AN_INTEGER,
    "number": Reason.NOT_A_NUMBER,
    "money": Reason.NOT_MONEY,
    "timestamp": Reason.NOT_A_TIMESTAMP,
    "date": Reason.NOT_A_DATE,
    "boolean": Reason.NOT_A_BOOLEAN,
}


def _calendar(column: Column, value: str, contract: SourceContract, latest: date) -> list[tuple[str, Reason]]:
    """Dates before the twentieth century come from two-digit years; dates well after the delivery cannot be known."""
    kind = Reason.NOT_A_DATE if column.type == "date" else Reason.NOT_A_TIMESTAMP
    cases = [(f"{value} < '{_DAWN}'::{SQL_TYPES[column.type]}", kind)]
    if not column.future_ok:
        days = contract.max_future_days if column.max_future_days is None else column.max_future_days
        limit = latest + timedelta(days=days + 1)
        cases.append((f"{value} >= '{limit.isoformat()}'::{SQL_TYPES[column.type]}", Reason.FUTURE_DATE))
    return cases


def _ranges(column: Column, value: str, contract: SourceContract) -> list[str]:
    found = []
    if column.minimum is not None:
        found.append(f"{value} < {column.minimum!r}")
    if column.maximum is not None:
        found.append(f"{value} > {column.maximum!r}")
    for rule in contract.ranges:
        if rule.column == column.name:
            found.extend(_conditional(rule, value, contract))
    return found


def _conditional(rule: ConditionalRange, value: str, contract: SourceContract) -> list[str]:
    other = f"t{_index(contract.column(rule.when), contract)}"
    return [
        f"{other} = {literal(key)} AND ({value} < {low!r} OR {value} > {high!r})"
        for key, (low, high) in sorted(rule.ranges.items())
    ]


def _canonical(value: str, column: Column) -> str:
    text = f"epoch_us({value})::VARCHAR" if column.type == "timestamp" else f"{value}::VARCHAR"
    return f"coalesce(length({text}) || ':' || {text}, '-')"


def _index(column: Column, contract: SourceContract) -> int:
    return contract.columns.index(column)


def _list(values: Sequence[str] | dict[str, None]) -> str:
    return f"({', '.join(literal(value) for value in values)})"


def _array(values: Sequence[str]) -> str:
    return f"[{', '.join(literal(value) for value in values)}]"
