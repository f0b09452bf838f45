"""What a killed process was doing: rounds of new work on one ledger, and the triggers they are about.

A job's `work` is what a child does and what a restarted one does again: it must find out for itself how far the dead
one came. `score` counts at the end what all rounds together should have left. `prefix` says whose crash points it
passes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from cases import services
from cases.models import Case, CaseTrigger, OutboxMessage
from casework.opening import open_with
from models.case import Actor
from models.facts import TriggerFact
from models.settings import Settings
from tests.faults.arena import NOON, Arena
from tests.faults.tally import Score, tally

ANNA = Actor("person", "E00012")


def facts(count: int, *, start: int = 0, dedupe_days: int = 0) -> list[TriggerFact]:
    """So many triggers in time order, two of each customer and cause an hour apart: half as many cases."""
    return [
        TriggerFact(
            trigger_id=f"t{i:06d}", rule_id="detractor", rule_hash="r1", kind="recovery", subject_type="customer",
            subject_id=f"C{i // 2}", customer_id=f"C{i // 2}", cause_id="fee_dispute", severity=3 - i % 2,
            occurred_at=NOON - timedelta(days=60) + timedelta(minutes=30 * i % 40_000 + i % 2, seconds=i // 2),
            signal_id=f"s{i}", subject_refs=(("ticket", f"ticket-{i}"),), dedupe_days=dedupe_days, source="zendesk",
            lineage={"source": "zendesk", "line": i},
        )
        for i in range(start, start + count)
    ]  # fmt: skip


def keys(triggers: list[TriggerFact]) -> set[str]:
    """The episodes these triggers make."""
    return {trigger.episode_key for trigger in triggers}


def cases_of(triggers: list[TriggerFact]) -> Score:
    """Every trigger held once, every episode one case, every case one word to its team."""
    score = tally((t.trigger_id for t in triggers), CaseTrigger.objects.values_list("trigger_id", flat=True))
    heads = list(Case.objects.values_list("episode_key", "case_id"))
    episodes = tally(keys(triggers), (key for key, _ in heads))
    alerts = OutboxMessage.objects.filter(purpose="internal").values_list("key", flat=True)
    words = tally((f"{case_id}|opened" for _, case_id in heads), alerts)
    for part in (score, words):
        episodes.dup, episodes.lost = episodes.dup + part.dup, episodes.lost + part.lost
        episodes.problems += part.problems
    return episodes


class Work:
    """One kind of work on one ledger. `round` counts from 0; each round brings new work."""

    prefix: ClassVar[tuple[str, ...]]
    # On which passing of a crash point to die, in turns.
    hits: ClassVar[tuple[int, ...]] = (1,)

    def __init__(self, arena: Arena, settings: Settings) -> None:
        self.arena, self.settings, self.round = arena, settings, 0

    def triggers(self) -> list[TriggerFact]:
        """What has been handed over so far."""
        return facts(4 * (self.round + 1))

    def prepare(self) -> None:
        """Bring the round's new work, undisturbed."""
        self.open()

    def open(self) -> None:
        """Open the cases the work is about."""
        open_with(self.arena.engine(self.settings), self.triggers(), ())

    def case_id(self) -> str:
        """A case of this round."""
        return services.case_of_trigger(f"t{4 * self.round:06d}")

    def after(self) -> timedelta:
        """How long after the first noon this round is."""
        return timedelta(days=self.round)

    def work(self) -> None:
        """Do the round's work, or what is left of it."""
        raise NotImplementedError

    def restart(self) -> None:
        """Do what is left after a kill."""
        self.work()

    def score(self) -> Score:
        """Count what all rounds have left."""
        raise NotImplementedError
