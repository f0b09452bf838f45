"""Who a breakdown has hit: the signals and customers attached to its one incident case.

Belongs here: attaching newly affected ones, with an event that counts them, and reading who is attached. Not here: which
breakdowns there are (`ml/detection`), opening their cases (`cases/opening.py`), who is told (`casework/`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cases import acting
from cases.acting import Change, Move
from cases.crash import crashpoint
from cases.db import insert, moments, select_in, write_transaction
from cases.models import CaseTrigger, IncidentMember, Standing
from cases.rows import SYSTEM
from models.case import OPEN_STATES, CaseKind, EventKind
from models.facts import AffectedFact

_COLUMNS = ("case_id", "signal_id", "customer_id", "attached_at")


@dataclass(frozen=True, slots=True)
class Members:
    """Whom an incident has hit: how many signals and known customers, and the first of those customers."""

    signals: int
    customers: int
    first_customers: tuple[str, ...]


def attach(affected: Iterable[AffectedFact], *, at: datetime, recorded_at: datetime) -> int:
    """Attach whoever is not attached yet to the newest case of the breakdown; how many signals are new.

    A breakdown without a case is left for the next time. Idempotent; one event and its rows in one transaction for each
    incident. Raises `IllegalMove` where `at` lies after `recorded_at` or has no time zone.
    """
    by_breakdown: dict[str, dict[str, str | None]] = defaultdict(dict)
    for one in affected:
        by_breakdown[one.breakdown_id][one.signal_id] = one.customer_id
    new = 0
    for breakdown, signals in sorted(by_breakdown.items()):
        with write_transaction():
            new += _attach(_cases_of(breakdown), signals, at, recorded_at)
        crashpoint("incidents.after_commit")
    return new


def _cases_of(breakdown_id: str) -> list[str]:
    """Cases of a breakdown, oldest first."""
    columns = "episode_started_at, case_id, subject_type"
    rows = select_in(columns, "cases_case", "subject_id", [breakdown_id])
    return [case_id for _, case_id, kind in sorted(rows) if kind == CaseKind.BREAKDOWN.value]


def _attach(cases: Sequence[str], signals: dict[str, str | None], at: datetime, recorded_at: datetime) -> int:
    if not cases:
        return 0
    known = IncidentMember.objects.filter(case_id__in=cases)
    attached, told = set(known.values_list("signal_id", flat=True)), set(known.values_list("customer_id", flat=True))
    fresh = sorted((signal, customer) for signal, customer in signals.items() if signal not in attached)
    if not fresh:
        return 0
    customers = {customer for _, customer in fresh if customer is not None} - told
    said = {"signals": len(fresh), "customers": len(customers), "signals_in_all": len(attached) + len(fresh)}
    moves = [Move(EventKind.CUSTOMERS_ATTACHED, said)]
    acting.make(Change(cases[-1], moves, SYSTEM, at), recorded_at=recorded_at)
    crashpoint("incidents.after_event")
    moment = moments()
    insert("cases_incidentmember", _COLUMNS, [(cases[-1], s, c, moment(at)) for s, c in fresh])
    return len(fresh)


def members(case_id: str, *, first: int = 20) -> Members:
    """Who is attached to an incident; nobody where the case is none."""
    rows = IncidentMember.objects.filter(case_id=case_id)
    known = rows.exclude(customer_id=None).order_by("customer_id").values_list("customer_id", flat=True).distinct()
    return Members(rows.count(), known.count(), tuple(str(customer) for customer in known[:first]))


def any_open() -> bool:
    """Whether any incident with members is open."""
    attached = IncidentMember.objects.values_list("case_id", flat=True).distinct()
    return Standing.objects.filter(case_id__in=list(attached), state__in=list(OPEN_STATES)).exists()


def open_incident_of(signal_ids: Iterable[str]) -> dict[str, str]:
    """The open incident case each signal is attached to; of several, the first by case id."""
    rows = select_in("signal_id, case_id", "cases_incidentmember", "signal_id", signal_ids)
    live = Standing.objects.filter(case_id__in={case_id for _, case_id in rows}, state__in=list(OPEN_STATES))
    still_open = set(live.values_list("case_id", flat=True))
    return {signal: case_id for signal, case_id in sorted(rows, reverse=True) if case_id in still_open}


def incidents_of(case_id: str) -> list[str]:
    """The incident cases, open or ended, that the signals of a case belong to."""
    signals = CaseTrigger.objects.filter(case_id=case_id).exclude(signal_id=None).values_list("signal_id", flat=True)
    rows = select_in("case_id", "cases_incidentmember", "signal_id", [str(signal) for signal in signals])
    return sorted({found for (found,) in rows} - {case_id})
