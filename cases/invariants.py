"""What must hold in a ledger whatever has happened to the processes around it, each as a question with its evidence.

Belongs here: invariants of the ledger's own tables (I1 to I6 and I8 of the fault programme). Not here: deliveries,
scopes and leftovers (`casework/invariants.py`), models and published builds (`amends/invariants.py`). Nothing is
changed; each question sees one state of the ledger.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Count, Exists, OuterRef

from cases import reading, standings
from cases.db import read_snapshot
from cases.models import Case, CaseEvent, CaseTrigger, IncidentMember, Offer, OutboxAttempt, OutboxMessage
from cases.outbox import STATES
from models.case import EventKind
from models.facts import TriggerFact
from models.invariant import Verdict, verdict
from models.message import WITHHELD
from models.playbook import Offer as Terms

# Standings are compared one by one up to so many cases, above that for so many spread evenly.
STANDINGS_COMPARED = 20_000
_YEAR = timedelta(days=365)
# What settles the claim before: after one of these a message may be claimed again.
_KNOWN_NOT_TO_HAVE_LEFT = frozenset({"failed", "released_send_again"})
_SENT = frozenset({"sent", "released_was_sent"})
# A message in one of these states has been through one of these.
_WITNESS = {
    "sent": _SENT,
    "parked": frozenset({"parked"}),
    "suppressed": frozenset({"decided_suppress"}),
    "dead": frozenset({"dead"}),
    "cancelled": frozenset({"cancelled", "released_drop"}),
    "leased": frozenset({"claimed"}),
}

TermsAt = Callable[[datetime], Mapping[str, Terms]]


def of_ledger(*, triggers: Iterable[TriggerFact], terms: TermsAt) -> dict[str, Verdict]:
    """All invariants of the ledger by number. `terms` gives the offers of the programme in force at a moment."""
    return {
        "I1": every_trigger_has_a_case(triggers),
        "I2": one_open_case_per_key(),
        "I3": history_is_whole(),
        "I4": outbox_adds_up(),
        "I5": customers_written_once(),
        "I6": offers_within_caps(terms),
        "I8": everything_can_be_read(),
    }


def every_trigger_has_a_case(triggers: Iterable[TriggerFact]) -> Verdict:
    """I1: the eligible triggers of the newest detection and the ledger, compared in both directions."""
    with read_snapshot():
        found = reading.reconcile(trigger.trigger_id for trigger in triggers)
        by_nothing = Case.objects.filter(~Exists(CaseTrigger.objects.filter(case_id=OuterRef("case_id"))))
        problems = [f"{case_id} was opened by no trigger" for case_id in by_nothing.values_list("case_id", flat=True)]
    problems += [f"trigger {name} has no case" for name in found.missing]
    told = f"{len(found.orphaned)} triggers of the ledger are not among them: by hand, or of a rule that has changed"
    return verdict(
        "every eligible trigger has a case, every case a trigger", found.triggers, problems,
        [told] if found.orphaned else (),
    )  # fmt: skip


def one_open_case_per_key() -> Verdict:
    """I2: no trigger is held twice, and no two cases of one customer and concern are open at once."""
    with read_snapshot():
        keys = Case.objects.values("episode_key").distinct().count()
        twice = CaseTrigger.objects.values("trigger_id").annotate(n=Count("id")).filter(n__gt=1)
        problems = [f"trigger {row['trigger_id']} is held {row['n']} times" for row in twice]
        problems += [f"{case_id} is open beside another" for case_id in reading.open_beside_another()]
        problems += list(_unaccounted_members())
    return verdict("one case per trigger, one open case per customer and concern", keys, problems)


def _unaccounted_members() -> Iterator[str]:
    """Incidents whose members are not as many as their events say."""
    found = Counter(IncidentMember.objects.values_list("case_id", flat=True))
    told: Counter[str] = Counter()
    for case_id, payload in CaseEvent.objects.filter(kind=EventKind.CUSTOMERS_ATTACHED).values_list(
        "case_id", "payload"
    ):
        told[case_id] += int(json.loads(payload)["signals"])
    for case_id in sorted(found.keys() | told.keys()):
        if found[case_id] != told[case_id]:
            yield f"incident {case_id} has {found[case_id]} members where its events tell of {told[case_id]}"


def history_is_whole() -> Verdict:
    """I3: the chain verifies, every case has a lawful history, and standings are what the histories say."""
    report = reading.verify_chain()
    with read_snapshot():
        cases = Case.objects.count()
        silent = Case.objects.filter(~Exists(CaseEvent.objects.filter(case_id=OuterRef("case_id"))))
        problems = [f"{case_id} has no event" for case_id in silent.values_list("case_id", flat=True)]
        step = max(1, -(-cases // STANDINGS_COMPARED))
        differing = [f"the standing of {case_id} is not what its events say" for case_id in standings.differing(step)]
    told = f"head {report.head}"
    compared = "every standing was compared" if step == 1 else f"one standing in {step} was compared"
    return verdict(
        "the chain of events verifies, histories are lawful, standings follow from them", report.events,
        [*report.problems, *problems, *differing], [told, compared],
    )  # fmt: skip


def outbox_adds_up() -> Verdict:
    """I4: every message is in one known state it came to by a recorded step; none reached a customer unallowed."""
    with read_snapshot():
        steps = _steps()
        columns = ("message_no", "key", "delivery", "state", "last_error")
        rows = list(OutboxMessage.objects.order_by("message_no").values_list(*columns))
        by_state = Counter(row[3] for row in rows)
        problems = [
            f"message {key} {fault}" for number, key, delivery, state, why in rows
            for fault in (
                *_faults_of(delivery, state, [kind for kind, _ in steps.get(number, ())]), *_withheld(delivery, state, why)
            )
        ]  # fmt: skip
    told = ", ".join(f"{by_state[state]} {state}" for state in STATES if by_state[state]) or "no message yet"
    return verdict("every message is accounted for; none went to a customer unallowed", len(rows), problems, [told])


def _steps() -> dict[int, list[tuple[str, datetime]]]:
    """What happened to each message, in order."""
    steps: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
    rows = OutboxAttempt.objects.order_by("id").values_list("message_id", "kind", "at")
    for number, kind, at in rows.iterator(20_000):
        steps[number].append((kind, at))
    return steps


def _faults_of(delivery: str, state: str, steps: list[str]) -> Iterator[str]:
    if state not in STATES:
        yield f"is in the unknown state {state}"
    witness = _WITNESS.get(state)
    if witness and not witness & set(steps):
        yield f"is {state}, and nothing says how"
    if state != "sent" and _SENT & set(steps):
        yield f"was sent and is {state} all the same"
    if delivery == "customer" and "claimed" in steps and "decided_allow" not in steps:
        yield "was taken to a customer without anybody allowing it"


def _withheld(delivery: str, state: str, why: str | None) -> Iterator[str]:
    """What is wrong with a message that was not to leave by itself: only alerts are withheld, and with a reason."""
    if state in WITHHELD and (delivery != "alert" or not why):
        yield f"is withheld ({state}) without a reason" if not why else f"is withheld ({state}) and no alert"


def customers_written_once() -> Verdict:
    """I5: a message to a customer is taken again only when it is known not to have left, or a person has said so."""
    problems: list[str] = []
    with read_snapshot():
        messages = dict(OutboxMessage.objects.filter(delivery="customer").values_list("message_no", "key"))
        for number, steps in _steps().items():
            if number in messages:
                problems += [f"message {messages[number]} {fault}" for fault in _repeats([kind for kind, _ in steps])]
        told = _told_cases()
        problems += [f"message {key} was sent {times} times by its case" for key, times in told.items() if times > 1]
    return verdict("no message reaches a customer twice", len(messages), problems)


def _repeats(steps: list[str]) -> Iterator[str]:
    if sum(kind in _SENT for kind in steps) > 1:
        yield "was sent more than once"
    is_out = False
    for kind in steps:
        if kind == "claimed":
            if is_out:
                yield "was taken again although it may have left"
            is_out = True
        elif kind in _KNOWN_NOT_TO_HAVE_LEFT:
            is_out = False


def _told_cases() -> Counter[str]:
    """How often cases say that a message was sent, by message."""
    payloads = CaseEvent.objects.filter(kind=EventKind.MESSAGE_SENT).values_list("payload", flat=True)
    return Counter(str(json.loads(payload).get("message_id")) for payload in payloads)


def offers_within_caps(terms: TermsAt) -> Verdict:
    """I6: every offer is within the caps in force when it was issued, agreed to by another where it had to be, and told
    by its case exactly once."""
    with read_snapshot():
        offers = list(Offer.objects.order_by("issued_at", "id"))
        values = dict(
            Case.objects.filter(case_id__in={offer.case_id for offer in offers}).values_list("case_id", "value_usd")
        )
        problems = [
            f"offer {offer.offer_code} of {offer.case_id} {fault}" for offer in offers
            for fault in _over(offer, offers, values.get(offer.case_id), terms(offer.issued_at))
        ]  # fmt: skip
        issued = CaseEvent.objects.filter(kind=EventKind.OFFER_ISSUED).values_list("case_id", "payload")
        told = Counter((case_id, str(json.loads(payload)["offer_code"])) for case_id, payload in issued)
    told.subtract((offer.case_id, offer.offer_code) for offer in offers)
    problems += [f"offer {code} of {case_id} is not told by its case once" for (case_id, code), n in told.items() if n]
    return verdict("offers are within their caps and told by their cases", len(offers), problems)


def _over(offer: Offer, offers: list[Offer], value: Decimal | None, terms: Mapping[str, Terms]) -> Iterator[str]:
    found = terms.get(offer.offer_code)
    if found is None:
        yield "is of a code that was not in force"
        return
    before = [other for other in offers if _in_year_before(other, offer)]
    spent = sum((other.amount_usd for other in before), Decimal(0))
    # The severity may have changed since: the widest cap is what no offer may ever exceed.
    most = max(
        found.allowed_usd(severity=severity, spent_12_months_usd=spent, given_12_months=len(before), value_usd=value)
        for severity in (1, 2, 3, 4)
    )
    if offer.amount_usd > most:
        yield f"is {offer.amount_usd} USD where {most} was left"
    role = found.approver(offer.amount_usd, given_12_months=len(before))
    if role is not None and offer.approved_by in (None, offer.issued_by if _alone(offer) else None):
        yield f"needed the word of a {role}"


def _alone(offer: Offer) -> bool:
    """Whether whoever agreed to the offer had asked for it too."""
    asked = CaseEvent.objects.filter(case_id=offer.case_id, kind=EventKind.OFFER_REQUESTED, actor_id=offer.approved_by)
    return any(json.loads(event.payload).get("offer_code") == offer.offer_code for event in asked)


def _in_year_before(other: Offer, offer: Offer) -> bool:
    """Whether another offer counts against this one: same customer, earlier (or at once and written first)."""
    if other.customer_id is None or other.customer_id != offer.customer_id or other.id == offer.id:
        return False
    earlier = (other.issued_at, other.id) < (offer.issued_at, offer.id)
    return earlier and other.issued_at > offer.issued_at - _YEAR


def everything_can_be_read() -> Verdict:
    """I8: the database itself finds nothing wrong, and every event's payload is JSON."""
    with read_snapshot():
        problems = list(_database_faults())
        read = 0
        for number, payload in CaseEvent.objects.values_list("event_id", "payload").iterator(20_000):
            read += 1
            if not _is_object(payload):
                problems.append(f"event {number} cannot be read")
    return verdict("everything that was acknowledged can be read", read, problems)


def _database_faults() -> Iterator[str]:
    # PostgreSQL has no such statement; reading every row is what can be asked of it here.
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        for question in ("PRAGMA integrity_check", "PRAGMA foreign_key_check"):
            cursor.execute(question)
            for row in cursor.fetchall():
                if row != ("ok",):
                    yield " ".join(str(value) for value in row)


def _is_object(payload: str) -> bool:
    try:
        return isinstance(json.loads(payload), dict)
    except ValueError:
        return False
