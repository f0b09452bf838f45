"""What the back office records about contacts: resolutions, escalations and quality audits.

Belongs here: resolutions__resolution, escalations__escalation, qa__audit. Not here: org chart and change log (company_log.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from world.clock import HOUR, NEVER, zulu_text
from world.config import ARMS, RATES
from world.customers import customer_ids
from world.delivery import Delivery, Layout, note_delivery
from world.draws import Ints, blocks, pick_by_row, stream
from world.exports.complaints import BLOCK, brief_of
from world.exports.text_rows import record_texts
from world.phrase_tables import scatter
from world.rendering import cents, constant, names, number, serial
from world.scene import Scene, subject_ids
from world.truth import TruthStore
from world.workforce import employee_ids

RESOLUTION = Layout(
    source="resolutions",
    entity="resolution",
    key="resolution_id",
    texts=frozenset({"note"}),
    columns=(
        "resolution_id",
        "subject_type",
        "subject_id",
        "customer_id",
        "triage_severity",
        "playbook_code",
        "offer_usd",
        "resolution_code",
        "owner_id",
        "first_action_at",
        "resolved_at",
        "customer_informed_at",
        "outcome",
        "handling_minutes",
        "note",
        "updated_at",
    ),
)
ESCALATION = Layout(
    source="escalations",
    entity="escalation",
    key="escalation_id",
    texts=frozenset({"note"}),
    columns=(
        "escalation_id",
        "escalated_at",
        "ticket_id",
        "complaint_id",
        "customer_id",
        "level",
        "reason_code",
        "raised_by",
        "note",
    ),
)
AUDIT = Layout(
    source="qa",
    entity="audit",
    key="audit_id",
    texts=frozenset({"comment"}),
    columns=("audit_id", "audited_at", "ticket_id", "agent_id", "auditor_id", "score", "cause_code", "comment"),
)
REASONS: tuple[str, ...] = ("supervisor_request", "repeat_contact", "regulator", "legal", "press", "vulnerable")
OUTCOMES: tuple[str, ...] = ("in_favour", "partial", "rejected", "unreachable")
_REASON_BY_SEVERITY = np.array(
    [
        [0.3, 0.16, 0.24, 0.18, 0.12],
        [0.45, 0.3, 0.15, 0.07, 0.03],
        [0.6, 0.34, 0.04, 0.02, 0.0],
        [0.7, 0.3, 0.0, 0.0, 0.0],
    ]
)
_OUTCOME_BY_RECOVERY = np.array([[0.17, 0.28, 0.40, 0.15], [0.58, 0.30, 0.09, 0.03]])


def _by_month(scene: Scene, out: Delivery, at: Ints, table: dict[str, pa.Array]) -> None:
    month = scene.span.month_of(at)
    for m in np.unique(month):
        take = pa.array(np.flatnonzero(month == m))
        out.write(int(m), {name: column.take(take) for name, column in table.items()})


def handling_minutes(scene: Scene, index: Ints) -> Ints:
    """Minutes of work under every arm for contacts `index`: (contacts, arms)."""
    arms = RATES.service_minutes * 0.4 + np.array(RATES.arm_cost_minutes)
    return np.asarray(np.maximum(np.rint(arms * scene.outcomes.effort[index, None]), 1), dtype=np.int64)


def write_resolutions(scene: Scene, root: Path, truth: TruthStore) -> dict[str, int]:
    """Write the monthly resolution files; returns rows per file."""
    out = Delivery(root, RESOLUTION, scene.span, truth, faults=scene.with_faults)
    resolved = np.flatnonzero(scene.resolved_at < NEVER)
    resolved = resolved[np.argsort(scene.resolved_at[resolved], kind="stable")]
    for k, (low, high) in enumerate(blocks(len(resolved), BLOCK)):
        _resolution_block(scene, resolved[low:high], low, k, out, truth)
    out.close()
    return out.rows


def _resolution_block(scene: Scene, index: Ints, first: int, block: int, out: Delivery, truth: TruthStore) -> None:
    rng = stream(scene.seed, "resolutions", block)
    n, causes = len(index), len(scene.company.causes)
    done, arm = scene.resolved_at[index], scene.outcomes.arm[index].astype(np.int64)
    well = np.asarray(scene.outcomes.observed(scene.outcomes.recovered), dtype=np.int64)[index]
    cause = scene.failures.cause[scene.contacts.failure[index]].astype(np.int64)
    wrong = rng.random(n) < RATES.resolution_miscoded
    written = np.where(wrong, (cause + rng.integers(1, causes, n)) % causes, cause)
    codes = names(tuple(c for x in scene.company.causes for c in x.codes), 2 * written + rng.integers(0, 2, n))
    informed = done + (HOUR * rng.gamma(1.5, 8.0, n)).astype(np.int64)
    told = (rng.random(n) < 0.86) & (informed < scene.span.end)
    noted = np.flatnonzero(rng.random(n) < 0.12)
    notes = scene.grammar.staff_texts(brief_of(scene, index[noted]), rng, ("resolution_note",), (1.0,), 0.03)
    keys = serial("RES-", first + np.arange(n) + 1, 7)
    offers = np.rint(np.asarray(scene.outcomes.observed(scene.outcomes.offer_usd), dtype=float)[index] * 100).astype(
        np.int64
    )
    minutes = handling_minutes(scene, index)
    table = {
        "resolution_id": keys,
        "subject_type": pc.if_else(pa.array(scene.contacts.is_ticket[index]), "ticket", "complaint"),
        "subject_id": subject_ids(scene.contacts, index),
        "customer_id": customer_ids(scene.customer[index]),
        "triage_severity": _triaged(scene, index, block),
        "playbook_code": names(ARMS, arm),
        "offer_usd": cents(offers),
        "resolution_code": codes,
        "owner_id": employee_ids(scene.owner[index]),
        "first_action_at": zulu_text(scene.outcomes.first_action_at[index]),
        "resolved_at": zulu_text(done),
        "customer_informed_at": zulu_text(informed, ~told),
        "outcome": names(OUTCOMES, pick_by_row(rng, _OUTCOME_BY_RECOVERY, well)),
        "handling_minutes": number(minutes[np.arange(n), arm]),
        "note": scatter(n, [(noted, notes.text)]),
        "updated_at": zulu_text(np.where(told, np.maximum(done, informed), done)),
    }
    record_texts(
        truth,
        scene,
        ("resolutions", "resolution", "note"),
        keys.take(pa.array(noted)),
        notes,
        scene.customer[index[noted]].astype(np.int64),
        "agent",
    )
    _record_miscoded(scene, truth, keys, codes, np.flatnonzero(wrong), cause)
    late = rng.random(n) < RATES.late_share
    shifted = np.where(late, np.minimum(done + 31 * 86_400, scene.span.end - 1), done)
    moved = scene.span.month_of(shifted) > scene.span.month_of(done)
    note_delivery(truth, RESOLUTION, "late", keys.take(pa.array(np.flatnonzero(moved))), None, None)
    _by_month(scene, out, shifted, table)


def _triaged(scene: Scene, index: Ints, block: int) -> pa.Array:
    """Severity as whoever chose the playbook knew it before; a few noted none. Its own stream: seeds keep their worlds."""
    noted = stream(scene.seed, "triage", block).random(len(index)) < RATES.triage_noted
    severity = scene.failures.severity[scene.contacts.failure[index]].astype(np.int64)
    return number(severity, ~noted)


def _record_miscoded(scene: Scene, truth: TruthStore, keys: pa.Array, codes: pa.Array, hit: Ints, cause: Ints) -> None:
    at = pa.array(hit)
    truth.add(
        "miscoded",
        {
            "source": constant("resolutions", len(hit)),
            "entity": constant("resolution", len(hit)),
            "key": keys.take(at),
            "column": constant("resolution_code", len(hit)),
            "written": codes.take(at),
            "true_cause": names(tuple(c.id for c in scene.company.causes), cause[hit]),
        },
    )


def write_escalations(scene: Scene, root: Path, truth: TruthStore) -> dict[str, int]:
    """Write the monthly escalation files; severity and waiting drive who escalates."""
    out = Delivery(root, ESCALATION, scene.span, truth, faults=scene.with_faults)
    rng = stream(scene.seed, "escalations")
    severity = scene.failures.severity[scene.contacts.failure].astype(np.int64)
    waited = (scene.outcomes.first_action_at - scene.contacts.at) / HOUR
    chance = np.array([0.0, 0.24, 0.06, 0.015, 0.004])[severity] * (1 + np.minimum(np.maximum(waited, 0) / 72, 2.0))
    index = np.flatnonzero(rng.random(len(severity)) < chance)
    at = scene.contacts.at[index] + (HOUR * (1 + rng.gamma(1.4, 14.0, len(index)))).astype(np.int64)
    index, at = index[at < scene.span.end], at[at < scene.span.end]
    order = np.argsort(at, kind="stable")
    index, at = index[order], at[order]
    for k, (low, high) in enumerate(blocks(len(index), BLOCK)):
        _escalation_block(scene, index[low:high], at[low:high], low, k, out, truth)
    out.close()
    return out.rows


def _escalation_block(
    scene: Scene, index: Ints, at: Ints, first: int, block: int, out: Delivery, truth: TruthStore
) -> None:
    rng = stream(scene.seed, "escalations-text", block)
    n = len(index)
    severity = scene.failures.severity[scene.contacts.failure[index]].astype(np.int64)
    reason = pick_by_row(rng, _REASON_BY_SEVERITY, severity - 1)
    reason = np.where(scene.people.vulnerable[scene.customer[index]] & (rng.random(n) < 0.6), 5, reason)
    raised = np.where(reason == 1, 2, np.where(rng.random(n) < 0.65, 0, 1))
    ticket = scene.contacts.is_ticket[index]
    noted = np.flatnonzero(rng.random(n) < 0.6)
    notes = scene.grammar.staff_texts(
        brief_of(scene, index[noted]), rng, ("escalation", "agent_action"), (1.0, 0.4), 0.05
    )
    keys = serial("ESC-", first + np.arange(n) + 1, 6)
    ids, nothing = subject_ids(scene.contacts, index), pa.scalar(None, pa.string())
    table = {
        "escalation_id": keys,
        "escalated_at": zulu_text(at),
        "ticket_id": pc.if_else(pa.array(ticket), ids, nothing),
        "complaint_id": pc.if_else(pa.array(ticket), nothing, ids),
        "customer_id": customer_ids(scene.customer[index]),
        "level": number(np.clip(5 - severity - (rng.random(n) < 0.4) + (reason >= 2), 1, 4)),
        "reason_code": names(REASONS, reason),
        "raised_by": names(("customer", "agent", "system"), raised),
        "note": scatter(n, [(noted, notes.text)]),
    }
    record_texts(
        truth,
        scene,
        ("escalations", "escalation", "note"),
        keys.take(pa.array(noted)),
        notes,
        scene.customer[index[noted]].astype(np.int64),
        "agent",
    )
    _by_month(scene, out, at, table)


def write_audits(scene: Scene, root: Path, truth: TruthStore) -> dict[str, int]:
    """Write the monthly audit files: one in twelve resolved tickets, scores follow the agent's skill and the result."""
    out = Delivery(root, AUDIT, scene.span, truth, faults=scene.with_faults)
    rng = stream(scene.seed, "audits")
    done = scene.resolved_at
    index = np.flatnonzero((done < NEVER) & scene.contacts.is_ticket & (rng.random(len(done)) < 0.085))
    at = done[index] + (HOUR * (6 + rng.gamma(2.0, 30.0, len(index)))).astype(np.int64)
    index, at = index[at < scene.span.end], at[at < scene.span.end]
    order = np.argsort(at, kind="stable")
    for k, (low, high) in enumerate(blocks(len(index), BLOCK)):
        part = order[low:high]
        _audit_block(scene, index[part], at[part], low, k, out, truth)
    out.close()
    return out.rows


