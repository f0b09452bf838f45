"""Attaching whom a breakdown has hit to its incident, killed between the event and the rows."""

from __future__ import annotations

from cases import incidents
from cases.models import CaseEvent, IncidentMember
from casework.opening import open_with
from models.case import EventKind
from models.facts import AffectedFact, TriggerFact
from tests.faults.arena import NOON
from tests.faults.tally import Score, tally
from tests.faults.work import Work

_EACH = 3


class Attaching(Work):
    """One breakdown a round, three signals of two customers each."""

    prefix = ("incidents",)

    def triggers(self) -> list[TriggerFact]:
        """One trigger per breakdown so far."""
        return [
            TriggerFact(
                trigger_id=f"broken-{number}", rule_id="complaint_surge", rule_hash="r", kind="breakdown",
                subject_type="breakdown", subject_id=f"B{number}", severity=2, occurred_at=NOON,
            )
            for number in range(self.round + 1)
        ]  # fmt: skip

    def work(self) -> None:
        engine = self.arena.engine(self.settings)
        incidents.attach(self._affected(), at=engine.at, recorded_at=engine.recorded_at)

    def score(self) -> Score:
        wanted = [one.signal_id for one in self._affected()]
        score = tally(wanted, IncidentMember.objects.values_list("signal_id", flat=True))
        events = CaseEvent.objects.filter(kind=EventKind.CUSTOMERS_ATTACHED).values_list("case_id", flat=True)
        told = tally(set(IncidentMember.objects.values_list("case_id", flat=True)), events)
        score.dup, score.lost = score.dup + told.dup, score.lost + told.lost
        score.problems += told.problems
        return score

    def open(self) -> None:
        open_with(self.arena.engine(self.settings), self.triggers(), ())

    def _affected(self) -> list[AffectedFact]:
        return [
            AffectedFact(f"B{number}", f"b{number}-s{one}", f"C{number}-{one % 2}")
            for number in range(self.round + 1)
            for one in range(_EACH)
        ]
