"""The CRM's monthly extracts: everybody in the first one, afterwards only new and changed customers.

Belongs here: crm__customer and how segment, tier, value and status change. Not here: latent attributes (customers.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from world.clock import DAY, HOUR, day_text, zulu_text
from world.config import LANGUAGES, TIERS
from world.customers import FIRST_NAMES, LAST_NAMES, Customers, customer_ids, emails, phones
from world.delivery import Delivery, Layout, note_delivery
from world.draws import Bools, Ints, blocks, stream
from world.exports.complaints import BLOCK, branch_ids
from world.rendering import cents, flag, names
from world.scene import Scene
from world.truth import TruthStore

CUSTOMER = Layout(
    source="crm",
    entity="customer",
    key="customer_id",
    texts=frozenset({"first_name", "last_name"}),
    columns=(
        "customer_id",
        "first_name",
        "last_name",
        "email",
        "phone",
        "segment",
        "tier",
        "annual_value_usd",
        "region",
        "branch_id",
        "joined_on",
        "status",
        "churned_on",
        "language",
        "consent_email",
        "consent_sms",
        "consent_phone",
        "is_vulnerable",
        "updated_at",
    ),
)


def write_crm(scene: Scene, root: Path, truth: TruthStore) -> dict[str, int]:
    """Write the monthly customer extracts; returns rows per file."""
    out = Delivery(root, CUSTOMER, scene.span, truth, faults=scene.with_faults)
    for k, (low, high) in enumerate(blocks(len(scene.people), BLOCK)):
        _write_block(scene, low, high, k, out, truth)
    out.close()
    return out.rows


def _write_block(scene: Scene, low: int, high: int, block: int, out: Delivery, truth: TruthStore) -> None:
    """Walk through the months; segment, tier, value and e-mail consent drift for a few customers a month."""
    rng = stream(scene.seed, "crm", block)
    people, index, n = scene.people, np.arange(low, high), high - low
    tier, value = (
        people.tier[low:high].astype(np.int64),
        np.rint(people.value_usd[low:high].astype(float) * 100).astype(np.int64),
    )
    segment, consents = people.segment[low:high].astype(np.int64), people.consent[low:high].copy()
    joined, left = people.joined_at[low:high], scene.churn.at[low:high]
    updated = joined + HOUR
    edges = scene.span.month_edges
    for month in range(len(scene.span.months)):
        # The first extract shows the books as they stood when the period began; later ones what changed since.
        opening = max(int(edges[month]), scene.span.start)
        close = min(int(edges[month + 1]), scene.span.end)
        drifts = (rng.random(n) < 0.022) & (joined < opening) & (left >= close)
        when = opening + (rng.random(n) * (close - opening)).astype(np.int64)
        tier = np.where(
            drifts & (rng.random(n) < 0.35), np.clip(tier + rng.choice([-1, 1], n), 0, len(TIERS) - 1), tier
        )
        value = np.where(drifts, np.maximum((value * rng.lognormal(0.0, 0.22, n)).astype(np.int64), 100), value)
        segment = np.where(drifts & (rng.random(n) < 0.05), rng.integers(0, len(scene.company.segments), n), segment)
        consents[:, 0] &= ~(drifts & (rng.random(n) < 0.06))
        leaves = (left >= opening) & (left < close)
        updated = np.where(leaves, left, np.where(drifts, when, updated))
        rows = np.flatnonzero(
            (joined < close) if month == 0 else (drifts | leaves | ((joined >= opening) & (joined < close)))
        )
        state = {
            "tier": tier,
            "value": value,
            "segment": segment,
            "updated": updated,
            "left": np.where(left < close, left, 0),
        }
        columns = _columns(scene, index[rows], {k: v[rows] for k, v in state.items()}, consents[rows])
        out.write(month, columns)
        if month:
            kept = pa.array(np.flatnonzero(joined[rows] < opening))
            note_delivery(truth, CUSTOMER, "updated", columns["customer_id"].take(kept), None, scene.span.months[month])


def _columns(scene: Scene, index: Ints, state: dict[str, Ints], consents: Bools) -> dict[str, pa.Array]:
    people = scene.people
    here = state["left"] == 0
    return {
        "customer_id": customer_ids(index),
        "first_name": FIRST_NAMES.take(pa.array(people.first[index])),
        "last_name": LAST_NAMES.take(pa.array(people.last[index])),
        "email": emails(people, index),
        "phone": phones(scene.company, index),
        "segment": names(tuple(s.id for s in scene.company.segments), state["segment"]),
        "tier": names(TIERS, state["tier"]),
        "annual_value_usd": cents(state["value"]),
        "region": names(scene.company.regions, people.region[index]),
        "branch_id": branch_ids(people.branch[index]),
        "joined_on": day_text(people.joined_at[index]),
        "status": pc.if_else(pa.array(here), "active", "churned"),
        "churned_on": day_text(state["left"], here),
        "language": names(LANGUAGES, people.language[index]),
        "consent_email": flag(consents[:, 0]),
        "consent_sms": flag(consents[:, 1]),
        "consent_phone": flag(consents[:, 2]),
        "is_vulnerable": flag(people.vulnerable[index]),
        "updated_at": zulu_text(state["updated"]),
    }


def customer_truth(scene: Scene, low: int, high: int) -> dict[str, pa.Array]:
    """Rows low..high-1 of the customer truth table."""
    people: Customers = scene.people
    index = np.arange(low, high)
    left = scene.churn.at[low:high]
    gone = left >= scene.span.end + 200 * DAY
    return {
        "customer_id": customer_ids(index),
        "segment": names(tuple(s.id for s in scene.company.segments), people.segment[index]),
        "tier": names(TIERS, people.tier[index]),
        "annual_value_usd": pa.array(people.value_usd[index].astype(float)),
        "region": names(scene.company.regions, people.region[index]),
        "branch_id": branch_ids(people.branch[index]),
        "language": names(LANGUAGES, people.language[index]),
        "joined_at": pa.array(people.joined_at[index]).cast(pa.timestamp("s", tz="UTC")),
        "satisfaction": pa.array(people.satisfaction[index].astype(float)),
        "failure_rate": pa.array(people.failure_rate[index].astype(float)),
        "orders_per_month": pa.array(people.order_rate[index].astype(float)),
        "is_vulnerable": pa.array(people.vulnerable[index]),
        "left_at": pa.array(np.where(gone, 0, left), mask=gone).cast(pa.timestamp("s", tz="UTC")),
    }
