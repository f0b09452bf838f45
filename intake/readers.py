"""Choosing the reader for a file, and finding out which entity of a source it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from intake.chunks import Chunk
from intake.csv_reader import Counts, CsvReader
from intake.headings import coverage, match_headings
from intake.json_reader import JsonReader
from intake.parquet_reader import ParquetReader
from intake.probe import Probe, Refused, file_format, glance
from models.contract import SourceContract


class Reader(Protocol):
    """What every reader offers; `counts` and `note` are complete once `chunks` is exhausted."""

    counts: Counts
    note: str

    def headings(self) -> list[str]:
        """Headings or keys of the file."""

    def chunks(self) -> Iterator[Chunk]:
        """Rows as text in contract order and the rows that could not be read."""

    def verify(self) -> str | None:
        """A sentence when an independent count differs."""


def open_reader(found: Probe, contract: SourceContract) -> Reader:
    """The reader for a probed file; raises `Refused` when the contract does not take that format."""
    if found.format not in contract.accepts:
        raise Refused(f"{contract.name} comes as {' or '.join(contract.accepts)}, not as {found.format}")
    if found.format == "csv":
        return CsvReader(found, contract)
    if found.format == "parquet":
        return ParquetReader(found, contract)
    return JsonReader(found, contract)


def choose_contract(path: Path, candidates: Iterable[SourceContract]) -> SourceContract:
    """The one contract of a source whose headings fit the file; raises `Refused` when none does, or two equally well."""
    kind, _ = file_format(path)
    fitting = [contract for contract in candidates if kind in contract.accepts]
    if not fitting:
        raise Refused(f"no entity of this source comes as {kind}")
    if len(fitting) == 1:
        return fitting[0]
    return _best_fit(path, fitting)


def _best_fit(path: Path, fitting: list[SourceContract]) -> SourceContract:
    scores: list[tuple[float, SourceContract]] = []
    refusals: list[Refused] = []
    for contract in fitting:
        try:
            headings = open_reader(glance(path), contract).headings()
            scores.append((coverage(contract, headings), contract))
            match_headings(contract, headings)
        except Refused as refusal:
            refusals.append(refusal)
    ranked = sorted(scores, key=lambda pair: -pair[0])
    if not ranked:
        raise refusals[0]
    if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
        raise Refused("the headings fit several entities of this source equally well; name the entity")
    return ranked[0][1]
