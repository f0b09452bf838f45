"""Delimited files with an explicit dialect, read line by line so that one broken row costs one row.

The text is parsed by Python's `csv` module in strict mode. When a record breaks (a quotation mark that is never closed,
text after a closed one, too many lines or bytes), the fault belongs to the physical line the record began on and
reading starts again on the next physical line, so following rows are never swallowed.
"""

from __future__ import annotations

import csv
import io
import operator
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from intake.chunks import Chunk, ChunkBuilder, Row, RowFault
from intake.headings import HeadingMap, match_headings
from intake.probe import Probe, Refused, open_bytes
from intake.reasons import Reason, record_class
from models.contract import Dialect, SourceContract

Picker = Callable[[list[str]], Row]


class _TooLong(Exception):
    """A record outgrew the limits of its dialect while it was being read."""


@dataclass(slots=True)
class Counts:
    """What a reader saw: records (rows without headings), physical lines and irregular quotation marks."""

    rows: int = 0
    lines: int = 0
    heading_records: int = 0
    blank_lines: int = 0
    broken: int = 0
    irregular: int = 0


@dataclass(slots=True)
class _Record:
    """One record as read: its fields, or the reason there are none."""

    line: int
    lines: list[str] = field(repr=False)
    fields: list[str] | None = field(repr=False, default=None)
    reason: Reason | None = None


class CsvReader:
    """Reads one delimited file in chunks; `counts` is complete once `chunks` is exhausted."""

    def __init__(self, probe: Probe, contract: SourceContract) -> None:
        self.probe, self.contract = probe, contract
        self.counts = Counts()
        self.note = ""
        self.heading_row: list[str] = []
        self._dirty = probe.has_nul or not probe.valid_utf8
        self._encoding = _encoding(probe, contract.dialect)

    def headings(self) -> list[str]:
        """The heading row alone, for finding out which entity a file holds; raises `Refused` when there is none."""
        with self._stream() as stream:
            return self._read_headings(self._records(stream))

    def chunks(self) -> Iterator[Chunk]:
        """Yield rows in contract order; raises `Refused` when headings do not fit the contract."""
        with self._stream() as stream:
            records = self._records(stream)
            headings = self.heading_row = self._read_headings(records)
            mapping = match_headings(self.contract, headings)
            self.note = mapping.note
            builder, pick = ChunkBuilder(), picker(mapping)
            for record in records:
                if self._sort(record, pick, len(headings), builder):
                    yield builder.take()
            if builder:
                yield builder.take()

    def verify(self) -> str | None:
        """Compare with the independent count of the probe; a sentence when they differ."""
        counts, probe = self.counts, self.probe
        if counts.lines != probe.lines:
            return f"{counts.lines} physical lines were read but the file has {probe.lines}"
        if counts.broken or counts.irregular or self.contract.dialect.skip_lines:
            return None
        expected = probe.parity_records - counts.heading_records
        return None if counts.rows == expected else f"{counts.rows} rows were read but {expected} were counted"

    def _stream(self) -> io.TextIOWrapper:
        errors = "surrogateescape" if self._encoding == "utf-8-sig" else "strict"
        raw = open_bytes(self.probe.path, self.probe.gzipped)
        return io.TextIOWrapper(raw, encoding=self._encoding, errors=errors, newline="\n")

    def _read_headings(self, records: Iterator[_Record]) -> list[str]:
        dialect = self.contract.dialect
        heads = []
        for _ in range(dialect.header_rows):
            record = next(records, None)
            if record is None:
                raise Refused(f"the file ends before the {dialect.header_rows} heading rows it should have")
            if record.fields is None:
                raise Refused(f"the heading row on line {record.line} cannot be read ({record.reason})")
            heads.append(record.fields)
        if dialect.header_marker and not (heads[-1] and heads[-1][0].startswith(dialect.header_marker)):
            raise Refused(
                f"heading row {dialect.header_rows} should begin with {dialect.header_marker}; is one missing?"
            )
        self.counts.heading_records = dialect.header_rows
        self.counts.rows -= dialect.header_rows
        return heads[0]

    def _sort(self, record: _Record, pick: Picker, width: int, builder: ChunkBuilder) -> bool:
        """Put a record among the rows or the faults; True when the chunk is full."""
        fields = record.fields
        if fields is None or len(fields) != width:
            return builder.fault(self._structural(record, width))
        if self._dirty and (reason := _dirt(record.lines)):
            text = "".join(record.lines)
            return builder.fault(RowFault(record.line, reason, None, record_class(width, len(record.lines)), text))
        return builder.add(pick(fields), record.line, sum(map(len, record.lines)))

    def _structural(self, record: _Record, width: int) -> RowFault:
        self.counts.broken += record.fields is None
        count = None if record.fields is None else len(record.fields)
        reason = record.reason
        if reason is None:
            reason = Reason.TOO_FEW_FIELDS if (count or 0) < width else Reason.TOO_MANY_FIELDS
        content = "".join(record.lines) if reason is not Reason.RECORD_TOO_LONG else None
        return RowFault(record.line, reason, None, record_class(count, len(record.lines)), content)

    def _records(self, stream: io.TextIOWrapper) -> Iterator[_Record]:
        """Split the text into records; every physical line ends up in exactly one record or among the blank lines."""
        dialect, counts = self.contract.dialect, self.counts
        lines = _lines(stream, dialect.max_record_bytes)
        for _ in range(dialect.skip_lines):
            counts.lines += next(lines, None) is not None
        width = 0
        for record in _parse(lines, dialect, counts.lines):
            if record.fields == []:
                counts.lines += len(record.lines)
                counts.blank_lines += len(record.lines)
                continue
            width = width or len(record.fields or ())
            for part in self._split_swallowed(record, width):
                counts.rows += 1
                counts.lines += len(part.lines)
                counts.irregular += _irregular(part.lines, dialect.quote)
                yield part

    def _split_swallowed(self, record: _Record, width: int) -> Iterator[_Record]:
        """Undo a swallow: a record over several lines with a wrong width, one of whose lines is a whole row by itself.

        The quotation mark of the first line then closed by accident further down. The first line is the broken row and
        the rest is read again.
        """
        if (
            record.fields is None
            or len(record.lines) == 1
            or len(record.fields) == width
            or not any(_is_row(line, self.contract.dialect, width) for line in record.lines[1:])
        ):
            yield record
        else:
            yield _Record(record.line, record.lines[:1], None, Reason.UNTERMINATED_QUOTE)
            rest = _parse(iter(record.lines[1:]), self.contract.dialect, record.line)
            for part in rest:
                if part.fields == []:
                    self.counts.lines += len(part.lines)
                    self.counts.blank_lines += len(part.lines)
                else:
                    yield from self._split_swallowed(part, width)


