"""The billing export, and with it the margins every playbook would have led to.

Belongs here: billing__order, written customer block by customer block. Not here: the order process (orders.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from world.clock import DAY, zulu_text
from world.config import ARMS, RATES
from world.customers import customer_ids
from world.delivery import Delivery, Layout, note_delivery
from world.draws import Ints, blocks, stream
from world.orders import Orders, apply_history, assigned_contacts, make_orders
from world.rendering import cents, names, serial
from world.scene import Scene
from world.truth import TruthStore

BLOCK = 40_000
ORDER = Layout(
    source="billing",
    entity="order",
    key="order_id",
    texts=frozenset(),
    columns=("order_id", "customer_id", "ordered_at", "product", "amount_usd", "margin_usd", "updated_at"),
)


def write_billing(scene: Scene, root: Path, truth: TruthStore) -> tuple[dict[str, int], NDArray[np.int64]]:
    """Write the monthly order files; returns rows per file and margins in cents, (contacts, arms)."""
    out = Delivery(root, ORDER, scene.span, truth, faults=scene.with_faults)
    assigned = assigned_contacts(scene.customer, scene.outcomes, scene.churn)
    margins = np.zeros((len(scene.contacts), len(ARMS)), dtype=np.int64)
    first = 1
    for k, (low, high) in enumerate(blocks(len(scene.people), BLOCK)):
        part = assigned.of_customers(low, high)
        usual = make_orders(scene.company, scene.people, low, high, scene.span, scene.seed, k)
        orders, margins[part.contact] = apply_history(usual, part, scene.churn, scene.seed, k)
        happens = np.flatnonzero(orders.kept & (orders.at < scene.span.end))
        happens = happens[np.argsort(orders.at[happens], kind="stable")]
        _write_block(scene, orders, happens, first, k, out, truth)
        first += len(happens)
    out.close()
    return out.rows, margins


def _write_block(
    scene: Scene, orders: Orders, rows: Ints, first: int, block: int, out: Delivery, truth: TruthStore
) -> None:
    """Each order in the file of its month; a few arrive a month late, a few are corrected in a later file.

    A correction changes the product or the stamp only, never the money, so that the newest version of each order sums to
    the truth.
    """
    rng = stream(scene.seed, "billing", block)
    n, months = len(rows), len(scene.span.months)
    number = first + np.arange(n)
    month = scene.span.month_of(orders.at[rows])
    late = (rng.random(n) < RATES.late_share) & (month + 1 < months)
    fixed = (rng.random(n) < RATES.corrected_share / 4) & (month + late + 1 < months)
    shift = (rng.random(n) * 20 * DAY).astype(np.int64) + DAY
    other = rng.integers(0, len(scene.company.products), n)
    known_until = np.minimum(scene.span.month_edges[1:], scene.span.end) - 1
    for m in range(months):
        usual = np.flatnonzero(month + late == m)
        again = np.flatnonzero(fixed & (month + late + 1 == m))
        at = np.concatenate([again, usual])
        corrected = np.arange(len(at)) < len(again)
        when = orders.at[rows[at]]
        ids = serial("ORD-", number[at], 9)
        out.write(
            m,
            {
                "order_id": ids,
                "customer_id": customer_ids(orders.customer[rows[at]]),
                "ordered_at": zulu_text(when),
                "product": names(scene.company.products, np.where(corrected, other[at], orders.product[rows[at]])),
                "amount_usd": cents(orders.amount_cents[rows[at]]),
                "margin_usd": cents(orders.margin_cents[rows[at]]),
                "updated_at": zulu_text(np.where(corrected, np.minimum(when + shift[at], known_until[m]), when)),
            },
        )
        note_delivery(truth, ORDER, "corrected", ids.slice(0, len(again)), None, scene.span.months[m])
        note_delivery(truth, ORDER, "late", serial("ORD-", number[usual[late[usual]]], 9), None, scene.span.months[m])
