"""Jobs that write beyond the ledger: messages on the wire, files for the warehouse, the inbox, published builds."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from cases import outbox, services
from cases.models import CaseEvent, OutboxMessage
from casework import delivery
from messaging.envelope import Envelope, Outcome
from messaging.files import FileTransport
from models.case import EventKind
from models.facts import TriggerFact
from models.message import OutgoingMessage
from tests.faults.arena import NOON, ask
from tests.faults.ledger_jobs import Acting
from tests.faults.tally import Score, tally
from tests.faults.work import ANNA, Work


class Wire(FileTransport):
    """The world outside: what arrives is written down once per arrival, whatever the ledger believes."""

    def send(self, envelope: Envelope) -> Outcome:
        """One line per arrival."""
        self.folder.mkdir(parents=True, exist_ok=True)
        line = os.open(self.folder / "wire.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(line, envelope.message_id.encode() + b"\n")
        os.close(line)
        return Outcome("sent")

    def arrivals(self) -> Counter[str]:
        """How often each message id arrived."""
        log = self.folder / "wire.log"
        return Counter(log.read_text().split()) if log.exists() else Counter()


class Sending(Work):
    """Three words to teams and three to customers a round; a sender that died is taken for dead after its lease."""

    prefix = ("outbox",)
    hits = (1, 2, 4)
    later = timedelta(0)

    def prepare(self) -> None:
        super().prepare()
        self.later = timedelta(0)
        outbox.queue([self.message(self.round, i) for i in range(6)], NOON + self.after())

    def message(self, number: int, i: int) -> OutgoingMessage:
        """Message `i` of a round: the even ones to a team, the odd ones to a customer of their own."""
        customer = i % 2 == 1
        return OutgoingMessage(
            key=f"m{number}-{i}", delivery="customer" if customer else "alert", purpose="service" if customer else "note",
            channel="email", recipient_type="customer" if customer else "team",
            recipient_id=f"P{number}-{i}" if customer else "service-desk", template="t", template_version="1",
            not_before=NOON + timedelta(days=number), body="words", subject="s", case_id=self.case_id(),
            severity=1,
        )  # fmt: skip

    def wire(self) -> Wire:
        """The world outside of this ledger."""
        return Wire(self.settings.home / "outside")

    def work(self) -> None:
        engine = self.arena.engine(self.settings, after=self.after() + self.later)
        # Leases end by the same clock as everything else here; the wall clock would make every restart wait for minutes.
        delivery.send_due(engine, transport=self.wire(), clock=lambda: engine.at)

    def restart(self) -> None:
        self.later = timedelta(minutes=30)
        self.work()

    def score(self) -> Score:
        arrived = self.wire().arrivals()
        score, repeats, parked = Score(), 0, 0
        for row in OutboxMessage.objects.exclude(purpose="internal"):
            times = arrived[delivery.message_id(self.settings, row.key)]
            known = times > 0 or (row.delivery == "customer" and row.state == "parked")
            score.expected, score.got, score.lost = score.expected + 1, score.got + known, score.lost + (not known)
            extra = max(0, times - 1)
            parked += row.state == "parked"
            if row.delivery == "customer":
                score.dup += extra
            else:
                repeats += extra
        score.told = {"alert_repeats": repeats, "parked": parked}
        return score


class Releasing(Sending):
    """A person lets a parked message go; killed, the person tries again and sees whether it was done."""

    prefix = ("outbox.before_release",)
    hits = (1,)

    def prepare(self) -> None:
        self.open()
        self.later = timedelta(0)
        outbox.queue([self.message(self.round, 1)], NOON + self.after())
        for _ in range(4):
            self.lose_what_is_due()

    def lose_what_is_due(self) -> None:
        """Take what is due and never hear of it again: alerts come back later, the customer's message is parked."""
        engine = self.arena.engine(self.settings, after=self.after())
        for claimed in outbox.claim(engine.at, limit=99, lease_seconds=60, decide=lambda m: delivery.judge(engine, m)):
            outbox.settle(claimed.message_no, claimed.token, "unknown", engine.at)

    def work(self) -> None:
        waiting = OutboxMessage.objects.get(key=f"m{self.round}-1")
        if waiting.state == "parked":
            now = self.arena.engine(self.settings, after=self.after() + timedelta(minutes=5)).at
            outbox.release(waiting.message_no, "send-again", by=ANNA, reason="it never arrived", now=now)
        self.later = timedelta(minutes=30)
        super().work()


