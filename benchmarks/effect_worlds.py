"""Worlds of planted truth as a company would see them: attempts at recovery, and what each would have earned under every arm.

Belongs here: drawing a small world in memory and putting it into the columns of `int_recovery_attempt`. Not here: what is
estimated on it or claimed about it (effect.py).

Only what a company has enters: severity as triaged, the cause as resolutions carry it (wrong at the world's own rate), the
CRM's value, segment and vulnerability flag, the wait, and orders and contacts before the decision. Satisfaction, the skill
of the owner, the logged propensities and every outcome not lived stay out. Outcomes are those of mature attempts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.recovery.attempts import Attempts, read_attempts
from world.build import START, draw_scene
from world.clock import DAY, HOUR, horizon, instants
from world.config import ARMS, COMPANIES, COMPLAINT_CHANNELS, LANGUAGES, RATES, TICKET_CHANNELS, TIERS
from world.draws import Ints, stream
from world.exports.back_office import handling_minutes
from world.orders import Orders, apply_history, assigned_contacts, make_orders
from world.rendering import names
from world.scene import Scene, subject_ids

Floats = NDArray[np.float64]

USD_PER_MINUTE = 0.75
WINDOW = RATES.outcome_days * DAY


@dataclass(frozen=True)
class Seen:
    """n mature attempts and the net margin (USD over 90 days) each would have had under every arm of `attempts.arms`.

    `table` is what they were read from; `eligible` and `minutes` (n, arms) say who could get what and how long it takes.
    """

    attempts: Attempts
    potential: Floats
    table: pa.Table
    eligible: NDArray[np.bool_]
    minutes: Floats


def seen_world(seed: int, *, customers: int, weeks: int, company: str = "bank") -> Seen:
    """Draw a world and look at it as the company would on its last day."""
    known = COMPANIES[company]
    first = START - timedelta(weeks=weeks - 26)
    scene = draw_scene(known, customers, horizon(_monday(first), weeks, known.timezone), seed, faults=False)
    part = assigned_contacts(scene.customer, scene.outcomes, scene.churn)
    usual = make_orders(known, scene.people, 0, customers, scene.span, seed, 0)
    orders, cents = apply_history(usual, part, scene.churn, seed, 0)
    margins = np.zeros((len(scene.contacts), len(ARMS)))
    margins[part.contact] = cents / 100
    anchor = scene.outcomes.first_action_at
    rows = np.flatnonzero(scene.outcomes.is_assigned & (anchor + WINDOW < scene.span.end))
    net = margins[rows] - scene.outcomes.offer_usd[rows] - USD_PER_MINUTE * handling_minutes(scene, rows)
    table = _table(scene, rows, margins, net, orders)
    attempts = read_attempts(table)
    order = [ARMS.index(arm) for arm in attempts.arms]
    minutes = handling_minutes(scene, rows)[:, order]
    return Seen(attempts, net[:, order], table, scene.outcomes.eligible[rows][:, order], minutes)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _table(scene: Scene, rows: Ints, margins: Floats, net: Floats, orders: Orders) -> pa.Table:
    """The attempts `rows` (contacts) in the columns of `int_recovery_attempt`."""
    outcomes, people, failures = scene.outcomes, scene.people, scene.failures
    failure, customer = scene.contacts.failure[rows], scene.customer[rows]
    arm, anchor = outcomes.arm[rows].astype(np.int64), outcomes.first_action_at[rows]
    one = (np.arange(len(rows)), arm)
    lived = margins[rows][one]
    minutes = handling_minutes(scene, rows)[one]
    left = np.minimum(outcomes.leaves_at[rows][one], scene.churn.others_at[rows])
    gone = left < anchor + WINDOW
    ticket = scene.contacts.is_ticket[rows]
    channel = np.where(ticket, scene.contacts.channel[rows], len(TICKET_CHANNELS) + scene.contacts.channel[rows])
    cause = _cause_told(scene, rows)
    causes = scene.company.causes
    index_of_type = {kind: place for place, kind in enumerate(sorted({c.failure_type for c in causes}))}
    journeys = {name: place for place, name in enumerate(sorted({c.journey for c in causes}))}
    yes = np.ones(len(rows), dtype=bool)
    return pa.table(
        {
            "attempt_id": subject_ids(scene.contacts, rows),
            "customer_id": pa.array(customer).cast(pa.string()),
            "playbook_code": names(ARMS, arm),
            "first_action_at": instants(anchor),
            "severity": pa.array(failures.severity[failure]),
            "severity_basis": pa.array(["triaged"] * len(rows)),
            "cause_id": names(tuple(c.id for c in causes), cause),
            "failure_type": names(tuple(index_of_type), np.array([index_of_type[c.failure_type] for c in causes])[cause]),
            "journey": names(tuple(journeys), np.array([journeys[c.journey] for c in causes])[cause]),
            "segment": names(tuple(s.id for s in scene.company.segments), people.segment[customer]),
            "tier": names(TIERS, people.tier[customer]),
            "region": names(scene.company.regions, people.region[customer]),
            "language": names(LANGUAGES, people.language[customer]),
            "channel": names((*TICKET_CHANNELS, *COMPLAINT_CHANNELS), channel),
            "annual_value_usd": pa.array(people.value_usd[customer].astype(float)),
            "is_vulnerable": pa.array(people.vulnerable[customer]),
            "wait_hours": pa.array((anchor - scene.contacts.at[rows]) / HOUR),
            "tenure_days": pa.array((anchor - people.joined_at[customer]) // DAY),
            "sentiment": pa.nulls(len(rows), pa.float64()),
            **_before(scene, rows, orders),
            "is_recovered": pa.array(outcomes.recovered[rows][one]),
            "is_outcome_mature": pa.array(yes),
            "is_retained_90d": pa.array(~gone),
            "is_mature_90d": pa.array(yes),
            "days_to_churn": pa.array((left - anchor) / DAY, mask=~gone),
            "days_observed_after": pa.array(np.full(len(rows), RATES.outcome_days)),
            "revenue_90d_usd": pa.array(lived / RATES.order_margin),
            "margin_90d_usd": pa.array(lived),
            "offer_usd": pa.array(outcomes.offer_usd[rows][one].astype(float)),
            "effort_cost_usd": pa.array(USD_PER_MINUTE * minutes),
            "net_margin_90d_usd": pa.array(net[one]),
        }
    )  # fmt: skip


def _cause_told(scene: Scene, rows: Ints) -> Ints:
    """The cause as the record of the resolution has it: another one in the world's share of miscoded records."""
    rng = stream(scene.seed, "benchmark-cause")
    true = scene.failures.cause[scene.contacts.failure[rows]].astype(np.int64)
    wrong = rng.random(len(rows)) < RATES.resolution_miscoded
    return np.asarray(np.where(wrong, rng.integers(0, len(scene.company.causes), len(rows)), true))


