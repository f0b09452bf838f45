"""The hand-over files: always there, always the same shape, the same bytes for the same rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.outputs import OUTPUTS, TOPIC, ensure_outputs, read_output, write_output


def topics(*ids: int) -> pa.Table:
    rows = [
        {"topic_id": number, "theme_id": f"T-{number}", "name": "x", "keywords": "a, b", "signals": 1} for number in ids
    ]
    return pa.Table.from_pylist(rows, schema=TOPIC)


def test_every_output_exists_with_its_schema_before_anything_ran(tmp_path: Path) -> None:
    ensure_outputs(tmp_path)
    for name, (schema, _) in OUTPUTS.items():
        assert pq.read_schema(tmp_path / f"{name}.parquet").equals(schema)
        assert read_output(tmp_path, name).num_rows == 0


def test_ensuring_never_replaces_what_is_there(tmp_path: Path) -> None:
    write_output(tmp_path, "ml_root_cause__topic", topics(1))
    ensure_outputs(tmp_path)
    assert read_output(tmp_path, "ml_root_cause__topic").num_rows == 1


def test_the_same_rows_in_another_order_give_the_same_bytes_and_no_leftovers(tmp_path: Path) -> None:
    left = write_output(tmp_path / "left", "ml_root_cause__topic", topics(3, 1, 2))
    right = write_output(tmp_path / "right", "ml_root_cause__topic", topics(2, 3, 1))
    assert left.read_bytes() == right.read_bytes()
    assert [path.name for path in (tmp_path / "left").iterdir()] == ["ml_root_cause__topic.parquet"]


def test_a_key_that_comes_twice_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    write_output(tmp_path, "ml_root_cause__topic", topics(1))
    with pytest.raises(ValueError, match="unique"):
        write_output(tmp_path, "ml_root_cause__topic", topics(2, 2))
    assert read_output(tmp_path, "ml_root_cause__topic").column("topic_id").to_pylist() == [1]


def test_a_name_that_is_no_output_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        write_output(tmp_path, "something_else", topics(1))
