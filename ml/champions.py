"""Which saved model is in use, and the record of who decided so and why.

Belongs here: promoting and rolling back with a record. Not here: whether a challenger is better (`root_cause/gate.py`),
files and pointers (`store.py`). MLflow's alias follows the pointer where MLflow answers; scoring never asks it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from ml.store import ModelRefused, ModelStore

Action = Literal["promoted", "kept", "rolled_back"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about a kind of model. `before` was in use, `model_id` is now (of `kept`: was refused). `at` is UTC."""

    action: Action
    model_id: str
    before: str | None
    by: str
    why: str
    at: str


def promote(store: ModelStore, kind: str, model_id: str, *, by: str, why: str, at: datetime) -> Decision:
    """Put a saved model in use and write down who said so. Raises `ModelRefused` when its files do not check, and
    `ValueError` without a reason or a name."""
    return _decide(store, kind, "promoted", model_id, by, why, at)


def keep(store: ModelStore, kind: str, challenger: str, *, by: str, why: str, at: datetime) -> Decision:
    """Write down that a challenger was not promoted. Raises `ValueError` without a reason or a name."""
    return _decide(store, kind, "kept", challenger, by, why, at)


def roll_back(store: ModelStore, kind: str, *, by: str, why: str, at: datetime, to: str | None = None) -> Decision:
    """Put the model before the active one back in use, or an earlier one by name, in one step.

    Raises `ModelRefused` when there is none, it was never in use, or its files do not check.
    """
    earlier = store.history(kind)[1:]
    if not earlier or (to is not None and to not in earlier):
        raise ModelRefused(f"{kind}: " + (f"{to} was never in use before" if to else "there is no model to go back to"))
    return _decide(store, kind, "rolled_back", to or earlier[0], by, why, at)


def _decide(store: ModelStore, kind: str, action: Action, model_id: str, by: str, why: str, at: datetime) -> Decision:
    if not by.strip() or not why.strip():
        raise ValueError("a decision has a name and a reason")
    before = next(iter(store.history(kind)), None)
    if action == "kept":
        store.load(kind, model_id)
    else:
        store.promote(kind, model_id)
    decision = Decision(action, model_id, before, by, why, at.astimezone(UTC).isoformat(timespec="seconds"))
    store.record_decision(kind, asdict(decision))
    return decision
