"""Feedback in the spool: kept exactly once, taken like any delivery, and told apart by its receipt."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intake import spool
from intake.receipts import Standing, standing
from intake.registry import reading
from intake.service import take_inbox
from models.settings import Settings

AT = datetime(2025, 6, 30, 12, 0, tzinfo=UTC)
ITEM = {
    "sender": "app", "source_key": "1", "occurred_at": "2025-06-30T11:00:00+00:00", "is_time_stated": True,
    "kind": "complaint", "channel": "app", "text": "Charged twice", "customer_id": "C1",
}  # fmt: skip
RECEIPT = spool.receipt_of("app", "key-00000001")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", feedback_pending_files=3)


def waiting(settings: Settings) -> list[Path]:
    return sorted(spool.spool_folder(settings).glob("*.jsonl"))


def test_a_request_is_one_file_for_its_owner_only_with_receipt_and_moment_in_every_row(settings: Settings) -> None:
    assert spool.accept(settings, RECEIPT, b"x", [ITEM, ITEM | {"source_key": "2"}], at=AT)
    (path,) = waiting(settings)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["source_key"] for row in rows] == ["1", "2"]
    assert {row["receipt_id"] for row in rows} == {RECEIPT} and {row["received_at"] for row in rows} == {
        "2025-06-30T12:00:00.000000+00:00"
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_request_is_kept_once_before_and_after_it_was_taken_and_another_one_is_refused(
    settings: Settings,
) -> None:
    assert spool.accept(settings, RECEIPT, b"x", [ITEM], at=AT)
    assert not spool.accept(settings, RECEIPT, b"x", [ITEM], at=AT)
    with pytest.raises(spool.OtherContent):
        spool.accept(settings, RECEIPT, b"y", [ITEM], at=AT)
    assert take_inbox(settings, timezone="UTC")[0].loaded == 1
    assert waiting(settings) == [], "what the door has taken is no longer there in plain words"
    assert not spool.accept(settings, RECEIPT, b"x", [ITEM], at=AT)
    with pytest.raises(spool.OtherContent):
        spool.accept(settings, RECEIPT, b"y", [ITEM], at=AT)
    assert waiting(settings) == [] and take_inbox(settings, timezone="UTC") == []


def test_a_receipt_tells_what_became_of_each_item(settings: Settings) -> None:
    assert standing(settings, RECEIPT) is None
    spool.accept(
        settings, RECEIPT, b"x", [ITEM, ITEM | {"source_key": "2", "occurred_at": "1850-01-01T00:00:00Z"}], at=AT
    )
    assert standing(settings, RECEIPT) == Standing("received")
    take_inbox(settings, timezone="UTC")
    found = standing(settings, RECEIPT)
    assert found is not None and (found.state, found.items, found.taken, found.quarantined) == ("taken", 2, 1, 1)
    assert [(fault.item, fault.field, fault.reason) for fault in found.faults] == [
        (1, "occurred_at", "not_a_timestamp")
    ]


def test_a_receipt_of_nothing_usable_says_so_until_its_rows_are_tried_again(settings: Settings) -> None:
    from dataclasses import replace
    from typing import Any

    from intake.contracts import load_contracts
    from intake.quarantine import replay

    spool.accept(settings, RECEIPT, b"x", [ITEM | {"channel": "c" * 70}, ITEM | {"kind": "rumour"}], at=AT)
    take_inbox(settings, timezone="UTC")
    found = standing(settings, RECEIPT)
    assert found is not None and (found.state, found.quarantined) == ("quarantined", 2)
    contract = load_contracts()["feedback", "item"]
    columns: list[Any] = [
        c.model_copy(update={"max_length": 99}) if c.name == "channel" else c for c in contract.columns
    ]
    replay(settings, contract.model_copy(update={"columns": tuple(columns)}), timezone="UTC")
    after = standing(settings, RECEIPT)
    assert after is not None and replace(after, faults=()) == Standing("taken", 2, taken=1, quarantined=1)
    assert [(fault.item, fault.reason) for fault in after.faults] == [(1, "not_allowed")]


def test_a_file_the_door_refuses_stays_and_its_receipt_says_refused(settings: Settings) -> None:
    spool.accept(settings, RECEIPT, b"x", [{"unknown": 1}], at=AT)
    assert [found.status for found in take_inbox(settings, timezone="UTC")] == ["refused"]
    assert len(waiting(settings)) == 1
    assert standing(settings, RECEIPT) == Standing("refused")


def test_when_too_much_waits_nothing_more_is_kept_but_what_was_is_still_known(settings: Settings) -> None:
    receipts = [spool.receipt_of("app", f"key-{n:08d}") for n in range(4)]
    for receipt in receipts[:3]:
        spool.accept(settings, receipt, receipt.encode(), [ITEM | {"source_key": receipt}], at=AT)
    with pytest.raises(spool.NoRoom) as refused:
        spool.accept(settings, receipts[3], b"x", [ITEM], at=AT)
    assert refused.value.retry_after > 0 and len(waiting(settings)) == 3
    assert not spool.accept(settings, receipts[0], receipts[0].encode(), [ITEM], at=AT)
    take_inbox(settings, timezone="UTC")
    assert spool.accept(settings, receipts[3], b"x", [ITEM], at=AT)


def test_bytes_and_age_of_what_waits_are_limited_too(settings: Settings) -> None:
    spool.accept(settings, RECEIPT, b"x", [ITEM], at=AT)
    other = spool.receipt_of("app", "key-00000002")
    narrow = settings.model_copy(update={"feedback_pending_bytes": 10})
    with pytest.raises(spool.NoRoom):
        spool.accept(narrow, other, b"x", [ITEM], at=AT)
    (path,) = waiting(settings)
    now = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    with pytest.raises(spool.NoRoom):
        spool.accept(settings, other, b"x", [ITEM], at=now + timedelta(seconds=settings.feedback_pending_seconds + 1))
    assert spool.accept(settings, other, b"x", [ITEM], at=now)


@pytest.mark.parametrize("step", ["feedback.before_rename", "feedback.after_rename"])
def test_whoever_dies_between_two_writes_leaves_all_or_nothing_and_trying_again_keeps_one(
    settings: Settings, step: str
) -> None:
    class Killed(BaseException):
        pass

    def die(at_step: str) -> None:
        if at_step == step:
            raise Killed

    with pytest.raises(Killed):
        spool.accept(settings, RECEIPT, b"x", [ITEM], at=AT, on_step=die)
    assert len(waiting(settings)) == (0 if step == "feedback.before_rename" else 1)
    assert spool.accept(settings, RECEIPT, b"x", [ITEM], at=AT) is (step == "feedback.before_rename")
    assert len(waiting(settings)) == 1
    assert [found.loaded for found in take_inbox(settings, timezone="UTC")] == [1]


def test_a_disk_that_refuses_leaves_nothing_behind(settings: Settings) -> None:
    def full(step: str) -> None:
        raise OSError(28, "no space")

    with pytest.raises(OSError, match="no space"):
        spool.accept(settings, RECEIPT, b"x", [ITEM], at=AT, on_step=full)
    assert [path.name for path in spool.spool_folder(settings).iterdir()] == [".lock"]


def test_a_receipt_is_the_same_for_the_same_key_and_says_whose_it_is() -> None:
    assert RECEIPT == spool.receipt_of("app", "key-00000001") != spool.receipt_of("web", "key-00000001")
    assert spool.belongs_to(RECEIPT, "app") and not spool.belongs_to(RECEIPT, "web")


def test_a_delivery_arrived_when_its_file_got_its_name_however_old_its_content_is(settings: Settings) -> None:
    folder = settings.inbox / "reviews"
    folder.mkdir(parents=True)
    file = folder / "r.jsonl"
    before = datetime.now(UTC)
    file.write_text(
        '{"review_id": "1", "posted_at": "2025-05-01T10:00:00Z", "site": "maps", "body": "x"}\n', encoding="utf-8"
    )
    os.utime(file, (0, 0))
    take_inbox(settings, timezone="UTC")
    with reading(settings.intake_db) as registry:
        (delivery,) = registry.deliveries()
    assert delivery.arrived_at is not None
    # The file system's clock may be some milliseconds behind.
    assert before - timedelta(seconds=1) <= datetime.fromisoformat(delivery.arrived_at) <= datetime.now(UTC)


def test_a_register_of_before_arrivals_were_noted_is_carried_on(settings: Settings) -> None:
    settings.home.mkdir()
    with reading(settings.intake_db) as registry:
        registry.turn_away("s", "reviews", "review", "old.jsonl", "loaded", "")
    old = sqlite3.connect(settings.intake_db)
    old.execute("ALTER TABLE deliveries DROP COLUMN arrived_at")
    old.commit()
    old.close()
    with reading(settings.intake_db) as registry:
        assert [delivery.arrived_at for delivery in registry.deliveries()] == [None]
