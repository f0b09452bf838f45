"""JSON Lines and JSON documents: one object per row, numbers kept as they are written, one bad line costs one row.

Shapes understood: a line per object, an array of objects, a search answer (`hits.hits[]._source`), export lines that
wrap the record in `_source`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

import duckdb

from intake.chunks import Chunk, ChunkBuilder, Row, RowFault
from intake.csv_reader import Counts
from intake.headings import match_keys
from intake.probe import Probe, Refused, open_bytes
from intake.reasons import Reason
from models.contract import SourceContract, fold_heading

SAMPLE = 200
DOCUMENT_BYTES = 512 * 1024 * 1024


class JsonReader:
    """Reads one JSON Lines file or JSON document in chunks; in a document the line is the number of the record."""

    def __init__(self, probe: Probe, contract: SourceContract) -> None:
        self.probe, self.contract = probe, contract
        self.counts = Counts()
        self.note = ""
        self._text: str | None = None
        self._picker = _Picker(contract)

    def headings(self) -> list[str]:
        """Keys seen in the first records."""
        keys: dict[str, None] = {}
        seen = 0
        for _, record, _ in self._records():
            if isinstance(record, Mapping):
                keys.update(dict.fromkeys(record))
                seen += 1
            if seen >= SAMPLE:
                break
        self.counts = Counts()
        return list(keys)

    def chunks(self) -> Iterator[Chunk]:
        """Yield rows in contract order; raises `Refused` when required keys are in none of the first records."""
        keys = self.headings()
        if keys:
            self.note = match_keys(self.contract, keys)
        builder = ChunkBuilder()
        for line, record, text in self._records():
            self.counts.rows += 1
            if self._sort(line, record, text, builder):
                yield builder.take()
        if builder:
            yield builder.take()

    def verify(self) -> str | None:
        """Compare with a count made without parsing (lines) or by another parser (documents)."""
        expected = self._counted()
        return (
            None if self.counts.rows == expected else f"{self.counts.rows} records were read, {expected} were counted"
        )

    def _counted(self) -> int:
        if self._text is None:
            return self.probe.lines - self.probe.blank_lines
        with duckdb.connect() as connection:
            query = "SELECT json_array_length($text), json_array_length($text, '$.hits.hits')"
            found = connection.execute(query, {"text": self._text}).fetchone() or (0, 0)
        return int(found[1] or found[0] or 0)

    def _sort(self, line: int, record: object, text: str, builder: ChunkBuilder) -> bool:
        fault = _unreadable(line, record, text)
        if fault is not None or not isinstance(record, Mapping):
            return fault is not None and builder.fault(fault)
        row, nested = self._picker.pick(record)
        for index in nested:
            name = self.contract.columns[index].name
            builder.fault(RowFault(line, Reason.NESTED_VALUE, name, "json-like", text))
        if nested:
            return False
        return builder.add(row, line, len(text))

    def _records(self) -> Iterator[tuple[int, object, str]]:
        if self.probe.format == "json":
            document = self._document()
            if document is not None:
                for number, record in enumerate(document, start=1):
                    inner = _unwrap(record)
                    yield number, inner, json.dumps(inner, ensure_ascii=False)
                return
        yield from self._line_records()

    def _line_records(self) -> Iterator[tuple[int, object, str]]:
        raw = open_bytes(self.probe.path, self.probe.gzipped)
        limit = self.contract.dialect.max_record_bytes
        with io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="\n") as stream:
            number = 0
            while text := stream.readline(limit):
                number += 1
                if len(text) == limit and not text.endswith("\n"):
                    while text and not text.endswith("\n"):
                        text = stream.readline(limit)
                    yield number, Reason.RECORD_TOO_LONG, ""
                elif text.strip("\r\n"):
                    yield number, _parse(text), text

    def _document(self) -> Sequence[object] | None:
        """The records of a JSON document, or None when the file is JSON Lines under another name."""
        if self.probe.path.stat().st_size > DOCUMENT_BYTES:
            raise Refused("the JSON document is too large to be read whole; deliver it as JSON Lines")
        with open_bytes(self.probe.path, self.probe.gzipped) as stream:
            text = stream.read(DOCUMENT_BYTES).decode("utf-8-sig", errors="surrogateescape")
        document = _parse(text)
        if isinstance(document, Reason):
            if isinstance(_parse(text.split("\n", 1)[0]), Mapping):
                return None
            raise Refused("the file is not valid JSON")
        records = _listed(document)
        self._text = text if not isinstance(document, Mapping) or "hits" in document else f"[{text}]"
        return records


def row_of(text: str, contract: SourceContract) -> Row | None:
    """One JSON record as a row in contract order; None when it is unreadable or nested where it should not be."""
    record = _parse(text)
    if _unreadable(0, record, text) is not None or not isinstance(record, Mapping):
        return None
    row, nested = _Picker(contract).pick(record)
    return None if nested else row


class _Picker:
    """Picks the values of a contract's columns out of a record."""

    def __init__(self, contract: SourceContract) -> None:
        self._places = {
            fold_heading(heading): (index, rank)
            for index, column in enumerate(contract.columns)
            for rank, heading in reversed(list(enumerate(column.headings)))
        }
        self._single = [column.type != "json_text" for column in contract.columns]

    def pick(self, record: Mapping[str, object]) -> tuple[Row, list[int]]:
        """Values in contract order (the first non-empty heading wins) and the columns that hold a list or object."""
        row: list[str | None] = [None] * len(self._single)
        ranks = [len(self._places)] * len(row)
        nested = []
        for key, value in record.items():
            place = self._places.get(fold_heading(key))
            if place is None or value is None or place[1] >= ranks[place[0]] or value == "":
                continue
            index, ranks[place[0]] = place
            if isinstance(value, dict | list) and self._single[index]:
                nested.append(index)
            row[index] = as_text(value)
        return row, nested


def as_text(value: object) -> str:
    """A JSON value as the text it was written as; lists and objects as compact JSON with sorted keys."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _listed(document: object) -> Sequence[object]:
    if isinstance(document, list):
        return document
    if isinstance(document, Mapping):
        hits = document.get("hits")
        if isinstance(hits, Mapping) and isinstance(hits.get("hits"), list):
            return list(hits["hits"])
        if "hits" not in document:
            return [document]
    raise Refused("the JSON document is neither a list of records nor a search answer with hits.hits")


def _unwrap(record: object) -> object:
    if isinstance(record, Mapping) and isinstance(record.get("_source"), Mapping):
        return record["_source"]
    return record


def _parse(text: str) -> object:
    """Parse strictly; returns a `Reason` instead of raising, since a bad line is an ordinary event."""
    try:
        return _unwrap(json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_constant))
    except (ValueError, RecursionError):
        return Reason.INVALID_ENCODING if _escaped(text) else Reason.INVALID_JSON


def _unreadable(line: int, record: object, text: str) -> RowFault | None:
    shape = f"record({len(text)} characters)"
    if isinstance(record, Reason):
        return RowFault(line, record, None, shape, text or None)
    if not isinstance(record, Mapping):
        return RowFault(line, Reason.NOT_AN_OBJECT, None, shape, text)
    if "\0" in text or "\\u0000" in text:
        return RowFault(line, Reason.NUL_BYTE, None, shape, text)
    if _escaped(text) or ("\\ud" in text.lower() and not _encodable(record)):
        return RowFault(line, Reason.INVALID_ENCODING, None, shape, text)
    return None


def _escaped(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _encodable(record: Mapping[str, object]) -> bool:
    try:
        json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _no_constant(name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
