"""`amends case show` tells whom an incident has hit, and of a case which incident it is part of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from amends.case_view import show
from cases import incidents
from casework.engine import Engine
from casework.view import case_view
from models.facts import AffectedFact
from tests.unit.casework.builders import open_case
from tests.unit.casework.conftest import MONDAY

At = Callable[[datetime], Engine]


def incident(engine: Engine) -> str:
    case_id = open_case(
        engine, "broken", kind="breakdown", subject_type="breakdown", subject_id="B1", customer=None, customer_id=None,
        signal_id=None,
    )  # fmt: skip
    hit = [AffectedFact("B1", f"signal-t{k}", f"C-t{k}") for k in (1, 2)]
    incidents.attach([*hit, AffectedFact("B1", "s3", None)], at=engine.at, recorded_at=engine.recorded_at)
    return case_id


def test_an_incident_tells_whom_it_has_hit(at: At, capsys: pytest.CaptureFixture[str]) -> None:
    engine = at(MONDAY)
    view = case_view(engine, incident(engine))
    assert view["members"] == {"signals": 3, "customers": 2, "first_customers": ("C-t1", "C-t2")}
    show(view)
    printed = capsys.readouterr().out
    assert "2 known customers, 3 signals" in printed and "C-t1, C-t2" in printed


def test_a_case_tells_which_incident_it_is_part_of(at: At, capsys: pytest.CaptureFixture[str]) -> None:
    engine = at(MONDAY)
    about = incident(engine)
    view = case_view(engine, open_case(engine, "t1"))
    assert (view["incidents"], view["members"]) == ([about], None)
    show(view)
    assert f"incident {about}" in capsys.readouterr().out
