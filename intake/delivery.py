"""One delivery: chunks in, landing, quarantine and vault files out, every row counted once.

Order of writes: keys, then vault, quarantine and landing files under hidden names, then renamed, then the register
commits. A kill before the commit leaves files of an unfinished batch, which `recover` removes; the delivery is then
taken again from the start. A kill after it leaves nothing to do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from intake import vault
from intake.chunks import Chunk, RowFault
from intake.door import Door, landed_table, pass_through
from intake.landing import AtomicParquet, ensure_schema, landing_folder, landing_schema
from intake.reasons import Reason, value_class
from intake.registry import Outcome, Registry, file_stem
from intake.set_aside import QUARANTINE_SCHEMA, quarantine_file, quarantine_subject
from intake.typing_sql import any_fault, typed_sql
from models.contract import SourceContract

OnStep = Callable[[str], None]


def no_step(step: str) -> None:
    """Default for `on_step`: nothing happens between two durable writes. Tests raise here instead."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a delivery is: its contract, content hash, file name, zone of local times, the day and the moment it arrived."""

    contract: SourceContract
    sha256: str
    file: str
    timezone: str | None
    received_on: date
    arrived_at: datetime | None = None


@dataclass(slots=True)
class Tally:
    """Rows by what became of them; `faults` counts quarantine lines by reason."""

    loaded: int = 0
    quarantined: int = 0
    duplicates: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """Every row of the file."""
        return self.loaded + self.quarantined + self.duplicates


