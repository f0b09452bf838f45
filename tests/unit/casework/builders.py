"""Cases for the tests of the engine, opened the way the engine opens them."""

from __future__ import annotations

from typing import Any

from cases import services
from casework.engine import Engine
from casework.opening import open_with
from models.facts import TriggerFact
from tests.unit.cases.builders import trigger


def fact(engine: Engine, name: str, **more: Any) -> TriggerFact:
    """A trigger of this very moment about a customer of its own."""
    values = {"customer": f"C-{name}", "occurred_at": engine.at, "rule_id": "low_csat", "subject_refs": ()}
    return trigger(name, 0, **(values | more))


def open_case(engine: Engine, name: str, **more: Any) -> str:
    """Open one case through the engine; its id."""
    open_with(engine, [fact(engine, name, **more)], [])
    return services.case_of_trigger(name)
