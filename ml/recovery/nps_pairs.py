"""Which NPS answers belong to which attempt, and which pairs of answers nothing was done between.

Belongs here: joining answers to attempts in time, and the rows of recovery NPS for the warehouse. Not here: what the
pairs say (`regression_to_mean.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.recovery.attempts import REFERENCE
from ml.recovery.rates import row_key, stored
from ml.recovery.regression_to_mean import DETRACTOR, NpsPairs, RecoveryNps, recovery_nps
from ml.recovery.tables import NPS

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]

# An answer older than a year says little about a customer; how long after one counts is the window of the outcome.
MEMORY_DAYS, WINDOW_DAYS = 365, 30
_DAY = 86_400
# Seconds of any date fit below this, so a customer's code times it plus seconds sorts by customer and then by time.
_WIDE = 2**33


def nps_answers(signals: pa.Table) -> pa.Table:
    """The NPS answers among signals (`int_signal`): those on their scale, of a known customer."""
    wanted = pc.and_(pc.equal(signals["score_metric"], "nps"), pc.is_valid(signals["score_normalised"]))
    return signals.filter(wanted).select(["customer_id", "occurred_at", "score_value"])


def nps_table(attempts: pa.Table, answers: pa.Table, *, as_of: datetime, seed: int = 0, draws: int = 999) -> pa.Table:
    """Recovery NPS in the shape of `NPS`: of all playbooks together, of detractors alone, and of each playbook.

    `attempts` is int_recovery_attempt; `answers` has customer_id, occurred_at and score_value of every NPS answer. No
    rows where no treated customer had answered before. Raises ValueError naming a column that is missing.
    """
    pairs, codes = nps_pairs(attempts, answers)
    rows = []
    for level, subject, chosen in _subjects(pairs, codes):
        part = _part(pairs, chosen | ~pairs.treated)
        if part.treated.any():
            if level == "first answer":
                part = _part(part, part.before <= DETRACTOR)
            rows.append(_row(level, subject, recovery_nps(part, draws=draws, seed=seed), as_of))
    return pa.Table.from_pylist(rows, schema=NPS)


def nps_pairs(attempts: pa.Table, answers: pa.Table) -> tuple[NpsPairs, NDArray[np.str_]]:
    """Pairs of answers of attempts whose window is over, and the playbook of each attempt, (n,).

    Before: the customer's last answer of the year strictly before the decision. After: `post_nps`. An attempt with
    nothing done counts as left alone unless another playbook was used on its customer between the first answer and the
    end of the window. Repeats are answers in a row with no playbook in between. Raises ValueError naming a column.
    """
    for table, names in ((attempts, ("customer_id", "playbook_code", "first_action_at", "resolved_at", "post_nps",
                                     "is_outcome_mature")),
                         (answers, ("customer_id", "occurred_at", "score_value"))):  # fmt: skip
        for name in names:
            if name not in table.column_names:
                raise ValueError(f"column {name} is missing")
    answers = answers.filter(pc.and_(pc.is_valid(answers["customer_id"]), pc.is_valid(answers["score_value"])))
    owners = np.concatenate([_texts(attempts, "customer_id"), _texts(answers, "customer_id")])
    codes = np.unique(owners, return_inverse=True)[1].astype(np.int64)
    customer, said_by = codes[: attempts.num_rows], codes[attempts.num_rows :]
    arm = _texts(attempts, "playbook_code")
    decided = customer * _WIDE + _seconds(attempts, "first_action_at")
    helped = np.sort(decided[arm != REFERENCE])
    said_at, score = _seconds(answers, "occurred_at"), _numbers(answers, "score_value")
    order = np.argsort(said_by * _WIDE + said_at, kind="stable")
    said, score, said_by = (said_by * _WIDE + said_at)[order], score[order], said_by[order]
    last = np.searchsorted(said, decided, side="left") - 1
    found = (last >= 0) & _mature(attempts)
    found[found] = (said_by[last[found]] == customer[found]) & (
        decided[found] - said[last[found]] <= MEMORY_DAYS * _DAY
    )
    until = customer * _WIDE + _seconds(attempts, "resolved_at") + WINDOW_DAYS * _DAY
    found &= (arm != REFERENCE) | ~_between(helped, np.where(found, said[np.maximum(last, 0)], until), until)
    pair = np.flatnonzero((said_by[1:] == said_by[:-1]) & (said[1:] - said[:-1] <= MEMORY_DAYS * _DAY))
    pair = pair[~_between(helped, said[pair], said[pair + 1])] if len(pair) else pair
    kept = np.flatnonzero(found)
    pairs = NpsPairs(
        customer=customer[kept],
        before=score[last[kept]],
        after=_numbers(attempts, "post_nps")[kept],
        treated=arm[kept] != REFERENCE,
        weight=np.ones(len(kept)),
        repeat_customer=said_by[pair],
        first=score[pair],
        second=score[pair + 1],
    )
    return pairs, arm[kept]


def _between(times: Codes, after: Codes, until: Codes) -> Flags:
    """Whether any of the sorted times lies after one moment and not after another, (m,)."""
    first, last = np.searchsorted(times, after, side="right"), np.searchsorted(times, until, side="right")
    return np.asarray(last > first)


def _mature(attempts: pa.Table) -> Flags:
    return np.asarray(attempts.column("is_outcome_mature").to_numpy(zero_copy_only=False) == np.True_)


def _texts(table: pa.Table, name: str) -> NDArray[np.str_]:
    return np.asarray(table.column(name).cast(pa.string()).to_numpy(zero_copy_only=False), dtype=np.str_)


def _numbers(table: pa.Table, name: str) -> Floats:
    return np.asarray(table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _seconds(table: pa.Table, name: str) -> Codes:
    return np.asarray(table.column(name).cast(pa.timestamp("us")).cast(pa.int64()).to_numpy() // 1_000_000)


def _part(pairs: NpsPairs, chosen: Flags) -> NpsPairs:
    arrays = ("customer", "before", "after", "treated", "weight")
    return replace(pairs, **{name: getattr(pairs, name)[chosen] for name in arrays})


def _subjects(pairs: NpsPairs, codes: NDArray[np.str_]) -> Iterator[tuple[str, str, Flags]]:
    yield "all", "any playbook", pairs.treated
    yield "first answer", "detractor", pairs.treated & (pairs.before <= DETRACTOR)
    for code in np.unique(codes[pairs.treated]):
        yield "playbook", str(code), codes == code


def _row(level: str, subject: str, found: RecoveryNps, as_of: datetime) -> dict[str, Any]:
    return {
        "nps_id": row_key(level, subject), "level": level, "subject": subject, "as_of": as_of, **stored(asdict(found)),
    }  # fmt: skip
