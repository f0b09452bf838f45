"""The survey tool's exports: responses with three header rows, and the invitations sent.

Belongs here: qualtrics__response, qualtrics__invitation. Not here: who answers what (surveys.py).
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from world.clock import HOUR, plain_text, zulu_text
from world.config import LANGUAGES, RATES, SURVEYS
from world.customers import customer_ids
from world.delivery import Delivery, Layout, note_delivery
from world.draws import Bools, Ints, blocks, stream
from world.exports.complaints import BLOCK
from world.exports.text_rows import record_texts
from world.phrase_tables import scatter
from world.rendering import constant, names, number, serial
from world.scene import Scene, subject_ids
from world.surveys import CES1, NPS, Invitations
from world.text_grammar import COMPLAINT, MILD, PRAISE, Brief
from world.truth import TruthStore

_COLUMNS: tuple[str, ...] = (
    "StartDate",
    "EndDate",
    "Status",
    "Progress",
    "Duration (in seconds)",
    "Finished",
    "RecordedDate",
    "ResponseId",
    "ExternalReference",
    "DistributionChannel",
    "UserLanguage",
    "SurveyId",
    "InvitationId",
    "RelatedId",
    "Q1",
    "Q1_NPS_GROUP",
    "Q2",
)
_QUESTIONS: dict[str, str] = {
    "Q1": "How would you rate us?",
    "Q1_NPS_GROUP": "How would you rate us? - Group",
    "Q2": "What is the main reason for your answer, in your own words?",
    "StartDate": "Start Date",
    "EndDate": "End Date",
    "Status": "Response Type",
    "RecordedDate": "Recorded Date",
    "ResponseId": "Response ID",
    "ExternalReference": "External Data Reference",
    "DistributionChannel": "Distribution Channel",
    "UserLanguage": "User Language",
}
_GROUPS: tuple[str, ...] = ("Detractor", "Passive", "Promoter")


def _headers() -> str:
    """Second and third header rows: question texts and import ids."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_QUESTIONS.get(c, c) for c in _COLUMNS])
    writer.writerow(
        [json.dumps({"ImportId": c[0].lower() + c[1:] if not c.startswith("Q") else f"{c}_TEXT"}) for c in _COLUMNS]
    )
    return out.getvalue()


RESPONSE = Layout(
    source="qualtrics",
    entity="response",
    columns=_COLUMNS,
    texts=frozenset({"Q2"}),
    key="ResponseId",
    extra_header=_headers(),
    resent_month=2,
    good_cells={"SurveyId": "SV_NPS"},
)
INVITATION = Layout(
    source="qualtrics",
    entity="invitation",
    key="invitation_id",
    texts=frozenset(),
    columns=("invitation_id", "survey_id", "customer_id", "related_id", "channel", "sent_at", "status", "updated_at"),
)


def write_qualtrics(scene: Scene, root: Path, truth: TruthStore) -> dict[str, int]:
    """Write all monthly files of responses and invitations; returns rows per file."""
    outs = [Delivery(root, layout, scene.span, truth, faults=scene.with_faults) for layout in (RESPONSE, INVITATION)]
    for k, (low, high) in enumerate(blocks(len(scene.invitations), BLOCK)):
        index = np.arange(low, high)
        part = scene.invitations.take(index)
        answered = part.answered & (part.answered_at < scene.span.end)
        _write_invitations(scene, part, index, answered, outs[1], truth)
        _write_responses(scene, part, index, np.flatnonzero(answered), k, outs[0], truth)
    for out in outs:
        out.close()
    return {name: rows for out in outs for name, rows in out.rows.items()}


def _write_invitations(
    scene: Scene, part: Invitations, index: Ints, answered: Bools, out: Delivery, truth: TruthStore
) -> None:
    ids = serial("INV-", index + 1, 7)
    table = {
        "invitation_id": ids,
        "survey_id": names(SURVEYS, part.survey),
        "customer_id": customer_ids(part.customer),
        "related_id": subject_ids(scene.contacts, part.contact.astype(np.int64)),
        "channel": names(("email", "sms"), part.by_sms.astype(int)),
        "sent_at": zulu_text(part.sent_at),
        "status": names(("sent", "bounced", "opened"), part.status),
        "updated_at": zulu_text(part.sent_at + HOUR * (1 + part.status.astype(np.int64))),
    }
    month = scene.span.month_of(part.sent_at)
    for m in np.unique(month):
        at = pa.array(np.flatnonzero(month == m))
        out.write(int(m), {name: column.take(at) for name, column in table.items()})
    truth.add(
        "survey_propensity",
        {
            "invitation_id": ids,
            "survey_id": table["survey_id"],
            "customer_id": table["customer_id"],
            "subject_id": table["related_id"],
            "channel": table["channel"],
            "sent_at": pa.array(part.sent_at).cast(pa.timestamp("s", tz="UTC")),
            "would_score": pa.array(part.score),
            "propensity": pa.array(part.propensity),
            "responded": pa.array(answered),
        },
    )


