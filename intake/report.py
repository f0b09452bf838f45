"""What is said about a delivered file: counts and a message, never a value."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from intake.delivery import Delivery
from models.contract import SourceContract

Status = Literal["loaded", "nothing_new", "nothing_usable", "empty", "refused", "already_delivered"]


class FileReport(BaseModel):
    """Outcome of one file; `rows == loaded + quarantined + duplicates`, and `faults` counts quarantine lines by reason.

    `loaded`: at least one row landed. `nothing_new`: every good row had landed before. `nothing_usable`: every row is in
    quarantine. `empty`: no row in the file. `refused`: the file as a whole cannot be taken. `already_delivered`: the
    same content was taken before, nothing was written.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    source: str
    entity: str
    sha256: str = ""
    batch_id: int | None = None
    rows: int = 0
    loaded: int = 0
    quarantined: int = 0
    duplicates: int = 0
    status: Status
    message: str = ""
    faults: dict[str, int] = Field(default_factory=dict)


def report(delivery: Delivery, contract: SourceContract, status: Status | None = None, message: str = "") -> FileReport:
    """Report on a delivery that was taken."""
    tally = delivery.tally
    return FileReport(
        file=delivery.ticket.file,
        source=contract.source,
        entity=contract.entity,
        sha256=delivery.ticket.sha256,
        batch_id=delivery.batch_id,
        rows=tally.rows,
        loaded=tally.loaded,
        quarantined=tally.quarantined,
        duplicates=tally.duplicates,
        status=status or ("loaded" if tally.loaded else "nothing_new"),
        message=message,
        faults=dict(sorted(tally.faults.items())),
    )
