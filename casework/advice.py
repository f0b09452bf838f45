"""Recommending a playbook for a case by the programme and the learned policies in force.

Belongs here: binding programme, roll-out and facts to `models/trial.py`. Not here: the choice itself, or which policies
are in force (`ml/recovery/roll_out.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casework.engine import Engine
from models.recommendation import NothingEligible, logged
from models.trial import advise


def recommendation(engine: Engine, case_id: str, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `playbook_recommended` says for a case with these facts; None when no playbook may be used for it."""
    programme = engine.programme
    playbooks = [item.playbook for item in programme.playbooks]
    try:
        choice = advise(
            playbooks, facts, programme.recommendation, engine.roll_out, case_id=case_id, version=engine.version
        )
    except NothingEligible:
        return None
    return logged(choice, policy_version=engine.version)
