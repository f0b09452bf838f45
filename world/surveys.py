"""Who is asked, what they would answer, and who answers: relational NPS on a panel, CSAT and effort after a resolution.

Belongs here: invitations with the score everybody would give and the chance that they give it (missing not at random: the
happy answer more, SMS less). Not here: the survey tool's export (exports/qualtrics.py).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from world.breakdowns import Breakdown
from world.clock import DAY, HOUR, Horizon
from world.config import RATES, SURVEYS
from world.customers import Customers
from world.draws import Bools, Floats, Ints, sigmoid, stream
from world.journeys import Contacts, Failures
from world.recovery import Churn, Outcomes

NPS, CSAT, CES, CES1 = range(len(SURVEYS))
_HIGHEST = np.array([10, 5, 7, 5])
_LOWEST = np.array([0, 1, 1, 1])


@dataclass(frozen=True)
class Invitations:
    """One entry per invitation, ordered by time sent. `contact` is -1 for NPS; `score` is what they would answer.

    `failure` is the failure on their mind, or -1.
    """

    survey: NDArray[np.int8]
    customer: NDArray[np.int32]
    contact: NDArray[np.int32]
    failure: NDArray[np.int32]
    by_sms: Bools
    sent_at: Ints
    score: NDArray[np.int8]
    mood: NDArray[np.float32]
    propensity: NDArray[np.float32]
    status: NDArray[np.int8]
    answered: Bools
    answered_at: Ints

    def __len__(self) -> int:
        return len(self.sent_at)

    def take(self, index: NDArray[np.integer]) -> Invitations:
        """The entries at `index`, in that order."""
        return Invitations(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


def make_invitations(
    people: Customers,
    failures: Failures,
    contacts: Contacts,
    outcomes: Outcomes,
    churn: Churn,
    span: Horizon,
    dip: Breakdown,
    seed: int,
) -> Invitations:
    """All invitations of the period, ordered by time."""
    relational = _relational(people, failures, contacts, outcomes, churn, span, dip, seed)
    after = _after_resolution(people, failures, contacts, outcomes, churn, span, seed)
    both = Invitations(
        **{f.name: np.concatenate([getattr(relational, f.name), getattr(after, f.name)]) for f in fields(Invitations)}
    )
    return both.take(np.lexsort((both.customer, both.sent_at)))


def _relational(
    people: Customers,
    failures: Failures,
    contacts: Contacts,
    outcomes: Outcomes,
    churn: Churn,
    span: Horizon,
    dip: Breakdown,
    seed: int,
) -> Invitations:
    rng = stream(seed, "survey-nps")
    panel = np.flatnonzero(people.in_panel & people.consent[:, 0])
    rounds = -(-span.days // RATES.panel_days)
    first = rng.integers(0, RATES.panel_days, len(panel)) * DAY + 9 * HOUR
    at = (span.start + first[:, None] + np.arange(rounds) * RATES.panel_days * DAY).ravel()
    at = at + rng.integers(0, 9 * HOUR, len(at))
    customer = np.repeat(panel, rounds)
    ask = np.flatnonzero((at < span.end) & (at >= people.joined_at[customer]) & (at < churn.at[customer]))
    customer, at = customer[ask], at[ask]
    mood = 7.7 + 1.55 * people.satisfaction[customer] + rng.normal(0.0, 1.45, len(ask))
    failure = _latest_failure(failures, customer, at)
    mood -= _pain(failures, contacts, outcomes, failure, at)
    mood -= dip.size * ((people.region[customer] == dip.region) & (at >= dip.start) & (at < dip.end))
    score = np.clip(np.rint(mood), 0, 10).astype(np.int64)
    return _answer(
        rng, np.full(len(ask), NPS), customer, np.full(len(ask), -1), failure, at, score, mood - 7.4, people, 1.2
    )


def _latest_failure(failures: Failures, customer: Ints, at: Ints) -> Ints:
    """Each customer's latest failure before a time, -1 where there is none."""
    if not len(failures):
        return np.full(len(at), -1, dtype=np.int64)
    order = np.lexsort((failures.at, failures.customer))
    wide = np.int64(2**33)
    key = failures.customer[order].astype(np.int64) * wide + failures.at[order]
    before = np.searchsorted(key, customer.astype(np.int64) * wide + at) - 1
    hit = order[np.maximum(before, 0)]
    return np.where((before >= 0) & (failures.customer[hit] == customer), hit, -1)


