"""The content hash: blind to order and provenance, sensitive to every cell."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publishing.hashes import content_hash

SCHEMA = pa.schema([
    ("id", pa.int64()), ("name", pa.string()), ("value", pa.float64()), ("paid", pa.bool_()), ("on", pa.date32()),
    ("at", pa.timestamp("us", tz="UTC")), ("amount", pa.decimal128(18, 2)), ("tags", pa.list_(pa.string())),
])  # fmt: skip
ROW = st.fixed_dictionaries({
    "id": st.none() | st.integers(-(2**63), 2**63 - 1),
    "name": st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    "value": st.none() | st.floats(width=64),
    "paid": st.none() | st.booleans(),
    "on": st.none() | st.dates(),
    "at": st.none() | st.datetimes(timezones=st.just(dt.UTC)),
    "amount": st.none() | st.decimals(-(10**9), 10**9, places=2),
    "tags": st.none() | st.lists(st.text("ab,[]'\"", max_size=3), max_size=3),
})  # fmt: skip
ROWS = st.lists(ROW, max_size=8)


def hash_of(rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> str:
    with duckdb.connect() as connection:
        connection.register("t", pa.Table.from_pylist(rows, schema=schema))
        return content_hash(connection, "t")


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_and_columns_does_not_matter(rows: list[dict[str, Any]], seed: int) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    fields = random.Random(seed).sample(list(SCHEMA), len(SCHEMA))
    assert hash_of(rows) == hash_of(shuffled, pa.schema(fields))


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=5), other=ROW, data=st.data())
def test_any_changed_cell_changes_the_hash(
    rows: list[dict[str, Any]], other: dict[str, Any], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(SCHEMA.names))
    changed = [dict(row) for row in rows]
    changed[index][column] = other[column]
    before, after = _told(rows[index][column]), _told(other[column])
    assert (hash_of(rows) == hash_of(changed)) == (before == after)


def _told(value: Any) -> Any:
    """A cell as the hash is meant to see it, written independently in Python."""
    if isinstance(value, float):
        return "nan" if value != value else 0.0 if value == 0 else f"{value:.9e}"
    return value


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=6))
def test_a_row_more_or_less_changes_the_hash(rows: list[dict[str, Any]]) -> None:
    assert len({hash_of(rows), hash_of(rows + rows[:1]), hash_of(rows[1:])}) == 3


def test_text_cannot_pretend_to_be_two_columns() -> None:
    schema = pa.schema([("a", pa.string()), ("b", pa.string())])
    assert hash_of([{"a": "x1:y", "b": ""}], schema) != hash_of([{"a": "x", "b": "1:y"}], schema)
    assert hash_of([{"a": None, "b": ""}], schema) != hash_of([{"a": "", "b": None}], schema)
    assert hash_of([{"a": "-", "b": "-"}], schema) != hash_of([{"a": None, "b": None}], schema)


def test_the_last_bits_of_a_float_do_not_matter_and_its_eighth_digit_does() -> None:
    schema = pa.schema([("x", pa.float64())])
    base, summed = hash_of([{"x": 0.3}], schema), hash_of([{"x": 0.1 + 0.2}], schema)
    assert base == summed
    assert base != hash_of([{"x": 0.30000001}], schema)
    assert hash_of([{"x": 0.0}], schema) == hash_of([{"x": -0.0}], schema)


def test_provenance_is_not_content_and_everything_else_is() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE a AS SELECT 1 AS id, now() AS _loaded_at, 'r1' AS dagster_run_id, "
                           "now() AS recorded_at")  # fmt: skip
        connection.execute("CREATE TABLE b AS SELECT 1 AS id, NULL::TIMESTAMPTZ AS _loaded_at, 'r2' AS dagster_run_id, "
                           "NULL::TIMESTAMPTZ AS recorded_at")  # fmt: skip
        connection.execute("CREATE TABLE c AS SELECT 1 AS id2")
        assert content_hash(connection, "a") == content_hash(connection, "b")
        assert content_hash(connection, "a") != content_hash(connection, "c")


def test_a_number_and_its_text_differ() -> None:
    with duckdb.connect() as connection:
        short, wide, text = (content_hash(connection, f"(SELECT {value} AS a)") for value in ("1", "1::BIGINT", "'1'"))
    assert short == wide != text


def test_the_session_time_zone_does_not_matter() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT TIMESTAMPTZ '2024-03-31 01:30:00+00' AS at")
        seen = set()
        for zone in ("UTC", "Europe/London", "America/New_York"):
            connection.execute(f"SET TimeZone = '{zone}'")
            seen.add(content_hash(connection, "t"))
        assert len(seen) == 1


def test_many_rows_over_several_blocks_hash_alike_in_any_order() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT i, 'text ' || i % 9 AS s FROM range(250000) r(i)")
        forwards = content_hash(connection, "t")
        assert content_hash(connection, "(SELECT * FROM t ORDER BY i DESC)") == forwards
        assert content_hash(connection, "(SELECT * FROM t WHERE i <> 77777)") != forwards


def test_a_type_without_canonical_text_is_refused_by_name() -> None:
    with duckdb.connect() as connection, pytest.raises(TypeError, match=r"BIGNUM|VARINT"):
        content_hash(connection, "(SELECT 1::BIGNUM AS a)")
