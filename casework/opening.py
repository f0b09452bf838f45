"""Opening cases the way the programme in force says: routed, under targets, with advice and a word to the team.

Belongs here: binding the programme to `cases.services.open_cases`. Not here: which triggers there are
(`cases/feed.py`), which case takes one (`cases/episodes.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cases import services
from cases.episodes import facts_of
from casework.advice import Advice
from casework.alerting import Alerting
from casework.engine import Engine
from models.facts import ResolutionFact, TriggerFact

if TYPE_CHECKING:
    from cases.opening import OpenResult


def open_with(
    engine: Engine, triggers: Iterable[TriggerFact], resolutions: Iterable[ResolutionFact], *, batch_size: int = 2_000
) -> OpenResult:
    """Give every trigger exactly one case, by the programme in force; see `cases.services.open_cases`."""

    advice = Advice(engine)

    def recommend(trigger: TriggerFact, case_id: str) -> Mapping[str, Any] | None:
        return advice.recommendation(case_id, facts_of(trigger))

    alerting = Alerting(engine, engine.programme.alerts)

    return services.open_cases(
        triggers, resolutions, recorded_at=engine.recorded_at, routing=engine.programme.routing,
        sla=engine.programme.sla, recommend=recommend, alert=alerting.alert, policy_version=engine.version,
        batch_size=batch_size,
    )  # fmt: skip
