"""Rows that were set aside: what may be read about them, and how they are tried again.

A quarantine line says file, line, column, class of the value and reason; the row itself is sealed. Trying again
(`replay`) is for after a contract was mended: rows that are good now land as a new batch under their old file and line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from intake.delivery import Delivery, OnStep, Ticket, no_step
from intake.reasons import SENTENCES, Reason
from intake.report import FileReport, report
from intake.session import Session, open_session, programme_zone, today
from intake.set_aside import Retry, open_quarantine
from models.contract import SourceContract
from models.settings import Settings


@dataclass(frozen=True, slots=True)
class QuarantineLine:
    """What may be shown of a fault: everything but the row."""

    source: str
    entity: str
    file: str
    line: int
    column: str | None
    value_class: str
    reason: Reason
    batch_id: int

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return SENTENCES[self.reason]


def read_lines(settings: Settings, source: str | None = None, entity: str | None = None) -> list[QuarantineLine]:
    """All quarantine lines, of one entity or of all, by file and line; never the rows."""
    files = sorted(str(path) for path in settings.quarantine.glob(f"{source or '*'}__{entity or '*'}/[0-9]*.parquet"))
    if not files:
        return []
    with duckdb.connect() as connection:
        connection.from_parquet(files).create_view("lines")
        rows = connection.execute(
            'SELECT source, entity, file, line, "column", value_class, reason, batch_id FROM lines'
            ' ORDER BY source, entity, file, line, "column"'
        ).fetchall()
    return [QuarantineLine(a, b, c, d, e, f, Reason(g), h) for a, b, c, d, e, f, g, h in rows]


def replay(
    settings: Settings,
    contract: SourceContract,
    *,
    received_on: date | None = None,
    timezone: str | None = None,
    on_step: OnStep = no_step,
) -> list[FileReport]:
    """Try the quarantined rows of an entity again under `contract`; one report per quarantine file that changed.

    Rows that are good now land as a new batch; what still fails moves to that batch's quarantine file and the old file
    goes. A kill in between is healed by calling again: rows that landed are duplicates then. Raises
    `intake.vault.VaultError` when the key of a quarantine file was deleted.
    """
    day = received_on or today()
    zone = timezone or programme_zone(settings)
    reports: list[FileReport] = []
    with open_session(settings) as session:
        for path in sorted((settings.quarantine / contract.name).glob("[0-9]*.parquet")):
            retry = open_quarantine(path, contract, session.door.ring)
            if session.registry.delivered(retry.sha256, contract.source, contract.entity) is None:
                found = _retry(session, contract, retry, Ticket(contract, retry.sha256, path.stem, zone, day), on_step)
                if found is None:
                    continue
                reports.append(found)
            path.unlink()
    return reports


def _retry(
    session: Session, contract: SourceContract, retry: Retry, ticket: Ticket, on_step: OnStep
) -> FileReport | None:
    """Take the rows of one quarantine file again; None, and nothing changed, when all of them still fail."""
    delivery = Delivery(ticket, session.door, session.registry, on_step)
    try:
        for file, chunk in sorted(retry.by_file.items()):
            delivery.rename(file)
            delivery.add(chunk, lambda fault: fault.content)
        if not delivery.tally.loaded and not delivery.tally.duplicates:
            delivery.discard()
            session.registry.drop(delivery.batch_id)
            return None
        if retry.lost.num_rows:
            delivery.carry_over(retry.lost, retry.unread)
        delivery.commit("loaded" if delivery.tally.loaded else "nothing_new", "rows tried again from quarantine")
        return report(delivery, contract)
    finally:
        delivery.close()
