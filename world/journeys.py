"""What goes wrong for whom: failures by cause and place over time, and which of them the company hears about.

Belongs here: draws of failures and contacts for all customers at once. Not here: what the company does about a contact
(recovery.py) or how it is worded (text_grammar.py).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from world.breakdowns import Breakdown, Schedule
from world.clock import DAY, HOUR, Horizon, LocalClock
from world.config import COMPLAINT_CHANNELS, RATES, TICKET_CHANNELS, Company
from world.customers import Customers
from world.draws import Ints, pick, pick_by_row, stream

_HOURS = np.array([1, 1, 1, 1, 1, 2, 4, 8, 13, 16, 17, 16, 15, 15, 15, 14, 14, 13, 11, 9, 8, 6, 4, 2], dtype=float)
_COMPLAINT_CHANNEL = np.array([0.30, 0.26, 0.22, 0.08, 0.09, 0.05])
_TICKET_CHANNEL = np.array([0.28, 0.27, 0.20, 0.22, 0.03])


@dataclass(frozen=True)
class Failures:
    """One entry per failure, ordered by time. `cluster` is the number of the breakdown that caused it, or -1."""

    customer: NDArray[np.int32]
    cause: NDArray[np.int8]
    severity: NDArray[np.int8]
    region: NDArray[np.int8]
    branch: NDArray[np.int16]
    product: NDArray[np.int8]
    at: Ints
    cluster: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.at)

    def take(self, index: NDArray[np.integer]) -> Failures:
        """The entries at `index`, in that order."""
        return Failures(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


@dataclass(frozen=True)
class Contacts:
    """One entry per complaint or ticket, ordered by time. `failure` indexes Failures; `number` counts within the kind."""

    failure: NDArray[np.int32]
    is_ticket: NDArray[np.bool_]
    channel: NDArray[np.int8]
    at: Ints
    number: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.at)


def make_failures(
    company: Company, people: Customers, span: Horizon, plan: Schedule, clock: LocalClock, seed: int
) -> tuple[Failures, Schedule]:
    """All failures of active customers, ordered by time, and the schedule with realised sizes."""
    rng = stream(seed, "failures")
    usual = _usual(company, people, span, clock, rng)
    usual, fix = _prevent(usual, plan.fix, rng)
    surge = _surge(company, people, span, plan.surge, clock, rng)
    outage = _outage(company, people, plan.outage, rng)
    dip = _dip(company, people, plan.dip, clock, rng)
    parts = [usual, outage, surge, dip]
    merged = Failures(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Failures)})
    active = (merged.at >= people.joined_at[merged.customer]) & (
        merged.at < people.background_churn_at[merged.customer]
    )
    merged = merged.take(np.flatnonzero(active & (merged.at < span.end)))
    merged = merged.take(np.lexsort((merged.customer, merged.at)))
    count = {n: int((merged.cluster == n).sum()) for n in (0, 1, 2)}
    seen = Schedule(
        plan.outage.seen(count[0]),
        plan.surge.seen(count[1]),
        plan.dip.seen(count[2]),
        plan.slow_queue,
        fix,
        plan.reorganisation,
        plan.is_quiet,
    )
    return merged, seen


def _usual(company: Company, people: Customers, span: Horizon, clock: LocalClock, rng: np.random.Generator) -> Failures:
    many = rng.poisson(RATES.failures_per_customer_week * span.weeks * people.failure_rate)
    customer = np.repeat(np.arange(len(people), dtype=np.int32), many)
    share = np.array([c.share for c in company.causes])
    tilt = 1 + 0.25 * np.sin(np.arange(len(company.segments))[:, None] * 1.7 + np.arange(len(share))[None, :])
    cause = pick_by_row(rng, tilt * share, people.segment[customer])
    day = pick_by_row(rng, _day_weights(company, span), cause)
    return _complete(company, people, customer, cause, _instant(rng, span.start + day * DAY, clock), -1, rng)


def _day_weights(company: Company, span: Horizon) -> NDArray[np.float64]:
    """Relative rate of each cause on each day: weekday, month, and the start of the month where money moves."""
    day = np.arange(span.days)
    dates = np.datetime64(span.start, "s").astype("datetime64[D]") + day
    month = dates.astype("datetime64[M]").astype(int) % 12
    first = (dates - dates.astype("datetime64[M]")).astype(int)
    weight = np.array(RATES.weekday)[(dates.astype(int) + 3) % 7] * np.array(RATES.month)[month]
    early = np.where(first < 5, 1.35, 0.94)
    return np.stack([weight * (early if c.journey in ("everyday", "billing") else 1.0) for c in company.causes])


def _instant(rng: np.random.Generator, midnight: Ints, clock: LocalClock) -> Ints:
    """Instants whose local hour follows the daily profile, given UTC midnights of local days."""
    local = midnight + pick(rng, list(_HOURS), len(midnight)) * HOUR + rng.integers(0, HOUR, len(midnight))
    return np.asarray(local - (clock.local(local) - local), dtype=np.int64)


def _complete(
    company: Company,
    people: Customers,
    customer: NDArray[np.integer],
    cause: NDArray[np.integer],
    at: Ints,
    cluster: int,
    rng: np.random.Generator,
) -> Failures:
    severity = pick_by_row(rng, np.array([c.severity for c in company.causes]), cause) + 1
    worse = people.vulnerable[customer] & (rng.random(len(at)) < 0.5)
    widest = max(len(c.products) for c in company.causes)
    table = np.array(
        [
            [company.products.index(c.products[min(k, len(c.products) - 1)]) for k in range(widest)]
            for c in company.causes
        ]
    )
    kind = np.minimum(pick(rng, (0.6, 0.3, 0.1), len(at)), widest - 1)
    away = rng.random(len(at)) < RATES.elsewhere_share
    region = np.where(away, rng.integers(0, len(company.regions), len(at)), people.region[customer])
    branch = people.branch[customer]
    if company.branches_per_region:
        branch = np.where(
            away, region * company.branches_per_region + rng.integers(0, company.branches_per_region, len(at)), branch
        )
    return Failures(
        customer=customer.astype(np.int32),
        cause=cause.astype(np.int8),
        severity=np.maximum(severity - worse, 1).astype(np.int8),
        region=region.astype(np.int8),
        branch=branch.astype(np.int16),
        product=table[cause, kind].astype(np.int8),
        at=at,
        cluster=np.full(len(at), cluster, dtype=np.int8),
    )


def _prevent(failures: Failures, fix: Breakdown, rng: np.random.Generator) -> tuple[Failures, Breakdown]:
    """Remove the share of failures that the shipped fix prevents; realised = how many."""
    after = (failures.cause == fix.cause) & (failures.at >= fix.start)
    gone = after & (rng.random(len(failures)) < fix.size)
    return failures.take(np.flatnonzero(~gone)), fix.seen(int(gone.sum()))


def _surge(
    company: Company, people: Customers, span: Horizon, surge: Breakdown, clock: LocalClock, rng: np.random.Generator
) -> Failures:
    share = np.array([c.share for c in company.causes])
    weekly = RATES.failures_per_customer_week * share[surge.cause] / share.sum() * len(people)
    days = (surge.end - surge.start) // DAY
    many = rng.poisson(weekly * days / 7 * (surge.size - 1))
    customer = rng.integers(0, len(people), many)
    at = _instant(rng, surge.start + rng.integers(0, days, many) * DAY, clock)
    cause = np.full(many, surge.cause, dtype=np.int64)
    return _complete(company, people, customer, cause, np.clip(at, surge.start, surge.end - 1), 1, rng)


def _outage(company: Company, people: Customers, outage: Breakdown, rng: np.random.Generator) -> Failures:
    there = np.flatnonzero(people.region == outage.region)
    customer = there[rng.random(len(there)) < outage.size]
    at = outage.start + (rng.beta(1.2, 2.5, len(customer)) * (outage.end - outage.start)).astype(np.int64)
    made = _complete(company, people, customer, np.full(len(customer), outage.cause), at, 0, rng)
    region = np.full(len(customer), outage.region, dtype=np.int8)
    return Failures(
        made.customer, made.cause, made.severity, region, people.branch[customer], made.product, at, made.cluster
    )


def _dip(company: Company, people: Customers, dip: Breakdown, clock: LocalClock, rng: np.random.Generator) -> Failures:
    """Some more failures of the dip's cause in its region: what the lower scores are about."""
    there = np.flatnonzero(people.region == dip.region)
    customer = there[rng.random(len(there)) < 0.05]
    days = (dip.end - dip.start) // DAY
    at = np.clip(_instant(rng, dip.start + rng.integers(0, days, len(customer)) * DAY, clock), dip.start, dip.end - 1)
    return _complete(company, people, customer, np.full(len(customer), dip.cause), at, 2, rng)


