"""What the company does about each contact and what would have come of every alternative.

Belongs here: eligible sets, confounded assignment with known propensities, and all potential outcomes. Not here: estimates
of any kind. Potential outcomes of a contact hold everything else in the customer's history at what it would really be, so
"observed = potential outcome of the assigned arm" is exact (SUTVA holds: waiting does not depend on arms).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from world.clock import DAY, HOUR, NEVER, Horizon
from world.config import ARMS, RATES, Company
from world.customers import Customers
from world.draws import Bools, Floats, Ints, pick_by_row, sigmoid, stream
from world.journeys import Contacts, Failures

NONE = ARMS.index("none")
_REFUND, _SPECIALIST, _APOLOGY, _CALLBACK = (ARMS.index(a) for a in ("refund", "specialist", "apology", "callback"))


@dataclass(frozen=True)
class Facts:
    """What assignment and outcomes may depend on, one entry per contact. `worth` is log value against the company's median."""

    severity: NDArray[np.int8]
    cause: NDArray[np.int8]
    worth: Floats
    vulnerable: Bools
    refundable: Bools
    satisfaction: Floats
    skill: Floats
    wait_hours: Floats
    customer: NDArray[np.int32]


@dataclass(frozen=True)
class Outcomes:
    """Assignment and potential outcomes; two-dimensional fields are (contacts, arms) in the order of `ARMS`.

    `effort` scales the handling minutes of a contact under every arm.
    """

    first_action_at: Ints
    is_assigned: Bools
    eligible: Bools
    propensity: NDArray[np.float32]
    arm: NDArray[np.int8]
    recovery_probability: NDArray[np.float32]
    recovered: Bools
    leaves_at: Ints
    resolved_at: Ints
    offer_usd: NDArray[np.float32]
    effort: NDArray[np.float32]

    def observed(self, table: NDArray[Any]) -> NDArray[Any]:
        """The assigned arm's column of a (contacts, arms) table."""
        return table[np.arange(len(self.arm)), self.arm]


def facts_of(
    company: Company, people: Customers, failures: Failures, contacts: Contacts, skill: Floats, wait: Floats
) -> Facts:
    """Gather the covariates of each contact."""
    of = contacts.failure
    customer, cause = failures.customer[of], failures.cause[of]
    value = people.value_usd[customer].astype(float)
    return Facts(
        severity=failures.severity[of],
        cause=cause,
        worth=np.log(value) - float(np.log(np.median(people.value_usd))),
        vulnerable=people.vulnerable[customer],
        refundable=np.array([c.refundable for c in company.causes])[cause],
        satisfaction=people.satisfaction[customer].astype(float),
        skill=skill,
        wait_hours=wait,
        customer=customer,
    )


def eligible_arms(facts: Facts) -> Bools:
    """Which playbooks are open to each contact: never `none` for severity 1 or the vulnerable; refunds only where money is due."""
    allowed = np.ones((len(facts.severity), len(ARMS)), dtype=bool)
    allowed[:, NONE] = (facts.severity > 1) & ~facts.vulnerable
    allowed[:, _APOLOGY] = facts.severity > 1
    allowed[:, _REFUND] = facts.refundable
    allowed[:, _SPECIALIST] = facts.severity < 4
    return allowed


