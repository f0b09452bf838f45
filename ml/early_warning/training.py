"""Fitting a risk by time: learn on the oldest rows, calibrate on later ones, judge on the newest.

Belongs here: slicing by time, choosing between two forms of score, refusing where there is too little or nothing to learn.
Not here: what the rows are (`breach.py`, `churn.py`), storing and promoting (`risks.py`). A row enters a slice only when
its outcome was known before the next slice begins: without that, the future leaks through outcomes that overlap
(Lopez de Prado 2018, chapter 7, purging).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.early_warning.encoding import Encoder, fit_encoder, refused_columns
from ml.early_warning.judge import Judgement, judge
from ml.early_warning.model import Linear, RiskModel, bands, fit_line
from ml.early_warning.trees import Trees, fit_trees

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Events and non-events each slice needs; fewer and the slice says nothing about calibration.
MIN_TRAIN_EVENTS, MIN_EVENTS = 40, 20
LEAST_AUC = 0.6
# Rows trees are fitted on at most; beyond it their Brier score no longer moved on the sets at hand, and time did.
_MOST_ROWS = 15_000
_RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Past:
    """Rows with known outcomes. `at` and `known_at` (n,) are days, `subjects` (n,) number whose row it is.

    `columns` are what the model may use, `vouched` those of them known at the time by construction, `rising` those of
    which more can never lower the risk. `event_at` (n,) are the days of the events, NaN where there was none.
    """

    kind: str
    table: pa.Table
    outcome: Flags
    at: Floats
    known_at: Floats
    subjects: NDArray[np.int64]
    columns: tuple[str, ...]
    vouched: tuple[str, ...] = ()
    rising: tuple[str, ...] = ()
    event_at: Floats | None = None
    horizon_days: int | None = None


@dataclass(frozen=True, slots=True)
class Slices:
    """Rows to learn from, to calibrate on and to judge by, in this order of time."""

    train: NDArray[np.int64]
    calibrate: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NotTrained:
    """Why there is no model: too little data, or nothing learnt."""

    kind: str
    reason: str
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A model fitted by the recipe that was judged, moved on to the newest rows; `candidates` are Brier scores.

    `judged` is the model the judgement is about: fitted on older rows only.
    """

    model: RiskModel
    judged: RiskModel
    judgement: Judgement
    slices: Slices
    candidates: dict[str, float]
    refused: dict[str, str]


def train(past: Past, *, seed: int = 0) -> Trained | NotTrained:
    """Fit, calibrate and judge a risk; refuses below 40 events to learn from and 20 to calibrate and to judge by, and
    where the newest slice does not show beyond doubt that something was learnt (`is_accepted`)."""
    slices = time_slices(past.at, past.known_at)
    if told := _too_little(past, slices):
        return NotTrained(past.kind, told)
    refused = refused_columns(_rows(past.table, slices.train), past.outcome[slices.train], vouched=past.vouched)
    columns = [name for name in past.columns if name not in refused]
    fitted = {form: _fit(past, slices.train, slices.calibrate, columns, form, seed) for form in ("linear", "trees")}
    # The form is chosen on the calibration slice: choosing on the rows that judge would flatter the judgement.
    halves = {form: _brier_across(past, slices, model) for form, model in fitted.items()}
    form = min(halves, key=lambda name: halves[name])
    judgement = _judged(past, slices, fitted[form], seed)
    if not is_accepted(judgement):
        return NotTrained(past.kind, "not better than the base rate beyond doubt", judgement)
    newest = np.flatnonzero(past.known_at <= past.at[slices.test].min())
    model = _fit(past, newest, slices.test, columns, form, seed)
    return Trained(model, fitted[form], judgement, slices, halves, refused)


def is_accepted(judgement: Judgement) -> bool:
    """Whether a model may be used: its Brier skill is above 0 with all of its 95 % interval, or, as of rare events (2 in
    100) that interval reaches below 0 long after the ranking is beyond doubt, the ranking is clearly better than chance
    (AUC above 0.6 with all of its interval), the skill is not negative and the probabilities are off by no more than
    those of a perfect model are 19 times of 20."""
    skill, ranking, error = judgement.skill, judgement.auc, judgement.ece
    if skill.low is not None and skill.low > 0:
        return True
    ranks = ranking.low is not None and ranking.low > LEAST_AUC
    holds = error.value is not None and error.value <= judgement.ece_limit
    return ranks and holds and skill.value is not None and skill.value >= 0


def time_slices(at: Floats, known_at: Floats) -> Slices:
    """Three fifths of the usable time to learn from, a fifth each to calibrate on and to judge by.

    Between slices lies the time nine in ten outcomes take to become known; rows that take longer are left out.
    """
    if not len(at):
        nothing = np.zeros(0, np.int64)
        return Slices(nothing, nothing, nothing)
    gap = float(np.quantile(known_at - at, 0.9))
    first, last = float(at.min()), float(at.max())
    usable = max(last - first - 2 * gap, 0.0)
    first_cut = first + 0.6 * usable + gap
    second_cut = first_cut + 0.2 * usable + gap
    return Slices(
        np.flatnonzero(known_at <= first_cut),
        np.flatnonzero((at >= first_cut) & (known_at <= second_cut)),
        np.flatnonzero((at >= second_cut) & (at > first_cut)),
    )


