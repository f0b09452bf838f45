"""Questions put to the ledger: what there is, why, whether it is whole, and whether it matches the triggers.

Belongs here: reads that return plain values. Not here: Parquet (`cases/exporting.py`) or anything that writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from cases import store
from cases.chain import GENESIS, ChainReport, EventRow, event_hash
from cases.db import chunks, read_snapshot
from cases.errors import UnknownCase
from cases.models import Case, CaseEvent, CaseTrigger, EventText, Standing, SubjectRef
from cases.rows import CaseRow, TriggerRow
from models.case import OPEN_STATES, SIGNAL_KINDS, CaseState, EventKind, State, fold, next_state
from models.lineage import Lineage, walk

_SHOWN_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """One line of a list of cases."""

    case_id: str
    case_kind: str
    state: str
    version: int
    severity: int
    subject_type: str
    subject_id: str
    cause_id: str | None
    owner_id: str | None
    opened_at: datetime
    signals: int


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """Triggers against ledger, both ways. `orphaned` means the ledger has a trigger that was not among those given;
    `doubled` are trigger ids held more than once and case ids open beside another of the same key."""

    triggers: int
    missing: tuple[str, ...]
    orphaned: tuple[str, ...]
    doubled: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every trigger has exactly one case. Orphans are history whose rule has gone, not a fault."""
        return not self.missing and not self.doubled


def list_cases(state: State | None, limit: int) -> list[CaseSummary]:
    """Newest activity first."""
    with read_snapshot():
        standings = Standing.objects.all() if state is None else Standing.objects.filter(state=state)
        ids = list(standings.order_by("-last_event_at", "-case_no").values_list("case_id", flat=True)[:limit])
        return [_summary(Case.objects.get(case_id=case_id)) for case_id in ids]


def _summary(case: Case) -> CaseSummary:
    state = state_of(case.case_id)
    return CaseSummary(
        case_id=case.case_id, case_kind=case.case_kind, state=state.state, version=state.version,
        severity=state.severity, subject_type=case.subject_type, subject_id=case.subject_id, cause_id=case.cause_id,
        owner_id=state.owner_id, opened_at=state.opened_at, signals=state.signals,
    )  # fmt: skip


def state_of(case_id: str) -> CaseState:
    """Current state of a case; raises `UnknownCase`."""
    rows = store.event_rows(case_id)
    if not rows:
        raise UnknownCase(case_id)
    return fold(store.as_event(row) for row in rows)


def case_of_trigger(trigger_id: str) -> str:
    """The case that took a trigger; raises `UnknownCase`."""
    case_id = CaseTrigger.objects.filter(trigger_id=trigger_id).values_list("case_id", flat=True).first()
    if case_id is None:
        raise UnknownCase(trigger_id)
    return str(case_id)


def cases_of_signals(signal_ids: Iterable[str]) -> frozenset[str]:
    """Cases that triggers of these signals opened or joined."""
    rows = CaseTrigger.objects.all()
    return frozenset(
        case_id
        for part in chunks(sorted(set(signal_ids)))
        for case_id in rows.filter(signal_id__in=part).values_list("case_id", flat=True)
    )


def explain(case_id: str) -> dict[str, Any]:
    """Everything behind a case as JSON-ready values; raises `UnknownCase`."""
    with read_snapshot():
        state = state_of(case_id)
        head = Case.objects.filter(case_id=case_id).values().get()
        triggers = list(CaseTrigger.objects.filter(case_id=case_id).order_by("id").values())
        refs = SubjectRef.objects.filter(case_id=case_id).order_by("id").values_list("ref_type", "ref_id")
        texts = EventText.objects.filter(event__case_id=case_id).values_list("event_id", "key", "body")
        typed: dict[int, dict[str, str]] = {}
        for event_id, key, body in texts:
            typed.setdefault(event_id, {})[key] = body
        events = [_plain_event(row, typed.get(row.event_id, {})) for row in store.event_rows(case_id)]
        return {
            "case": _plain(head),
            "state": _plain(asdict(state)),
            "subjects": [{"type": ref_type, "id": ref_id} for ref_type, ref_id in refs],
            "triggers": [_plain_trigger(case_id, row) for row in triggers],
            "events": events,
        }


def _plain_event(row: EventRow, typed: dict[str, str]) -> dict[str, Any]:
    plain = _plain(row._asdict())
    return plain | {"payload": json.loads(row.payload) | typed, "is_intact": event_hash(row) == row.hash}


