"""The one public door to the ledger: every read and every change goes through here.

Belongs here: the promises of the ledger as functions. Not here: how they are kept (the modules beside this one).
Django's tables can only be imported once Django is set up, so the functions import what they need when called; call
`cases.conf.setup(settings)` once per process first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases import conf
from cases.chain import ChainReport
from models.case import Actor, CaseState, EventKind, State
from models.facts import ResolutionFact, TriggerFact
from models.routing import RoutingTree
from models.settings import Settings
from models.sla import SlaPolicy

if TYPE_CHECKING:
    from cases.acting import BatchResult, Change
    from cases.episodes import Alert, Recommend
    from cases.exporting import ExportReport
    from cases.labels import LabelExport
    from cases.opening import OpenResult
    from cases.reading import CaseSummary, ReconcileReport


def migrate(settings: Settings) -> None:
    """Create or upgrade the ledger of `settings` and use it from here on. Safe to repeat."""
    settings.home.mkdir(parents=True, exist_ok=True)
    conf.setup(settings)
    from cases import schema

    schema.migrate(settings)


def ledger_ready(settings: Settings) -> bool:
    """Whether the ledger of `settings` exists and is up to date. Creates nothing."""
    conf.setup(settings)
    from cases import schema

    return schema.ledger_ready(settings)


def open_cases(
    triggers: Iterable[TriggerFact],
    resolutions: Iterable[ResolutionFact] = (),
    *,
    recorded_at: datetime,
    routing: RoutingTree | None = None,
    sla: SlaPolicy | None = None,
    recommend: Recommend | None = None,
    alert: Alert | None = None,
    policy_version: str | None = None,
    batch_size: int = 2_000,
) -> OpenResult:
    """Give every trigger exactly one case and end the cases that resolutions are about.

    Idempotent: what the ledger knows is skipped, so a retry, a replay and racing callers are harmless. Work is done in
    time order, `batch_size` items to a durable transaction; any cut along time gives the same cases. `routing` and
    `sla` add a routed and an sla_applied event to each case opened, `recommend` a playbook_recommended one; `alert` puts a
    message into the outbox in the same transaction, but for history. `recorded_at` is the caller's clock (UTC).
    Raises `NotConfigured` before set-up and `ValueError` for evidence that is not JSON.
    """
    conf.require_setup()
    from cases import opening

    setting = opening.Setting(recorded_at, routing, sla, recommend, alert, policy_version)
    return opening.open_all(triggers, resolutions, setting=setting, batch_size=batch_size)


def act(
    case_id: str,
    event_kind: EventKind,
    payload: Mapping[str, Any],
    *,
    actor: Actor,
    expected_version: int,
    occurred_at: datetime,
    recorded_at: datetime,
    sla: SlaPolicy | None = None,
) -> CaseState:
    """Append one event a person or source asks for, and return the new state.

    `expected_version` is the number of events the caller saw. `comment` and `note` are stored apart from the chain, so
    that they can be erased. With `sla`, a changed severity and a reopening put the case under its new targets in the
    same transaction. Raises `UnknownCase`, `StaleVersion` (with the events not seen) or `IllegalMove`.
    """
    conf.require_setup()
    from cases.acting import Change, Move, make

    change = Change(case_id, [Move(event_kind, payload)], actor, occurred_at, expected_version, by_hand=True)
    return make(change, recorded_at=recorded_at, sla=sla)


def change(change: Change, *, recorded_at: datetime, sla: SlaPolicy | None = None) -> CaseState:
    """Make one change of several moves and messages in one transaction; refusals as in `act`."""
    conf.require_setup()
    from cases import acting

    return acting.make(change, recorded_at=recorded_at, sla=sla)


def change_all(changes: Sequence[Change], *, recorded_at: datetime, sla: SlaPolicy | None = None) -> BatchResult:
    """Make many changes in one transaction; refused ones are named and leave the others as they are."""
    conf.require_setup()
    from cases import acting

    return acting.make_all(changes, recorded_at=recorded_at, sla=sla)


def list_cases(state: State | None = None, limit: int = 50) -> list[CaseSummary]:
    """Cases by latest activity, newest first; only those in `state` if one is given."""
    conf.require_setup()
    from cases import reading

    return reading.list_cases(state, limit)


def case_of_trigger(trigger_id: str) -> str:
    """The case that took a trigger. Raises `UnknownCase` when the ledger does not have the trigger."""
    conf.require_setup()
    from cases import reading

    return reading.case_of_trigger(trigger_id)


def state_of(case_id: str) -> CaseState:
    """Current state of one case. Raises `UnknownCase`."""
    conf.require_setup()
    from cases import reading

    return reading.state_of(case_id)


def explain(case_id: str) -> dict[str, Any]:
    """A case with its events, triggers and their lineage, as JSON-ready values. Raises `UnknownCase`."""
    conf.require_setup()
    from cases import reading

    return reading.explain(case_id)


def verify_chain() -> ChainReport:
    """Check every hash, number, state and head of the ledger. Reads it whole: under a minute per million events."""
    conf.require_setup()
    from cases import reading

    return reading.verify_chain()


def reconcile(triggers: Iterable[TriggerFact]) -> ReconcileReport:
    """Compare all eligible triggers with the ledger in both directions. Changes nothing."""
    conf.require_setup()
    from cases import reading

    return reading.reconcile(trigger.trigger_id for trigger in triggers)


def export(
    settings: Settings, out_dir: Path | None = None, tables: tuple[str, ...] = ("case", "case_trigger", "case_event")
) -> ExportReport:
    """Bring the Parquet copy of the ledger up to date in `out_dir` (default: `settings.ledger_export`)."""
    conf.setup(settings)
    from cases import exporting, labels

    labels.ensure_export((out_dir or settings.ledger_export) / "label")
    return exporting.export(out_dir or settings.ledger_export, tables)


def export_labels(
    settings: Settings, cause_questions: Sequence[str] = ("cause",), out_dir: Path | None = None
) -> LabelExport:
    """Bring the Parquet copy of all labels up to date: small, so written whole, and left alone where nothing is new."""
    conf.setup(settings)
    from cases import labels

    found = labels.all_labels(cause_questions)
    return labels.export((out_dir or settings.ledger_export) / "label", found)


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """How much the ledger holds."""

    cases: int
    events: int
    triggers: int


def counts() -> LedgerCounts:
    """Number of cases, events and triggers."""
    conf.require_setup()
    from cases.models import Case, CaseEvent, CaseTrigger

    return LedgerCounts(Case.objects.count(), CaseEvent.objects.count(), CaseTrigger.objects.count())
