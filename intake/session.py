"""What one intake call holds open: the register (alone), the keys, the names in force; and its clean start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import yaml

from intake import vault
from intake.door import Door
from intake.registry import Registry, opened
from ml.text.names import NameIndex
from models.settings import Settings

PROGRAMME_FILE = "programme.yml"


@dataclass(slots=True)
class Session:
    """Register and door of one intake call."""

    registry: Registry
    door: Door

    def learn_employees(self) -> None:
        """Read employee names afresh, after an org chart was taken."""
        names = employee_names(self.door.landed.get("hr__org_chart", ()))
        self.door = replace(self.door, employees=NameIndex(names))


@contextmanager
def open_session(settings: Settings) -> Iterator[Session]:
    """Hold the register, clear away what an earlier call left unfinished, and load keys and employee names."""
    with opened(settings.intake_db) as registry:
        recover(settings, registry)
        ring = vault.KeyRing(settings.vault)
        try:
            landed = landed_files(settings, registry)
            employees = NameIndex(employee_names(landed.get("hr__org_chart", ())))
            door = Door(settings, ring, vault.lookup_secret(settings.vault), employees, landed)
            yield Session(registry, door)
        finally:
            ring.close()


def recover(settings: Settings, registry: Registry) -> int:
    """Remove the files of deliveries that were begun and never ended; returns how many there were."""
    unfinished = registry.unfinished()
    for delivery in unfinished:
        name = f"{delivery.source}__{delivery.entity}"
        for root in (settings.landing, settings.quarantine, settings.vault):
            (root / name / f"{delivery.stem}.parquet").unlink(missing_ok=True)
            (root / name / f".{delivery.stem}.parquet.tmp").unlink(missing_ok=True)
        registry.drop(delivery.batch_id)
    return len(unfinished)


def landed_files(settings: Settings, registry: Registry) -> dict[str, list[str]]:
    """Landed files that count, by entity name: those of registered deliveries."""
    found: dict[str, list[str]] = {}
    for delivery in registry.deliveries():
        name = f"{delivery.source}__{delivery.entity}"
        path = settings.landing / name / f"{delivery.stem}.parquet"
        if delivery.loaded and path.exists():
            found.setdefault(name, []).append(str(path))
    return found


def employee_names(files: Sequence[str]) -> list[str]:
    """Names of everybody who ever stood in the org chart."""
    if not files:
        return []
    with duckdb.connect() as connection:
        connection.from_parquet(list(files), union_by_name=True).create_view("files")
        rows = connection.execute("SELECT DISTINCT employee_name FROM files WHERE employee_name IS NOT NULL ORDER BY 1")
        return [str(row[0]) for row in rows.fetchall()]


def programme_zone(settings: Settings) -> str | None:
    """Time zone the active programme states in its `programme.yml`, or None; raises `ValueError` for an unknown zone."""
    path: Path = settings.programme_dir / PROGRAMME_FILE
    if not path.is_file():
        return None
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    zone = raw.get("timezone") if isinstance(raw, dict) else None
    if zone is None:
        return None
    try:
        ZoneInfo(str(zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{PROGRAMME_FILE}: the time zone is not in the zone database") from error
    return str(zone)


def today() -> date:
    """The day of delivery when none is given (UTC)."""
    return datetime.now(UTC).date()
