"""Recommending a playbook for a case by the programme in force, and noting what a person chose instead.

Belongs here: binding programme and facts to `models/recommendation.py`. Not here: the choice itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casework.engine import Engine
from models.recommendation import NothingEligible, logged, recommend


def recommendation(engine: Engine, case_id: str, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `playbook_recommended` says for a case with these facts; None when no playbook may be used for it."""
    programme = engine.programme
    playbooks = [item.playbook for item in programme.playbooks]
    try:
        choice = recommend(playbooks, facts, programme.recommendation, key=f"{case_id}|{engine.version}")
    except NothingEligible:
        return None
    return logged(choice, policy_version=engine.version)