def propensities(facts: Facts, allowed: Bools) -> Floats:
    """Assignment probabilities, rows sum to 1: a softmax of severity, value and cause, mixed with a little exploration."""
    s, worth = facts.severity, facts.worth
    score = np.zeros(allowed.shape)
    score[:, _APOLOGY] = 0.2 + 0.7 * (s == 4) + 0.3 * (s == 3) - 0.2 * worth
    score[:, _CALLBACK] = 0.3 + 0.3 * (s == 2) + 0.05 * facts.cause
    score[:, _REFUND] = -0.1 + 0.3 * worth + 0.4 * (facts.cause % 3 == 0)
    score[:, _SPECIALIST] = -0.9 + 1.9 * (s == 1) + 1.5 * (s == 2) + 0.45 * worth
    score[:, NONE] = 0.1 + 0.9 * (s == 4) - 0.9 * (s == 2) - 0.4 * worth
    weight = np.where(allowed, np.exp(score), 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    even = allowed / allowed.sum(axis=1, keepdims=True)
    return np.asarray((1 - RATES.explore_share) * weight + RATES.explore_share * even)


def recovery_probabilities(company: Company, facts: Facts) -> Floats:
    """P(recovered) under every arm: effects differ by failure type, severity, value and vulnerability."""
    kinds = [c.failure_type for c in company.causes]
    by_cause = np.array([RATES.arm_by_type[k] for k in kinds])
    effect = np.array(RATES.arm_logit) + by_cause[facts.cause]
    effect[:, _REFUND] -= 0.30 * np.clip(facts.worth, -2, 2)
    effect[:, _SPECIALIST] += 0.35 * (facts.severity <= 2)
    effect[:, _APOLOGY] -= 0.45 * (facts.severity <= 2)
    effect[:, _CALLBACK] += 0.25 * facts.vulnerable + 0.10 * np.clip(facts.worth, -2, 2)
    base = np.array((0.0, *RATES.severity_logit))[facts.severity] + 0.35 * facts.satisfaction + facts.skill
    base = base - 0.30 * np.log1p(np.maximum(facts.wait_hours, 0) / 24) + 0.12 * np.cos(facts.cause * 1.3)
    return sigmoid(base[:, None] + effect)


def decide(company: Company, facts: Facts, first_action_at: Ints, span: Horizon, seed: int) -> Outcomes:
    """Draw the assignment and all potential outcomes of every contact. One uniform per contact is shared by all arms."""
    assign, fate = stream(seed, "assignment"), stream(seed, "outcomes")
    allowed = eligible_arms(facts)
    chance = propensities(facts, allowed)
    n = len(facts.severity)
    arm = pick_by_row(assign, chance, np.arange(n))
    recovery = recovery_probabilities(company, facts)
    recovered = fate.random(n)[:, None] < recovery
    anchor = first_action_at[:, None]
    return Outcomes(
        first_action_at=first_action_at,
        is_assigned=first_action_at < span.end,
        eligible=allowed,
        propensity=chance.astype(np.float32),
        arm=arm.astype(np.int8),
        recovery_probability=recovery.astype(np.float32),
        recovered=recovered,
        leaves_at=_leaves(facts, recovered, anchor, fate),
        resolved_at=anchor + _resolve_seconds(facts, fate),
        offer_usd=_offers(facts, fate),
        effort=fate.lognormal(0.0, 0.4, n).astype(np.float32),
    )


def _leaves(facts: Facts, recovered: Bools, anchor: Ints, fate: np.random.Generator) -> Ints:
    """When the customer would leave over this contact under each arm, NEVER if they would not."""
    n = len(facts.severity)
    logit = -2.0 - 0.45 * facts.satisfaction + np.array((0.0, 0.75, 0.35, 0.0, -0.35))[facts.severity]
    risk = np.where(recovered, 0.25, 1.0) * sigmoid(logit)[:, None]
    risk[:, _REFUND] *= 0.85
    after = ((4 + 80 * fate.beta(1.3, 1.6, n)) * DAY).astype(np.int64)[:, None]
    return np.where(fate.random(n)[:, None] < risk, anchor + after, NEVER)


def _resolve_seconds(facts: Facts, fate: np.random.Generator) -> Ints:
    n = len(facts.severity)
    spread = fate.lognormal(0.0, 0.7, n)[:, None] * np.array((0.0, 1.5, 1.2, 1.0, 0.8))[facts.severity][:, None]
    return np.asarray(900 + np.array(RATES.arm_resolve_hours) * HOUR * spread, dtype=np.int64)


def _offers(facts: Facts, fate: np.random.Generator) -> NDArray[np.float32]:
    """Money offered under each arm: refunds follow severity and value, a call sometimes carries a small credit."""
    n = len(facts.severity)
    size = np.array((0.0, 3.0, 2.0, 1.2, 0.7))[facts.severity]
    offer = np.zeros((n, len(ARMS)))
    offer[:, _REFUND] = np.round(18 * size * np.exp(0.35 * np.clip(facts.worth, -2, 2)) * fate.lognormal(0, 0.4, n), 2)
    offer[:, _CALLBACK] = np.where(fate.random(n) < 0.2, 10.0, 0.0)
    return offer.astype(np.float32)


@dataclass(frozen=True)
class Churn:
    """`at` is when each customer really leaves; `others_at` the earliest reason to leave other than the contact itself."""

    at: Ints
    others_at: Ints


def settle_churn(people: Customers, failures: Failures, contacts: Contacts, outcomes: Outcomes, seed: int) -> Churn:
    """When customers leave: the earliest of background, unheard failures and contacts under their assigned arms."""
    rng = stream(seed, "silent-churn")
    risk = np.array((0.0, 0.045, 0.025, 0.010, 0.004))[failures.severity]
    unheard = np.ones(len(failures), dtype=bool)
    unheard[contacts.failure] = False
    after = ((2 + 60 * rng.random(len(failures))) * DAY).astype(np.int64)
    quits = np.flatnonzero((rng.random(len(failures)) < risk) & unheard)
    own = np.where(outcomes.is_assigned, outcomes.observed(outcomes.leaves_at), NEVER)
    customer_of_contact = failures.customer[contacts.failure]
    base = people.background_churn_at.copy()
    np.minimum.at(base, failures.customer[quits], (failures.at + after)[quits])
    first = base.copy()
    np.minimum.at(first, customer_of_contact, own)
    return Churn(at=first, others_at=_without_own(base, customer_of_contact, own))


def _without_own(base: Ints, customer: NDArray[np.int32], own: Ints) -> Ints:
    """For each contact the minimum over its customer's base time and the other contacts' times."""
    order = np.lexsort((own, customer))
    group, time = customer[order], own[order]
    is_first = np.concatenate([[True], group[1:] != group[:-1]]) if len(group) else np.zeros(0, dtype=bool)
    best = np.full(len(base), NEVER, dtype=np.int64)
    best[group[is_first]] = time[is_first]
    second = np.full(len(base), NEVER, dtype=np.int64)
    follow = np.flatnonzero(is_first) + 1
    follow = follow[(follow < len(group))]
    follow = follow[group[follow] == group[follow - 1]]
    second[group[follow]] = time[follow]
    others = np.empty(len(own), dtype=np.int64)
    others[order] = np.where(is_first, second[group], best[group])
    return np.minimum(others, base[customer])