class Delivery:
    """Takes the chunks of one delivery. Use: `add` for each, then `commit` or `discard`."""

    def __init__(self, ticket: Ticket, door: Door, registry: Registry, on_step: OnStep = no_step) -> None:
        self.ticket, self.door, self.registry, self.on_step = ticket, door, registry, on_step
        self.tally = Tally()
        contract, settings = ticket.contract, door.settings
        ensure_schema(settings, contract)
        self.batch_id = registry.begin(
            ticket.sha256, contract.source, contract.entity, ticket.file, arrived_at=ticket.arrived_at
        )
        name = f"{file_stem(self.batch_id, ticket.sha256)}.parquet"
        self._landing = AtomicParquet(landing_folder(settings, contract) / name, landing_schema(contract))
        self._vault = AtomicParquet(settings.vault / contract.name / name, vault.SCHEMA)
        self._quarantine = AtomicParquet(quarantine_file(settings, contract.name, name), QUARANTINE_SCHEMA)
        self._subject = quarantine_subject(contract.name, file_stem(self.batch_id, ticket.sha256))
        self._key: AESGCM | None = None
        self._loaded_at = datetime.now(UTC)
        self._db = duckdb.connect()
        self._db.execute("SET TimeZone = 'UTC'; SET threads = 2; CREATE TEMP TABLE seen (row_hash VARCHAR)")
        self._typed = typed_sql(contract, timezone=ticket.timezone, latest=ticket.received_on)
        self._bad = any_fault(contract)
        self._earlier = door.landed.get(contract.name, [])

    def add(self, chunk: Chunk, wrap: Callable[[RowFault], str | None]) -> None:
        """Type, check, redact and write one chunk; `wrap` makes the content of an unreadable row fit to be sealed."""
        lines = [(fault, wrap(fault)) for fault in chunk.faults]
        self.tally.quarantined += len({fault.line for fault in chunk.faults})
        if chunk.rows:
            number = pa.array(range(len(chunk.rows)), type=pa.int64())
            self._db.register("chunk", chunk.table(self.ticket.contract).append_column("i", number))
            self._db.execute(self._typed)
            self._db.unregister("chunk")
            lines.extend(self._faulty(chunk))
            self._keep_fresh(len(chunk.rows))
        if lines:
            self._write_quarantine(lines)

    def rename(self, file: str) -> None:
        """Name of the file that following rows were delivered in (a replay may hold rows of several)."""
        self.ticket = replace(self.ticket, file=file)

    def carry_over(self, lines: pa.Table, contents: dict[tuple[str, int], str]) -> None:
        """Keep quarantine lines of an earlier delivery that still cannot be read, sealed anew under this one."""
        places = list(zip(lines.column("file").to_pylist(), lines.column("line").to_pylist(), strict=True))
        self.tally.quarantined += len(set(places))
        self.tally.faults.update(lines.column("reason").to_pylist())
        sealed = [self._seal(line, contents[file, line]) if (file, line) in contents else None for file, line in places]
        columns = {name: lines.column(name) for name in lines.schema.names}
        columns["batch_id"] = pa.array([self.batch_id] * lines.num_rows, type=pa.int64())
        columns["row_sealed"] = pa.array(sealed, type=pa.binary())
        self._quarantine.write(pa.table(columns, schema=QUARANTINE_SCHEMA))

    def commit(self, status: str, message: str) -> None:
        """Make the files visible and then the delivery count."""
        files = (self._vault, self._quarantine, self._landing)
        for file in files:
            file.close()
        self.on_step("files_written")
        for file in files:
            file.publish()
            self.on_step(f"published_{file.path.parent.parent.name}")
        self.registry.finish(self.batch_id, self.outcome(status, message))
        self.on_step("committed")
        if self._landing.rows:
            self.door.landed.setdefault(self.ticket.contract.name, []).append(str(self._landing.path))

    def discard(self) -> None:
        """Throw away what was written; the register still says the delivery is unfinished."""
        for file in (self._vault, self._quarantine, self._landing):
            file.discard()

    def close(self) -> None:
        """Release the in-memory database."""
        self._db.close()

    def outcome(self, status: str, message: str) -> Outcome:
        """The counts so far under a status."""
        tally = self.tally
        return Outcome(tally.rows, tally.loaded, tally.quarantined, tally.duplicates, status, message)

    def _faulty(self, chunk: Chunk) -> list[tuple[RowFault, str | None]]:
        """Faults of typed rows, one per column; the row goes with its first fault."""
        columns = self.ticket.contract.columns
        names = ", ".join(f"f{index}" for index in range(len(columns)))
        rows = self._db.execute(f"SELECT i, {names} FROM typed WHERE {self._bad} ORDER BY i").fetchall()
        self.tally.quarantined += len(rows)
        lines: list[tuple[RowFault, str | None]] = []
        for i, *reasons in rows:
            values = chunk.rows[i]
            content: str | None = json.dumps(
                {"values": dict(zip((c.name for c in columns), values, strict=True))}, ensure_ascii=False
            )
            for column, value, reason in zip(columns, values, reasons, strict=True):
                if reason is not None:
                    fault = RowFault(chunk.lines[i], Reason(reason), column.name, value_class(value))
                    lines.append((fault, content))
        return lines

    def _keep_fresh(self, rows: int) -> None:
        """Land what is neither faulty nor landed before, be it in this file or in an earlier delivery."""
        good = self._count(f"SELECT count(*) FROM typed WHERE NOT ({self._bad})")
        self._db.execute(
            f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT * FROM typed WHERE NOT ({self._bad})"
            " AND row_hash NOT IN (SELECT row_hash FROM seen)"
            " QUALIFY row_number() OVER (PARTITION BY row_hash ORDER BY i) = 1"
        )
        if self._earlier:
            self._db.execute(
                "DELETE FROM fresh WHERE row_hash IN (SELECT _row_hash FROM read_parquet($files, union_by_name=true)"
                " WHERE _row_hash IN (SELECT row_hash FROM fresh))",
                {"files": self._earlier},
            )
        fresh = self._db.execute("SELECT * FROM fresh ORDER BY i").to_arrow_table()
        self._db.execute("INSERT INTO seen SELECT row_hash FROM fresh")
        self.tally.loaded += fresh.num_rows
        self.tally.duplicates += good - fresh.num_rows
        if fresh.num_rows:
            passed = pass_through(self.door, self.ticket.contract, fresh)
            if passed.sealed is not None:
                self._vault.write(passed.sealed)
            self._landing.write(landed_table(self.ticket.contract, passed, self._provenance(fresh)))

    def _provenance(self, fresh: pa.Table) -> dict[str, pa.Array]:
        count = fresh.num_rows
        return {
            "_source": pa.array([self.ticket.contract.source] * count, type=pa.string()),
            "_source_file": pa.array([self.ticket.file] * count, type=pa.string()),
            "_line": fresh.column("line").combine_chunks(),
            "_row_hash": fresh.column("row_hash").combine_chunks(),
            "_batch_id": pa.array([self.batch_id] * count, type=pa.int64()),
            "_loaded_at": pa.array([self._loaded_at] * count, type=pa.timestamp("us", tz="UTC")),
        }

    def _write_quarantine(self, lines: list[tuple[RowFault, str | None]]) -> None:
        """Write quarantine lines; a row with several faults is sealed once, with the first."""
        sealed_for: set[int] = set()
        sealed: list[bytes | None] = []
        for fault, content in lines:
            again = content is None or fault.line in sealed_for
            sealed_for.add(fault.line)
            sealed.append(None if again or content is None else self._seal(fault.line, content))
        self.tally.faults.update(fault.reason.value for fault, _ in lines)
        contract, count = self.ticket.contract, len(lines)
        self._quarantine.write(
            pa.table(
                [
                    [contract.source] * count,
                    [contract.entity] * count,
                    [self.ticket.file] * count,
                    [fault.line for fault, _ in lines],
                    [fault.column for fault, _ in lines],
                    [fault.value_class for fault, _ in lines],
                    [fault.reason.value for fault, _ in lines],
                    [self.batch_id] * count,
                    sealed,
                    [content is not None for _, content in lines],
                ],
                schema=QUARANTINE_SCHEMA,
            )
        )

    def _seal(self, line: int, content: str) -> bytes:
        if self._key is None:
            self._key = self.door.ring.ensure([self._subject])[self._subject]
        return vault.seal(self._key, content, f"{self.ticket.contract.name}|{line}")

    def _count(self, query: str) -> int:
        row = self._db.execute(query).fetchone()
        return int(row[0]) if row else 0
