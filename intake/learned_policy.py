"""Taking in what learning has put in force: the playbook policies the case engine chooses by, beside the programme.

Belongs here: opening the model store for the case engine, which knows no models. Not here: what a roll-out is
(`models/trial.py`), how one is put in force or undone (`ml/recovery/roll_out.py`), the choice (`models/trial.py`).
"""

from __future__ import annotations

from models.settings import Settings
from models.trial import RULES, RollOut


def in_force(settings: Settings) -> RollOut:
    """The roll-out in force; the rules alone where nothing was ever put in force. Never raises for what lies in the store."""
    if not settings.model_store.is_dir():
        return RULES
    # The store imports numpy: most homes have no model yet, and opening a case there needs none.
    from ml.recovery import roll_out
    from ml.store import ModelStore

    return roll_out.in_force(ModelStore(settings.model_store))
