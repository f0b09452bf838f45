"""The queue of review: a random audit that nothing bends, and beside it what the model is unsure of."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from ml.outputs import REVIEW
from ml.root_cause.active import choose
from ml.root_cause.review import Candidates, queue, review_id


def candidates(n: int = 400, seed: int = 0, **more: object) -> Candidates:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(4, 0.5), size=n)
    vectors = rng.normal(size=(n, 8))
    made = Candidates(
        question="cause",
        signal_ids=[f"s{row:05d}" for row in range(n)],
        text_hashes=[f"h{row}" for row in range(n)],
        values=[f"c{best}" for best in shares.argmax(axis=1)],
        confidences=[float(top) for top in shares.max(axis=1)],
        probabilities=shares,
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        is_unsure=rng.random(n) < 0.1,
        is_miscoded=rng.random(n) < 0.05,
        model_id="m1",
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_every_beginning_of_the_queue_holds_its_share_of_the_audit() -> None:
    table = queue(candidates(2_000), count=100).sort_by([("priority", "descending")])
    reasons = table.column("reason").to_pylist()
    for top in (10, 50, 100):
        assert reasons[:top].count("audit") == pytest.approx(0.2 * top, abs=1)
    assert set(reasons) == {"audit", "unsure", "miscoded", "uncertain", "diverse"}


def test_only_what_chance_picked_has_an_inclusion_and_it_is_the_rate() -> None:
    rows = queue(candidates(2_000), count=100, audit_rate=0.04).to_pylist()
    assert {row["inclusion"] for row in rows if row["reason"] == "audit"} == {0.04}
    assert {row["inclusion"] for row in rows if row["reason"] != "audit"} == {None}


def test_the_audit_does_not_depend_on_the_model_the_seed_or_what_was_answered() -> None:
    def audit(found: Candidates, **more: object) -> set[str]:
        rows = queue(found, count=4_000, **more).to_pylist()  # type: ignore[arg-type]
        return {row["signal_id"] for row in rows if row["reason"] == "audit"}

    before = audit(candidates(1_000))
    assert before and audit(candidates(1_000, seed=9), seed=5) == before
    answered = set(sorted(before)[:5])
    others = {f"s{row:05d}" for row in range(0, 1_000, 2)} - before
    assert audit(candidates(1_000), done=answered | others) == before - answered


def test_what_is_measured_on_the_audit_holds_for_all_texts() -> None:
    found = candidates(20_000)
    right = np.asarray(found.confidences) > 0.6
    rows = [row for row in queue(found, count=20_000).to_pylist() if row["reason"] == "audit"]
    audited = np.mean([right[int(row["signal_id"][1:])] for row in rows])
    chosen = [row for row in queue(found, count=1_000).to_pylist() if row["reason"] == "uncertain"]
    assert audited == pytest.approx(right.mean(), abs=3 * np.sqrt(0.25 / len(rows)))
    assert np.mean([right[int(row["signal_id"][1:])] for row in chosen]) < right.mean() - 0.2


def test_what_was_answered_enough_leaves_with_all_its_copies_and_copies_are_asked_once() -> None:
    found = candidates(40, text_hashes=[f"h{row % 20}" for row in range(40)])
    assert len(queue(found, count=100)) == 20
    left = {row["signal_id"] for row in queue(found, count=100, done={"s00023"}).to_pylist()}
    assert len(left) == 19 and not {"s00003", "s00023"} & left


def test_unsure_and_miscoded_signals_come_before_the_chosen_run_out() -> None:
    rows = queue(candidates(2_000), count=90).to_pylist()
    counts = Counter(row["reason"] for row in rows)
    assert min(counts["unsure"], counts["miscoded"], counts["uncertain"] + counts["diverse"]) >= 15


def test_without_a_model_the_audit_alone_is_asked() -> None:
    empty = candidates(
        500, values=[None] * 500, confidences=[None] * 500, probabilities=np.empty((500, 0)),
        is_unsure=np.zeros(500, bool), is_miscoded=np.zeros(500, bool), model_id=None,
    )  # fmt: skip
    rows = queue(empty, count=50).to_pylist()
    assert rows and {row["reason"] for row in rows} == {"audit"}


def test_the_same_signals_give_the_same_table_with_unique_keys_and_priorities() -> None:
    first, second = (queue(candidates(), choose=choose) for _ in range(2))
    assert first.equals(second) and first.schema.equals(REVIEW)
    for name in ("review_id", "priority"):
        assert len(set(first.column(name).to_pylist())) == len(first)
    assert review_id("s00001", "cause") != review_id("s00001", "severity")


def test_nothing_to_ask_is_an_empty_table_and_a_share_beyond_one_is_refused() -> None:
    found = candidates(10)
    assert queue(found, done=found.signal_ids).num_rows == 0
    with pytest.raises(ValueError, match="share"):
        queue(found, audit_share=1.5)
