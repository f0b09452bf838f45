"""The landing tables: their schema from the contract, and files that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from intake.contracts import load_contracts
from models.contract import Column, SourceContract
from models.settings import Settings

SCHEMA_FILE = "_schema.parquet"
UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")
PROVENANCE = (
    pa.field("_source", pa.string()),
    pa.field("_source_file", pa.string()),
    pa.field("_line", pa.int64()),
    pa.field("_row_hash", pa.string()),
    pa.field("_batch_id", pa.int64()),
    pa.field("_loaded_at", UTC_TIMESTAMP),
)
# The register's copy for the warehouse lies beside the landed tables; `intake/deliveries.py` writes it.
DELIVERY = "intake__delivery"
DELIVERY_SCHEMA = pa.schema(
    [
        pa.field("batch_id", pa.int64()),
        pa.field("source", pa.string()),
        pa.field("entity", pa.string()),
        pa.field("file", pa.string()),
        pa.field("received_at", UTC_TIMESTAMP),
        pa.field("arrived_at", UTC_TIMESTAMP),
        pa.field("status", pa.string()),
        pa.field("loaded", pa.int64()),
    ]
)
_ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "json_text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "money": pa.decimal128(18, 2),
    "timestamp": UTC_TIMESTAMP,
    "date": pa.date32(),
    "boolean": pa.bool_(),
}


def landing_schema(contract: SourceContract) -> pa.Schema:
    """Columns of the landed table: contract columns in order, redaction counts beside texts, then provenance.

    Names never land, unless the contract joins them into one column (`names_land_as`), which stands where the first
    name column stood.
    """
    fields: list[pa.Field] = []
    names_pending = contract.names_land_as
    for column in contract.columns:
        if column.pii == "name" and names_pending:
            fields.append(pa.field(names_pending, pa.string()))
            names_pending = None
        fields.extend(_fields(column))
    return pa.schema([*fields, *PROVENANCE])


def landing_folder(settings: Settings, contract: SourceContract) -> Path:
    """Folder of the entity's landed files."""
    return settings.landing / contract.name


def ensure_landing(settings: Settings) -> None:
    """Write the zero-row `_schema.parquet` of every contract and of the register's copy, so that the warehouse never
    meets an absent source."""
    for contract in load_contracts().values():
        ensure_schema(settings, contract)
    _ensure(settings.landing / DELIVERY / SCHEMA_FILE, DELIVERY_SCHEMA)


def ensure_schema(settings: Settings, contract: SourceContract) -> None:
    """Write `_schema.parquet` of one contract unless the same schema is there."""
    _ensure(landing_folder(settings, contract) / SCHEMA_FILE, landing_schema(contract))


def _ensure(path: Path, schema: pa.Schema) -> None:
    if path.exists() and pq.read_schema(path).equals(schema):
        return
    file = AtomicParquet(path, schema)
    file.write(schema.empty_table())
    file.close()
    file.publish()


class AtomicParquet:
    """A Parquet file written under a hidden name and renamed when it is complete and on disk."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.rows = path, 0
        self._schema = schema
        self._spare = path.with_name(f".{path.name}.tmp")
        self._writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Append rows; the file is begun with the first call."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._spare, self._schema, compression="zstd")
        self._writer.write_table(table)
        self.rows += table.num_rows

    def close(self) -> None:
        """End the file and force it to disk; nothing is visible yet."""
        if self._writer is not None:
            self._writer.close()
            _fsync(self._spare)

    def publish(self) -> None:
        """Give the file its name; a file of nothing is never made."""
        if self._writer is not None:
            self._spare.replace(self.path)
            _fsync(self.path.parent)

    def discard(self) -> None:
        """Throw away what was written."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._spare.unlink(missing_ok=True)


def _fields(column: Column) -> list[pa.Field]:
    if column.landed is None:
        return []
    fields = [pa.field(column.landed, _ARROW_TYPES[column.type])]
    if column.pii == "text":
        fields.append(pa.field(f"{column.name}_redactions", pa.int64()))
    return fields


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