def make_contacts(failures: Failures, span: Horizon, clock: LocalClock, seed: int) -> Contacts:
    """The failures people complain about, as complaints or tickets, ordered by the time of contact."""
    rng = stream(seed, "contacts")
    heard = rng.random(len(failures)) < np.array((0.0, *RATES.contact_by_severity))[failures.severity]
    lag = rng.lognormal(np.log(RATES.contact_lag_hours), 1.2, len(failures)) * HOUR
    at = failures.at + np.minimum(lag, 30 * DAY).astype(np.int64)
    for shift in clock.spring_forwards():
        _around(shift, at, failures.at)
    index = np.flatnonzero(heard & (at < span.end))
    index = index[np.lexsort((index, at[index]))]
    is_ticket = rng.random(len(index)) >= RATES.complaint_share
    by_kind = (pick(rng, list(_COMPLAINT_CHANNEL), len(index)), pick(rng, list(_TICKET_CHANNEL), len(index)))
    number = np.where(is_ticket, np.cumsum(is_ticket), np.cumsum(~is_ticket))
    assert len(COMPLAINT_CHANNELS) == len(_COMPLAINT_CHANNEL) and len(TICKET_CHANNELS) == len(_TICKET_CHANNEL)
    return Contacts(
        failure=index.astype(np.int32),
        is_ticket=is_ticket,
        channel=np.where(is_ticket, by_kind[1], by_kind[0]).astype(np.int8),
        at=at[index],
        number=number.astype(np.int32),
    )


def _around(shift: int, at: Ints, since: Ints) -> None:
    """Move a dozen contacts of the hours after a spring-forward change to within the hour around it (in place)."""
    near = np.flatnonzero((at >= shift - HOUR) & (at < shift + DAY) & (since < shift - HOUR))[:12]
    at[near] = shift - 30 * 60 + np.arange(len(near)) * 300
