"""Which texts reviewers are asked about, from the scores of a classification.

Belongs here: putting scores, vectors and findings into the shape the queue asks for. Not here: the queue itself
(`review.py`) or what is shown to a reviewer (`casework/review.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa

from ml.outputs import REVIEW
from ml.root_cause.bench import Workbench
from ml.root_cause.cause_model import CauseModel
from ml.root_cause.fitting import cause_shares
from ml.root_cause.review import Candidates, queue
from ml.root_cause.rows import Rows
from ml.root_cause.scoring import CauseScore

# The newest texts are asked about: older ones tell of a service that is no more, and scoring all again would cost a run.
MOST = 4_000


def review_queue(
    rows: Rows,
    scores: Mapping[str, CauseScore],
    causes: CauseModel | None,
    miscoding: pa.Table,
    bench: Workbench,
    done: Collection[str],
) -> pa.Table:
    """The queue about causes (schema `ml_root_cause__review`); empty without a model. `done` are signals answered enough."""
    if causes is None:
        return REVIEW.empty_table()
    newest = sorted(range(len(rows)), key=lambda row: (-rows.occurred[row], rows.ids[row]))[:MOST]
    some = rows.take(sorted(newest))
    own = [scores[signal_id] for signal_id in some.ids]
    findings = set(miscoding.filter(miscoding.column("is_finding")).column("signal_id").to_pylist())
    candidates = Candidates(
        question="cause",
        signal_ids=some.ids,
        text_hashes=some.hashes,
        values=[score.model_cause_id for score in own],
        confidences=[score.model_confidence for score in own],
        probabilities=cause_shares(causes, some, range(len(some)), bench),
        vectors=bench.embed(some.texts),
        is_unsure=np.array([score.unsure is not None for score in own], dtype=bool),
        is_miscoded=np.array([signal_id in findings for signal_id in some.ids], dtype=bool),
        model_id=causes.model_id,
    )
    return queue(candidates, done=done)
