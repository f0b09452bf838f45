"""Parquet deliveries: every column is turned to text first, so that the contract alone decides about types."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from intake.chunks import CHUNK_ROWS, Chunk
from intake.csv_reader import Counts
from intake.headings import match_headings
from intake.probe import Probe, Refused
from models.contract import SourceContract


class ParquetReader:
    """Reads one Parquet file in chunks; the line of a row is its number in the file, from 1."""

    def __init__(self, probe: Probe, contract: SourceContract) -> None:
        self.probe, self.contract = probe, contract
        self.counts = Counts()
        self.note = ""

    def headings(self) -> list[str]:
        """Column names of the file; raises `Refused` when it is no readable Parquet."""
        return list(self._open().schema_arrow.names)

    def chunks(self) -> Iterator[Chunk]:
        """Yield rows as text in contract order; raises `Refused` when columns do not fit the contract."""
        file = self._open()
        mapping = match_headings(self.contract, file.schema_arrow.names)
        self.note = mapping.note
        wanted = sorted({file.schema_arrow.names[i] for found in mapping.sources for i in found})
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            query = _as_text(file.schema_arrow, mapping.sources)
            try:
                for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=wanted):
                    yield self._chunk(connection, query, batch)
            except (pa.ArrowInvalid, OSError) as error:
                raise Refused("the Parquet file is damaged; deliver it again") from error

    def verify(self) -> str | None:
        """Compare with the row count of the file's own footer; a sentence when they differ."""
        expected = self._open().metadata.num_rows
        return None if self.counts.rows == expected else f"{self.counts.rows} rows were read but {expected} are there"

    def _open(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.probe.path)
        except (pa.ArrowInvalid, OSError) as error:
            raise Refused("the file is not a readable Parquet file") from error

    def _chunk(self, connection: duckdb.DuckDBPyConnection, query: str, batch: pa.RecordBatch) -> Chunk:
        first = self.counts.rows + 1
        connection.register("batch", pa.Table.from_batches([batch]))
        rows = connection.execute(query).fetchall()
        connection.unregister("batch")
        self.counts.rows += batch.num_rows
        return Chunk(rows, list(range(first, first + batch.num_rows)), [])


def _as_text(schema: pa.Schema, sources: tuple[tuple[int, ...], ...]) -> str:
    columns = []
    for found in sources:
        texts = [_text(schema.field(position)) for position in found]
        columns.append(
            "NULL::VARCHAR" if not texts else texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})"
        )
    return f"SELECT {', '.join(columns)} FROM batch"


def _text(field: pa.Field) -> str:
    """SQL that turns a column to text. Whole floats lose their `.0`: integers with gaps are stored as floats."""
    name = '"' + field.name.replace('"', '""') + '"'
    if pa.types.is_floating(field.type):
        whole = f"{name} = trunc({name}) AND abs({name}) < 1e15"
        return f"CASE WHEN isnan({name}) THEN NULL WHEN {whole} THEN {name}::BIGINT::VARCHAR ELSE {name}::VARCHAR END"
    if pa.types.is_nested(field.type):
        return f"to_json({name})::VARCHAR"
    return f"{name}::VARCHAR"