def _plain_trigger(case_id: str, row: dict[str, Any]) -> dict[str, Any]:
    lineage = json.loads(row["lineage"])
    steps = walk(case_id, row, Lineage.from_mapping({"rule_hash": row["rule_hash"], **lineage}))
    return _plain(row) | {"lineage": lineage, "walk": [asdict(step) for step in steps]}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value if isinstance(value, int | None) else _as_text(value) for key, value in row.items()}


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def verify_chain() -> ChainReport:
    """Read the whole ledger in one snapshot and check hashes, numbering, states, heads and triggers."""
    with read_snapshot():
        check = _Check()
        for row in _all_events():
            check.event(row)
        for case in Case.objects.order_by("case_no").values_list(*store.CASE_COLUMNS).iterator(5_000):
            check.case(CaseRow(*case))
        for trigger in CaseTrigger.objects.order_by("id").values_list(*store.TRIGGER_COLUMNS).iterator(5_000):
            check.trigger(TriggerRow(*trigger))
        check.end()
    return ChainReport(check.events, check.cases, check.head, tuple(check.problems[:_SHOWN_PROBLEMS]))


def _all_events() -> Iterator[EventRow]:
    for row in CaseEvent.objects.order_by("event_id").values_list(*store.EVENT_COLUMNS).iterator(5_000):
        yield EventRow(*row)


class _Check:
    """Running totals of one verification."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.head = GENESIS
        self.events = self.cases = self.triggers = 0
        self.states: dict[str, tuple[int, State]] = {}
        self.vouched: dict[tuple[str, str], str] = {}

    def event(self, row: EventRow) -> None:
        """One event, in id order."""
        self.events += 1
        if row.event_id != self.events:
            self._found(f"event {self.events} is missing (next is {row.event_id})")
            self.events = row.event_id
        if row.prev_hash != self.head or event_hash(row) != row.hash:
            self._found(f"event {row.event_id} of {row.case_id} does not fit the chain")
        self.head = row.hash
        self._step(row)
        if row.kind in SIGNAL_KINDS:
            self._vouch(row)

    def _step(self, row: EventRow) -> None:
        seq, state = self.states.get(row.case_id, (0, None))
        try:
            legal = next_state(state, EventKind(row.kind)) == row.state_after and row.seq == seq + 1
        except ValueError:
            legal = False
        if not legal:
            self._found(f"event {row.event_id} of {row.case_id} may not follow event {seq} in state {state}")
        self.states[row.case_id] = (row.seq, State(row.state_after))

    def _vouch(self, row: EventRow) -> None:
        payload = json.loads(row.payload)
        self.vouched["trigger", payload["trigger_id"]] = payload["trigger_hash"]
        if row.kind == EventKind.OPENED:
            self.vouched["case", row.case_id] = payload["head_hash"]

    def case(self, row: CaseRow) -> None:
        """One case head."""
        self.cases += 1
        if self.vouched.pop(("case", row.case_id), None) != row.digest():
            self._found(f"head of {row.case_id} is not the one that was opened")

    def trigger(self, row: TriggerRow) -> None:
        """One trigger."""
        self.triggers += 1
        if self.vouched.pop(("trigger", row.trigger_id), None) != row.digest():
            self._found(f"trigger {row.trigger_id} is not the one that was taken in")

    def end(self) -> None:
        """What the events speak of but the tables do not hold."""
        for what, identifier in self.vouched:
            self._found(f"{what} {identifier} was recorded but is gone")

    def _found(self, problem: str) -> None:
        self.problems.append(problem)


def reconcile(trigger_ids: Iterable[str]) -> ReconcileReport:
    """Anti-join of the eligible triggers and the ledger, in both directions."""
    wanted = set(trigger_ids)
    with read_snapshot():
        rows = CaseTrigger.objects.values_list("trigger_id", flat=True).iterator(20_000)
        held: set[str] = set()
        doubled: list[str] = []
        for trigger_id in rows:
            if trigger_id in held:
                doubled.append(trigger_id)
            held.add(trigger_id)
        doubled += open_beside_another()
    return ReconcileReport(
        triggers=len(wanted),
        missing=tuple(sorted(wanted - held)),
        orphaned=tuple(sorted(held - wanted)),
        doubled=tuple(doubled),
    )


def open_beside_another() -> list[str]:
    """Cases that are open although another case of the same key is."""
    open_numbers = Standing.objects.filter(state__in=list(OPEN_STATES)).values("case_no")
    opened = Case.objects.filter(case_no__in=open_numbers)
    keys = opened.values("episode_key").annotate(n=Count("case_id")).filter(n__gt=1).values("episode_key")
    return list(opened.filter(episode_key__in=keys).order_by("case_id").values_list("case_id", flat=True))
