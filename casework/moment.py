"""What time it is for the engine: the wall clock, what the operator set, or the moment a synthetic company stands at.

Belongs here: the one place where the engine asks for the time. Not here: any use of it; every function below takes the
moment as a parameter.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from models.settings import Settings

_FROM_DATA = "data"


def now(settings: Settings) -> datetime:
    """The present moment (UTC, whole seconds).

    `AMENDS_AS_OF` when set. In a home whose company is synthetic, the newest event of its data: by the wall clock every
    case of a simulated past would be months overdue, and each would be escalated at once. Otherwise the wall clock.
    """
    if settings.as_of is not None:
        return settings.as_of.astimezone(UTC)
    if follows_data(settings):
        from intake.watermark import EPOCH, newest_event

        found = newest_event(settings)
        if found > EPOCH:
            return found
    return datetime.now(UTC).replace(microsecond=0)


def follows_data(settings: Settings) -> bool:
    """Whether the clock of this home stands at the newest event of its data."""
    return _note(settings).exists() and _note(settings).read_text(encoding="utf-8").strip() == _FROM_DATA


def wall_clock() -> datetime:
    """What the clock on the wall says (UTC): for leases, which run while a simulated company's time stands still."""
    return datetime.now(UTC)


def follow_data(settings: Settings) -> None:
    """From here on the clock of this home stands at the newest event of its data (a demonstration's company)."""
    _note(settings).parent.mkdir(parents=True, exist_ok=True)
    _note(settings).write_text(_FROM_DATA + "\n", encoding="utf-8")


def _note(settings: Settings) -> Path:
    return settings.state / "clock"
