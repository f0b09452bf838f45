"""One whole world in memory, before it is written: the parts every exporter reads, and contacts seen as dated states.

Belongs here: the bundle, ids of contacts and what follows directly from their times. Not here: file formats.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from world.breakdowns import Schedule
from world.clock import DAY, HOUR, NEVER, Horizon, LocalClock
from world.config import Company
from world.customers import Customers
from world.draws import Bools, Ints, stream
from world.journeys import Contacts, Failures
from world.recovery import Churn, Outcomes
from world.rendering import serial
from world.surveys import Invitations
from world.text_grammar import Grammar
from world.workforce import Workforce


@dataclass(frozen=True)
class Repeats:
    """Contacts that come again because they were not recovered. `ticket` numbers a new ticket, or is -1 for a reopened one."""

    contact: Ints
    at: Ints
    ticket: Ints


@dataclass(frozen=True)
class Scene:
    """Everything of one world. `owner`, `margins_cents` and `handling_minutes` belong to contacts (arms second)."""

    company: Company
    seed: int
    span: Horizon
    clock: LocalClock
    plan: Schedule
    people: Customers
    force: Workforce
    failures: Failures
    contacts: Contacts
    owner: NDArray[np.int32]
    outcomes: Outcomes
    churn: Churn
    repeats: Repeats
    invitations: Invitations
    grammar: Grammar
    with_faults: bool

    @property
    def customer(self) -> NDArray[np.int32]:
        """Customer number of each contact."""
        return self.failures.customer[self.contacts.failure]

    @property
    def resolved_at(self) -> Ints:
        """When each contact was resolved under its assigned arm; NEVER if not within the world."""
        done = np.asarray(self.outcomes.observed(self.outcomes.resolved_at), dtype=np.int64)
        return np.where(self.outcomes.is_assigned & (done < self.span.end), done, NEVER)


def subject_ids(contacts: Contacts, index: NDArray[np.integer]) -> pa.Array:
    """Complaint or ticket id of contacts (-1 gives null)."""
    safe = np.maximum(index, 0)
    complaint = serial("CMP-", contacts.number[safe], 7)
    ids = pc.if_else(pa.array(contacts.is_ticket[safe]), ticket_ids(contacts.number[safe]), complaint)
    return pc.if_else(pa.array(index >= 0), ids, pa.scalar(None, pa.string()))


def ticket_ids(number: NDArray[np.integer]) -> pa.Array:
    """Ticket ids as the help desk counts them."""
    return pa.array(number.astype(np.int64) + 100_000).cast(pa.string())


def happening(
    failures: Failures, contacts: Contacts, outcomes: Outcomes, churn: Churn
) -> tuple[Failures, Contacts, Outcomes, Churn, Ints]:
    """Drop failures and contacts of customers who had already left; also returns the indices of the contacts kept."""
    kept = failures.at < churn.at[failures.customer]
    place = np.cumsum(kept) - 1
    keep = np.flatnonzero(kept[contacts.failure] & (contacts.at < churn.at[failures.customer[contacts.failure]]))
    is_ticket = contacts.is_ticket[keep]
    number = np.where(is_ticket, np.cumsum(is_ticket), np.cumsum(~is_ticket)).astype(np.int32)
    left = Contacts(
        failure=place[contacts.failure[keep]].astype(np.int32),
        is_ticket=is_ticket,
        channel=contacts.channel[keep],
        at=contacts.at[keep],
        number=number,
    )
    cut = Outcomes(**{name: value[keep] for name, value in vars(outcomes).items()})
    return failures.take(np.flatnonzero(kept)), left, cut, replace(churn, others_at=churn.others_at[keep]), keep


def make_repeats(
    failures: Failures, contacts: Contacts, outcomes: Outcomes, churn: Churn, span: Horizon, seed: int
) -> Repeats:
    """A third of the resolved but not recovered contacts come again: tickets are reopened, complaints become new tickets."""
    rng = stream(seed, "repeats")
    done = np.asarray(outcomes.observed(outcomes.resolved_at), dtype=np.int64)
    failed = outcomes.is_assigned & ~np.asarray(outcomes.observed(outcomes.recovered), dtype=bool)
    lot, wait = rng.random(len(done)), (rng.gamma(2.0, 2.2, len(done)) * DAY).astype(np.int64) + HOUR
    at = done + wait
    again: Bools = failed & (lot < 0.34) & (at < span.end) & (at < churn.at[failures.customer[contacts.failure]])
    index = np.flatnonzero(again)
    new = ~contacts.is_ticket[index]
    last = int(contacts.is_ticket.sum())
    return Repeats(index, at[index], np.where(new, last + np.cumsum(new), -1))
