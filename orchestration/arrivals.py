"""When the batch lane should run: for files nobody takes in, at once; for what the fast lane took in, now and then.

Belongs here: that decision. Not here: taking anything in. The fast lane leaves alone what is large or comes before it can
work, so a file that still waits after a few seconds is the batch lane's.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from models.settings import Settings

# Longer than the fast lane needs to see and take a file.
GRACE_SECONDS = 10.0
# How far the warehouse may lag behind what the fast lane has decided; each run costs tens of CPU-seconds.
BATCH_EVERY_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A run to ask for (`run_key` None: none), the cursor to keep, and why not when none is asked for."""

    run_key: str | None
    cursor: str
    why: str = ""


def next_run(settings: Settings, cursor: str | None, *, now: float | None = None) -> Asked:
    """Decide from the inbox, the deliveries and the cursor of the last look; `now` is in seconds since 1970."""
    from cases import feed
    from intake.pending import pending_deliveries
    from intake.watermark import last_batch

    instant = time.time() if now is None else now
    waiting = pending_deliveries(settings)
    detection = feed.newest_detection(settings.ml_outputs)
    return decide(
        _state(cursor), waiting.files, waiting.token, waiting.newest,
        newest_batch=last_batch(settings),
        seen_batch=detection.last_batch if detection else None,
        now=instant,
    )  # fmt: skip


def decide(
    state: dict[str, object],
    files: int,
    token: str,
    newest: float,
    *,
    newest_batch: int,
    seen_batch: int | None,
    now: float,
) -> Asked:
    """The decision alone. `state` holds the last token and batch asked for, and when that was."""
    kept = json.dumps(state)
    if files:
        if token == state.get("token"):
            return Asked(None, kept, f"{files} file(s) were handed to a run already.")
        if seen_batch is not None and now - newest < GRACE_SECONDS:
            return Asked(None, kept, f"{files} file(s) are left to the fast lane for a few seconds.")
        return Asked(f"inbox-{token}", json.dumps({**state, "token": token, "batch": newest_batch, "at": now}))
    if seen_batch is None or newest_batch <= max(seen_batch, int(str(state.get("batch", 0)))):
        return Asked(None, kept, "The inbox holds nothing new.")
    if now - float(str(state.get("at", 0.0))) < BATCH_EVERY_SECONDS:
        return Asked(None, kept, "What the fast lane took in waits for the next batch run.")
    return Asked(f"landed-{newest_batch}", json.dumps({**state, "batch": newest_batch, "at": now}))


def _state(cursor: str | None) -> dict[str, object]:
    """What the last look left; an earlier version left the bare token."""
    if not cursor:
        return {}
    return json.loads(cursor) if cursor.startswith("{") else {"token": cursor}