def _audit_block(scene: Scene, index: Ints, at: Ints, first: int, block: int, out: Delivery, truth: TruthStore) -> None:
    rng = stream(scene.seed, "audits-text", block)
    n, force = len(index), scene.force
    owner = scene.owner[index]
    well = np.asarray(scene.outcomes.observed(scene.outcomes.recovered), dtype=float)[index]
    score = np.clip(np.rint(71 + 22 * force.skill[owner] + 8 * well + rng.normal(0, 9, n)), 0, 100).astype(np.int64)
    auditors = np.flatnonzero(force.role == 4)
    coded = np.where(
        rng.random(n) < 0.8,
        2 * scene.failures.cause[scene.contacts.failure[index]].astype(np.int64) + rng.integers(0, 2, n),
        -1,
    )
    noted = np.flatnonzero(rng.random(n) < 0.85)
    notes = scene.grammar.staff_texts(brief_of(scene, index[noted]), rng, ("qa", "qa"), (1.0, 0.35), 0.0)
    keys = serial("QA-", first + np.arange(n) + 1, 6)
    table = {
        "audit_id": keys,
        "audited_at": zulu_text(at),
        "ticket_id": subject_ids(scene.contacts, index),
        "agent_id": employee_ids(owner),
        "auditor_id": employee_ids(auditors[force.region[owner]]),
        "score": number(score),
        "cause_code": names(tuple(c for x in scene.company.causes for c in x.codes), coded),
        "comment": scatter(n, [(noted, notes.text)]),
    }
    record_texts(
        truth,
        scene,
        ("qa", "audit", "comment"),
        keys.take(pa.array(noted)),
        notes,
        scene.customer[index[noted]].astype(np.int64),
        "auditor",
    )
    _by_month(scene, out, at, table)
