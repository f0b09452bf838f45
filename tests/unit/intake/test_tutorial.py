"""The tutorial on adding a source does what it says."""

from __future__ import annotations

import json
import re

from intake.contracts import read_contracts
from intake.service import take_inbox
from tests.support import ROOT

TUTORIAL = ROOT / "docs" / "tutorials" / "add-a-source.md"


def block(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), flags=re.DOTALL)
    return found


def test_the_tutorial_adds_a_source_as_it_says(home):
    folder = home.folder / "contracts"
    folder.mkdir()
    (folder / "chat__transcript.yml").write_text(block("yaml"), encoding="utf-8")
    home.file("home/inbox/chat/2025-05-01.csv", block("csv"))
    (report,) = take_inbox(home.settings, contracts=read_contracts(folder))
    expected = json.loads(block("json"))
    assert {name: getattr(report, name) for name in expected} == expected
    assert home.faults("chat__transcript") == [(3, "rating", "integer", "out_of_range")]
    assert [body for (body,) in home.landed("chat__transcript", "body")] == ["thank you", "my mail is\n[EMAIL]"]


def test_the_tutorial_stays_short():
    assert len(TUTORIAL.read_text(encoding="utf-8").splitlines()) < 60
