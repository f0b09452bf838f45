"""No canary in any store, log or printed line: what was planted into every column is in the vault, sealed, and nowhere else.

The drop folder is the one place that holds files as they were delivered; whoever runs an installation decides how long.
"""

from __future__ import annotations

import re

import duckdb
import pyarrow.parquet as pq
import pytest

from intake import vault
from intake.contracts import load_contracts
from models.settings import Settings
from tests.integration.loop.canaries import IN_COLUMNS, IN_TEXTS, PLACES, readable
from tests.integration.loop.conftest import Installation

CANARIES = {**IN_TEXTS, **IN_COLUMNS}
# What must be there to be looked into: a store that moved would otherwise pass by not being found.
STORES = {
    "landing", "quarantine", "vault", "warehouse.duckdb", "handoff", "ml_outputs", "published", "ledger.db",
    "ledger_export", "dagster", "logs", "mlflow", "model_store", "embeddings", "intake.db", "state",
}  # fmt: skip


def _spellings(value: str) -> set[bytes]:
    """A value as it may stand in a store, in small letters: as written, and numbers without what parts them."""
    bare = re.sub(r"[ .+()-]", "", value)
    shown = {value} | ({bare} if sum(map(str.isdigit, bare)) >= 9 else set())
    return {text.lower().encode() for text in shown}


def _row_hash(home: Settings, source: str, entity: str, key: str, value: str) -> str | None:
    files = str(home.landing / f"{source}__{entity}" / "*.parquet")
    with duckdb.connect() as connection:
        query = f'SELECT _row_hash FROM read_parquet($files, union_by_name = true) WHERE "{key}" = $value'
        row = connection.execute(query, {"files": files, "value": value}).fetchone()
    return None if row is None else str(row[0])


@pytest.mark.timeout(600)
def test_no_canary_is_in_any_store_or_printed_line_outside_the_inbox(installation: Installation) -> None:
    wanted = {kind: _spellings(value) for kind, value in CANARIES.items()}
    found, seen = set(), set()
    for path in sorted(installation.home.rglob("*")):
        place = path.relative_to(installation.home)
        if not path.is_file() or place.parts[0] in ("inbox", "world"):
            continue
        seen.add(place.parts[0])
        for body in readable(path):
            found |= {(str(place), kind) for kind, texts in wanted.items() if any(text in body for text in texts)}
    said = "\n".join(installation.said).lower().encode()
    found |= {("printed", kind) for kind, texts in wanted.items() if any(text in said for text in texts)}
    assert found == set()
    assert seen >= STORES


def test_every_canary_went_through_and_opens_from_the_vault_alone(installation: Installation) -> None:
    home = Settings(home=installation.home)
    for place in PLACES:
        contract = load_contracts()[place.source, place.entity]
        row_hash = _row_hash(home, place.source, place.entity, contract.key[0], place.key[1])
        assert row_hash is not None, f"the canary of {contract.name} did not land"
        for column in (c for c in contract.columns if c.pii == "text"):
            assert vault.open_original(home, place.source, place.entity, row_hash, column.name) == place.passage


def test_canaries_stand_in_every_text_column_the_world_delivers(installation: Installation) -> None:
    files = (installation.home / "landing").rglob("*.parquet")
    delivered = {path.parent.name for path in files if pq.read_metadata(path).num_rows}
    texts = {c.name for c in load_contracts().values() if any(column.pii == "text" for column in c.columns)}
    planted = {f"{place.source}__{place.entity}" for place in PLACES}
    assert {name for name in texts if name in delivered} <= planted


def test_of_a_row_that_was_turned_away_only_the_place_and_the_reason_are_readable(installation: Installation) -> None:
    files = str(installation.home / "quarantine" / "complaints__complaint" / "*.parquet")
    with duckdb.connect() as connection:
        query = "SELECT * FROM read_parquet($files, union_by_name = true) WHERE \"column\" = 'received_at'"
        rows = connection.execute(query, {"files": files}).fetchall()
    assert rows and not any(value.lower() in str(rows).lower() for value in CANARIES.values())
