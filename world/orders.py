"""Orders and what they earn, customer block by customer block, and the margin each playbook would have led to.

Belongs here: the order process and margins under all arms. Not here: the billing export (exports/billing.py). An order of
the customer's usual life is lost when they have left, or with a fixed chance within 90 days of a contact that did not
recover them; each (contact, order) pair has its own uniform shared by all arms, so margins under all arms are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from world.clock import DAY, HOUR, Horizon
from world.config import ARMS, RATES, Company
from world.customers import Customers
from world.draws import Bools, Floats, Ints, stream
from world.recovery import Churn, Outcomes

_BASE_VALUE = 365 / 12 / 30.4


@dataclass(frozen=True)
class Orders:
    """Orders of a block of customers, by customer and time. `kept` says whether the order really happens."""

    customer: NDArray[np.int32]
    at: Ints
    product: NDArray[np.int8]
    amount_cents: Ints
    margin_cents: Ints
    kept: Bools


@dataclass(frozen=True)
class Assigned:
    """Contacts with an assignment, sorted by customer: what the order process needs to know of them."""

    contact: Ints
    customer: NDArray[np.int32]
    anchor: Ints
    recovered: Bools
    arm: NDArray[np.int8]
    stays_until: Ints

    def of_customers(self, low: int, high: int) -> Assigned:
        """The part that belongs to customers low..high-1."""
        a, b = np.searchsorted(self.customer, [low, high])
        cut = slice(int(a), int(b))
        return Assigned(
            self.contact[cut],
            self.customer[cut],
            self.anchor[cut],
            self.recovered[cut],
            self.arm[cut],
            self.stays_until[cut],
        )


def assigned_contacts(customer: NDArray[np.int32], outcomes: Outcomes, churn: Churn) -> Assigned:
    """Sort the assigned contacts by customer; `stays_until` is (contacts, arms)."""
    index = np.flatnonzero(outcomes.is_assigned)
    index = index[np.argsort(customer[index], kind="stable")]
    return Assigned(
        contact=index,
        customer=customer[index],
        anchor=outcomes.first_action_at[index],
        recovered=outcomes.recovered[index],
        arm=outcomes.arm[index],
        stays_until=np.minimum(outcomes.leaves_at[index], churn.others_at[index, None]),
    )


def make_orders(
    company: Company, people: Customers, low: int, high: int, span: Horizon, seed: int, block: int
) -> Orders:
    """The usual orders of customers low..high-1 from the start to 100 days past the end; all `kept` for now."""
    rng = stream(seed, "orders", block)
    stop = span.end + 100 * DAY
    months = (stop - span.start) / (30.4 * DAY)
    many = rng.poisson(people.order_rate[low:high] * months)
    customer = np.repeat(np.arange(low, high, dtype=np.int32), many)
    day = span.start + (rng.random(len(customer)) * ((stop - span.start) // DAY)).astype(np.int64) * DAY
    at = day + (np.clip(rng.normal(14.5, 4.0, len(customer)), 0, 23.99) * HOUR).astype(np.int64)
    order = np.lexsort((at, customer))
    customer, at = customer[order], at[order]
    per_order = people.value_usd[customer] / 12 / np.maximum(people.order_rate[customer], 0.2) * _BASE_VALUE
    amount = np.maximum(per_order * rng.lognormal(-0.125, 0.5, len(customer)) * 100, 50).astype(np.int64)
    margin = (amount * np.clip(rng.normal(RATES.order_margin, 0.08, len(customer)), 0.02, 0.8)).astype(np.int64)
    begun = at >= people.joined_at[customer]
    return Orders(
        customer=customer,
        at=at,
        product=rng.integers(0, len(company.products), len(customer)).astype(np.int8),
        amount_cents=amount,
        margin_cents=np.where(begun, margin, 0),
        kept=begun,
    )


def apply_history(orders: Orders, part: Assigned, churn: Churn, seed: int, block: int) -> tuple[Orders, Ints]:
    """Which orders really happen, and each contact's margin (cents) in its 90 days under every arm: (contacts, arms)."""
    rng = stream(seed, "order-loss", block)
    row, pair = _pairs(orders, part)
    loses = rng.random(len(row)) < RATES.not_recovered_order_loss
    chosen = part.recovered[np.arange(len(part.arm)), part.arm]
    lost_here = loses & ~chosen[pair]
    losses = np.bincount(row, weights=lost_here, minlength=len(orders.at)).astype(np.int64)
    elsewhere = (losses[row] - lost_here) > 0
    margins = np.zeros((len(part.arm), len(ARMS)), dtype=np.int64)
    for a in range(len(ARMS)):
        counts = ~elsewhere & ~(loses & ~part.recovered[pair, a]) & (orders.at[row] < part.stays_until[pair, a])
        worth: Floats = np.where(counts & orders.kept[row], orders.margin_cents[row], 0).astype(float)
        margins[:, a] = np.rint(np.bincount(pair, weights=worth, minlength=len(part.arm)))
    kept = orders.kept & (losses == 0) & (orders.at < churn.at[orders.customer])
    return Orders(orders.customer, orders.at, orders.product, orders.amount_cents, orders.margin_cents, kept), margins


def _pairs(orders: Orders, part: Assigned) -> tuple[Ints, Ints]:
    """(order, contact) index pairs where the order falls within the contact's outcome window."""
    base = int(orders.customer[0]) if len(orders.customer) else 0
    wide = np.int64(2**33)
    key = (orders.customer.astype(np.int64) - base) * wide + orders.at
    group = (part.customer.astype(np.int64) - base) * wide
    low = np.searchsorted(key, group + part.anchor)
    many = np.searchsorted(key, group + part.anchor + RATES.outcome_days * DAY) - low
    pair = np.repeat(np.arange(len(part.arm)), many)
    row = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many) + np.repeat(low, many)
    return row, pair
