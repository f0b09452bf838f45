"""Senders and givers that are killed at every crash point: real processes, and a wire that remembers what left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cases import offers, outbox, outbox_reading, services
from cases.crash import CRASH_POINTS, crashpoint
from cases.models import Offer as OfferRow
from cases.models import OutboxMessage
from models.contact import Decision
from models.playbook import Offer
from models.settings import Settings
from tests.support import ROOT
from tests.unit.cases.builders import ANNA, NOW, day, open_one
from tests.unit.cases.test_outbox import alert, letter

CHILD = """
import sys
from pathlib import Path
from cases import conf
from models.settings import Settings

settings = Settings(home=Path(sys.argv[1]))
conf.setup(settings)
from tests.unit.cases.test_outbox_faults import DUTIES
DUTIES[sys.argv[2]](settings)
"""
MESSAGES = 6
VOUCHER = Offer(code="voucher", title="Voucher", cap_usd_by_severity={3: Decimal(50)})


def wire(settings: Settings) -> Path:
    """What left, one key a line."""
    return settings.home / "wire.txt"


def send_all(settings: Settings) -> None:
    """A sender: claim, hand over, settle, until nothing is due."""
    now = datetime.now(UTC)
    while True:
        batch = outbox.claim(now, limit=2, lease_seconds=300, decide=lambda _: Decision("allow", ("so",)))
        if not batch and not outbox.anything_due(now):
            return
        for message in batch:
            with wire(settings).open("a", encoding="utf-8") as handle:
                handle.write(message.key + "\n")
                handle.flush()
                os.fsync(handle.fileno())
            crashpoint("outbox.after_send")
            outbox.settle(message.message_no, message.token, "sent", now)


def release_all(settings: Settings) -> None:
    """A person who says of every parked message that it was sent."""
    for message in outbox_reading.parked():
        outbox.release(message.message_no, "was-sent", by=ANNA, reason="asked", now=day(3))


def give(settings: Settings) -> None:
    """Issue what was asked for, unless that is done."""
    try:
        offers.issue(services.list_cases(limit=1)[0].case_id, VOUCHER, by=ANNA, at=day(2), recorded_at=NOW)
    except offers.OfferRefused as refused:
        assert "before" in str(refused)


DUTIES = {"send": send_all, "release": release_all, "give": give}


def run(settings: Settings, duty: str, crash: str = "") -> int:
    environment = {**os.environ, "AMENDS_CRASH_AT": crash, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, str(settings.home), duty]
    return subprocess.run(command, env=environment, cwd=ROOT, timeout=120, check=False).returncode


def fill(case_id: str) -> set[str]:
    """As many alerts as messages to customers; the keys."""
    alerts = [alert(f"alert{i}", case_id=case_id) for i in range(MESSAGES)]
    letters = [letter(f"customer{i}", case_id=case_id, recipient_id=f"C{i}") for i in range(MESSAGES)]
    outbox.queue([*letters, *alerts], day(1))
    return {message.key for message in (*alerts, *letters)}


# `act.*` and `write.*` lie inside the transaction in which a sent message becomes part of its case.
SENDER_POINTS = [p for p in CRASH_POINTS if p.startswith("outbox.") and "release" not in p]
SENDER_KILLS = [f"{point}:{nth}" for point in SENDER_POINTS for nth in (1, 4)] + ["act.after_event", "act.after_commit"]


@pytest.mark.parametrize("kill", SENDER_KILLS)
def test_a_killed_sender_loses_no_alert_and_doubles_no_customers_message(ledger: Settings, kill: str) -> None:
    keys = fill(open_one())
    assert run(ledger, "send", kill) == -signal.SIGKILL
    assert services.verify_chain().ok

    # Whoever comes next takes the lease over once it has run out; moving its end saves the test the waiting.
    OutboxMessage.objects.filter(state="leased").update(lease_until=datetime.now(UTC) - timedelta(seconds=1))
    assert run(ledger, "send") == 0
    left = Counter(wire(ledger).read_text(encoding="utf-8").split())
    parked = {message.key for message in outbox_reading.parked()}
    assert all(left[key] >= 1 for key in keys if key.startswith("alert"))
    assert all(left[key] <= 1 for key in keys if key.startswith("customer"))
    assert all(left[key] == 1 or key in parked for key in keys if key.startswith("customer"))
    assert len(parked) <= 1
    sent = set(OutboxMessage.objects.filter(state="sent").values_list("key", flat=True))
    assert sent | parked == keys
    told = services.explain(services.list_cases(limit=1)[0].case_id)["events"]
    said = Counter(event["payload"]["message_id"] for event in told if event["kind"] == "message_sent")
    assert said == Counter(key for key in sent if key.startswith("customer"))
    assert services.verify_chain().ok


def test_two_senders_at_once_send_each_message_once(ledger: Settings) -> None:
    keys = fill(open_one())
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, str(ledger.home), "send"]
    racers = [subprocess.Popen(command, env=environment, cwd=ROOT) for _ in range(3)]
    assert [racer.wait(timeout=120) for racer in racers] == [0, 0, 0]
    assert Counter(wire(ledger).read_text(encoding="utf-8").split()) == Counter(keys)


def test_a_killed_decision_about_a_parked_message_was_not_made(ledger: Settings) -> None:
    outbox.queue([letter(case_id=open_one())], NOW)
    outbox.park_after_restore(day(2))
    assert run(ledger, "release", "outbox.before_release_commit") == -signal.SIGKILL
    assert [message.key for message in outbox_reading.parked()] == ["m1"]
    assert run(ledger, "release") == 0
    assert outbox_reading.counts()["sent"] == 1
    assert services.verify_chain().ok


@pytest.mark.parametrize("point", [p for p in CRASH_POINTS if p.startswith("offer.")])
def test_a_killed_giver_gives_once(ledger: Settings, point: str) -> None:
    case_id = open_one()
    offers.request(case_id, VOUCHER, Decimal(20), by=ANNA, at=day(1), recorded_at=NOW)
    assert run(ledger, "give", point) == -signal.SIGKILL
    assert run(ledger, "give") == 0
    assert OfferRow.objects.count() == 1
    kinds = [event["kind"] for event in services.explain(case_id)["events"]]
    assert kinds.count("offer_issued") == 1
    assert services.verify_chain().ok
