"""Public reviews: about failures nobody reported or about nothing in particular, by people known only by a handle.

Belongs here: reviews__review. Not here: matching handles to customers, which is the platform's task.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from world.clock import DAY, HOUR, zulu_text
from world.config import LANGUAGES, RATES
from world.customers import FIRST_NAMES
from world.delivery import Delivery, Layout
from world.draws import Bools, Ints, blocks, stream
from world.exports.complaints import BLOCK
from world.exports.text_rows import record_texts
from world.phrase_tables import scatter
from world.rendering import names, number, serial
from world.scene import Scene
from world.text_grammar import COMPLAINT, PRAISE, Brief
from world.truth import TruthStore

REVIEW = Layout(
    source="reviews",
    entity="review",
    key="review_id",
    is_json=True,
    raw=frozenset({"rating"}),
    texts=frozenset({"title", "body"}),
    columns=("review_id", "posted_at", "site", "author_handle", "rating", "title", "body", "product", "language"),
)


def write_reviews(scene: Scene, root: Path, truth: TruthStore) -> dict[str, int]:
    """Write the monthly review files; returns rows per file."""
    out = Delivery(root, REVIEW, scene.span, truth, faults=scene.with_faults)
    rng = stream(scene.seed, "reviews")
    failed = np.flatnonzero(rng.random(len(scene.failures)) < RATES.review_of_failure)
    happy = rng.integers(
        0, len(scene.people), rng.poisson(len(scene.people) * scene.span.weeks * RATES.review_of_praise)
    )
    customer = np.concatenate([scene.failures.customer[failed], happy]).astype(np.int64)
    causes = len(scene.company.causes)
    cause = np.concatenate([scene.failures.cause[failed], rng.integers(0, causes, len(happy))]).astype(np.int64)
    after = scene.failures.at[failed] + (rng.exponential(3.0, len(failed)) * DAY).astype(np.int64)
    at = np.concatenate([after, scene.span.start + rng.integers(0, scene.span.end - scene.span.start, len(happy))])
    bad = np.arange(len(at)) < len(failed)
    rows = np.flatnonzero((at < scene.span.end) & (at < scene.churn.at[customer] + 30 * DAY))
    rows = rows[np.argsort(at[rows], kind="stable")]
    for k, (low, high) in enumerate(blocks(len(rows), BLOCK)):
        part = rows[low:high]
        _write_block(scene, customer[part], cause[part], at[part], bad[part], np.arange(low, high), k, out, truth)
    out.close()
    return out.rows


def _write_block(
    scene: Scene,
    customer: Ints,
    cause: Ints,
    at: Ints,
    bad: Bools,
    index: Ints,
    block: int,
    out: Delivery,
    truth: TruthStore,
) -> None:
    rng = stream(scene.seed, "reviews-text", block)
    n = len(at)
    brief = Brief(
        cause=cause,
        language=scene.people.language[customer].astype(np.int64),
        tone=np.where(bad, COMPLAINT, PRAISE),
        customer=customer,
        agent=rng.integers(0, len(scene.force), n),
        short=rng.random(n) < 0.4,
    )
    body = scene.grammar.customer_texts(brief, rng)
    titles = [(np.flatnonzero(bad), "review_bad"), (np.flatnonzero(~bad), "review_good")]
    title = scatter(n, [(r, scene.grammar.lines(_part(brief, r), rng, table).text) for r, table in titles])
    rating = np.where(bad, 1 + (rng.random(n) < 0.4) + (rng.random(n) < 0.1), 5 - (rng.random(n) < 0.3))
    unrated = rng.random(n) < 0.04
    keys = serial("RV-", index + 1, 6)
    record_texts(truth, scene, ("reviews", "review", "body"), keys, body, customer)
    handle = pc.binary_join_element_wise(
        pc.utf8_lower(FIRST_NAMES.take(pa.array(scene.people.first[customer]))), number(rng.integers(10, 9999, n)), "_"
    )
    table = {
        "review_id": keys,
        "posted_at": zulu_text(at // HOUR * HOUR),
        "site": names(("appstore", "maps", "forum"), rng.integers(0, 3, n)),
        "author_handle": handle,
        "rating": number(rating, unrated),
        "title": title,
        "body": body.text,
        "product": names(
            scene.company.products, np.where(rng.random(n) < 0.5, rng.integers(0, len(scene.company.products), n), -1)
        ),
        "language": names(LANGUAGES, brief.language),
    }
    month = scene.span.month_of(at)
    for m in np.unique(month):
        take = pa.array(np.flatnonzero(month == m))
        out.write(int(m), {name: column.take(take) for name, column in table.items()})


def _part(brief: Brief, rows: Ints) -> Brief:
    return Brief(
        brief.cause[rows],
        brief.language[rows],
        brief.tone[rows],
        brief.customer[rows],
        brief.agent[rows],
        brief.short[rows],
    )
