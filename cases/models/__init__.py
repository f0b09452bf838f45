"""Tables of the ledger. Django finds an app's tables here and nowhere else, hence the imports; use these names.

Belongs here: nothing but the list. `chain.py` holds what the hash chain vouches for, `beside.py` what stands beside it.
"""

from __future__ import annotations

from cases.models.beside import (
    Absence,
    AccessToken,
    Answer,
    AuditEntry,
    Consent,
    DoNotContact,
    FollowUp,
    IdempotentAnswer,
    IncidentMember,
    Label,
    Offer,
    OutboxAttempt,
    OutboxMessage,
    Position,
    Post,
    ProgrammeVersion,
    Standing,
)
from cases.models.chain import AppliedResolution, Case, CaseEvent, CaseTrigger, EventText, SubjectRef

__all__ = [
    "Absence", "AccessToken", "Answer", "AppliedResolution", "AuditEntry", "Case", "CaseEvent", "CaseTrigger", "Consent",
    "DoNotContact", "EventText", "FollowUp", "IdempotentAnswer", "IncidentMember", "Label", "Offer", "OutboxAttempt",
    "OutboxMessage", "Position", "Post", "ProgrammeVersion", "Standing", "SubjectRef",
]  # fmt: skip