def judge_on(past: Past, rows: NDArray[np.int64], model: RiskModel, base_rate: float, *, seed: int = 0) -> Judgement:
    """Judge a model on some rows of the past."""
    ahead = None if past.event_at is None else past.event_at[rows] - past.at[rows]
    return judge(
        past.outcome[rows], model.probabilities(_rows(past.table, rows)), subjects=past.subjects[rows],
        base_rate=base_rate, days_ahead=ahead, seed=seed,
    )  # fmt: skip


def fit_linear(matrix: Floats, outcome: Flags) -> Linear:
    """Ridge-penalised logistic regression on standardised columns, missing ones flagged."""
    # Half a second of import, and only training needs it.
    from sklearn.linear_model import LogisticRegression

    unknown = np.isnan(matrix)
    known = np.maximum((~unknown).sum(axis=0), 1)
    centre = np.where(unknown, 0.0, matrix).sum(axis=0) / known
    spread = np.sqrt((np.where(unknown, 0.0, matrix - centre) ** 2).sum(axis=0) / known)
    scale = np.where(spread > 0, spread, 1.0)
    scaled = np.where(unknown, 0.0, np.clip((matrix - centre) / scale, -5, 5))
    model = LogisticRegression(C=1 / _RIDGE, max_iter=500).fit(np.hstack([scaled, unknown]), outcome)
    weights = np.asarray(model.coef_[0], dtype=np.float64)
    width = matrix.shape[1]
    return Linear(centre, scale, weights[:width], weights[width:], float(model.intercept_[0]))


def _fit(
    past: Past, learn: NDArray[np.int64], later: NDArray[np.int64], columns: Sequence[str], form: str, seed: int
) -> RiskModel:
    if len(learn) > _MOST_ROWS:
        learn = np.sort(np.random.default_rng(seed).choice(learn, _MOST_ROWS, replace=False))
    encoder = fit_encoder(_rows(past.table, learn), columns)
    matrix = encoder.matrix(_rows(past.table, learn))
    score: Linear | Trees
    if form == "linear":
        score = fit_linear(matrix, past.outcome[learn])
    else:
        score = fit_trees(matrix, past.outcome[learn], rising=_rising(encoder, past.rising), seed=seed)
    odds = score.log_odds(encoder.matrix(_rows(past.table, later)))
    slope, offset = fit_line(odds, past.outcome[later])
    share = 1 / (1 + np.exp(-np.clip(slope * odds + offset, -30, 30)))
    return RiskModel(
        kind=past.kind, encoder=encoder, score=score, line=(slope, offset),
        bands=bands(past.outcome[later], share, past.subjects[later]),
        base_rate=float(past.outcome[learn].mean()), horizon_days=past.horizon_days,
    )  # fmt: skip


def _rising(encoder: Encoder, rising: Sequence[str]) -> NDArray[np.int64]:
    found = np.zeros(encoder.width, np.int64)
    for name, place in encoder.places().items():
        found[place] = int(name in rising)
    return found


def _brier_across(past: Past, slices: Slices, model: RiskModel) -> float:
    """Brier score on the calibration slice, each half brought to probabilities by the other."""
    rows = slices.calibrate
    odds, outcome = model.score.log_odds(model.encoder.matrix(_rows(past.table, rows))), past.outcome[rows]
    half = past.subjects[rows] % 2 == 0
    total = 0.0
    for part in (half, ~half):
        if part.all() or not part.any():
            continue
        slope, offset = fit_line(odds[~part], outcome[~part])
        share = 1 / (1 + np.exp(-np.clip(slope * odds[part] + offset, -30, 30)))
        total += float(((share - outcome[part]) ** 2).sum())
    return total / len(rows)


def _judged(past: Past, slices: Slices, model: RiskModel, seed: int) -> Judgement:
    # The base rate a person would have known when the newest slice began.
    before = np.concatenate([slices.train, slices.calibrate])
    return judge_on(past, slices.test, model, float(past.outcome[before].mean()), seed=seed)


def _too_little(past: Past, slices: Slices) -> str | None:
    for name, rows, least in (
        ("learn from", slices.train, MIN_TRAIN_EVENTS),
        ("calibrate on", slices.calibrate, MIN_EVENTS),
        ("judge by", slices.test, MIN_EVENTS),
    ):
        events = int(past.outcome[rows].sum())
        if min(events, len(rows) - events) < least:
            return (
                f"not enough data: {events} events and {len(rows) - events} others to {name}, "
                f"at least {least} of each are needed"
            )
    return None


def _rows(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    return table.take(pa.array(rows))
