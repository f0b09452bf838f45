"""The register of deliveries as the warehouse sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from intake.deliveries import export_deliveries
from intake.landing import DELIVERY, DELIVERY_SCHEMA, SCHEMA_FILE, ensure_landing
from intake.registry import Outcome, opened
from models.settings import Settings

ARRIVED = datetime(2026, 3, 2, 9, 30, 0, 250_000, tzinfo=UTC)


def exported(settings: Settings) -> list[dict[str, object]]:
    return pq.read_table(settings.landing / DELIVERY / "deliveries.parquet").to_pylist()


def test_a_finished_delivery_is_copied_with_the_moment_it_arrived_to_the_microsecond(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with opened(settings.intake_db) as registry:
        batch = registry.begin("ab" * 32, "reviews", "review", "reviews.csv", arrived_at=ARRIVED)
        registry.finish(batch, Outcome(3, 2, 1, 0, "loaded"))
        registry.begin("cd" * 32, "reviews", "review", "under-way.csv", arrived_at=ARRIVED)
    assert export_deliveries(settings) == 1
    (row,) = exported(settings)
    assert (row["batch_id"], row["file"], row["arrived_at"], row["loaded"]) == (batch, "reviews.csv", ARRIVED, 2)


def test_an_arrival_nobody_noted_stays_unknown(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with opened(settings.intake_db) as registry:
        registry.finish(registry.begin("ab" * 32, "crm", "customer", "c.csv"), Outcome(1, 1, 0, 0, "loaded"))
    export_deliveries(settings)
    (row,) = exported(settings)
    assert row["arrived_at"] is None
    assert row["received_at"] is not None


def test_a_later_copy_replaces_the_earlier_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    ensure_landing(settings)
    assert export_deliveries(settings) == 0
    with opened(settings.intake_db) as registry:
        registry.turn_away("ab" * 32, "crm", "customer", "c.csv", "refused", "no header")
    assert export_deliveries(settings) == 1
    folder = settings.landing / DELIVERY
    assert sorted(path.name for path in folder.iterdir()) == [SCHEMA_FILE, "deliveries.parquet"]
    assert pq.read_schema(folder / SCHEMA_FILE).equals(DELIVERY_SCHEMA)
