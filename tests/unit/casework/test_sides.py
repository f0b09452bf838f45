"""The sides of a trial are counted from what was logged, without cases that were never drawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from casework.engine import Engine
from casework.opening import open_with
from ml.recovery import roll_out
from ml.store import ModelStore
from models.settings import Settings
from tests.unit.casework.builders import fact
from tests.unit.casework.conftest import MONDAY
from tests.unit.casework.test_learned_advice import PASSED, worth

At = Callable[[datetime], Engine]


def test_sides_are_counted_by_roll_out_and_grave_cases_left_out(home: Settings, at: At) -> None:
    from cases.recommendations import sides_of

    store = ModelStore(home.model_store)
    roll_out.propose(store, worth(callback=30.0), {})
    made = roll_out.promote(store, "p1", share=0.5, gates=PASSED, by="E-dir", why="trial", at=MONDAY)
    engine = at(MONDAY)
    mild = [fact(engine, f"m{n}", severity=3, rule_id="low_csat", source="surveys") for n in range(40)]
    grave = [fact(engine, f"g{n}", severity=2) for n in range(5)]
    open_with(engine, [*mild, *grave], ())
    sides = sides_of(made.model_id)
    assert sides.cases == 40
    assert sides.expected_challenger == 20.0
    # Four standard deviations of a half of 40 are 12.6; the draw is by case id, so it is the same each time.
    assert 8 <= sides.challenger <= 32
    assert sides_of("another").cases == 0
