"""The original words behind a case's signal, for the one person who has the case, with a record of every look.

Belongs here: who may, the record, and opening the sealed texts. Not here: sealing (`intake/vault.py`), redaction
(`ml/text/`). Everywhere else a text is masked. A manager, an analyst or somebody who had the case before has no need of
the customer's number or address, so rank opens nothing: whoever needs the words takes the case first, on the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cases import services
from cases.acting import Change, Move
from casework.engine import Engine
from intake import vault
from intake.contracts import load_contracts
from intake.typed import without_personal_data
from models.case import Actor, CaseState, EventKind, State
from models.settings import Settings

# Once the loop is closed, or it turned out to be no case, there is nothing left to do that needs the words.
_IN_WORK = frozenset({State.ASSIGNED, State.IN_PROGRESS, State.WAITING, State.RESOLVED, State.CLOSED})


class OriginalRefused(PermissionError):
    """Not for this person, or not any more; the message says what would have to be so."""


class NoOriginal(LookupError):
    """The case has no such signal, or nothing was kept under it."""


class OriginalErased(LookupError):
    """The person's key was deleted on request; nobody can open the words again."""


@dataclass(frozen=True, slots=True)
class Original:
    """The texts of one signal as they were delivered, by column, and the version of the case the look made."""

    case_id: str
    signal_id: str
    source: str
    entity: str
    texts: Mapping[str, str]
    version: int

    def __repr__(self) -> str:
        """Without the words: an object in a traceback or a log line must not repeat them."""
        return f"Original({self.case_id}, {self.signal_id}, columns={sorted(self.texts)})"


def open_original(engine: Engine, case_id: str, signal_id: str, *, actor: Actor, reason: str) -> Original:
    """The original texts of a signal of a case, for its present owner; who looked, when, at what and why is kept first.

    The record is an event of the case (`original_opened`, in the hash chain), written on the version the owner was
    checked on: if the case changes hands at that moment, nothing is given. The reason is redacted, because it stays.
    Raises `UnknownCase`, `OriginalRefused`, `NoOriginal`, `OriginalErased`, `StaleVersion`, and `ValueError` without a
    reason.
    """
    if not reason.strip():
        raise ValueError("say why the original is needed: it is kept with your name")
    told = services.explain(case_id)
    state = services.state_of(case_id)
    _check_owner(state, actor)
    lineage = _lineage_of(told, signal_id)
    texts = _texts(engine.settings, lineage)
    why = without_personal_data(engine.settings, reason.strip(), told["case"]["customer_id"] or None)
    move = Move(EventKind.ORIGINAL_OPENED, {"signal_id": signal_id, "reason": why})
    after = services.change(Change(case_id, [move], actor, engine.at, state.version), recorded_at=engine.recorded_at)
    return Original(case_id, signal_id, lineage["source"], lineage["entity"], texts, after.version)


def _check_owner(state: CaseState, actor: Actor) -> None:
    if actor.type != "person" or state.owner_id is None or actor.id != state.owner_id:
        raise OriginalRefused("the original words are for the owner of the case alone; take the case first")
    if state.state not in _IN_WORK:
        raise OriginalRefused(f"the case is {state.state}; the original words are for work on a case only")


def _lineage_of(told: Mapping[str, Any], signal_id: str) -> Mapping[str, Any]:
    """Where the signal's row lies, as its trigger recorded it."""
    found = next((trigger["lineage"] for trigger in told["triggers"] if trigger["signal_id"] == signal_id), None)
    if found is None:
        raise NoOriginal("the case has no such signal; `amends case explain` names those it has")
    if not all(found.get(key) for key in ("source", "entity", "row_hash")):
        raise NoOriginal("it was not recorded which row the signal came from")
    lineage: Mapping[str, Any] = found
    return lineage


def _texts(settings: Settings, lineage: Mapping[str, Any]) -> dict[str, str]:
    """Every text column of the row that holds something."""
    source, entity = str(lineage["source"]), str(lineage["entity"])
    contract = load_contracts().get((source, entity))
    columns = [column.name for column in contract.columns if column.pii == "text"] if contract else []
    texts: dict[str, str] = {}
    for column in columns:
        try:
            texts[column] = vault.open_original(settings, source, entity, str(lineage["row_hash"]), column)
        except vault.ErasedError as error:
            raise OriginalErased("the customer was erased: the key to the original words is gone") from error
        except vault.VaultError:
            continue  # an empty column has no original
    if not texts:
        raise NoOriginal("no original is kept of this signal")
    return texts
