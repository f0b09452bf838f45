"""Recommending a playbook for a case by the programme and the learned policies in force.

Belongs here: binding programme, roll-out and facts to `models/trial.py`. Not here: the choice itself, or which policies
are in force (`ml/recovery/roll_out.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casework.alerting import vulnerable_customers
from casework.engine import Engine
from models.recommendation import NothingEligible, logged
from models.trial import advise


def recommendation(engine: Engine, case_id: str, facts: dict[str, Any]) -> dict[str, Any] | None:
    """What `playbook_recommended` says for a case with these facts; None when no playbook may be used for it."""
    programme = engine.programme
    playbooks = [item.playbook for item in programme.playbooks]
    try:
        choice = advise(
            playbooks,
            facts | _more(engine, facts),
            programme.recommendation,
            engine.roll_out,
            case_id=case_id,
            version=engine.version,
        )
    except NothingEligible:
        return None
    return logged(choice, policy_version=engine.version)


def _more(engine: Engine, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What guards a choice or a policy may ask, and routing does not: whom nothing is tried on, and what kind of failure."""
    said: dict[str, Any] = {"is_vulnerable": facts["customer_id"] in vulnerable_customers(engine.settings.handoff)}
    if not engine.roll_out.is_rules:
        causes = engine.programme.taxonomy.causes
        said["failure_type"] = next((c.failure_type for c in causes if c.id == facts["cause_id"]), None)
    return said