def _before(scene: Scene, rows: Ints, orders: Orders) -> dict[str, pa.Array]:
    """What the customer ordered and how often they had been in touch before the decision."""
    customer, anchor = scene.customer[rows], scene.outcomes.first_action_at[rows]
    kept = np.flatnonzero(orders.kept)
    ordered = _Past(orders.customer[kept], orders.at[kept], orders.margin_cents[kept] / 100)
    contacts = _Past(scene.customer, scene.contacts.at, np.ones(len(scene.contacts)))
    attempts = _Past(scene.customer, scene.outcomes.first_action_at, np.ones(len(scene.contacts)))
    observed = np.clip((anchor - np.maximum(scene.span.start, scene.people.joined_at[customer])) // DAY, 0, 56)
    count, margin = ordered.within(customer, anchor, 28, 0)
    placebo = ordered.within(customer, anchor, 56, 28)[1]
    return {
        "prior_signals_90d": pa.array(contacts.within(customer, anchor, 90, 0)[0] - 1),
        "prior_attempts_90d": pa.array(attempts.within(customer, anchor, 90, 0)[0]),
        "days_observed_before": pa.array(np.minimum(observed, 28)),
        "orders_before_28d": pa.array(count),
        "margin_before_28d_usd": pa.array(margin),
        "margin_placebo_usd": pa.array(placebo, mask=observed < 56),
    }


class _Past:
    """Dated amounts by customer, summed over any time before an instant."""

    def __init__(self, customer: NDArray[np.integer], at: Ints, amount: Floats) -> None:
        order = np.lexsort((at, customer))
        self._key = customer[order].astype(np.int64) * 2**34 + at[order]
        self._total = np.concatenate([[0.0], np.cumsum(amount[order])])

    def within(self, customer: NDArray[np.integer], anchor: Ints, since: int, until: int) -> tuple[Ints, Floats]:
        """Entries and their sum from `since` to `until` days before each anchor (strictly before it)."""
        base = customer.astype(np.int64) * 2**34 + anchor
        low, high = (np.searchsorted(self._key, base - days * DAY) for days in (since, until))
        return high - low, self._total[high] - self._total[low]
