"""Driver analysis: how themes and causes go with the score people give, adjusted, with intervals, per metric.

Belongs here: the table of drivers. Not here: which answers are compared (`driver_answers.py`), the estimator
(`adjusted.py`) and the words (`driver_words.py`).

Two contrasts, never mixed. `mentioned`: answers whose own words are about the subject, against the other answers with
words. `experienced`: answers of customers who had a complaint, ticket or escalation about the subject in the days before,
against all others; words given with a score follow the score, a contact before it cannot. Both are associations among
those who answered, adjusted for segment, channel, region, month, language and survey as known at the time of the answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

import numpy as np
import pyarrow as pa
from scipy.stats import false_discovery_control

from ml.outputs import DRIVER
from ml.root_cause.adjusted import Compared, Effects, Floats, adjusted_effects
from ml.root_cause.driver_answers import Answers, Contrast, DriverParams, Level, answers, metrics, opened
from ml.root_cause.driver_words import Finding, Subject, Surroundings, sentence
from models.taxonomy import Taxonomy


def drivers(
    signals: pa.Table,
    taxonomy: Taxonomy,
    *,
    as_of: datetime,
    theme_names: Mapping[str, str] | None = None,
    triggers: pa.Table | None = None,
    mentions: pa.Table | None = None,
    params: DriverParams | None = None,
) -> pa.Table:
    """One row per metric, contrast and subject (schema `DRIVER`), of `signals` with the columns of fct_signal.

    `mentions` (signal_id, theme_id, cause_id; one row per answer that was read) says what an answer is about by its words
    alone, never by its score, good answers included; words that praise are about no failure. Without it the themes and
    causes of `signals` are used, and only answers below `params.read_below` are compared (the sentence says so).
    `triggers` has the columns of ml_detection__trigger. Figures are null where fewer than `min_customers` have, or lack, a
    subject. Raises ValueError for a naive `as_of` and KeyError for missing columns.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    params = params or DriverParams()
    rows: list[dict[str, Any]] = []
    with opened(signals, triggers, mentions, as_of, params) as connection:
        surroundings = Surroundings(connection, taxonomy, theme_names or {}, params.alert_days)
        for metric in metrics(connection):
            for contrast in get_args(Contrast):
                for level in get_args(Level):
                    found = answers(connection, metric, contrast, level, params, every_text_read=mentions is not None)
                    rows += _rows((metric, contrast, level), found, surroundings, params)
    return pa.Table.from_pylist(rows, schema=DRIVER).sort_by("driver_id")


def _rows(
    question: tuple[str, Contrast, Level], found: Answers, surroundings: Surroundings, params: DriverParams
) -> list[dict[str, Any]]:
    """A row per subject of one question; those with too few customers get no figures and no part in the correction."""
    sides = [min(found.customers_with(number)) for number in range(len(found.subjects))]
    enough = [number for number, side in enumerate(sides) if side >= params.min_customers]
    figures = _estimated(found, enough, params)
    rows = []
    for number, subject in enumerate(found.subjects):
        about = surroundings.of(question[2], subject)
        own = figures.get(number, {})
        rows.append(_row(question, found, number, (sides[number], own), about, params))
    return rows


def _estimated(found: Answers, enough: list[int], params: DriverParams) -> dict[int, dict[str, float]]:
    """Figures by number of subject, of those that can be told apart from what is adjusted for."""
    if not enough:
        return {}
    data = found.data
    some = Compared(data.score, data.indicators[:, enough], data.covariates, data.customers)
    effects = adjusted_effects(some, replicates=params.replicates, seed=params.seed)
    known = np.isfinite(effects.p) & np.isfinite(effects.low)
    q = np.full(len(enough), np.nan)
    if known.any():
        q[known] = false_discovery_control(effects.p[known])
    places: list[int] = np.flatnonzero(known).tolist()
    return {enough[place]: _figures(effects, q, place, found.scale) for place in places}


def _figures(effects: Effects, q: Floats, place: int, scale: tuple[float, float]) -> dict[str, float]:
    """Figures of one subject. An interval is cut at what the scale allows; a difference cannot be larger."""
    widest = scale[1] - scale[0]
    names = ("effect", "low", "high", "p", "impact", "impact_low", "impact_high")
    own = {name: float(getattr(effects, name)[place]) for name in names}
    for name in ("low", "high"):
        own[name] = float(np.clip(own[name], -widest, widest))
    return own | {"q": float(q[place])}


def _verdict(own: Mapping[str, float], limit: float) -> str:
    if not own:
        return "not enough data"
    if own["q"] > limit:
        return "no clear effect"
    return "lowers" if own["effect"] < 0 else "raises"


def _row(
    question: tuple[str, Contrast, Level],
    found: Answers,
    number: int,
    estimate: tuple[int, Mapping[str, float]],
    about: Subject,
    params: DriverParams,
) -> dict[str, Any]:
    metric, contrast, level = question
    customers, own = estimate
    has, total = int(found.data.indicators[:, number].sum()), len(found.data.score)
    verdict, bounds = _verdict(own, params.q_limit), about.alerts.wilson()
    finding = Finding(
        metric=metric,
        contrast=contrast,
        scale=found.scale,
        share=has / total,
        customers=customers,
        needed=params.min_customers,
        effect=own.get("effect"),
        low=own.get("low"),
        high=own.get("high"),
        impact=(own["impact"], own["impact_low"], own["impact_high"]) if own else None,
        verdict=verdict,
        below=found.below,
        contact_days=params.contact_days,
    )
    return {
        "driver_id": _identity(*question, found.subjects[number]),
        "metric": metric,
        "contrast": contrast,
        "level": level,
        "subject_id": found.subjects[number],
        "name": about.name,
        "answers": total,
        "n": has,
        "share": has / total,
        "scale_min": found.scale[0],
        "scale_max": found.scale[1],
        **own,
        "alerts": about.alerts.numerator if bounds else None,
        "alert_share": about.alerts.value,
        "alert_share_low": bounds[0] if bounds else None,
        "alert_share_high": bounds[1] if bounds else None,
        "verdict": verdict,
        "sentence": sentence(finding, about, params.alert_days),
    }


def _identity(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
