"""What every reader hands over: rows as text in contract order, and the rows it could not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from intake.reasons import Reason
from models.contract import SourceContract

CHUNK_ROWS = 100_000
CHUNK_BYTES = 48 * 1024 * 1024

Row = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class RowFault:
    """One fault of one row. `content` is the row itself, to be sealed; it must never be printed."""

    line: int
    reason: Reason
    column: str | None
    value_class: str
    content: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows in contract order as text with the physical line each starts on, and the faults between them."""

    rows: Sequence[Row] = field(repr=False)
    lines: list[int]
    faults: list[RowFault]

    def table(self, contract: SourceContract) -> pa.Table:
        """Arrow table `c0..cn` (text, contract order) and `line`."""
        columns = list(zip(*self.rows, strict=True)) if self.rows else [()] * len(contract.columns)
        arrays = [pa.array(values, type=pa.string()) for values in columns]
        names = [f"c{index}" for index in range(len(arrays))]
        return pa.table([*arrays, pa.array(self.lines, type=pa.int64())], names=[*names, "line"])


class ChunkBuilder:
    """Collects rows and faults until a chunk is full; bounds memory by rows and by bytes."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.rows: list[Row] = []
        self.lines: list[int] = []
        self.faults: list[RowFault] = []
        self.size = 0

    def add(self, row: Row, line: int, size: int) -> bool:
        """Add a row of about `size` characters; True when the chunk should be taken."""
        self.rows.append(row)
        self.lines.append(line)
        self.size += size
        return len(self.rows) >= CHUNK_ROWS or self.size >= CHUNK_BYTES

    def fault(self, fault: RowFault) -> bool:
        """Add a fault; True when the chunk should be taken."""
        self.faults.append(fault)
        self.size += len(fault.content or "")
        return len(self.faults) >= CHUNK_ROWS or self.size >= CHUNK_BYTES

    def take(self) -> Chunk:
        """Hand over what was collected and start afresh."""
        chunk = Chunk(self.rows, self.lines, self.faults)
        self._reset()
        return chunk

    def __bool__(self) -> bool:
        return bool(self.rows or self.faults)
