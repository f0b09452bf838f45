"""Tables to working objects and back: load what a batch needs, write what it decided.

Belongs here: every query of the write path. Not here: deciding anything, or opening transactions (`cases/db.py`).
Imported only after `cases.conf.setup`, because it needs Django's models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Max, Q

from cases.chain import GENESIS, EventRow
from cases.crash import crashpoint
from cases.db import among, chunks, insert, moments, select_in, upsert
from cases.episodes import COOL_OFF, Episode, View
from cases.models import AppliedResolution, Case, CaseEvent, CaseTrigger, OutboxMessage, SubjectRef
from cases.rows import CaseRow, Counters, Draft, Place, StandingRow, TriggerRow
from models.case import SIGNAL_KINDS, EventKind, fold
from models.case import CaseEvent as Event
from models.facts import ResolutionFact, TriggerFact
from models.message import OutgoingMessage

EVENT_COLUMNS = EventRow._fields
CASE_COLUMNS = CaseRow._fields
TRIGGER_COLUMNS = TriggerRow._fields
# As canonical JSON writes it; inside a text its quotes would be escaped.
_HELD = f'"held_by":"{COOL_OFF}"'


def known_triggers(ids: Iterable[str]) -> set[str]:
    """Those of the trigger ids that the ledger has."""
    return {row[0] for row in select_in("trigger_id", "cases_casetrigger", "trigger_id", ids)}


def applied_aspects(resolutions: Iterable[ResolutionFact]) -> dict[tuple[str, str], str]:
    """(resolution, aspect) -> case for the resolutions that have changed a case."""
    ids = [resolution.resolution_id for resolution in resolutions]
    rows = select_in("resolution_id, aspect, case_id", "cases_appliedresolution", "resolution_id", ids)
    return {(resolution_id, aspect): case_id for resolution_id, aspect, case_id in rows}


def head() -> str:
    """Hash of the last event: as long as it is the same, nobody has opened or changed a case."""
    return CaseEvent.objects.order_by("-event_id").values_list("hash", flat=True).first() or GENESIS


def counters() -> Counters:
    """Where numbering and the chain stand. Only meaningful inside `write_transaction`."""
    last = CaseEvent.objects.order_by("-event_id").values_list("event_id", "hash").first()
    found = Counters(
        case_no=_highest(Case, "case_no"),
        trigger_no=_highest(CaseTrigger, "id"),
        ref_no=_highest(SubjectRef, "id"),
        applied_no=_highest(AppliedResolution, "id"),
    )
    if last is not None:
        found.event_id, found.head = last
    return found


def _highest(table: Any, column: str) -> int:
    return int(table.objects.aggregate(top=Max(column))["top"] or 0)


def load_view(triggers: Sequence[TriggerFact], resolutions: Sequence[ResolutionFact]) -> View:
    """Every case that a trigger or resolution of the batch could concern, with its state."""
    view = View(applied=applied_aspects(resolutions))
    keys = (trigger.episode_key for trigger in triggers)
    ids = {row[0] for row in select_in("case_id", "cases_case", "episode_key", keys)}
    ids |= _ids_by_rule(triggers)
    ids |= set(view.applied.values()) | _ids_by_ref(resolutions) | _ids_by_customer(resolutions)
    while ids:
        targets = _add_episodes(view, sorted(ids))
        ids = targets - view.by_case.keys()
    _add_refs(view)
    return view


def _ids_by_rule(triggers: Sequence[TriggerFact]) -> set[str]:
    """Cases that may keep a rule from opening another: none is asked for where no rule cools off."""
    wanted = {trigger.rule_subject for trigger in triggers if trigger.cool_off_days}
    columns = "case_id, rule_id, case_kind, subject_type, subject_id"
    rows = select_in(columns, "cases_case", "subject_id", {subject_id for *_, subject_id in wanted})
    return {case_id for case_id, *found in rows if tuple(found) in wanted}


def _ids_by_ref(resolutions: Sequence[ResolutionFact]) -> set[str]:
    wanted = {(r.subject_type, r.subject_id) for r in resolutions}
    rows = select_in("case_id, ref_type, ref_id", "cases_subjectref", "ref_id", (ref_id for _, ref_id in wanted))
    return {case_id for case_id, ref_type, ref_id in rows if (ref_type, ref_id) in wanted}


def _ids_by_customer(resolutions: Sequence[ResolutionFact]) -> set[str]:
    wanted = {(r.customer_id, r.cause_id) for r in resolutions if r.customer_id and r.cause_id}
    customers = (customer for customer, _ in wanted if customer)
    rows = select_in("case_id, customer_id, cause_id", "cases_case", "customer_id", customers)
    return {case_id for case_id, customer, cause in rows if (customer, cause) in wanted}


def _add_episodes(view: View, ids: Sequence[str]) -> set[str]:
    """Load these cases; the ids of the cases they were merged into."""
    targets: set[str] = set()
    for chunk in chunks(ids):
        tops = _tops(chunk)
        events = dict(_histories(chunk))
        heads = Case.objects.filter(case_id__in=among(chunk)).order_by("episode_started_at", "case_id")
        for case in map(CaseRow._make, heads.values_list(*CASE_COLUMNS)):
            seq, last_signal_at = tops[case.case_id]
            episode = _episode(case, events[case.case_id], seq, last_signal_at)
            view.add(case.episode_key, episode, (case.rule_id, case.case_kind, case.subject_type, case.subject_id))
            if episode.merged_into:
                targets.add(episode.merged_into)
    return targets


def _tops(ids: Sequence[str]) -> dict[str, tuple[int, datetime]]:
    signals = Q(kind__in=[str(kind) for kind in SIGNAL_KINDS]) & ~Q(payload__contains=_HELD)
    rows = CaseEvent.objects.filter(case_id__in=among(ids)).values_list("case_id")
    found = rows.annotate(version=Max("seq"), last_signal=Max("occurred_at", filter=signals))
    return {case_id: (seq, last) for case_id, seq, last in found}


def _histories(ids: Sequence[str]) -> Iterator[tuple[str, list[Event]]]:
    """Events of each case without the attached signals, of which a busy case may have very many."""
    rows = (
        CaseEvent.objects.filter(case_id__in=among(ids))
        .exclude(kind=EventKind.SIGNAL_ATTACHED)
        .order_by("case_id", "seq")
        .values_list("case_id", "kind", "occurred_at", "payload")
    )
    for case_id, group in groupby(rows, key=lambda row: row[0]):
        yield case_id, [Event(EventKind(kind), at, json.loads(payload)) for _, kind, at, payload in group]


def _episode(case: CaseRow, events: list[Event], seq: int, last_signal_at: datetime) -> Episode:
    state = fold(events)
    return Episode(
        case_id=case.case_id,
        dedup_key=case.dedup_key,
        kind=case.case_kind,
        customer_id=case.customer_id,
        cause_id=case.cause_id,
        started_at=case.episode_started_at,
        last_signal_at=last_signal_at,
        state=state.state,
        seq=seq,
        severity=state.severity,
        dedupe=timedelta(days=events[0].payload["dedupe_days"]),
        ended_at=state.ended_at,
        informed=state.customer_informed_at is not None,
        merged_into=state.merged_into,
        case_no=case.case_no,
        place=place_of(case, events[0].payload),
        team=state.team,
        owner_role=state.owner_role,
        owner_id=state.owner_id,
        facts=case_facts(case, events[0].payload) | {"severity": state.severity},
        last_event_at=max(max(event.occurred_at for event in events), last_signal_at),
    )


def case_facts(case: Case | CaseRow, opening: Mapping[str, Any]) -> dict[str, Any]:
    """What routing, targets and playbooks may ask about a case as it was opened; unknown things are None."""
    return {
        "kind": case.case_kind, "severity": opening.get("severity"), "source": opening.get("source"),
        "rule_id": case.rule_id, "subject_type": case.subject_type, "customer_id": case.customer_id,
        "journey": case.journey, "cause_id": case.cause_id, "theme_id": case.theme_id,
        "value_usd": None if case.value_usd is None else float(case.value_usd), "segment": case.segment,
        "region": case.region, "branch_id": opening.get("branch_id"),
        "is_historic": bool(opening.get("outreach_suppressed")),
    }  # fmt: skip


def place_of(case: Case | CaseRow, opening: Mapping[str, Any]) -> Place:
    """Where a case belongs, from its head and what its opening event said."""
    return Place(opening.get("branch_id"), case.region, bool(opening.get("outreach_suppressed")))


def _add_refs(view: View) -> None:
    rows = select_in("id, case_id, ref_type, ref_id", "cases_subjectref", "case_id", view.by_case)
    for _, case_id, ref_type, ref_id in sorted(rows):
        view.add_ref(view.by_case[case_id], (ref_type, ref_id))


def taken_case_ids(cases: Iterable[CaseRow]) -> frozenset[str]:
    """Dedup keys of drafted cases whose case id is taken by another case."""
    drafted = {case.case_id: case.dedup_key for case in cases}
    rows = select_in("case_id, dedup_key", "cases_case", "case_id", drafted)
    return frozenset(drafted[case_id] for case_id, key in rows if drafted[case_id] != key)


def write(draft: Draft) -> None:
    """Insert all rows of a draft. Raises `LostRace` when one of them was already there."""
    moment = moments()
    insert("cases_case", CASE_COLUMNS, _case_values(draft.cases, moment))
    crashpoint("open_cases.after_cases")
    write_events(draft)
    crashpoint("open_cases.after_events")
    triggers = [(a, b, c, d, e, f, moment(at), lineage) for a, b, c, d, e, f, at, lineage in draft.triggers]
    insert("cases_casetrigger", TRIGGER_COLUMNS, triggers)
    insert("cases_subjectref", ("id", "case_id", "ref_type", "ref_id"), draft.refs)
    insert("cases_appliedresolution", ("id", "resolution_id", "aspect", "case_id"), draft.applied)


def write_events(draft: Draft) -> None:
    """Insert the events of a draft and what people typed in them."""
    moment = moments()
    insert("cases_caseevent", EVENT_COLUMNS, _event_values(draft, moment))
    insert("cases_eventtext", ("event_id", "key", "body"), draft.texts)
    write_standings(draft.standings)
    crashpoint("write.after_standings")
    write_messages(draft.messages, draft.recorded_at)


def write_standings(rows: Sequence[StandingRow]) -> None:
    """Bring the standings of these cases up to date."""
    moment = moments()
    values = [
        (a, b, c, d, e, f, moment(opened_at), moment(last_at), g, h, i, j, k, m)
        for a, b, c, d, e, f, opened_at, last_at, g, h, i, j, k, m in rows
    ]
    upsert("cases_standing", "case_no", StandingRow._fields, values)


def write_messages(messages: Sequence[OutgoingMessage], recorded_at: datetime) -> None:
    """Put messages into the outbox; a key that is there already is the same message."""
    rows = [_message(item, recorded_at) for item in messages]
    OutboxMessage.objects.bulk_create(rows, ignore_conflicts=True)


def _message(item: OutgoingMessage, created_at: datetime) -> OutboxMessage:
    kept = asdict(item)
    state, reason = kept.pop("withheld") or "pending", kept.pop("withheld_reason")
    return OutboxMessage(**kept, created_at=created_at, state=state, last_error=reason)


# Rows are taken apart by position, without a call for each: there are five for every case.
def _event_values(draft: Draft, moment: Callable[[datetime], datetime | str]) -> list[tuple[Any, ...]]:
    recorded = moment(draft.recorded_at)
    return [
        (number, case_id, seq, kind, moment(at), recorded, by_type, by_id, after, payload, prev, own)
        for number, case_id, seq, kind, at, _, by_type, by_id, after, payload, prev, own in draft.events
    ]


def _case_values(rows: Sequence[CaseRow], moment: Callable[[datetime], datetime | str]) -> list[tuple[Any, ...]]:
    return [
        (a, b, c, d, e, f, g, h, i, j, k, l_, moment(at), None if value is None else str(value), m, n, o, p)
        for a, b, c, d, e, f, g, h, i, j, k, l_, at, value, m, n, o, p in rows
    ]


def event_rows(case_id: str) -> list[EventRow]:
    """All events of a case in order; empty for a case that does not exist."""
    rows = CaseEvent.objects.filter(case_id=case_id).order_by("seq").values_list(*EVENT_COLUMNS)
    return [EventRow(*row) for row in rows]


def opening_of(case_id: str) -> dict[str, Any]:
    """What the opening event of a case said."""
    said: dict[str, Any] = json.loads(CaseEvent.objects.values_list("payload", flat=True).get(case_id=case_id, seq=1))
    return said


def as_event(row: EventRow) -> Event:
    """A stored event as the state machine reads it."""
    return Event(
        kind=EventKind(row.kind), occurred_at=row.occurred_at, payload=json.loads(row.payload), seq=row.seq,
        actor_type=row.actor_type, actor_id=row.actor_id, recorded_at=row.recorded_at,
    )  # fmt: skip
