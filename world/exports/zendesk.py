"""The help desk's exports: tickets (JSON lines, re-exported when they change), their field history, and their comments.

Belongs here: zendesk__ticket, zendesk__ticket_field_history, zendesk__ticket_comment. Not here: histories (tickets.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from world.clock import DAY, HOUR, NEVER, zulu_text
from world.config import TICKET_CHANNELS
from world.customers import customer_ids
from world.delivery import Delivery, Layout, note_delivery
from world.draws import Bools, Ints, blocks, stream
from world.exports.complaints import BLOCK, branch_ids, brief_of
from world.exports.text_rows import record_texts
from world.exports.tickets import (
    CLOSED,
    CREATED,
    OPENED,
    REOPENED,
    SOLVED,
    STATUS,
    Tickets,
    groups,
    make_tickets,
    owner_ids,
)
from world.phrase_tables import scatter
from world.rendering import constant, flag, names, number
from world.scene import Scene, subject_ids, ticket_ids
from world.schedule_rows import Extract, extracts, latest
from world.text_grammar import Brief, Texts
from world.truth import TruthStore
from world.workforce import employee_ids

PRIORITY: tuple[str, ...] = ("urgent", "high", "normal", "low")
ROLES: tuple[str, ...] = ("customer", "agent", "system")
TICKET = Layout(
    source="zendesk",
    entity="ticket",
    key="id",
    is_json=True,
    raw=frozenset({"tags"}),
    texts=frozenset({"subject", "description"}),
    columns=(
        "id",
        "created_at",
        "updated_at",
        "requester_id",
        "assignee_id",
        "group_id",
        "status",
        "priority",
        "subject",
        "description",
        "via_channel",
        "type",
        "tags",
        "external_id",
        "product",
        "branch_id",
        "region",
    ),
)
HISTORY = Layout(
    source="zendesk",
    entity="ticket_field_history",
    key="ticket_id",
    texts=frozenset(),
    columns=("ticket_id", "field_name", "updated", "user_id", "value"),
)
COMMENT = Layout(
    source="zendesk",
    entity="ticket_comment",
    key="id",
    is_json=True,
    raw=frozenset({"public"}),
    texts=frozenset({"body"}),
    columns=("id", "ticket_id", "user_id", "author_role", "body", "created", "public"),
)


def write_zendesk(scene: Scene, root: Path, truth: TruthStore) -> dict[str, int]:
    """Write all monthly files of the three entities; returns rows per file."""
    tickets = make_tickets(scene)
    outs = [
        Delivery(root, layout, scene.span, truth, faults=scene.with_faults) for layout in (TICKET, HISTORY, COMMENT)
    ]
    for k, (low, high) in enumerate(blocks(len(tickets), BLOCK)):
        part = tickets.cut(low, high)
        _write_tickets(scene, part, k, outs[0], truth)
        _write_history(scene, part, k, outs[1])
        _write_comments(scene, part, k, outs[2], truth)
    for out in outs:
        out.close()
    _record_repeats(scene, truth)
    return {name: rows for out in outs for name, rows in out.rows.items()}


def _brief(scene: Scene, part: Tickets) -> Brief:
    brief = brief_of(scene, part.contact)
    return Brief(brief.cause, brief.language, brief.tone, brief.customer, brief.agent, part.is_repeat)


def _write_tickets(scene: Scene, part: Tickets, block: int, out: Delivery, truth: TruthStore) -> None:
    rng = stream(scene.seed, "tickets-text", block)
    brief = _brief(scene, part)
    body, subject = scene.grammar.customer_texts(brief, rng), scene.grammar.subjects(brief, rng)
    keys = ticket_ids(part.number)
    known = rng.random(len(part)) < 0.97
    priority = np.where(rng.random(len(part)) < 0.15, -1, _severity(scene, part) - 1)
    for column, texts in (("description", body), ("subject", subject)):
        record_texts(truth, scene, ("zendesk", "ticket", column), keys, texts, brief.customer)
    for extract in extracts(part.events, part.late, scene.span):
        at = pa.array(extract.rows)
        columns = _ticket_columns(scene, part, extract, known, priority)
        out.write(
            extract.month,
            columns | {"id": keys.take(at), "subject": subject.text.take(at), "description": body.text.take(at)},
        )
        for kind, mask in (("late", extract.late), ("updated", extract.updated)):
            note_delivery(
                truth, TICKET, kind, keys.take(pa.array(extract.rows[mask])), None, scene.span.months[extract.month]
            )


def _severity(scene: Scene, part: Tickets) -> Ints:
    return scene.failures.severity[scene.contacts.failure[part.contact]].astype(np.int64)


def _ticket_columns(scene: Scene, part: Tickets, extract: Extract, known: Bools, priority: Ints) -> dict[str, pa.Array]:
    rows, events = extract.rows, part.events[extract.rows]
    contact = part.contact[rows]
    failure, owner = scene.contacts.failure[contact], scene.owner[contact]
    last = latest(events, extract.as_of)
    state = len(STATUS) - 1 - np.argmax((events == last[:, None])[:, ::-1], axis=1)
    assigned = events[:, OPENED] < extract.as_of
    team = groups(scene, owner, last)
    repeat = pa.array(part.is_repeat[rows])
    return {
        "created_at": zulu_text(events[:, CREATED]),
        "updated_at": zulu_text(last),
        "requester_id": customer_ids(np.where(known[rows], scene.customer[contact], -1)),
        "assignee_id": owner_ids(owner, assigned),
        "group_id": pc.if_else(pa.array(assigned), team, pa.scalar(None, pa.string())),
        "status": names(STATUS, state),
        "priority": names(PRIORITY, priority[rows]),
        "via_channel": names(TICKET_CHANNELS, part.channel[rows]),
        "type": constant("problem", len(rows)),
        "tags": pc.if_else(repeat, '["repeat"]', "[]"),
        "external_id": pc.if_else(repeat, subject_ids(scene.contacts, contact), pa.scalar(None, pa.string())),
        "product": names(scene.company.products, scene.failures.product[failure]),
        "branch_id": branch_ids(scene.failures.branch[failure]),
        "region": names(scene.company.regions, scene.failures.region[failure]),
    }


def _write_history(scene: Scene, part: Tickets, block: int, out: Delivery) -> None:
    """Status changes, the assignment, and the priority set at creation, ordered by time."""
    rng = stream(scene.seed, "tickets-history", block)
    ticket, kind = np.nonzero(part.events < NEVER)
    opened = np.flatnonzero(part.events[:, OPENED] < NEVER)
    rated = np.flatnonzero(rng.random(len(part)) < 0.85)
    rows = np.concatenate([ticket, opened, rated])
    field = np.repeat([0, 1, 2], [len(ticket), len(opened), len(rated)])
    at = np.concatenate([part.events[ticket, kind], part.events[opened, OPENED], part.events[rated, CREATED]])
    by_customer = np.concatenate(
        [np.isin(kind, (CREATED, REOPENED)), np.zeros(len(opened), bool), np.ones(len(rated), bool)]
    )
    by_system = np.concatenate([kind == CLOSED, np.zeros(len(opened) + len(rated), bool)])
    owner = scene.owner[part.contact]
    values = scatter(
        len(rows),
        [
            (np.arange(len(ticket)), names(STATUS, kind)),
            (len(ticket) + np.arange(len(opened)), employee_ids(owner[opened])),
            (len(ticket) + len(opened) + np.arange(len(rated)), names(PRIORITY, _severity(scene, part)[rated] - 1)),
        ],
    )
    agents = pc.if_else(pa.array(by_system), pa.scalar(None, pa.string()), employee_ids(owner[rows]))
    users = pc.if_else(pa.array(by_customer), customer_ids(scene.customer[part.contact[rows]]), agents)
    table = {
        "ticket_id": ticket_ids(part.number[rows]),
        "field_name": names(("status", "assignee_id", "priority"), field),
        "updated": zulu_text(at),
        "user_id": users,
        "value": values,
    }
    _by_month(scene, out, at, table)


def _by_month(scene: Scene, out: Delivery, at: Ints, table: dict[str, pa.Array]) -> None:
    order = np.argsort(at, kind="stable")
    month = scene.span.month_of(at[order])
    for m in np.unique(month):
        take = pa.array(order[month == m])
        out.write(int(m), {name: column.take(take) for name, column in table.items()})


@dataclass(frozen=True)
class _Comments:
    """Comments of one kind: ticket rows, times, author role, whether public, their texts."""

    rows: Ints
    at: Ints
    role: int
    public: bool
    texts: Texts


def _write_comments(scene: Scene, part: Tickets, block: int, out: Delivery, truth: TruthStore) -> None:
    kinds = _comments(scene, part, stream(scene.seed, "comments", block))
    parts: list[dict[str, pa.Array]] = []
    for k, kind in enumerate(kinds):
        contact = part.contact[kind.rows]
        keys = number(part.number[kind.rows] * 10 + k)
        customer = scene.customer[contact].astype(np.int64)
        place = ("zendesk", "ticket_comment", "body")
        if kind.role < 2:
            record_texts(truth, scene, place, keys, kind.texts, customer, author=ROLES[kind.role])
        user = (customer_ids(customer), employee_ids(scene.owner[contact]), constant(None, len(contact)))[kind.role]
        parts.append(
            {
                "id": keys,
                "ticket_id": ticket_ids(part.number[kind.rows]),
                "user_id": user,
                "author_role": constant(ROLES[kind.role], len(contact)),
                "body": kind.texts.text,
                "created": zulu_text(kind.at),
                "public": flag(np.full(len(contact), kind.public)),
            }
        )
    table = {name: pa.concat_arrays([p[name] for p in parts]) for name in COMMENT.columns}
    _by_month(scene, out, np.concatenate([kind.at for kind in kinds]), table)


def _comments(scene: Scene, part: Tickets, rng: np.random.Generator) -> list[_Comments]:
    """Automatic receipt, private agent note, public answer, the customer's reopening, and a question in between."""
    events, end, lot = part.events, scene.span.end, rng.random((4, len(part)))
    note_at = events[:, OPENED] + (HOUR * (0.1 + lot[3])).astype(np.int64)
    ask_at = events[:, CREATED] + DAY
    automatic = np.flatnonzero((lot[0] < 0.5) & (events[:, CREATED] + 60 < end))
    noted = np.flatnonzero((lot[1] < 0.27) & (events[:, OPENED] < NEVER) & (note_at < end))
    answered = np.flatnonzero((lot[2] < 0.45) & (events[:, SOLVED] < NEVER))
    reopened = np.flatnonzero(events[:, REOPENED] < NEVER)
    asking = np.flatnonzero((lot[3] < 0.10) & (ask_at < np.minimum(events[:, SOLVED], end)))
    everything = _brief(scene, part)

    def brief(rows: Ints) -> Brief:
        return Brief(
            everything.cause[rows],
            everything.language[rows],
            everything.tone[rows],
            everything.customer[rows],
            everything.agent[rows],
            everything.short[rows],
        )

    say = scene.grammar
    receipt = say.staff_texts(brief(automatic), rng, ("receipt",), (1.0,), 0.0)
    notes = say.staff_texts(
        brief(noted), rng, ("agent_open", "agent_action", "agent_action", "agent_close"), (1.0, 1.0, 0.4, 0.5), 0.07
    )
    replies = say.staff_texts(brief(answered), rng, ("resolution_note",), (1.0,), 0.02)
    return [
        _Comments(automatic, events[automatic, CREATED] + 60, 2, True, receipt),
        _Comments(noted, note_at[noted], 1, False, notes),
        _Comments(answered, events[answered, SOLVED], 1, True, replies),
        _Comments(reopened, events[reopened, REOPENED], 0, True, say.lines(brief(reopened), rng, "follow_up")),
        _Comments(asking, ask_at[asking], 0, True, say.lines(brief(asking), rng, "follow_up")),
    ]


def _record_repeats(scene: Scene, truth: TruthStore) -> None:
    again, contacts = scene.repeats, scene.contacts
    reopen = again.ticket < 0
    tickets = ticket_ids(np.where(reopen, contacts.number[again.contact], again.ticket))
    truth.add(
        "recontact",
        {
            "subject_type": pc.if_else(pa.array(contacts.is_ticket[again.contact]), "ticket", "complaint"),
            "subject_id": subject_ids(contacts, again.contact),
            "customer_id": customer_ids(scene.customer[again.contact]),
            "recontacted_at": pa.array(again.at).cast(pa.timestamp("s", tz="UTC")),
            "ticket_id": tickets,
            "is_reopen": pa.array(reopen),
        },
    )
