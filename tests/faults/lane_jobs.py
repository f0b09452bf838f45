"""The fast lane, killed between taking a file, deciding, opening and writing down."""

from __future__ import annotations

import hashlib
import json

from cases.models import CaseTrigger, OutboxMessage
from models.facts import TriggerFact
from models.settings import Settings
from tests.faults.arena import ask
from tests.faults.tally import Score, tally
from tests.faults.work import Work
from tests.lane_home import AS_OF, drop, lane_home

_FRAUD = "There is fraud on my card, complaint number"


class Laning(Work):
    """Two complaints of two customers arrive a round, each in a file of its own; both are grave."""

    prefix = ("fast_lane",)
    _home: Settings | None = None

    def triggers(self) -> list[TriggerFact]:
        """What the ledger holds, for the invariants; `score` counts it against what arrived."""
        return [_fact(row) for row in CaseTrigger.objects.select_related("case")]

    def prepare(self) -> None:
        if self._home is None:
            home = self.settings.home
            ask(lambda: str(lane_home(home).home))
            self._home = Settings(home=home, as_of=AS_OF)
        for number in self._numbers(self.round):
            drop(self._home, f"F{number}", f"{_FRAUD} {number}", customer=f"CU{number}")

    def work(self) -> None:
        from fast_lane.lane import Lane

        assert self._home is not None, "prepare comes first"
        lane = Lane(self._home)
        while lane.step() is not None:
            pass

    def score(self) -> Score:
        assert self._home is not None, "prepare comes first"
        arrived = [f"F{number}" for past in range(self.round + 1) for number in self._numbers(past)]
        score = tally(
            arrived, (json.loads(text)["source_key"] for text in CaseTrigger.objects.values_list("lineage", flat=True))
        )
        cases = set(CaseTrigger.objects.values_list("case_id", flat=True))
        words = tally((f"{case}|opened" for case in cases), OutboxMessage.objects.values_list("key", flat=True))
        home = self._home
        decided = ask(lambda: _decided(home))
        records = tally((_signal(key) for key in arrived), decided)
        for part in (words, records):
            score.dup, score.lost = score.dup + part.dup, score.lost + part.lost
            score.problems += part.problems
        return score

    def _numbers(self, number: int) -> range:
        return range(2 * number, 2 * number + 2)


def _signal(key: str) -> str:
    return hashlib.md5(f"complaints|complaint|{key}".encode(), usedforsecurity=False).hexdigest()


def _decided(home: Settings) -> list[str]:
    from fast_lane import records

    return [str(signal) for signal in records.decisions(home).column("signal_id").to_pylist()]


def _fact(row: CaseTrigger) -> TriggerFact:
    customer = str(row.case.customer_id)
    return TriggerFact(
        trigger_id=row.trigger_id, rule_id=row.rule_id, rule_hash=row.rule_hash, kind="recovery", subject_type="customer",
        subject_id=customer, customer_id=customer, severity=2, occurred_at=row.occurred_at, signal_id=row.signal_id,
        lineage=json.loads(row.lineage),
    )  # fmt: skip