class Exporting(Work):
    """The copy for the warehouse, after new cases each round."""

    prefix = ("export",)
    hits = (1, 2, 3)

    def work(self) -> None:
        services.export(self.settings)

    def score(self) -> Score:
        numbers = list(CaseEvent.objects.values_list("event_id", flat=True))
        folder = self.settings.ledger_export
        score = tally(numbers, ask(lambda: _exported(folder)))
        score.problems += [f"{path.name} was left" for path in folder.rglob("*.tmp")]
        return score


def _exported(folder: Path) -> list[int]:
    import pyarrow.parquet as pq

    files = sorted((folder / "case_event").glob("[0-9]*.parquet"))
    return [number for path in files for number in pq.read_table(path, columns=["event_id"])["event_id"].to_pylist()]


class Noting(Work):
    """What people typed goes back to the inbox as a delivery."""

    prefix = ("notes",)

    def prepare(self) -> None:
        super().prepare()
        acting = Acting(self.arena, self.settings)
        acting.round = self.round
        acting.prepare()
        acting.work()

    def work(self) -> None:
        from casework.notes import write_back

        write_back(self.settings)

    def score(self) -> Score:
        notes = CaseEvent.objects.filter(kind=EventKind.NOTE_ADDED).values_list("event_id", flat=True)
        lines = [line for path in (self.settings.inbox / "desk").iterdir() for line in path.read_text().splitlines()]
        return tally((f"{number}-note" for number in notes), (json.loads(line)["note_id"] for line in lines))


class Publishing(Work):
    """A build a round; the one that is current is whole, and it is the round's."""

    prefix = ("publish",)

    def triggers(self) -> list[TriggerFact]:
        return []

    def prepare(self) -> None:
        self.right = getattr(self, "right", [])
        path, rows = self.settings.warehouse, self.round + 1
        ask(lambda: _fill(path, rows))

    def work(self) -> None:
        from publishing.gate import CheckStatus
        from publishing.publish import BuildExists, publish
        from publishing.read import NothingPublished, current

        name = f"b{self.round}"
        try:
            if current(self.settings.published).build_id == name:
                return
        except NothingPublished:
            assert self.round == 0
        green = (CheckStatus("fct_case", "not_null_case_id", passed=True),)
        try:
            publish(
                self.settings.warehouse, self.settings.published, ["fct_case"], build_id=name, as_of=NOON,
                checks=green, provenance={},
            )  # fmt: skip
        except BuildExists as error:
            raise RuntimeError("a build nobody pointed to must be written anew") from error

    def score(self) -> Score:
        folder = self.settings.published
        self.right.append(ask(lambda: _published(folder)))
        wanted = [[f"b{r}", r + 1, r + 1] for r in range(len(self.right))]
        return tally((tuple(w) for w in wanted), (tuple(r) for r in self.right))


def _fill(path: Path, rows: int) -> None:
    import duckdb

    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE fct_case AS SELECT 'C-' || i AS case_id FROM range({rows}) t(i)")


def _published(folder: Path) -> list[Any]:
    """Name, number and rows of the current build."""
    from publishing.read import connect, current

    build = current(folder)
    found = connect(folder).execute("SELECT count(*) FROM fct_case").fetchone()
    return [build.build_id, build.sequence, found[0] if found else None]
