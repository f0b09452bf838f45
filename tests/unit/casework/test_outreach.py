"""One word to everybody an incident touched, once, and none to those who are in a case already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from cases.models import OutboxMessage
from casework import outreach
from casework.engine import Engine
from casework.outreach import OutreachReport
from models.template import MissingField
from tests.unit.casework.builders import open_case
from tests.unit.casework.conftest import MONDAY

At = Callable[[datetime], Engine]
WORDS = {"what_happened": "Transfers were late on Friday.", "we_did": "All of them have arrived."}


def recipients() -> list[str]:
    rows = OutboxMessage.objects.filter(template="incident").order_by("recipient_id")
    return list(rows.values_list("recipient_id", flat=True))


def test_everybody_is_written_to_once_however_often_it_is_asked(at: At) -> None:
    engine = at(MONDAY)
    first = outreach.tell_everybody(engine, "INC-1", ["A", "B", "A"], WORDS)
    again = outreach.tell_everybody(engine, "INC-1", ["A", "B", "C"], WORDS)
    assert (first, again) == (OutreachReport(2, 0, 0, 2), OutreachReport(3, 0, 2, 1))
    assert recipients() == ["A", "B", "C"]


def test_whoever_has_an_open_case_hears_of_it_there(at: At) -> None:
    engine = at(MONDAY)
    open_case(engine, "t1")
    report = outreach.tell_everybody(engine, "INC-1", ["C-t1", "A"], WORDS)
    assert (report.in_a_case, recipients()) == (1, ["A"])


def test_another_incident_is_another_word(at: At) -> None:
    engine = at(MONDAY)
    for incident in ("INC-1", "INC-2"):
        outreach.tell_everybody(engine, incident, ["A"], WORDS)
    assert recipients() == ["A", "A"]


def test_words_that_lack_a_value_reach_nobody(at: At) -> None:
    with pytest.raises(MissingField, match="we_did"):
        outreach.tell_everybody(at(MONDAY), "INC-1", ["A"], {"what_happened": "something"})
    assert recipients() == []
