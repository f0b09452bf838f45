"""Models in use: changed in one step, with a name and a reason, and back again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml import champions
from ml.store import ModelRefused, ModelStore, dump_json

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
WHO = {"by": "E-sci", "why": "better on the audit", "at": AT}


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """Three saved models, none in use."""
    made = ModelStore(tmp_path)
    for name in ("one", "two", "three"):
        made.save("causes", name, {"about.json": dump_json({"name": name})})
    return made


def active(store: ModelStore) -> str | None:
    found = store.active("causes")
    return found.model_id if found else None


def test_a_promotion_is_on_record_with_what_was_in_use_before(store: ModelStore) -> None:
    champions.promote(store, "causes", "one", **WHO)  # type: ignore[arg-type]
    champions.promote(store, "causes", "two", **WHO)  # type: ignore[arg-type]
    assert active(store) == "two" and store.history("causes") == ["two", "one"]
    first, second = store.decisions("causes")
    assert (first["before"], second["before"], second["by"], second["why"]) == (
        None,
        "one",
        "E-sci",
        "better on the audit",
    )
    assert second["at"] == "2026-05-04T12:00:00+00:00"


def test_going_back_takes_the_one_before_or_an_earlier_one_by_name(store: ModelStore) -> None:
    for name in ("one", "two", "three"):
        champions.promote(store, "causes", name, **WHO)  # type: ignore[arg-type]
    assert champions.roll_back(store, "causes", **WHO).model_id == "two" == active(store)  # type: ignore[arg-type]
    assert champions.roll_back(store, "causes", to="one", **WHO).before == "two"  # type: ignore[arg-type]
    assert active(store) == "one"
    assert [said["action"] for said in store.decisions("causes")].count("rolled_back") == 2


def test_there_is_no_way_back_to_what_was_never_in_use_or_was_tampered_with(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="no model to go back to"):
        champions.roll_back(store, "causes", **WHO)  # type: ignore[arg-type]
    champions.promote(store, "causes", "one", **WHO)  # type: ignore[arg-type]
    champions.promote(store, "causes", "two", **WHO)  # type: ignore[arg-type]
    with pytest.raises(ModelRefused, match="never in use"):
        champions.roll_back(store, "causes", to="three", **WHO)  # type: ignore[arg-type]
    (tmp_path / "causes" / "one" / "about.json").write_bytes(b"{}")
    with pytest.raises(ModelRefused, match="changed"):
        champions.roll_back(store, "causes", **WHO)  # type: ignore[arg-type]
    assert active(store) == "two" and len(store.decisions("causes")) == 2


def test_a_refused_challenger_is_on_record_and_changes_nothing(store: ModelStore) -> None:
    champions.promote(store, "causes", "one", **WHO)  # type: ignore[arg-type]
    champions.keep(store, "causes", "two", **WHO)  # type: ignore[arg-type]
    assert active(store) == "one" and store.decisions("causes")[-1]["action"] == "kept"


@pytest.mark.parametrize("missing", ["by", "why"])
def test_nobody_and_no_reason_change_no_model(store: ModelStore, missing: str) -> None:
    with pytest.raises(ValueError, match="name and a reason"):
        champions.promote(store, "causes", "one", **{**WHO, missing: " "})  # type: ignore[arg-type]
    assert active(store) is None and store.decisions("causes") == []


def test_what_was_saved_is_listed_by_kind(store: ModelStore) -> None:
    assert (store.kinds(), store.saved("causes"), store.saved("nothing")) == (["causes"], ["one", "three", "two"], [])
