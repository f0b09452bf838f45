"""The truth about customers, failures, assignments, potential outcomes and breakdowns, block by block.

Belongs here: truth that belongs to no single source. Not here: text truth (text_rows.py), faults and deliveries (delivery.py).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from world.breakdowns import Breakdown
from world.clock import DAY, HOUR, instants
from world.config import ARMS, RATES
from world.customers import customer_ids
from world.draws import Ints, blocks
from world.exports.back_office import handling_minutes
from world.exports.complaints import BLOCK, branch_ids
from world.exports.crm import customer_truth
from world.rendering import names, serial
from world.scene import Scene, subject_ids
from world.truth import TruthStore
from world.workforce import employee_ids


def write_truth_rows(scene: Scene, margins: NDArray[np.int64], truth: TruthStore) -> None:
    """Append all rows; `margins` in cents, (contacts, arms)."""
    for low, high in blocks(len(scene.people), BLOCK):
        truth.add("customer", customer_truth(scene, low, high))
    for low, high in blocks(len(scene.failures), BLOCK):
        truth.add("failure", _failures(scene, np.arange(low, high)))
    assigned = np.flatnonzero(scene.outcomes.is_assigned)
    for low, high in blocks(len(assigned), BLOCK):
        _outcomes(scene, assigned[low:high], margins, truth)
    truth.add("breakdown", _breakdowns(scene))


def _causes(scene: Scene) -> tuple[str, ...]:
    return tuple(c.id for c in scene.company.causes)


def _failures(scene: Scene, index: Ints) -> dict[str, pa.Array]:
    part = scene.failures.take(index)
    reported = np.zeros(len(scene.failures), dtype=bool)
    reported[scene.contacts.failure] = True
    ids = tuple(b.id for b in (scene.plan.outage, scene.plan.surge, scene.plan.dip))
    return {
        "failure_id": serial("F-", index, 8),
        "customer_id": customer_ids(part.customer),
        "cause": names(_causes(scene), part.cause),
        "severity": pa.array(part.severity),
        "region": names(scene.company.regions, part.region),
        "branch_id": branch_ids(part.branch.astype(np.int64)),
        "product": names(scene.company.products, part.product),
        "occurred_at": instants(part.at),
        "breakdown_id": names(ids, part.cluster),
        "was_reported": pa.array(reported[index]),
    }


def _outcomes(scene: Scene, index: Ints, margins: NDArray[np.int64], truth: TruthStore) -> None:
    outcomes, contacts = scene.outcomes, scene.contacts
    anchor = outcomes.first_action_at[index]
    until = np.minimum(outcomes.leaves_at[index], scene.churn.others_at[index, None])
    retained = until >= anchor[:, None] + RATES.outcome_days * DAY
    minutes = handling_minutes(scene, index)
    kind = pc.if_else(pa.array(contacts.is_ticket[index]), "ticket", "complaint")
    ids = subject_ids(contacts, index)
    arm = outcomes.arm[index].astype(np.int64)
    one = (np.arange(len(index)), arm)
    failure = contacts.failure[index]
    eligible = outcomes.eligible[index]
    truth.add(
        "assignment",
        {
            "subject_type": kind,
            "subject_id": ids,
            "customer_id": customer_ids(scene.customer[index]),
            "failure_id": serial("F-", failure, 8),
            "cause": names(_causes(scene), scene.failures.cause[failure]),
            "severity": pa.array(scene.failures.severity[failure]),
            "contacted_at": instants(contacts.at[index]),
            "assigned_at": instants(anchor),
            "wait_hours": pa.array((anchor - contacts.at[index]) / HOUR),
            "owner_id": employee_ids(scene.owner[index]),
            "arm": names(ARMS, arm),
            "eligible": _sets(eligible),
            **{f"p_{name}": pa.array(outcomes.propensity[index, a].astype(float)) for a, name in enumerate(ARMS)},
            "recovered": pa.array(outcomes.recovered[index][one]),
            "retained_90d": pa.array(retained[one]),
            "margin_90d_usd": pa.array(margins[index][one] / 100),
            "offer_usd": pa.array(outcomes.offer_usd[index][one].astype(float)),
            "is_mature": pa.array(anchor + RATES.outcome_days * DAY < scene.span.end),
        },
    )
    wide = np.repeat(np.arange(len(index)), len(ARMS))
    truth.add(
        "potential_outcome",
        {
            "subject_type": kind.take(pa.array(wide)),
            "subject_id": ids.take(pa.array(wide)),
            "arm": names(ARMS, np.tile(np.arange(len(ARMS)), len(index))),
            "recovery_probability": pa.array(outcomes.recovery_probability[index].ravel().astype(float)),
            "recovered": pa.array(outcomes.recovered[index].ravel()),
            "retained_90d": pa.array(retained.ravel()),
            "margin_90d_usd": pa.array(margins[index].ravel() / 100),
            "offer_usd": pa.array(outcomes.offer_usd[index].ravel().astype(float)),
            "handling_minutes": pa.array(minutes.ravel().astype(float)),
            "resolved_at": instants(outcomes.resolved_at[index].ravel()),
        },
    )


def _sets(eligible: NDArray[np.bool_]) -> pa.Array:
    """Lists of the eligible arms' names."""
    sizes = eligible.sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), names(ARMS, np.nonzero(eligible)[1]))


def _breakdowns(scene: Scene) -> dict[str, pa.Array | list[object]]:
    rows: tuple[Breakdown, ...] = scene.plan.all()
    causes, regions = _causes(scene), scene.company.regions
    return {
        "breakdown_id": [b.id for b in rows],
        "kind": [b.kind for b in rows],
        "cause": [causes[b.cause] if b.cause >= 0 else None for b in rows],
        "region": [regions[b.region] if b.region >= 0 else None for b in rows],
        "started_at": instants(np.array([b.start for b in rows], dtype=np.int64)),
        "ended_at": instants(np.array([b.end for b in rows], dtype=np.int64)),
        "size": [float(b.size) for b in rows],
        "unit": [b.unit for b in rows],
        "realised": [None if np.isnan(b.realised) else b.realised for b in rows],
    }
