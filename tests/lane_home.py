"""A home the fast lane can work in: stores migrated, no history but what a test puts there, a few customers known."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from models.settings import Settings

AS_OF = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_HEADINGS = (
    "complaint_id", "received_at", "customer_id", "channel", "product", "branch_id", "region", "category", "description",
    "status", "closed_at", "updated_at",
)  # fmt: skip


def lane_home(home: Path, customers: Sequence[str] = ("CU1", "CU2", "CU3")) -> Settings:
    """Stores as after a first loop that found nothing: the snapshot is there and empty, the programme is in force."""
    from cases import conf, feed, services
    from casework.programme import active_programme
    from fast_lane.compiled import statements
    from intake.landing import ensure_landing
    from intake.programme import write_tables
    from intake.registry import opened
    from ml.outputs import ensure_outputs

    settings = Settings(home=home, as_of=AS_OF)
    for folder in (settings.inbox, settings.handoff, settings.state, settings.ml_outputs, settings.model_store):
        folder.mkdir(parents=True, exist_ok=True)
    conf.setup(settings)
    services.migrate(settings)
    services.export(settings)
    ensure_landing(settings)
    ensure_outputs(settings.ml_outputs)
    with opened(settings.intake_db):
        pass
    write_tables(active_programme(settings, AS_OF).programme, settings.programme_tables)
    _customers(settings, customers)
    keep_history(settings, _nothing(settings, statements()))
    feed.write_detection(settings.ml_outputs, token="first", triggers=0, as_of=AS_OF, last_batch=0)
    return settings


def keep_history(settings: Settings, signals: pa.Table) -> None:
    """Make these the signals the batch lane has classified."""
    pq.write_table(signals, settings.handoff / "fct_signal.parquet")


def drop(settings: Settings, key: str, text: str, *, customer: str = "CU1", at: str = "2026-03-02 06:00:00") -> Path:
    """A complaint arrives as a file of its own, whole a moment ago. `at` is local time in New York."""
    return drop_rows(settings, key, [complaint(key, text, customer=customer, at=at)])


def complaint(key: str, text: str, *, customer: str = "CU1", at: str = "2026-03-02 06:00:00") -> dict[str, str]:
    """One row of the complaint log."""
    return dict.fromkeys(_HEADINGS, "") | {
        "complaint_id": key, "received_at": at, "updated_at": at, "customer_id": customer, "channel": "email",
        "product": "credit_card", "region": "midwest", "description": text, "status": "open",
    }  # fmt: skip


def drop_rows(settings: Settings, name: str, rows: Sequence[dict[str, str]]) -> Path:
    """Rows of the complaint log arrive in one file."""
    folder = settings.inbox / "complaints"
    folder.mkdir(parents=True, exist_ok=True)
    hidden = folder / f".{name}.csv"
    with hidden.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, _HEADINGS)
        writer.writeheader()
        writer.writerows(rows)
    whole_since = time.time() - 2
    os.utime(hidden, (whole_since, whole_since))
    return hidden.rename(folder / f"{name}.csv")


def _customers(settings: Settings, customers: Sequence[str]) -> None:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.register("named", pa.table({"customer_id": list(customers)}))
    connection.execute(
        f"""copy (
            select md5(customer_id) as customer_version_id, customer_id, cast(null as varchar) as branch_id,
                'mass' as segment, 'gold' as tier, 1200.0 as annual_value_usd, 'midwest' as region, 'en' as language,
                'active' as status, cast('2020-01-01' as date) as joined_on, cast(null as date) as churned_on,
                true as has_consent_email, true as has_consent_sms, true as has_consent_phone, false as is_vulnerable,
                timestamp '2020-01-01' as valid_from, cast(null as timestamp) as valid_to, true as is_current
            from named
        ) to '{settings.handoff}/dim_customer.parquet' (format parquet)"""
    )
    connection.close()


def _nothing(settings: Settings, compiled: object) -> pa.Table:
    """`fct_signal` without a row, in the shape the compiled SQL gives it."""
    from fast_lane import delta
    from ml.outputs import PREDICTION

    with delta.opened(settings, compiled, ()) as found:  # type: ignore[arg-type]
        return found.judged(PREDICTION.empty_table())
