"""First pass over a delivery: what it is, its hash, and a count of its rows by another method than the readers'.

The count here never parses: it counts line breaks, and the parity of quotation marks before each. Readers must agree
with it (`intake.readers`), so a row can neither vanish nor be swallowed unnoticed.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np

from models.contract import FileFormat

BLOCK = 4 * 1024 * 1024
_SUFFIXES: dict[str, FileFormat] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_BOM = b"\xef\xbb\xbf"


class Refused(ValueError):
    """The delivery as a whole cannot be taken; the message says why and holds no delivered value."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the first pass found.

    `lines` counts physical lines; `blank_lines` those with nothing on them; `parity_records` the lines that end outside
    quotation marks and are not blank there. `empty` means not one byte of content besides white space and a BOM.
    """

    path: Path
    sha256: str
    format: FileFormat
    gzipped: bool
    empty: bool
    valid_utf8: bool
    has_nul: bool
    lines: int
    blank_lines: int
    parity_records: int


def file_format(path: Path) -> tuple[FileFormat, bool]:
    """Format by file name and whether it is gzipped; raises `Refused` for an unknown ending."""
    with path.open("rb") as stream:
        head = stream.read(4)
    gzipped = head[:2] == b"\x1f\x8b"
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in (".gz", ".gzip")]
    if head == b"PAR1":
        return "parquet", False
    found = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    if found is None:
        raise Refused(
            "the file name must end in .csv, .jsonl, .ndjson, .json or .parquet (each may be followed by .gz)"
        )
    return found, gzipped


def open_bytes(path: Path, gzipped: bool) -> IO[bytes]:
    """Open a file for reading, unpacking gzip."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if gzipped else path.open("rb")


def sha256_of(path: Path) -> str:
    """SHA-256 of the file as delivered (hex)."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def probe(path: Path, quote: str = '"') -> Probe:
    """Read the whole file once; raises `Refused` for UTF-16, a broken gzip and unknown formats."""
    kind, gzipped = file_format(path)
    tally = _Tally(quote if kind == "csv" else None)
    if kind != "parquet":
        for block in _blocks(path, gzipped):
            tally.add(block)
        tally.finish()
    return Probe(
        path=path,
        sha256=sha256_of(path),
        format=kind,
        gzipped=gzipped,
        empty=path.stat().st_size == 0 if kind == "parquet" else tally.empty,
        valid_utf8=tally.valid_utf8,
        has_nul=tally.has_nul,
        lines=tally.lines,
        blank_lines=tally.blank,
        parity_records=tally.records,
    )


def glance(path: Path) -> Probe:
    """What can be said without reading the file: its format. Enough to read headings with, not to take rows."""
    kind, gzipped = file_format(path)
    return Probe(path, "", kind, gzipped, False, True, False, 0, 0, 0)


def _blocks(path: Path, gzipped: bool) -> Iterator[bytes]:
    try:
        with open_bytes(path, gzipped) as stream:
            first = stream.read(BLOCK)
            if first[:2] in _UTF16:
                raise Refused("the file is UTF-16; export it as UTF-8")
            yield first.removeprefix(_UTF8_BOM)
            while block := stream.read(BLOCK):
                yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Refused("the gzip file is cut short or damaged; deliver it again") from error


class _Tally:
    """Counts line breaks block by block; a line may span blocks."""

    def __init__(self, quote: str | None) -> None:
        self.quote = -1 if quote is None else ord(quote)
        self.lines = self.blank = self.records = 0
        self.valid_utf8, self.has_nul, self.empty = True, False, True
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._parity = 0
        self._tail = 0  # bytes of the unfinished line
        self._line_bytes = 0  # of these, other than carriage returns
        self._even_start = True  # whether the unfinished line began outside quotation marks

    def add(self, block: bytes) -> None:
        self.empty = self.empty and not block.strip()
        self.has_nul = self.has_nul or b"\0" in block
        self._check_utf8(block, final=False)
        data = np.frombuffer(block, dtype=np.uint8)
        ends = np.flatnonzero(data == 10)
        quotes = np.flatnonzero(data == self.quote)
        returns = np.flatnonzero(data == 13)
        if ends.size:
            self._count_lines(ends, quotes, returns)
            tail = data[ends[-1] + 1 :]
            self._tail, self._line_bytes = tail.size, int(tail.size - (tail == 13).sum())
        else:
            self._tail += data.size
            self._line_bytes += data.size - returns.size
        self._parity = (self._parity + quotes.size) & 1

    def _count_lines(self, ends: np.ndarray, quotes: np.ndarray, returns: np.ndarray) -> None:
        parity = (np.searchsorted(quotes, ends) + self._parity) & 1
        content = np.diff(ends, prepend=-1) - 1 - np.diff(np.searchsorted(returns, ends), prepend=0)
        content[0] += self._line_bytes
        even_start = np.concatenate(([self._even_start], parity[:-1] == 0))
        blank = (content == 0) & even_start
        self.lines += ends.size
        self.blank += int(blank.sum())
        self.records += int(((parity == 0) & ~blank).sum())
        self._even_start = bool(parity[-1] == 0)

    def finish(self) -> None:
        self._check_utf8(b"", final=True)
        if self._tail:
            self.lines += 1
            blank = self._line_bytes == 0 and self._even_start
            self.blank += int(blank)
            self.records += int(not blank and self._parity == 0)

    def _check_utf8(self, block: bytes, *, final: bool) -> None:
        if self.valid_utf8:
            try:
                self._decoder.decode(block, final)
            except UnicodeDecodeError:
                self.valid_utf8 = False
