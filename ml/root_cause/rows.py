"""The signals a classification reads, as parallel columns.

Belongs here: which texts are read, what else is known of each, and which labels may train. Not here: any model.

Only a customer's own words are read. Praise is about no cause and no topic, so a text beside a clearly good score gets
neither. What agents noted counts beside the customer's words, never alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.root_cause.labels import trainable
from ml.text.embed import text_key
from models.programme import Programme

# Praise is not about a root cause. A text beside a score this good gets neither cause nor topic.
CLEARLY_GOOD = 0.75

_NEEDED = ("signal_id", "text", "text_author", "text_hash", "score_normalised", "occurred_at", "source")
_WELCOME = (
    "reason_code", "coded_cause_id", "coded_cause_basis", "reported_cause_id", "resolution_cause_id", "note_text",
    "is_valid", "audit_inclusion", "answered_cause_id", "answered_cause_basis", "channel", "language",
    "labelled_kind", "labelled_severity",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """Parallel columns in order of signal_id. `codes` never hold the code a row's own label was read off; `praised` are
    texts beside a clearly good score."""

    table: pa.Table
    ids: list[str]
    texts: list[str]
    hashes: list[str]
    notes: list[str | None]
    causes: list[str | None]
    codes: list[str | None]
    occurred: list[float]
    trainable: NDArray[np.bool_]
    praised: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.ids)

    @staticmethod
    def of(signals: pa.Table, programme: Programme) -> Rows:
        """Rows of the hand-over that have a customer's words.

        Raises models.label.NotTrainable when a label has a basis that may not train.
        """
        names = [name for name in (*_NEEDED, *_WELCOME) if name in signals.column_names]
        table = _hashed(_read(signals.select(names).sort_by("signal_id")))
        table = _coded(table, programme)
        columns = table.to_pydict()
        return Rows(
            table=table,
            ids=columns["signal_id"],
            texts=columns["text"],
            hashes=columns["text_hash"],
            notes=columns.get("note_text") or [None] * table.num_rows,
            causes=columns["coded_cause_id"],
            codes=_codes(columns),
            occurred=[moment.timestamp() if moment else 0.0 for moment in columns["occurred_at"]],
            trainable=trainable(table),
            praised=np.array([(score or 0.0) >= CLEARLY_GOOD for score in columns["score_normalised"]], dtype=bool),
        )

    def take(self, places: Sequence[int]) -> Rows:
        """The given rows, in the given order."""
        index = np.asarray(places, dtype=np.int64)
        chosen: list[int] = index.tolist()
        return Rows(
            table=self.table.take(pa.array(index)),
            ids=[self.ids[row] for row in chosen],
            texts=[self.texts[row] for row in chosen],
            hashes=[self.hashes[row] for row in chosen],
            notes=[self.notes[row] for row in chosen],
            causes=[self.causes[row] for row in chosen],
            codes=[self.codes[row] for row in chosen],
            occurred=[self.occurred[row] for row in chosen],
            trainable=self.trainable[index],
            praised=self.praised[index],
        )

    def about_failures(self) -> Rows:
        """The rows that may tell of a failure: all but those beside a clearly good score."""
        return self.take(np.flatnonzero(~self.praised).tolist())

    def column(self, name: str) -> list[Any]:
        """A column of the hand-over; all None where it has no such column."""
        return self.table.column(name).to_pylist() if name in self.table.column_names else [None] * len(self)

    def evidence_keys(self) -> list[str]:
        """What a score depends on besides the model: text, note and code of every row, as a hash or the text's own."""
        return [
            key if note is None and code is None else text_key(f"{key}|{note or ''}|{code or ''}")
            for key, note, code in zip(self.hashes, self.notes, self.codes, strict=True)
        ]

    def distinct(self) -> list[int]:
        """The first row of every different text, in order of the texts' hashes: the same whatever came first."""
        first: dict[str, int] = {}
        for row, key in enumerate(self.hashes):
            first.setdefault(key, row)
        return [first[key] for key in sorted(first)]


def _read(table: pa.Table) -> pa.Table:
    """Rows with a customer's words."""
    readable = pc.and_kleene(
        pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(table.column("text"))), 0),
        pc.equal(table.column("text_author"), "customer"),
    )
    return table.filter(pc.fill_null(readable, False))


def _hashed(table: pa.Table) -> pa.Table:
    """The warehouse's hash of each text, made here where there is none."""
    texts, own = table.column("text").to_pylist(), table.column("text_hash").to_pylist()
    keys = [key or text_key(text) for key, text in zip(own, texts, strict=True)]
    return table.set_column(table.column_names.index("text_hash"), "text_hash", pa.array(keys, pa.string()))


def _coded(table: pa.Table, programme: Programme) -> pa.Table:
    """The cause by code as the warehouse joined it, else by the programme's own table; unmapped stays null."""
    names = table.column_names
    if "coded_cause_id" not in names:
        meaning = {(source, code): cause_id for source, code, cause_id in programme.taxonomy.codes()}
        empty: list[str | None] = [None] * table.num_rows
        codes = table.column("reason_code").to_pylist() if "reason_code" in names else empty
        causes = [
            meaning.get((source, code)) for source, code in zip(table.column("source").to_pylist(), codes, strict=True)
        ]
        table = table.append_column("coded_cause_id", pa.array(causes, pa.string()))
    if "coded_cause_basis" not in names:
        bases = [None if cause is None else "reason_code" for cause in table.column("coded_cause_id").to_pylist()]
        table = table.append_column("coded_cause_basis", pa.array(bases, pa.string()))
    return table


def _codes(columns: dict[str, list[Any]]) -> list[str | None]:
    """The best code beside each label that the label was not read off: found on resolving, else as reported."""
    rows = len(columns["signal_id"])
    resolved: Sequence[str | None] = columns.get("resolution_cause_id") or [None] * rows
    reported: Sequence[str | None] = columns.get("reported_cause_id") or [None] * rows
    result: list[str | None] = []
    for basis, on_resolving, on_reporting in zip(columns["coded_cause_basis"], resolved, reported, strict=True):
        if basis == "reason_code":
            result.append(None)
        elif basis == "resolution" or on_resolving is None:
            result.append(None if on_reporting is None else f"reported|{on_reporting}")
        else:
            result.append(f"resolved|{on_resolving}")
    return result
