"""The question to the owner of a case that was closed: asked of a sample, within a budget.

Belongs here: deciding at close whether to ask, by the programme in force. Not here: the sample's rule and the counting
(`models/questionnaire.py`), storing (`cases/questionnaires.py`).
"""

from __future__ import annotations

from cases import questionnaires
from casework.engine import Engine
from models.case import CaseState


def ask_owner(engine: Engine, case_id: str, state: CaseState) -> bool:
    """Put the questionnaire to the owner if the sample and the weekly budget say so; whether it was asked."""
    plan = engine.programme.questionnaire
    if state.owner_id is None or not plan.is_sampled(case_id, state.version):
        return False
    return questionnaires.ask(
        case_id,
        state.owner_id,
        asked_at=engine.at,
        recorded_at=engine.recorded_at,
        budget=plan.most_per_owner_week,
    )
