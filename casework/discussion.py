"""What colleagues say about a case, a cause or a report, with personal data taken out before it is kept.

Belongs here: redacting, then `cases/threads.py`. Not here: who may say it (`cases/scope.py`).
"""

from __future__ import annotations

from cases import services, threads
from cases.scope import CaseRepository
from cases.threads import SubjectType, ThreadPost
from casework.engine import Engine
from intake.typed import without_personal_data


def say(
    engine: Engine,
    cases: CaseRepository,
    subject_type: SubjectType,
    subject_id: str,
    body: str,
    *,
    reply_to: int | None = None,
) -> ThreadPost:
    """Add a post in the scope of whoever speaks; refusals as in `cases.threads.add_post`."""
    threads.check_may_enter(cases, subject_type, subject_id)
    customer = str(services.explain(subject_id)["case"]["customer_id"] or "") if subject_type == "case" else ""
    clean = without_personal_data(engine.settings, body, customer or None)
    return threads.add_post(cases, subject_type, subject_id, clean, at=engine.recorded_at, reply_to=reply_to)


def redacted(engine: Engine, text: str) -> str:
    """A typed text that goes where nothing can be erased (a reason in the chain, an answer that is counted)."""
    return without_personal_data(engine.settings, text)
