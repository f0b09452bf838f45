"""Every row of a generated file is accounted for, and Python's own csv module counts the same rows."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.csv_reader import CsvReader
from intake.probe import probe
from models.contract import Column, SourceContract

CONTRACT = SourceContract(
    source="shop",
    entity="note",
    format="csv",
    grain="One row per note.",
    description="Notes made up for a test.",
    owner="tests",
    key=("id",),
    columns=(
        Column(name="id", type="text", required=True, description="Number of the note."),
        Column(name="a", type="text", description="First text of the note."),
        Column(name="b", type="text", description="Second text of the note."),
    ),
)
# Characters a file can hold anywhere: line breaks, delimiters and quotes often, NUL and surrogates not (tested apart).
CELL = st.text(
    st.one_of(st.sampled_from('\n\r",;é漢🙂 \t'), st.characters(codec="utf-8", exclude_characters="\0")), max_size=12
)


def read(content: bytes):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.csv"
        path.write_bytes(content)
        reader = CsvReader(probe(path), CONTRACT)
        chunks = list(reader.chunks())
        return (
            reader,
            [row for c in chunks for row in c.rows],
            [line for c in chunks for line in c.lines],
            [f for c in chunks for f in c.faults],
        )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_csv_writer_wrote_is_read_back_cell_by_cell(rows, ends, quoting):
    if any("\r" in cell for row in rows for cell in row):
        quoting = csv.QUOTE_ALL  # Python's own writer leaves a bare carriage return unquoted otherwise
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=ends, quoting=quoting)
    writer.writerows([("id", "a", "b"), *rows])
    reader, found, lines, faults = read(buffer.getvalue().encode())
    assert not faults
    assert [tuple(row) for row in found] == rows
    assert reader.verify() is None
    independent = csv.reader(io.StringIO(buffer.getvalue(), newline=""), strict=True)
    next(independent)
    expected, line = [], independent.line_num + 1
    for _ in independent:
        expected.append(line)
        line = independent.line_num + 1
    if "\r" not in buffer.getvalue().replace("\r\n", ""):
        assert lines == expected


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(st.sampled_from('ab1",\n\r x'), max_size=30), max_size=12))
def test_whatever_the_bytes_are_no_physical_line_is_lost_or_read_twice(parts):
    content = "id,a,b\n" + "".join(parts)
    reader, rows, lines, faults = read(content.encode())
    assert reader.verify() is None
    assert reader.counts.rows == len(rows) + len(faults)
    places = lines + [fault.line for fault in faults]
    assert len(set(places)) == len(places)
    assert reader.counts.lines == content.count("\n") + (not content.endswith("\n"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 9), st.integers(3, 10), st.data())
def test_a_quote_opened_in_one_row_never_costs_another(broken, total, data):
    broken %= total
    plain = st.text(st.sampled_from("abc xyz"), max_size=8)
    rows = [[f"{n}", data.draw(plain), data.draw(plain)] for n in range(total)]
    rows[broken][data.draw(st.integers(1, 2))] = '"never closed'
    content = "id,a,b\n" + "".join(",".join(row) + "\n" for row in rows)
    reader, found, _, faults = read(content.encode())
    assert [fault.line for fault in faults] == [broken + 2]
    assert [row[0] for row in found] == [f"{n}" for n in range(total) if n != broken]
    assert reader.verify() is None


def test_the_independent_count_notices_a_reader_that_drops_a_row(monkeypatch):
    original = CsvReader._records

    def dropping(self, stream):
        for number, record in enumerate(original(self, stream)):
            if number == 3:
                self.counts.rows -= 1
                continue
            yield record

    monkeypatch.setattr(CsvReader, "_records", dropping)
    reader, *_ = read(b"id,a,b\n1,x,y\n2,x,y\n3,x,y\n4,x,y\n")
    assert reader.verify() is not None
