"""The complaint log: local times, a reason category that is often missing or wrong, rows updated when a complaint closes.

Belongs here: complaints__complaint. Not here: tickets (zendesk.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from world.clock import DAY, HOUR, NEVER, plain_text
from world.config import COMPLAINT_CHANNELS, RATES
from world.customers import customer_ids
from world.delivery import Delivery, Layout, note_delivery
from world.draws import Bools, Ints, blocks, stream
from world.exports.text_rows import record_texts
from world.faults import ONLY_IN_SPRING, Fault
from world.rendering import constant, names, serial
from world.scene import Scene
from world.schedule_rows import Extract, extracts, latest
from world.text_grammar import COMPLAINT, Brief
from world.truth import TruthStore

BLOCK = 50_000
LAYOUT = Layout(
    source="complaints",
    entity="complaint",
    columns=(
        "complaint_id",
        "received_at",
        "customer_id",
        "channel",
        "product",
        "branch_id",
        "region",
        "category",
        "description",
        "status",
        "closed_at",
        "updated_at",
    ),
    texts=frozenset({"description"}),
    key="complaint_id",
    resent_month=1,
)


def branch_ids(branch: NDArray[np.integer]) -> pa.Array:
    """Branch ids of branch numbers (-1 gives null)."""
    return serial("BR", branch, 3)


def brief_of(scene: Scene, index: Ints) -> Brief:
    """What complaints and tickets of contacts `index` are about."""
    customer = scene.customer[index].astype(np.int64)
    return Brief(
        cause=scene.failures.cause[scene.contacts.failure[index]].astype(np.int64),
        language=scene.people.language[customer].astype(np.int64),
        tone=np.full(len(index), COMPLAINT),
        customer=customer,
        agent=scene.owner[index].astype(np.int64),
        short=np.zeros(len(index), dtype=bool),
    )


def write_complaints(scene: Scene, root: Path, truth: TruthStore) -> dict[str, int]:
    """Write all monthly files of the complaint log; returns rows per file."""
    delivery = Delivery(root, LAYOUT, scene.span, truth, faults=scene.with_faults)
    every = np.flatnonzero(~scene.contacts.is_ticket)
    for number, (low, high) in enumerate(blocks(len(every), BLOCK)):
        _write_block(scene, every[low:high], number, delivery, truth)
    if scene.with_faults:
        _spring(scene, delivery)
    delivery.close()
    return delivery.rows


def _write_block(scene: Scene, index: Ints, number: int, delivery: Delivery, truth: TruthStore) -> None:
    rng = stream(scene.seed, "complaints", number)
    texts = scene.grammar.customer_texts(brief_of(scene, index), rng)
    customer = np.where(rng.random(len(index)) < 0.97, scene.customer[index], -1)
    category, wrong = _categories(scene, index, rng)
    corrected = rng.random(len(index)) < RATES.corrected_share
    received = scene.contacts.at[index]
    correction = np.where(corrected, received + (DAY * (20 + 20 * rng.random(len(index)))).astype(np.int64), NEVER)
    closed = scene.resolved_at[index]
    closed = np.where(closed < NEVER, closed + HOUR, NEVER)
    events = np.stack(
        [
            received,
            np.where(closed < scene.span.end, closed, NEVER),
            np.where(correction < scene.span.end, correction, NEVER),
        ],
        axis=1,
    )
    keys = serial("CMP-", scene.contacts.number[index], 7)
    late = rng.random(len(index)) < RATES.late_share
    record_texts(
        truth, scene, ("complaints", "complaint", "description"), keys, texts, scene.customer[index].astype(np.int64)
    )
    _record_codes(scene, truth, keys, category, wrong, index)
    right = names(_codes(scene), 2 * scene.failures.cause[scene.contacts.failure[index]].astype(np.int64))
    for part in extracts(events, late, scene.span):
        columns = _columns(scene, index, part, events, customer, category, right, corrected)
        columns["description"] = texts.text.take(pa.array(part.rows))
        columns["complaint_id"] = keys.take(pa.array(part.rows))
        delivery.write(part.month, columns)
        _note(truth, scene, part, keys, events)


def _columns(
    scene: Scene,
    index: Ints,
    part: Extract,
    events: Ints,
    customer: Ints,
    category: pa.Array,
    right: pa.Array,
    corrected: Bools,
) -> dict[str, pa.Array]:
    rows, local = part.rows, scene.clock.local
    event, of = events[rows], index[rows]
    failure = scene.contacts.failure[of]
    open_still = event[:, 1] >= part.as_of
    updated = corrected[rows] & (event[:, 2] < part.as_of)
    at = pa.array(rows)
    return {
        "received_at": plain_text(local(event[:, 0])),
        "customer_id": customer_ids(customer[rows]),
        "channel": names(COMPLAINT_CHANNELS, scene.contacts.channel[of]),
        "product": names(scene.company.products, scene.failures.product[failure]),
        "branch_id": branch_ids(scene.failures.branch[failure]),
        "region": names(scene.company.regions, scene.failures.region[failure]),
        "category": pc.if_else(pa.array(updated), right.take(at), category.take(at)),
        "status": pc.if_else(pa.array(open_still), "open", "closed"),
        "closed_at": plain_text(local(np.where(open_still, 0, event[:, 1])), open_still),
        "updated_at": plain_text(local(latest(event, part.as_of))),
    }


def _codes(scene: Scene) -> tuple[str, ...]:
    return tuple(code for cause in scene.company.causes for code in cause.codes)


def _categories(scene: Scene, index: Ints, rng: np.random.Generator) -> tuple[pa.Array, Bools]:
    """Reason codes as the log has them: missing for three in ten, of another cause for some of the rest."""
    causes = len(scene.company.causes)
    cause = scene.failures.cause[scene.contacts.failure[index]].astype(np.int64)
    wrong = rng.random(len(index)) < RATES.category_wrong
    written = np.where(wrong, (cause + rng.integers(1, causes, len(index))) % causes, cause)
    known = rng.random(len(index)) < RATES.category_known
    code = np.where(known, 2 * written + rng.integers(0, 2, len(index)), -1)
    return names(_codes(scene), code), wrong & known


def _record_codes(
    scene: Scene, truth: TruthStore, keys: pa.Array, category: pa.Array, wrong: Bools, index: Ints
) -> None:
    hit = np.flatnonzero(wrong)
    at = pa.array(hit)
    ids = tuple(c.id for c in scene.company.causes)
    truth.add(
        "miscoded",
        {
            "source": constant("complaints", len(hit)),
            "entity": constant("complaint", len(hit)),
            "key": keys.take(at),
            "column": constant("category", len(hit)),
            "written": category.take(at),
            "true_cause": names(ids, scene.failures.cause[scene.contacts.failure[index[hit]]]),
        },
    )


def _note(truth: TruthStore, scene: Scene, part: Extract, keys: pa.Array, events: Ints) -> None:
    month = scene.span.months[part.month]
    event = events[part.rows]
    corrected = part.updated & (event[:, 2] >= scene.span.month_edges[part.month]) & (event[:, 2] < part.as_of)
    for kind, mask in (("late", part.late), ("corrected", corrected), ("updated", part.updated & ~corrected)):
        note_delivery(truth, LAYOUT, kind, keys.take(pa.array(part.rows[mask])), None, month)


def _spring(scene: Scene, delivery: Delivery) -> None:
    """Three complaints logged at local times that never were, in the file of the month of the change."""
    for gap in scene.clock.gaps():
        if scene.span.start <= gap < scene.span.end:
            month = int(scene.span.month_of(np.array([gap]))[0])
            texts = plain_text(np.array([gap + 60, gap + 1800, gap + 3540])).to_pylist()
            delivery.plant_more(month, [Fault(ONLY_IN_SPRING, "received_at", text) for text in texts])
