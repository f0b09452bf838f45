"""Recommending a playbook for a case by the programme and the learned policies in force.

Belongs here: binding programme, roll-out and facts to `models/trial.py`. Not here: the choice itself, or which policies
are in force (`ml/recovery/roll_out.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from casework.alerting import vulnerable_customers
from casework.engine import Engine
from models.playbook import Playbook
from models.recommendation import NothingEligible, logged
from models.trial import advise


class Advice:
    """Advice for the cases of one call: what it rests on is read once, when the first case asks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def recommendation(self, case_id: str, facts: dict[str, Any]) -> dict[str, Any] | None:
        """What `playbook_recommended` says for a case with these facts; None when no playbook may be used for it."""
        engine = self._engine
        try:
            choice = advise(
                self._playbooks,
                facts | self._more(facts),
                engine.programme.recommendation,
                engine.roll_out,
                case_id=case_id,
                version=engine.version,
            )
        except NothingEligible:
            return None
        return logged(choice, policy_version=engine.version)

    def _more(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """What guards a choice or a policy may ask, and routing does not: whom nothing is tried on, the kind of failure."""
        return {
            "is_vulnerable": facts["customer_id"] in self._vulnerable,
            "failure_type": self._failures.get(facts["cause_id"]),
        }

    @cached_property
    def _playbooks(self) -> tuple[Playbook, ...]:
        return tuple(item.playbook for item in self._engine.programme.playbooks)

    @cached_property
    def _vulnerable(self) -> frozenset[str]:
        return vulnerable_customers(self._engine.settings.handoff)

    @cached_property
    def _failures(self) -> dict[str | None, str]:
        return {cause.id: cause.failure_type for cause in self._engine.programme.taxonomy.causes}
