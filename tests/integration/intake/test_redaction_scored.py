"""What a world planted into its texts is gone from landing, what only looks like it is not, and the score says so."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from amends.scoring.joined import NoTruth
from amends.scoring.redaction import redaction_scores
from intake.service import take_inbox
from models.settings import Settings
from world.build import build_world


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Path]:
    """A bank of 1,200 customers over 16 weeks behind the door, and its truth."""
    base = tmp_path_factory.mktemp("redaction")
    build_world(company="bank", customers=1200, weeks=16, seed=21, out=base / "world")
    settings = Settings(home=base / "home")
    shutil.copytree(base / "world" / "sources", settings.inbox)
    take_inbox(settings)
    return settings, base / "world" / "truth"


@pytest.fixture(scope="module")
def scored(taken: tuple[Settings, Path]) -> dict[str, Any]:
    return redaction_scores(*taken)


@pytest.mark.parametrize("kind", ["EMAIL", "PHONE", "CARD", "IBAN", "NAME"])
def test_planted_data_of_every_kind_goes_and_little_else(scored: dict[str, Any], kind: str) -> None:
    entity = scored["entities"][kind]
    assert entity["planted"] >= 20
    assert entity["recall"] >= 0.99 and entity["precision"] >= 0.99
    assert entity["low"] >= 0.8 and entity["precision_low"] >= 0.8
    assert {"en", "de", "es"} <= set(entity["languages"])


def test_no_mask_of_a_kind_the_world_did_not_plant_appears(scored: dict[str, Any]) -> None:
    assert set(scored["entities"]) == {"EMAIL", "PHONE", "CARD", "IBAN", "NAME"}


def test_decoys_stay_readable(scored: dict[str, Any]) -> None:
    assert all(row["of"] >= 20 and row["share"] >= 0.99 for row in scored["decoys"].values())


def test_what_comes_back_into_a_landed_text_lowers_the_score(taken: tuple[Settings, Path], tmp_path: Path) -> None:
    settings, truth = taken
    broken = Settings(home=tmp_path / "home")
    shutil.copytree(settings.landing, broken.landing)
    for file in (broken.landing / "complaints__complaint").glob("*.parquet"):
        with duckdb.connect() as connection:
            connection.execute(
                "COPY (SELECT * REPLACE (replace(description, '[EMAIL]', 'nobody@example.com [CARD]') AS description)"
                f" FROM '{file}') TO '{file}.new' (FORMAT parquet)"
            )
        file.with_name(f"{file.name}.new").replace(file)
    assert redaction_scores(broken, truth)["entities"]["CARD"]["precision"] < 0.95


def test_a_truth_of_another_company_is_refused(taken: tuple[Settings, Path], tmp_path: Path) -> None:
    with pytest.raises(NoTruth):
        redaction_scores(Settings(home=tmp_path / "empty"), taken[1])
