"""A bank with a ledger, two customers and an agent whose addresses came in by the door and lie in the vault."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cases import conf, services
from intake.contracts import load_contracts
from intake.service import take_file
from models.settings import Settings

if TYPE_CHECKING:
    from casework.engine import Engine

# A Monday, half past nine in New York: nobody sleeps.
MONDAY = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
KIM = {
    "customer_id": "CU1", "first_name": "Kim", "last_name": "Doe", "email": "kim@x.example", "phone": "+1 555 0100",
    "segment": "mass", "tier": "gold", "consent_email": "true", "is_vulnerable": "false",
}  # fmt: skip
FRAGILE = {**KIM, "customer_id": "CU2", "email": "lee@x.example", "phone": "+1 555 0101", "is_vulnerable": "true"}
UNWILLING = {**KIM, "customer_id": "CU3", "email": "sam@x.example", "phone": "+1 555 0102", "consent_email": "false"}
ANN = {"employee_id": "E1", "first_name": "Ann", "last_name": "Roe", "email": "ann@bank.example", "role": "agent",
       "team_id": "T1", "capacity_units": "10", "valid_from": "2020-01-01"}  # fmt: skip


def pytest_pycollect_makemodule() -> None:
    """Modules here import tables at their top, which needs Django set up; each fixture names the real ledger."""
    conf.setup(Settings(home=Path("/nowhere")))


def deliver(settings: Settings, source: str, entity: str, rows: list[dict[str, str]], **more: Any) -> None:
    """Take rows in by the door, with every other column of the contract empty."""
    contract = next(c for c in load_contracts().values() if (c.source, c.entity) == (source, entity))
    path = settings.home.parent / f"{source}-{entity}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        names = [column.name for column in contract.columns]
        writer = csv.DictWriter(stream, names, restval="")
        writer.writeheader()
        writer.writerows({"updated_at": "2025-12-01 10:00:00", "status": "active", **row} if source == "crm" else
                         {"updated_at": "2025-12-01 10:00:00", **row} for row in rows)  # fmt: skip
    reports = take_file(settings, source, path, entity=entity, received_on=date(2026, 1, 2), **more)
    assert [(report.loaded, report.quarantined) for report in reports] == [(len(rows), 0)]


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A home with a ledger and the people above."""
    settings = Settings(home=tmp_path / "home")
    settings.state.mkdir(parents=True)
    services.migrate(settings)
    deliver(settings, "crm", "customer", [KIM, FRAGILE, UNWILLING])
    deliver(settings, "hr", "org_chart", [ANN])
    return settings


@pytest.fixture
def at(home: Settings) -> Callable[..., Engine]:
    """The engine at a moment, with other settings if some are named."""
    from casework.engine import start

    def engine(moment: datetime = MONDAY, **more: Any) -> Engine:
        settings = home.model_copy(update=more)
        return replace(start(settings, at=moment), recorded_at=datetime(2026, 12, 31, tzinfo=UTC))

    return engine
