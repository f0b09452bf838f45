"""Rows of export files as text: CSV with doubled quotes, and JSON lines, built column-wise without a loop over rows.

Belongs here: escaping and joining of cells. Not here: which columns a system exports.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Rows = NDArray[np.integer]


def names(labels: tuple[str, ...], index: Rows) -> pa.Array:
    """Labels by number; negative numbers give null."""
    where = pa.array(np.maximum(index, 0).astype(np.int64), mask=np.asarray(index) < 0)
    return pa.array(list(labels), pa.string()).take(where)


def number(values: NDArray[np.integer], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Whole numbers as texts."""
    return pa.array(values.astype(np.int64), mask=missing).cast(pa.string())


def cents(values: NDArray[np.integer]) -> pa.Array:
    """Money given in cents as texts with two decimals."""
    whole, rest = np.divmod(values.astype(np.int64), 100)
    return pc.binary_join_element_wise(number(whole), pc.utf8_lpad(number(rest), 2, "0"), ".")


def flag(values: NDArray[np.bool_]) -> pa.Array:
    """`true` or `false`."""
    return pa.array(values).cast(pa.string())


def serial(prefix: str, values: Rows, width: int) -> pa.Array:
    """Ids such as CMP-0000012; negative numbers give null."""
    digits = pc.utf8_lpad(number(values, np.asarray(values) < 0), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def constant(value: str | None, count: int) -> pa.Array:
    """The same cell in every row."""
    return pa.array([value], pa.string()).take(pa.array(np.zeros(count, dtype=np.int64)))


def csv_cell(values: pa.Array) -> pa.Array:
    """Quote the texts that need it (comma, quote, line break), quotes doubled; nulls stay null."""
    needs = pc.match_substring_regex(values, '[",\r\n]')
    doubled = pc.replace_substring(values, '"', '""')
    return pc.if_else(pc.fill_null(needs, False), pc.binary_join_element_wise('"', doubled, '"', ""), values)


def json_cell(values: pa.Array) -> pa.Array:
    """JSON strings; nulls become `null`. Texts of the world hold no control characters but line breaks."""
    out = pc.replace_substring(values, "\\", "\\\\")
    out = pc.replace_substring(pc.replace_substring(out, '"', '\\"'), "\n", "\\n")
    return pc.fill_null(pc.binary_join_element_wise('"', out, '"', ""), "null")


def csv_rows(cells: list[pa.Array]) -> pa.Array:
    """Join rendered cells to CSV rows without line ends."""
    return pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")


def json_rows(columns: tuple[str, ...], cells: list[pa.Array]) -> pa.Array:
    """Join rendered cells to one JSON object per row."""
    parts: list[pa.Array | str] = []
    for position, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        parts += [("{" if position == 0 else ", ") + f'"{column}": ', cell]
    return pc.binary_join_element_wise(*parts, "}", "", null_handling="replace", null_replacement="null")


def payload(rows: pa.Array) -> bytes:
    """The rows' bytes, each with a line end."""
    ended = pc.binary_join_element_wise(rows, "\n", "")
    if not len(ended):
        return b""
    wide = ended.cast(pa.large_string())
    offsets = np.frombuffer(wide.buffers()[1], dtype=np.int64)[wide.offset : wide.offset + len(wide) + 1]
    return bytes(wide.buffers()[2][int(offsets[0]) : int(offsets[-1])].to_pybytes())