def _pain(failures: Failures, contacts: Contacts, outcomes: Outcomes, failure: Ints, at: Ints) -> Floats:
    """Score points lost to the latest failure: recovered ones hurt little, all fade."""
    if not len(failures):
        return np.zeros(len(at))
    pain = np.where(failures.severity <= 2, 2.6, 1.5).astype(float)
    well = outcomes.is_assigned & outcomes.observed(outcomes.recovered)
    pain[contacts.failure[well]] *= 0.2
    return np.where(failure >= 0, pain[failure] * np.exp(-(at - failures.at[failure]) / (45 * DAY)), 0.0)


def _after_resolution(
    people: Customers,
    failures: Failures,
    contacts: Contacts,
    outcomes: Outcomes,
    churn: Churn,
    span: Horizon,
    seed: int,
) -> Invitations:
    rng = stream(seed, "survey-after")
    done = outcomes.observed(outcomes.resolved_at)
    customer = failures.customer[contacts.failure]
    sent = done + (DAY * (0.6 + 1.8 * rng.random(len(done)))).astype(np.int64)
    lot = rng.random(len(done))
    wanted = (lot < RATES.csat_share + RATES.ces_share) & people.consent[customer, 0] & outcomes.is_assigned
    ask = np.flatnonzero(wanted & (sent < span.end) & (sent < churn.at[customer]))
    early = sent[ask] < span.start + 35 * DAY
    survey = np.where(lot[ask] < RATES.csat_share, CSAT, np.where(early, CES1, CES))
    who, of = customer[ask], ask
    well = outcomes.observed(outcomes.recovered)[of]
    waited = np.log1p((outcomes.first_action_at[of] - contacts.at[of]) / DAY)
    mood = (
        np.where(well, 1.35, -1.25) + 0.35 * people.satisfaction[who] - 0.30 * waited + rng.normal(0.0, 0.75, len(of))
    )
    scaled = np.select([survey == CSAT, survey == CES], [3.1 + 1.1 * mood, 4.2 + 1.6 * mood], 2.9 - 1.0 * mood)
    score = np.clip(np.rint(scaled), _LOWEST[survey], _HIGHEST[survey]).astype(np.int64)
    return _answer(rng, survey, who, of, contacts.failure[of], sent[ask], score, 1.6 * mood, people, 1.0)


def _answer(
    rng: np.random.Generator,
    survey: Ints,
    customer: NDArray[np.integer],
    contact: Ints,
    failure: NDArray[np.integer],
    at: Ints,
    score: Ints,
    mood: Floats,
    people: Customers,
    bias: float,
) -> Invitations:
    """Draw channel, response (happier people answer more) and its time; bounced invitations are never answered."""
    by_sms = people.consent[customer, 1] & (rng.random(len(at)) < 0.35)
    logit = np.where(by_sms, -1.55, -0.90) + 0.30 * bias * np.clip(mood, -4, 4)
    chance = sigmoid(logit) * (1 - RATES.bounced)
    bounced = rng.random(len(at)) < RATES.bounced
    answered = ~bounced & (rng.random(len(at)) < sigmoid(logit))
    opened = answered | (rng.random(len(at)) < 0.35)
    return Invitations(
        survey=survey.astype(np.int8),
        customer=customer.astype(np.int32),
        contact=contact.astype(np.int32),
        failure=failure.astype(np.int32),
        by_sms=by_sms,
        sent_at=at.astype(np.int64),
        score=score.astype(np.int8),
        mood=mood.astype(np.float32),
        propensity=chance.astype(np.float32),
        status=np.where(bounced, 1, np.where(opened, 2, 0)).astype(np.int8),
        answered=answered,
        answered_at=at + (rng.lognormal(np.log(9 * HOUR), 1.1, len(at))).astype(np.int64),
    )
