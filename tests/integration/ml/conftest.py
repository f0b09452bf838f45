"""Texts of known subjects, a fast encoder, and a workbench in a temporary folder."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from intake.programme import load_programme
from ml.conditions import SIGNAL_SCHEMA
from ml.root_cause.bench import Workbench
from ml.store import ModelStore
from ml.text.embed import Embedder, EmbeddingCache
from ml.tracking import Tracker
from models.programme import Programme
from tests.unit.ml.conftest import CountingEncoder

ROOT = Path(__file__).resolve().parents[3]

SUBJECTS = {
    "FEE-01": "overdraft fee charged interest waive statement penalty monthly",
    "CRD-01": "card declined terminal contactless shop payment pin atm",
    "APP-01": "app crash login outage update screen error mobile",
    "TRF-01": "transfer pending wire missing money iban recipient delay",
    "BRN-01": "branch queue waited teller appointment counter closed lunch",
    "ACC-01": "password locked account access reset frozen verification code",
}
NOISE = "the bank my please today again very customer number house people"


def subject_text(code: str, rng: random.Random) -> str:
    words = rng.choices(SUBJECTS[code].split(), k=6) + rng.choices(NOISE.split(), k=4)
    rng.shuffle(words)
    return " ".join(words)


def signals(count: int, *, seed: int = 0, start: int = 0, coded: bool = True) -> pa.Table:
    """Complaints about known subjects with their reason code, one every hour."""
    rng = random.Random(seed)
    rows = []
    for place in range(start, start + count):
        code = rng.choice(sorted(SUBJECTS))
        rows.append(
            {
                "signal_id": f"S{place:05d}",
                "signal_kind": "complaint",
                "source": "complaints",
                "occurred_at": datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=place),
                "text": subject_text(code, rng),
                "text_author": "customer",
                "reason_code": code if coded else None,
            }
        )
    schema = pa.schema([field for field in SIGNAL_SCHEMA if field.name != "coded_cause_id"])
    return pa.Table.from_pylist(rows, schema=schema)


@pytest.fixture(scope="session")
def bank() -> Programme:
    return load_programme(ROOT / "programme" / "bank")


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture
def bench(tmp_path: Path, encoder: CountingEncoder) -> Workbench:
    return Workbench(
        Embedder("fake", encoder),
        EmbeddingCache(tmp_path / "embeddings", "fake"),
        ModelStore(tmp_path / "models"),
        Tracker("sqlite:///unused.db", artifact_root=tmp_path / "mlflow", enabled=False),
    )