def _write_responses(
    scene: Scene, part: Invitations, index: Ints, who: Ints, block: int, out: Delivery, truth: TruthStore
) -> None:
    rng = stream(scene.seed, "responses", block)
    part, index = part.take(who), index[who]
    keys = serial("R_", index * 7919 % 9_999_991, 8)
    talks = np.flatnonzero(rng.random(len(who)) < RATES.comment_share)
    texts = scene.grammar.customer_texts(_brief(scene, part, talks, rng), rng)
    record_texts(
        truth,
        scene,
        ("qualtrics", "response", "Q2"),
        keys.take(pa.array(talks)),
        texts,
        part.customer[talks].astype(np.int64),
    )
    table = _response_columns(scene, part, index, rng) | {
        "ResponseId": keys,
        "Q2": scatter(len(who), [(talks, texts.text)]),
    }
    month = scene.span.month_of(part.answered_at)
    late = (rng.random(len(who)) < RATES.late_share) & (month + 1 < len(scene.span.months))
    month = month + late
    for m in np.unique(month):
        rows = np.flatnonzero(month == m)
        rows = rows[np.argsort(part.answered_at[rows], kind="stable")]
        out.write(int(m), {name: column.take(pa.array(rows)) for name, column in table.items()})
        note_delivery(truth, RESPONSE, "late", keys.take(pa.array(rows[late[rows]])), None, scene.span.months[m])


def _response_columns(scene: Scene, part: Invitations, index: Ints, rng: np.random.Generator) -> dict[str, pa.Array]:
    n = len(part)
    seconds = rng.lognormal(np.log(75), 0.6, n).astype(np.int64) + 10
    done = rng.random(n) < 0.94
    group = np.where(part.survey == NPS, np.where(part.score <= 6, 0, np.where(part.score <= 8, 1, 2)), -1)
    return {
        "StartDate": plain_text(part.answered_at - seconds),
        "EndDate": plain_text(part.answered_at),
        "Status": constant("IP Address", n),
        "Progress": names(("50", "100"), done.astype(int)),
        "Duration (in seconds)": number(seconds),
        "Finished": names(("False", "True"), done.astype(int)),
        "RecordedDate": plain_text(part.answered_at + 2),
        "ExternalReference": customer_ids(part.customer),
        "DistributionChannel": names(("email", "sms"), part.by_sms.astype(int)),
        "UserLanguage": pc.utf8_upper(names(LANGUAGES, scene.people.language[part.customer])),
        "SurveyId": names(SURVEYS, part.survey),
        "InvitationId": serial("INV-", index + 1, 7),
        "RelatedId": subject_ids(scene.contacts, part.contact.astype(np.int64)),
        "Q1": number(part.score),
        "Q1_NPS_GROUP": names(_GROUPS, group),
    }


def _brief(scene: Scene, part: Invitations, talks: Ints, rng: np.random.Generator) -> Brief:
    """Tone follows the score; the cause is that of the failure on their mind, or any."""
    part = part.take(talks)
    low = np.array([6, 2, 3, 2])[part.survey]
    high = np.array([9, 5, 6, 4])[part.survey]
    score = np.where(part.survey == CES1, 6 - part.score, part.score)
    tone = np.where(score <= low, COMPLAINT, np.where(score >= high, PRAISE, MILD))
    causes = len(scene.company.causes)
    dip = scene.plan.dip
    dipped = (
        (part.survey == NPS)
        & (scene.people.region[part.customer] == dip.region)
        & (part.sent_at >= dip.start)
        & (part.sent_at < dip.end)
    )
    guess = np.where(dipped & (rng.random(len(talks)) < 0.6), dip.cause, rng.integers(0, causes, len(talks)))
    on_mind = (part.failure >= 0) & ~dipped
    cause = scene.failures.cause[part.failure].astype(np.int64) if len(scene.failures) else guess
    agent = scene.owner[np.maximum(part.contact, 0)].astype(np.int64)
    return Brief(
        cause=np.where((part.contact >= 0) | on_mind, cause, guess),
        language=scene.people.language[part.customer].astype(np.int64),
        tone=tone,
        customer=part.customer.astype(np.int64),
        agent=agent,
        short=rng.random(len(talks)) < 0.7,
    )
