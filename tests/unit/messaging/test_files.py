"""The default way out: whole files, one per message, that nobody else can read."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from messaging.envelope import Envelope
from messaging.files import FileTransport

LETTER = Envelope("abc@amends", "email", "customer:C1", "Grüße", "Liebe Kundin,\n\nça va 🙂\n")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_message_is_a_file_that_says_everything(tmp_path: Path) -> None:
    outcome = FileTransport(tmp_path / "out").send(LETTER)
    said = json.loads((tmp_path / "out" / outcome.detail).read_text(encoding="utf-8"))
    assert outcome.result == "sent"
    assert said == {"message_id": "abc@amends", "channel": "email", "address": "customer:C1", "subject": LETTER.subject,
                    "body": LETTER.body}  # fmt: skip


def test_the_same_message_again_is_the_same_file(tmp_path: Path) -> None:
    way = FileTransport(tmp_path)
    way.send(LETTER)
    way.send(LETTER)
    assert len(files(tmp_path)) == 1


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    FileTransport(tmp_path / "out").send(LETTER)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()] == [0o600]
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700


@pytest.mark.parametrize("message_id", ["../../etc/passwd", "/abs", "a\x00b", "x" * 4_000, ""])
def test_a_message_id_is_never_a_path(tmp_path: Path, message_id: str) -> None:
    folder = tmp_path / "in" / "out"
    assert FileTransport(folder).send(Envelope(message_id, "email", "a", "s", "b")).result == "sent"
    assert len(files(folder)) == 1
    assert files(tmp_path / "in") == ["out"]


def test_a_disk_that_takes_nothing_is_a_failure_that_leaves_nothing(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    # A folder in the place of the file: the rename cannot succeed, whoever runs the tests.
    name = FileTransport(full).send(LETTER).detail
    (full / name).unlink()
    (full / name).mkdir()
    (full / name / "occupied").touch()
    assert FileTransport(full).send(LETTER).result == "failed"
    assert files(full) == [name]


def test_a_folder_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert FileTransport(tmp_path / "file" / "out").send(LETTER).result == "failed"
