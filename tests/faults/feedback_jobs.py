"""Feedback handed in while the desk is killed: what a sender sends again under its key is kept once."""

from __future__ import annotations

import json

from cases.crash import crashpoint
from intake import spool
from models.facts import TriggerFact
from tests.faults.arena import NOON
from tests.faults.tally import Score, tally
from tests.faults.work import Work

ITEMS = 3


class Receiving(Work):
    """One request of three items a round; the sender never heard of the dead one's receipt and sends it again."""

    prefix = ("feedback",)

    def prepare(self) -> None:
        """Nothing to bring: the sender holds the request."""

    def triggers(self) -> list[TriggerFact]:
        return []

    def work(self) -> None:
        items = [{"sender": "app", "source_key": f"{self.round}-{n}"} for n in range(ITEMS)]
        receipt = spool.receipt_of("app", f"key-{self.round:08d}")
        spool.accept(self.settings, receipt, str(self.round).encode(), items, at=NOON, on_step=crashpoint)

    def score(self) -> Score:
        wanted = (f"{number}-{n}" for number in range(self.round + 1) for n in range(ITEMS))
        files = spool.spool_folder(self.settings).glob("*.jsonl")
        lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
        return tally(wanted, (json.loads(line)["source_key"] for line in lines))
