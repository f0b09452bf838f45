"""Taking deliveries: a file, a folder, the inbox. The only entry other rooms use.

Belongs here: which files are taken, in which order, and what is reported. Not here: how a file is read (`readers`), typed
(`typing_sql`), redacted (`door`) or written (`delivery`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from intake.contracts import load_contracts
from intake.delivery import Delivery, OnStep, Ticket, no_step
from intake.probe import Probe, Refused, file_format, open_bytes, probe, sha256_of
from intake.readers import choose_contract, open_reader
from intake.report import FileReport, Status, report
from intake.session import Session, open_session, programme_zone, today
from intake.set_aside import sealable
from intake.spool import remove_taken
from models.contract import SourceContract
from models.settings import Settings

Contracts = dict[tuple[str, str], SourceContract]
UNFINISHED_SUFFIXES = (".part", ".tmp", ".crdownload")


@dataclass(frozen=True, slots=True)
class _Job:
    """One file to be taken; `contract` is None when `refusal` says why there is none."""

    path: Path
    source: str
    contract: SourceContract | None
    refusal: str = ""
    is_empty: bool = False
    arrived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Terms:
    """What holds for every file of one call."""

    timezone: str | None
    received_on: date
    on_step: OnStep


def take_file(
    settings: Settings,
    source: str,
    path: Path,
    *,
    entity: str | None = None,
    received_on: date | None = None,
    timezone: str | None = None,
    contracts: Contracts | None = None,
    on_step: OnStep = no_step,
) -> list[FileReport]:
    """Take one file of a source and report on it; a file that cannot be taken is reported, not raised.

    `entity` is found by the file's headings unless given. Dates much later than `received_on` (default: today, UTC) are
    faults. `timezone` is that of local times (default: the programme's). `contracts` replaces the shipped ones. Raises
    `FileNotFoundError`, and `ValueError` for a source or entity without a contract.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path.name}")
    known = load_contracts() if contracts is None else contracts
    candidates = _candidates(known, source, entity)
    return _take(settings, [_job(source, path, candidates)], known, _terms(settings, timezone, received_on, on_step))


def take_path(
    settings: Settings,
    source: str,
    path: Path,
    *,
    entity: str | None = None,
    received_on: date | None = None,
    timezone: str | None = None,
    contracts: Contracts | None = None,
    on_step: OnStep = no_step,
) -> list[FileReport]:
    """Take a file, or every file below a folder, as `take_file` does; entities in dependency order, then by name."""
    known = load_contracts() if contracts is None else contracts
    candidates = _candidates(known, source, entity)
    if not path.exists():
        raise FileNotFoundError(f"there is no file or folder {path.name}")
    files = deliverable(path) if path.is_dir() else [path]
    jobs = [_job(source, file, candidates) for file in files]
    return _take(settings, jobs, known, _terms(settings, timezone, received_on, on_step))


def take_inbox(
    settings: Settings,
    *,
    received_on: date | None = None,
    timezone: str | None = None,
    contracts: Contracts | None = None,
    on_step: OnStep = no_step,
    only: Collection[Path] | None = None,
) -> list[FileReport]:
    """Take what is new below `inbox/<source>/`, or what of it is among `only`; files stay where they are, but for the spool.

    A file is skipped when its path, size and time are as they were when it was last taken. Customers and employees come
    first, so that their names are known when texts are redacted. Files still being copied should end in one of
    `UNFINISHED_SUFFIXES` or begin with a dot until they are complete.
    """
    known = load_contracts() if contracts is None else contracts
    terms = _terms(settings, timezone, received_on, on_step)
    fingerprint = contracts_fingerprint(known)
    reports: list[FileReport] = []
    with open_session(settings) as session:
        jobs: list[_Job] = []
        for folder in sorted(p for p in settings.inbox.glob("*") if p.is_dir() and not p.name.startswith(".")):
            candidates = [contract for contract in known.values() if contract.source == folder.name]
            offered = [path for path in deliverable(folder) if only is None or path in only]
            fresh = [path for path in offered if session.registry.seen(path, fingerprint) is None]
            jobs.extend(_job(folder.name, path, candidates) for path in fresh)
        for job in _ordered(jobs, known):
            state = job.path.stat()
            found = _take_one(session, replace(job, arrived_at=_arrival(state)), terms)
            session.registry.remember(job.path, state.st_size, state.st_mtime_ns, found.status, fingerprint)
            reports.append(found)
        remove_taken(settings, session.registry, fingerprint)
    return reports


def _take(settings: Settings, jobs: Iterable[_Job], contracts: Contracts, terms: _Terms) -> list[FileReport]:
    # Handed over by hand: it arrives now, however old the file is.
    now = datetime.now(UTC)
    with open_session(settings) as session:
        return [_take_one(session, replace(job, arrived_at=now), terms) for job in _ordered(jobs, contracts)]


def _arrival(state: os.stat_result) -> datetime:
    """When a file of the inbox got its name or content, whichever came last; copying can carry over an older `mtime`."""
    return datetime.fromtimestamp(state.st_ctime_ns / 1e9, UTC)


