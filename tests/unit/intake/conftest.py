"""An installation of its own for every test, and helpers to deliver made-up files to it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pytest

from intake.report import FileReport
from intake.service import take_file
from models.settings import Settings

RECEIVED = date(2025, 6, 30)
COMPLAINT_HEADINGS = [
    "complaint_id",
    "received_at",
    "customer_id",
    "channel",
    "product",
    "branch_id",
    "region",
    "category",
    "description",
    "status",
    "closed_at",
    "updated_at",
]


class Home:
    """One installation and what a test asks of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(home=folder / "home", programme=str(folder / "programme"))
        (folder / "programme").mkdir()
        (folder / "programme" / "programme.yml").write_text("timezone: America/New_York\n", encoding="utf-8")

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def csv(self, name: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(headings)
            writer.writerows(rows)
        return path

    def take(self, source: str, path: Path, **options: object) -> FileReport:
        options.setdefault("received_on", RECEIVED)
        found = take_file(self.settings, source, path, **options)  # type: ignore[arg-type]
        assert len(found) == 1
        report = found[0]
        assert report.rows == report.loaded + report.quarantined + report.duplicates
        return report

    def landed(self, name: str, columns: str = "*", order: str = "_batch_id, _line") -> list[tuple[object, ...]]:
        files = str(self.settings.landing / name / "*.parquet")
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            query = f"SELECT {columns} FROM read_parquet('{files}', union_by_name=true) ORDER BY {order}"
            return connection.execute(query).fetchall()

    def faults(self, name: str) -> list[tuple[object, ...]]:
        files = str(self.settings.quarantine / name / "*.parquet")
        with duckdb.connect() as connection:
            return connection.execute(
                f'SELECT line, "column", value_class, reason FROM \'{files}\' ORDER BY line, "column"'
            ).fetchall()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def new_home(tmp_path: Path) -> Callable[[], Home]:
    """Several installations in one test (hypothesis examples, comparisons)."""
    made = iter(range(1_000_000))

    def make() -> Home:
        folder = tmp_path / str(next(made))
        folder.mkdir()
        return Home(folder)

    return make


def complaint(number: int, **changes: object) -> list[object]:
    """A made-up complaint row in the order of `COMPLAINT_HEADINGS`."""
    row: dict[str, object] = {
        "complaint_id": f"C{number}",
        "received_at": "2025-05-01 10:00:00",
        "customer_id": f"K{number}",
        "channel": "phone",
        "product": "Card",
        "branch_id": "B1",
        "region": "North",
        "category": "FEE-01",
        "description": f"the fee was charged twice {number}",
        "status": "open",
        "closed_at": "",
        "updated_at": "2025-05-01 10:00:00",
    }
    row.update(changes)
    return list(row.values())


@pytest.fixture
def row() -> Callable[..., list[object]]:
    return complaint


@pytest.fixture
def headings() -> list[str]:
    return list(COMPLAINT_HEADINGS)
