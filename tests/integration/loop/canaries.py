"""Canaries: made-up personal data of every kind, put into every text and identity column, and a look into every store.

Belongs here: planting them into the files of a world, and reading a home whole. Not here: the run between the two
(`conftest.py`), what may hold a canary (`test_canaries.py`).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

CUSTOMER = "CU99990001"
# In texts. Values with checksums have right ones; the others are like nothing the world writes.
IN_TEXTS: Mapping[str, str] = {
    "EMAIL": "zq.canary.7731@canary.example",
    "PHONE": "+44 20 7946 0983",
    "CARD": "4539 5780 3927 4615",
    "IBAN": "DE44 5001 0517 5407 3249 31",
    "BIC": "ZQXCDE2AXXX",
    "SSN": "536-90-4399",
    "TAX_ID": "71 358 952 543",
    "ID_NUMBER": "48291736Q",
    "ACCOUNT": "8837462013",
    "IP": "203.0.113.42",
    "URL": "https://canary.example/reset?token=zq7731",
    "BIRTH_DATE": "17 April 1902",
    "ADDRESS": "9221 Canaryfield Road",
    "PLATE": "ZQ07 ZQX",
    "SECRET": "Zq!Canary7731",
    "NAME": "Zebulonia Quaxworthy",
}
# In columns of the CRM, of HR and of a review site.
IN_COLUMNS: Mapping[str, str] = {
    "first name": "Wrenfaxa",
    "last name": "Zyxquillen",
    "customer e-mail": "wz.crm.7731@canary.example",
    "customer phone": "+1 415-555-0198",
    "employee e-mail": "hr.canary.7731@canary.example",
    "review handle": "zyxq_handle_7731",
}
PASSAGE = (
    "My name is {NAME}. Write to {EMAIL} or call {PHONE}. Card {CARD} and IBAN {IBAN} BIC {BIC} are mine. SSN {SSN}. "
    "Steuer-ID {TAX_ID}. My DNI is {ID_NUMBER}. Account number {ACCOUNT}. Login from {IP} by {URL} failed. "
    "I was born on {BIRTH_DATE}. I live at {ADDRESS}. License plate {PLATE}. The password is {SECRET}. "
).format(**IN_TEXTS)
# Of whom the CRM knows the name; a review site names no customer, so nobody could know whose name it is.
PASSAGE_OF_OURS = f"{PASSAGE} It is wrenfaxa ZYXQUILLEN again."


@dataclass(frozen=True, slots=True)
class Place:
    """An export that gets a canary row: its headings' key, its texts, and what else is set on the row."""

    source: str
    entity: str
    key: tuple[str, str]
    texts: tuple[str, ...]
    more: Mapping[str, str]
    heading_rows: int = 1

    @property
    def passage(self) -> str:
        """What its texts say."""
        return PASSAGE if self.source == "reviews" else PASSAGE_OF_OURS


_OURS = {"customer_id": CUSTOMER}
PLACES = (
    Place("crm", "customer", ("customer_id", CUSTOMER), (), {
        "first_name": IN_COLUMNS["first name"], "last_name": IN_COLUMNS["last name"],
        "email": IN_COLUMNS["customer e-mail"], "phone": IN_COLUMNS["customer phone"],
    }),
    # Long gone, so that nobody is given a case.
    Place("hr", "org_chart", ("employee_id", "E99991"), (), {
        "email": IN_COLUMNS["employee e-mail"], "valid_from": "2024-12-01", "valid_to": "2024-12-31",
    }),
    Place("complaints", "complaint", ("complaint_id", "CMP-9990001"), ("description",), _OURS),
    Place("escalations", "escalation", ("escalation_id", "ESC-999001"), ("note",), _OURS),
    Place("qa", "audit", ("audit_id", "QA-999001"), ("comment",), {"ticket_id": "9990001"}),
    Place("resolutions", "resolution", ("resolution_id", "RES-9990001"), ("note",), _OURS),
    Place("qualtrics", "response", ("ResponseId", "R_99990001"), ("Q2",), {"ExternalReference": CUSTOMER}, 3),
    Place("reviews", "review", ("review_id", "RV-999001"), ("title", "body"), {"author_handle": IN_COLUMNS["review handle"]}),
    Place("zendesk", "ticket", ("id", "9990001"), ("subject", "description"), {"requester_id": CUSTOMER}),
    Place("zendesk", "ticket_comment", ("id", "9990002"), ("body",), {"ticket_id": "9990001"}),
)  # fmt: skip


def plant(inbox: Path) -> None:
    """Beside each export one more, with one row of canaries; and one row that must be turned away, with canaries too."""
    for place in PLACES:
        template = sorted((inbox / place.source).glob(f"{place.entity}_20*"))[0]
        if template.suffix == ".jsonl":
            lines = template.read_text(encoding="utf-8").splitlines()
            row = next(json.loads(line) for line in lines if line.startswith('{"') and line.endswith("}"))
            _changed(row, place)
            body = json.dumps(row) + "\n"
        else:
            rows = list(csv.reader(io.StringIO(template.read_text(encoding="utf-8"))))
            row = dict(zip(rows[0], rows[place.heading_rows], strict=True))
            _changed(row, place)
            body = _csv([*rows[: place.heading_rows], list(row.values())])
            if place.entity == "complaint":
                (inbox / place.source / "complaint_broken.csv").write_text(
                    _csv([rows[0], list((row | {"complaint_id": "CMP-9990002", "received_at": "one day"}).values())]),
                    encoding="utf-8",
                )
        (inbox / place.source / f"{place.entity}_canary{template.suffix}").write_text(body, encoding="utf-8")


def _changed(row: dict[str, str], place: Place) -> None:
    missing = {place.key[0], *place.texts, *place.more} - row.keys()
    assert not missing, f"{place.entity} has no {missing}"
    row |= {place.key[0]: place.key[1], **place.more, **dict.fromkeys(place.texts, place.passage)}


def _csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def readable(path: Path) -> Iterator[bytes]:
    """What a file says in small letters, in every way it can be read: as bytes, and as rows where a format packs them."""
    return (body.lower() for body in _bodies(path))


def _bodies(path: Path) -> Iterator[bytes]:
    body = path.read_bytes()
    yield body
    if path.suffix == ".parquet":
        yield json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False).encode()
    elif path.suffix == ".duckdb":
        yield from _duckdb(path)
    elif body.startswith(b"SQLite format 3\x00"):
        yield from _sqlite(path)
    elif body.startswith(b"\x1f\x8b"):
        yield gzip.decompress(body)


def _duckdb(path: Path) -> Iterator[bytes]:
    with duckdb.connect(str(path), read_only=True) as connection:
        query = "SELECT table_schema, table_name FROM information_schema.tables"
        for schema, name in connection.execute(query).fetchall():
            rows = connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall()
            yield json.dumps(rows, default=str, ensure_ascii=False).encode()


def _sqlite(path: Path) -> Iterator[bytes]:
    """Every table as rows: a long value is spread over pages, and bytes alone would miss it."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = bytes
    try:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{name.decode()}"'):
                yield b"\x00".join(value for value in row if isinstance(value, bytes))
    finally:
        connection.close()
