"""The register of deliveries as a table the warehouse reads: when each batch arrived, under which file, with what outcome.

Belongs here: that copy. Not here: the register itself (`intake/registry.py`), or what the warehouse makes of it.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from intake.landing import DELIVERY, DELIVERY_SCHEMA, AtomicParquet
from intake.registry import Delivery, reading
from models.settings import Settings

FILE = "deliveries.parquet"


def export_deliveries(settings: Settings) -> int:
    """Write every finished delivery to `landing/intake__delivery/deliveries.parquet`, whole and in one step.

    Returns the number of rows. A delivery nobody noted the arrival of keeps a null; one under way is left out.
    """
    rows = [_row(delivery) for delivery in _finished(settings)]
    file = AtomicParquet(settings.landing / DELIVERY / FILE, DELIVERY_SCHEMA)
    file.write(pa.Table.from_pylist(rows, schema=DELIVERY_SCHEMA))
    file.close()
    file.publish()
    return len(rows)


def _finished(settings: Settings) -> list[Delivery]:
    if not settings.intake_db.exists():
        return []
    with reading(settings.intake_db) as registry:
        return registry.deliveries()


def _row(delivery: Delivery) -> dict[str, object]:
    return {
        "batch_id": delivery.batch_id, "source": delivery.source, "entity": delivery.entity, "file": delivery.file,
        "received_at": _instant(delivery.received_at), "arrived_at": _instant(delivery.arrived_at),
        "status": delivery.status, "loaded": delivery.loaded,
    }  # fmt: skip


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
