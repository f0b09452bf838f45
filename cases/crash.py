"""Named places where a test may kill this process, between every two durable writes.

Belongs here: the list of names and the switch. Not here: recovery; after a crash the ordinary path simply runs again.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

CRASH_POINTS = (
    "open_cases.after_begin",
    "open_cases.after_cases",
    "open_cases.after_events",
    "open_cases.before_commit",
    "open_cases.after_commit",
    "write.after_standings",
    "act.after_event",
    "act.after_commit",
    "outbox.before_claim_commit",
    "outbox.after_claim",
    "outbox.after_send",
    "outbox.before_settle_commit",
    "outbox.after_settle",
    "outbox.before_release_commit",
    "offer.after_row",
    "offer.after_commit",
    "programme.before_commit",
    "programme.after_commit",
    "export.before_replace",
    "export.after_replace",
    "feedback.before_rename",
    "feedback.after_rename",
)

_passed: Counter[str] = Counter()


def crashpoint(name: str) -> None:
    """Kill this process with SIGKILL if `AMENDS_CRASH_AT` is `name`, or `name:n` on the n-th time it is passed."""
    wanted = os.environ.get("AMENDS_CRASH_AT")
    if not wanted:
        return
    where, _, nth = wanted.partition(":")
    if where != name:
        return
    _passed[name] += 1
    if _passed[name] == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