def _take_one(session: Session, job: _Job, terms: _Terms) -> FileReport:
    """Take one file; whatever is wrong with it ends up in the report and in the register."""
    if job.contract is None:
        return _turned_away(session, job, sha256_of(job.path), "empty" if job.is_empty else "refused", job.refusal)
    try:
        found = probe(job.path, job.contract.dialect.quote)
        if found.empty:
            raise _Empty("the file has no content at all; ask the source whether the export failed")
        earlier = session.registry.delivered(found.sha256, job.contract.source, job.contract.entity)
        if earlier is not None:
            return FileReport(
                file=job.path.name,
                source=earlier.source,
                entity=earlier.entity,
                sha256=found.sha256,
                batch_id=earlier.batch_id,
                rows=earlier.rows,
                duplicates=earlier.rows,
                status="already_delivered",
                message=f"the same content was taken before (batch {earlier.batch_id}); nothing was written",
            )
        return _deliver(session, job.contract, found, terms, job.arrived_at)
    except _Empty as empty:
        return _turned_away(session, job, sha256_of(job.path), "empty", str(empty))
    except Refused as refusal:
        return _turned_away(session, job, sha256_of(job.path), "refused", str(refusal))


class _Empty(ValueError):
    """The file holds no row; the message says what was found instead."""


def _deliver(
    session: Session, contract: SourceContract, found: Probe, terms: _Terms, arrived_at: datetime | None
) -> FileReport:
    """Read, type and write one file; the register commits only when two independent counts agree."""
    if terms.timezone is None and any(column.timezone == "programme" for column in contract.columns):
        raise Refused("the file has local times and no time zone is known; state `timezone` in the programme")
    reader = open_reader(found, contract)
    reader.headings()
    reader = open_reader(found, contract)
    ticket = Ticket(contract, found.sha256, found.path.name, terms.timezone, terms.received_on, arrived_at)
    delivery = Delivery(ticket, session.door, session.registry, terms.on_step)
    try:
        is_json = found.format in ("json", "jsonl")
        for chunk in reader.chunks():
            headings = getattr(reader, "heading_row", [])
            delivery.add(chunk, lambda fault, h=headings: sealable(fault, h, is_json=is_json))  # type: ignore[misc]
        mismatch = reader.verify() or _unaccounted(delivery, reader.counts.rows)
        if mismatch:
            raise Refused(f"the rows do not add up: {mismatch}")
        if not delivery.tally.rows:
            raise _Empty("the file has headings but no rows; ask the source whether the export failed")
        status = _status(delivery)
        delivery.commit(status, reader.note)
    except (Refused, _Empty):
        delivery.discard()
        session.registry.drop(delivery.batch_id)
        raise
    finally:
        delivery.close()
    if contract.name == "hr__org_chart":
        session.learn_employees()
    return report(delivery, contract, status, reader.note)


def _unaccounted(delivery: Delivery, rows: int) -> str | None:
    taken = delivery.tally.rows
    return None if taken == rows else f"{rows} were read but {taken} were loaded, quarantined or duplicates"


def _status(delivery: Delivery) -> Status:
    tally = delivery.tally
    if tally.loaded:
        return "loaded"
    return "nothing_new" if tally.duplicates else "nothing_usable"


def _turned_away(session: Session, job: _Job, sha256: str, status: Status, message: str) -> FileReport:
    """Register and report a file of which nothing was taken."""
    entity = "" if job.contract is None else job.contract.entity
    batch_id = session.registry.turn_away(sha256, job.source, entity, job.path.name, status, message)
    return FileReport(
        file=job.path.name,
        source=job.source,
        entity=entity,
        sha256=sha256,
        batch_id=batch_id,
        status=status,
        message=message,
    )


def _candidates(contracts: Contracts, source: str, entity: str | None) -> list[SourceContract]:
    found = [c for c in contracts.values() if c.source == source and entity in (None, c.entity)]
    if not found:
        known = ", ".join(sorted({c.source if entity is None else c.name for c in contracts.values()}))
        wanted = source if entity is None else f"{source}__{entity}"
        raise ValueError(f"there is no contract for {wanted}; there are contracts for: {known}")
    return found


def _job(source: str, path: Path, candidates: list[SourceContract]) -> _Job:
    """Find out which contract a file falls under; a file under none keeps the reason."""
    if not candidates:
        return _Job(path, source, None, f"there is no contract for the source {source}")
    if len(candidates) == 1:
        return _Job(path, source, candidates[0])
    try:
        if _has_nothing(path):
            return _Job(
                path, source, None, "the file has no content at all; ask the source whether the export failed", True
            )
        return _Job(path, source, choose_contract(path, candidates))
    except Refused as refusal:
        return _Job(path, source, None, str(refusal))


def _has_nothing(path: Path) -> bool:
    if path.stat().st_size == 0:
        return True
    _, gzipped = file_format(path)
    if not gzipped:
        return False
    try:
        with open_bytes(path, gzipped) as stream:
            return stream.read(1) == b""
    except (EOFError, OSError) as error:
        raise Refused("the gzip file is cut short or damaged; deliver it again") from error


def deliverable(folder: Path) -> list[Path]:
    """Files below a folder that are complete, by name; no dotfiles and nothing inside dot folders."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.suffix.lower() not in UNFINISHED_SUFFIXES
    )


def _ordered(jobs: Iterable[_Job], contracts: Contracts) -> list[_Job]:
    ranks = {key: rank for rank, key in enumerate(contracts)}

    def rank(job: _Job) -> tuple[int, str]:
        contract = job.contract
        known = len(ranks) if contract is None else ranks.get((contract.source, contract.entity), len(ranks))
        return known, str(job.path)

    return sorted(jobs, key=rank)


def _terms(settings: Settings, timezone: str | None, received_on: date | None, on_step: OnStep) -> _Terms:
    return _Terms(timezone or programme_zone(settings), received_on or today(), on_step)


def contracts_fingerprint(contracts: Contracts) -> str:
    """Hash of all contracts: a file refused under other contracts is worth another look."""
    text = "".join(contract.model_dump_json() for contract in contracts.values())
    return hashlib.sha256(text.encode()).hexdigest()
