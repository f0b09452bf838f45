"""What is known for and against a saved policy, from the stores of a home.

Belongs here: finding the newest attempts, the programme and what is in force. Not here: the judgement
(`ml/recovery/policy_evidence.py`) or how it is printed (`amends/policy_view.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.policy import Policy
from models.programme import Programme
from models.settings import Settings

if TYPE_CHECKING:
    from ml.store import ModelStore

ATTEMPTS = "int_recovery_attempt.parquet"


class NoAttempts(LookupError):
    """Nothing was handed over yet that a policy could be judged by."""


def evidence(settings: Settings, store: ModelStore, policy: Policy) -> dict[str, Any]:
    """What is known for and against a saved policy, as `ml.recovery.policy_evidence.evidence`.

    Raises `NoAttempts`, ValueError where the attempts cannot be read, or `ml.store.ModelRefused`.
    """
    import pyarrow.parquet as pq

    from ml.recovery import policy_evidence, roll_out

    path = settings.handoff / ATTEMPTS
    if not path.exists():
        raise NoAttempts("there are no recovery attempts to judge by yet; `amends run` hands them over")
    programme = programme_in_force(settings)
    return policy_evidence.evidence(
        policy, roll_out.known_of(store, policy.policy_id), pq.read_table(path),
        [item.playbook for item in programme.playbooks], programme.recommendation, roll_out.in_force(store),
    )  # fmt: skip


def programme_in_force(settings: Settings) -> Programme:
    """The programme the ledger holds, else the one of the folder. Raises `intake.programme.ProgrammeError`."""
    if settings.ledger_url or settings.ledger_path.exists():
        from casework import moment
        from casework.programme import active_programme

        return active_programme(settings, moment.now(settings)).programme
    from intake.programme import load_programme

    return load_programme(settings.programme_dir)
