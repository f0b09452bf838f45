"""How rows that were set aside are stored, sealed and opened again. Reading and replaying them: `intake.quarantine`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from intake import vault
from intake.chunks import Chunk, Row, RowFault
from intake.csv_reader import parse_record, picker
from intake.headings import match_headings
from intake.json_reader import row_of
from intake.probe import Refused
from models.contract import SourceContract
from models.settings import Settings

QUARANTINE_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("entity", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("column", pa.string()),
        ("value_class", pa.string()),
        ("reason", pa.string()),
        ("batch_id", pa.int64()),
        ("row_sealed", pa.binary()),
        ("replayable", pa.bool_()),
    ]
)


def quarantine_file(settings: Settings, entity_name: str, name: str) -> Path:
    """Quarantine file of one delivery of an entity."""
    return settings.quarantine / entity_name / name


def quarantine_subject(entity_name: str, stem: str) -> str:
    """Under whose key the rows of a delivery's quarantine are sealed."""
    return f"quarantine:{entity_name}:{stem}"


@dataclass(frozen=True, slots=True)
class Retry:
    """The rows of one quarantine file, opened: readable ones by original file; lines of the others and their content."""

    sha256: str
    by_file: dict[str, Chunk]
    lost: pa.Table
    unread: dict[tuple[str, int], str]


def open_quarantine(path: Path, contract: SourceContract, ring: vault.KeyRing) -> Retry:
    """Unseal the rows of a quarantine file and put them in the order of the contract as it is now."""
    table = pq.read_table(path, schema=QUARANTINE_SCHEMA)
    subject = quarantine_subject(contract.name, path.stem)
    key = ring.known([subject]).get(subject)
    if key is None:
        raise vault.VaultError("the key of this quarantine file is gone; its rows cannot be tried again")
    chunks: dict[str, tuple[list[Row], list[int]]] = {}
    opened: set[tuple[str, int]] = set()
    unread: dict[tuple[str, int], str] = {}
    for record in table.select(["file", "line", "row_sealed"]).to_pylist():
        if record["row_sealed"] is None:
            continue
        content = vault.unseal(key, record["row_sealed"], f"{contract.name}|{record['line']}")
        row = _row(json.loads(content), contract)
        if row is None:
            unread[record["file"], record["line"]] = content
        else:
            rows, lines = chunks.setdefault(record["file"], ([], []))
            rows.append(row)
            lines.append(record["line"])
            opened.add((record["file"], record["line"]))
    by_file = {file: Chunk(rows, lines, []) for file, (rows, lines) in chunks.items()}
    kept = [(file, line) not in opened for file, line in _places(table)]
    return Retry(
        hashlib.sha256(b"replay" + path.read_bytes()).hexdigest(), by_file, table.filter(pa.array(kept)), unread
    )


def sealable(fault: RowFault, headings: list[str], *, is_json: bool) -> str | None:
    """The content of an unreadable row as it is sealed, so that it can be read again under another dialect."""
    if fault.content is None:
        return None
    content: dict[str, object] = {"json": fault.content} if is_json else {"text": fault.content, "headings": headings}
    return json.dumps(content)


def _places(table: pa.Table) -> Iterator[tuple[str, int]]:
    return zip(table.column("file").to_pylist(), table.column("line").to_pylist(), strict=True)


def _row(content: dict[str, object], contract: SourceContract) -> Row | None:
    """A sealed row in contract order, or None when it still cannot be read."""
    match content:
        case {"values": dict(values)}:
            return [values.get(column.name) for column in contract.columns]
        case {"json": str(text)}:
            return row_of(text, contract)
        case {"text": str(text), "headings": list(headings)}:
            return _from_text(text, [str(heading) for heading in headings], contract)
        case _:
            return None


def _from_text(text: str, headings: list[str], contract: SourceContract) -> Row | None:
    fields = parse_record(text, contract.dialect)
    clean = text.isprintable() or not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text)
    if fields is None or len(fields) != len(headings) or not clean:
        return None
    try:
        mapping = match_headings(contract, headings)
    except Refused:
        return None
    return picker(mapping)(fields)
