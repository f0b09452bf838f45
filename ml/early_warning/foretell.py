"""Which open cases will miss their target, and how many per team: model, rows and sums in one call.

Belongs here: putting those together. Not here: reading cases (`casework/targets.py`), printing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ml.early_warning import breach
from ml.early_warning.forecast import Expected, expected_events
from ml.early_warning.risks import InUse, model_for, model_in_use, risk_rows
from ml.store import ModelStore
from models.target import Presence, Target


@dataclass(frozen=True, slots=True)
class Forecast:
    """Open cases by probability (rows of `ml_detection__risk` with `team` and `due_at`), how many to expect per team, and
    the model behind it. Without a model `rows` and `teams` are empty and `in_use.reason` says why. `missed_already`
    counts open cases whose time is over: no forecast is needed for them."""

    rows: list[dict[str, Any]]
    teams: dict[str, Expected]
    missed_already: int
    in_use: InUse


def forecast(
    targets: Sequence[Target],
    *,
    store: ModelStore,
    as_of: datetime,
    presence: Presence | None = None,
    keep: bool = True,
) -> Forecast:
    """The forecast at `as_of`. With `keep` the store gets a model when it has none or a week-old one; without, the store
    is only read."""
    past = breach.past(targets, as_of=as_of, presence=presence)
    in_use = model_for(store, past, breach.KIND, as_of=as_of) if keep else model_in_use(store, past, breach.KIND)
    running, table = breach.now(targets, as_of=as_of, presence=presence)
    who = [{"subject_id": t.case_id, "customer_id": t.customer_id, "case_id": t.case_id} for t in running]
    rows = risk_rows(breach.KIND, in_use, table, who, as_of=as_of, words=breach.WORDS)
    told = [row | {"team": t.team, "due_at": t.due_at} for row, t in zip(rows, running, strict=False)]
    by_team: dict[str, list[float]] = defaultdict(list)
    for row in told:
        by_team[row["team"] or "no team"].append(row["probability"])
    return Forecast(
        rows=sorted(told, key=lambda row: (-row["probability"], row["case_id"])),
        teams={team: expected_events(shares) for team, shares in sorted(by_team.items())},
        missed_already=sum(t.ended_at is None and t.is_late for t in targets), in_use=in_use,
    )  # fmt: skip
