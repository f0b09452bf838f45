"""Small worlds built once per session, and readers that leave out the planted faults."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from world.build import WorldSummary, build_world


@dataclass(frozen=True)
class Built:
    """A world on disk and ways to read it."""

    folder: Path
    summary: WorldSummary
    _cache: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict, repr=False)

    def truth(self, table: str) -> pd.DataFrame:
        return pq.read_table(self.folder / "truth" / f"{table}.parquet").to_pandas()

    def good_bytes(self, file: str) -> bytes:
        """A file's bytes without its planted broken lines."""
        faults = self.truth("planted_fault")
        bad = set(faults.loc[faults["file"] == file.replace("_resend", ""), "line"])
        lines = (self.folder / "sources" / file).read_bytes().split(b"\n")
        return b"\n".join(line for number, line in enumerate(lines, start=1) if number not in bad)

    def read(self, source: str, entity: str) -> pd.DataFrame:
        """All good rows of an entity over its files, as text, with the file's name in `_file`."""
        known = self._cache.get((source, entity))
        if known is not None:
            return known.copy()
        frames = []
        for file in sorted(self.summary.sources):
            name = file.split("/")[1]
            if not file.startswith(f"{source}/") or name.replace("_resend", "").rsplit("_", 1)[0] != entity:
                continue
            content = io.StringIO(self.good_bytes(file).decode("utf-8"))
            if file.endswith(".jsonl"):
                frame = pd.DataFrame([json.loads(line) for line in content])
            else:
                skip = [1, 2] if entity == "response" else None
                frame = pd.read_csv(content, dtype=str, skiprows=skip, keep_default_na=False)
            frames.append(frame.assign(_file=file))
        self._cache[source, entity] = pd.concat(frames, ignore_index=True)
        return self._cache[source, entity].copy()


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A bank of 4,000 customers over 26 weeks: the demo's world."""
    folder = tmp_path_factory.mktemp("bank")
    return Built(folder, build_world(company="bank", customers=4000, weeks=26, seed=11, out=folder))


@pytest.fixture(scope="session")
def telecom(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A telecom company of 1,200 customers over 16 weeks."""
    folder = tmp_path_factory.mktemp("telecom")
    return Built(folder, build_world(company="telecom", customers=1200, weeks=16, seed=12, out=folder))