def parse_record(text: str, dialect: Dialect) -> list[str] | None:
    """Parse the text of exactly one record; None when it is broken (used to try quarantined rows again)."""
    records = list(_parse(iter(text.splitlines(keepends=True)), dialect, 0))
    return records[0].fields if len(records) == 1 else None


def _encoding(probe: Probe, dialect: Dialect) -> str:
    if probe.valid_utf8 or dialect.fallback_encoding is None:
        return "utf-8-sig"
    return dialect.fallback_encoding


def _lines(stream: io.TextIOWrapper, limit: int) -> Iterator[str]:
    """Physical lines; of a line longer than the limit only the first `limit` characters, so memory stays bounded."""
    while line := stream.readline(limit):
        if len(line) == limit and not line.endswith("\n"):
            rest = line
            while rest and not rest.endswith("\n"):
                rest = stream.readline(limit)
        yield line


def _parse(lines: Iterator[str], dialect: Dialect, line: int) -> Iterator[_Record]:
    """Records of `lines`, the first of which is line `line + 1`; an empty `fields` marks a blank line."""
    csv.field_size_limit(max(csv.field_size_limit(), dialect.max_record_bytes))
    waiting: deque[str] = deque()
    pending: list[str] = []

    def feed() -> Iterator[str]:
        size = 0
        while True:
            text = waiting.popleft() if waiting else next(lines, None)
            if text is None:
                return
            size = size + len(text) if pending else len(text)
            pending.append(text)
            if size >= dialect.max_record_bytes or len(pending) > dialect.max_record_lines:
                raise _TooLong
            yield text

    reader = csv.reader(feed(), delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
    line += 1
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLong) as error:
            if not pending:
                return
            first = pending[0]
            waiting.extendleft(reversed(pending[1:]))
            yield _Record(line, [first], None, _broken_reason(error, first, len(pending), dialect))
            line += 1
            pending.clear()
            reader = csv.reader(feed(), delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
            continue
        record = _Record(line, pending.copy(), fields)
        line += len(pending)
        pending.clear()
        yield record


def _broken_reason(error: Exception, first: str, lines: int, dialect: Dialect) -> Reason:
    if isinstance(error, _TooLong):
        too_long = lines == 1 or len(first) >= dialect.max_record_bytes
        return Reason.RECORD_TOO_LONG if too_long else Reason.UNTERMINATED_QUOTE
    if "new-line character" in str(error):
        return Reason.STRAY_LINE_BREAK
    odd = first.count(dialect.quote) % 2 == 1
    return Reason.UNTERMINATED_QUOTE if odd or lines > 1 else Reason.STRAY_QUOTE


def _irregular(lines: list[str], quote: str) -> bool:
    """Whether quotation marks stand inside unquoted fields, so that their parity does not show where the record ends."""
    if len(lines) == 1:
        return bool(lines[0].count(quote) & 1)
    parity = 0
    for line in lines[:-1]:
        parity ^= line.count(quote) & 1
        if not parity:
            return True
    return bool((parity ^ lines[-1].count(quote)) & 1)


def _is_row(line: str, dialect: Dialect, width: int) -> bool:
    try:
        rows = list(csv.reader([line], delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True))
    except csv.Error:
        return False
    return len(rows) == 1 and len(rows[0]) == width


def _dirt(lines: list[str]) -> Reason | None:
    text = "".join(lines)
    if "\0" in text:
        return Reason.NUL_BYTE
    if not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text):
        return Reason.INVALID_ENCODING
    return None


def picker(mapping: HeadingMap) -> Picker:
    """Function from fields to values in contract order; of several headings of a column the first non-empty one counts."""
    if len(mapping.sources) > 1 and all(len(found) == 1 for found in mapping.sources):
        return operator.itemgetter(*(found[0] for found in mapping.sources))

    def pick(fields: list[str]) -> Row:
        return [next((fields[i] for i in found if fields[i]), None) for found in mapping.sources]

    return pick
