"""Monthly export files of one entity: physical lines are counted, broken rows planted, some rows delivered twice.

Belongs here: files and their lines. Not here: what the cells hold. The first write to a month opens its file, repeats the
last rows of the month before (overlapping windows) and plants that file's faults after its first good row or rows.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from world.clock import DAY, Horizon, plain_text, zulu_text
from world.config import RATES
from world.faults import AT_END, Fault, broken_csv, broken_json, faults_of_file
from world.rendering import csv_cell, csv_rows, json_cell, json_rows, payload
from world.truth import TruthStore


@dataclass(frozen=True)
class Layout:
    """How an entity is exported: columns, which of them are free text or need JSON quoting, its key and physical header."""

    source: str
    entity: str
    columns: tuple[str, ...]
    texts: frozenset[str]
    key: str
    is_json: bool = False
    raw: frozenset[str] = frozenset()
    extra_header: str = ""
    overlaps: bool = True
    resent_month: int | None = None
    good_cells: dict[str, str] = field(default_factory=dict)

    @property
    def suffix(self) -> str:
        """Ending of the file names."""
        return "jsonl" if self.is_json else "csv"


@dataclass
class _File:
    name: str
    handle: BinaryIO
    lines: int = 0
    rows: int = 0
    pending_end: Fault | None = None
    tail: tuple[pa.Array, pa.Array] | None = None
    sample: list[str] = field(default_factory=list)


class Delivery:
    """Writes the monthly files of one entity. Close it to finish the files; `rows` then counts data rows per file."""

    def __init__(self, root: Path, layout: Layout, span: Horizon, truth: TruthStore, *, faults: bool) -> None:
        self.root, self.layout, self.span, self.truth, self.with_faults = root, layout, span, truth, faults
        self.rows: dict[str, int] = {}
        self._files: dict[int, _File] = {}
        self._serial = 0
        future = np.array([span.end + 400 * DAY])
        self._future = {"future_plain": plain_text(future)[0].as_py(), "future_iso": zulu_text(future)[0].as_py()}
        (root / layout.source).mkdir(parents=True, exist_ok=True)

    def write(self, month: int, columns: dict[str, pa.Array]) -> None:
        """Append rows (texts by column, null = empty) to a month's file."""
        layout = self.layout
        if not len(columns[layout.key]):
            return
        cells = [self._cell(name, columns[name]) for name in layout.columns]
        rows = json_rows(layout.columns, cells) if layout.is_json else csv_rows(cells)
        file = self._files.get(month)
        if file is None:
            file = self._open(month, [c[0].as_py() or "" for c in cells])
            self._append(file, rows.slice(0, 1))
            self._plant(file)
            self._append(file, rows.slice(1))
        else:
            self._append(file, rows)
        keep = min(len(rows), RATES.overlap_rows)
        file.tail = (rows.slice(len(rows) - keep), columns[layout.key].slice(len(rows) - keep))

    def plant_more(self, month: int, faults: list[Fault]) -> None:
        """Plant further faults in a month's file, if it exists."""
        if month in self._files:
            for fault in faults:
                self._break(self._files[month], fault)

    def close(self) -> None:
        """Plant what belongs at the ends of files, close them, and deliver one of them twice under another name.

        The copy is equal byte for byte; the truth lists its broken rows under the first name only.
        """
        for file in self._files.values():
            if file.pending_end:
                self._break(file, file.pending_end)
            file.handle.close()
            self.rows[file.name] = file.rows
        again = self._files.get(-1 if self.layout.resent_month is None else self.layout.resent_month)
        if again:
            name = again.name.replace(f".{self.layout.suffix}", f"_resend.{self.layout.suffix}")
            shutil.copyfile(self.root / again.name, self.root / name)
            self.rows[name] = again.rows
            self._note("duplicate_file", [None], name)

    def _cell(self, name: str, values: pa.Array) -> pa.Array:
        if self.layout.is_json:
            return pc.fill_null(values, "null") if name in self.layout.raw else json_cell(values)
        return csv_cell(values) if name in self.layout.texts else values

    def _open(self, month: int, sample: list[str]) -> _File:
        layout = self.layout
        stamp = f"{self.span.months[month]:%Y-%m}"
        name = f"{layout.source}/{layout.entity}_{stamp}.{layout.suffix}"
        file = _File(name, (self.root / name).open("wb"), sample=sample)
        self._files[month] = file
        if not layout.is_json:
            header = ",".join(layout.columns) + "\n" + layout.extra_header
            file.handle.write(header.encode())
            file.lines = header.count("\n")
        before = self._files.get(month - 1)
        if layout.overlaps and before and before.tail:
            self._append(file, before.tail[0])
            self._note("overlap", before.tail[1], name)
        return file

    def _append(self, file: _File, rows: pa.Array) -> None:
        if len(rows):
            file.handle.write(payload(rows))
            breaks = 0 if self.layout.is_json else pc.sum(pc.count_substring(rows, "\n")).as_py()
            file.lines += len(rows) + breaks
            file.rows += len(rows)

    def _plant(self, file: _File) -> None:
        if not self.with_faults:
            return
        for fault in faults_of_file(
            self.layout.source, self.layout.entity, len(self._files) - 1, len(self.span.months)
        ):
            if fault.reason == AT_END:
                file.pending_end = fault
            else:
                self._break(file, fault)

    def _break(self, file: _File, fault: Fault) -> None:
        layout = self.layout
        self._serial += 1
        key = f"{layout.entity[:3].upper()}-F{self._serial:05d}"
        cells = dict(zip(layout.columns, file.sample, strict=True))
        cells |= (
            dict.fromkeys(layout.texts - layout.raw, '"see note"' if layout.is_json else "see note") | layout.good_cells
        )
        cells[layout.key] = f'"{key}"' if layout.is_json else key
        make = broken_json if layout.is_json else broken_csv
        file.handle.write(make(fault, layout.columns, list(cells.values()), self._future) + b"\n")
        file.lines += 1
        file.rows += 1
        self._record(fault, file.name, file.lines, key)

    def _record(self, fault: Fault, name: str, line: int, key: str) -> None:
        lost = fault.reason in ("missing_value", "invalid_json")
        row: dict[str, list[object]] = {
            "source": [self.layout.source],
            "entity": [self.layout.entity],
            "file": [name],
            "line": [line],
            "column": [fault.column],
            "reason": [fault.reason],
            "key": [None if lost else key],
        }
        self.truth.add("planted_fault", row)

    def _note(self, kind: str, keys: pa.Array | list[object], name: str) -> None:
        note_delivery(self.truth, self.layout, kind, keys, name, None)


def note_delivery(
    truth: TruthStore, layout: Layout, kind: str, keys: pa.Array | list[object], name: str | None, month: date | None
) -> None:
    """Record rows that arrive in an unusual way: overlap, late, corrected, updated, or a file delivered twice."""
    n = len(keys)
    truth.add(
        "delivery",
        {
            "source": [layout.source] * n,
            "entity": [layout.entity] * n,
            "kind": [kind] * n,
            "key": keys,
            "file": [name] * n,
            "month": [f"{month:%Y-%m}" if month else None] * n,
        },
    )
