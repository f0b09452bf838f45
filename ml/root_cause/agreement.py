"""How far people agree who label the same signals: the ceiling of what a model can be held to.

Belongs here: kappa, alpha, their intervals, week by week, and the likely truth behind several answers. Not here: storing
answers (`cases/labels.py`), the agreement of a model with people (`gate.py`, `drift.py`).

Methods: Cohen (1960) for two people; Krippendorff's alpha for nominal data with missing answers (Krippendorff 2011,
"Computing Krippendorff's Alpha-Reliability"), interval by resampling items; Dawid and Skene (1979) by EM.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from models.label import Label
from models.questionnaire import Agreement
from models.questionnaire import agreement as cohen

Floats = NDArray[np.float64]
# item -> labeller -> answer
Ratings = Mapping[str, Mapping[str, str]]
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's alpha over the items that at least two people answered, with its 95 % interval.

    `alpha` is None where it cannot be told: no such item, or one answer throughout, so that chance explains all.
    """

    items: int
    labellers: int
    observed: float | None
    alpha: float | None
    low: float | None
    high: float | None


def ratings_of(labels: Iterable[Label], question: str) -> dict[str, dict[str, str]]:
    """The newest answer of each person to a question, by signal. Who could not say, or is not named, is left out."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for label in sorted(labels, key=lambda label: (label.at, label.label_id)):
        if label.question != question or label.labeller is None:
            continue
        if label.value is None:
            found[label.signal_id].pop(label.labeller, None)
        else:
            found[label.signal_id][label.labeller] = label.value
    return dict(found)


def kappas(ratings: Ratings, *, min_items: int = 1) -> dict[tuple[str, str], Agreement]:
    """Cohen's kappa of each two people who answered at least `min_items` items both, by their names in order."""
    pairs: dict[tuple[str, str], list[tuple[str | None, str | None]]] = defaultdict(list)
    for said in ratings.values():
        for first, second in combinations(sorted(said), 2):
            pairs[first, second].append((said[first], said[second]))
    return {pair: cohen(answers) for pair, answers in sorted(pairs.items()) if len(answers) >= min_items}


def krippendorff(ratings: Ratings, *, draws: int = 1_000, seed: int = 0) -> Alpha:
    """Alpha for nominal answers, any number of people, answers may be missing.

    The interval is the percentile one over resampled items. Without any disagreement resampling would say exactly one;
    there the lower end takes the exact 97.5 % bound on the share of disagreeing items instead.
    """
    units = [Counter(said.values()) for _, said in sorted(ratings.items()) if len(said) >= 2]
    people = {name for said in ratings.values() if len(said) >= 2 for name in said}
    if not units:
        return Alpha(0, 0, None, None, None, None)
    values = sorted({value for unit in units for value in unit})
    counts = np.array([[unit[value] for value in values] for unit in units], dtype=np.float64)
    answers = counts.sum(axis=1)
    # Disagreeing pairs within an item, so weighted that an item counts by its answers, not by its pairs.
    apart = (counts * (answers[:, None] - counts)).sum(axis=1) / (answers - 1)
    observed = float(1 - apart.sum() / answers.sum())
    (alpha,) = _alphas(np.ones((1, len(units))), counts, apart)
    if np.isnan(alpha):
        return Alpha(len(units), len(people), observed, None, None, None)
    low, high = _interval(counts, apart, draws, seed)
    return Alpha(len(units), len(people), observed, float(alpha), low, high)


def _alphas(weights: Floats, counts: Floats, apart: Floats) -> Floats:
    """Alpha for each row of item weights (draws x items); NaN where only one answer occurs."""
    totals = weights @ counts
    answers = totals.sum(axis=1)
    by_chance = (totals * (answers[:, None] - totals)).sum(axis=1) / np.maximum(answers - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        alphas: Floats = np.where(by_chance > 0, 1 - (weights @ apart) / by_chance, np.nan)
    return alphas


def _interval(counts: Floats, apart: Floats, draws: int, seed: int) -> tuple[float | None, float | None]:
    items, tail = len(counts), (1 - _LEVEL) / 2
    weights = np.random.default_rng(seed).multinomial(items, np.full(items, 1 / items), size=draws).astype(np.float64)
    alphas = _alphas(weights, counts, apart)
    told = alphas[~np.isnan(alphas)]
    if len(told) < draws / 2:
        return None, None
    low, high = (float(value) for value in np.quantile(told, [tail, 1 - tail]))
    if not apart.any():
        totals = counts.sum(axis=0)
        by_chance = float((totals * (totals.sum() - totals)).sum() / (totals.sum() * (totals.sum() - 1)))
        low = 1 - float(1 - tail ** (1 / items)) / by_chance
    return low, high


@dataclass(frozen=True, slots=True)
class Week:
    """Agreement on the items whose last answer fell into the week that starts on `week` (a Monday, UTC)."""

    week: date
    question: str
    alpha: Alpha


def weekly(labels: Sequence[Label], question: str, *, draws: int = 1_000, seed: int = 0) -> list[Week]:
    """Alpha by week, oldest first; weeks in which nothing was answered twice are left out."""
    ratings = ratings_of(labels, question)
    last: dict[str, date] = {}
    for label in labels:
        if label.question == question and label.labeller is not None and label.value is not None:
            day = label.at.date()
            last[label.signal_id] = max(day, last.get(label.signal_id, day))
    by_week: dict[date, dict[str, Mapping[str, str]]] = defaultdict(dict)
    for signal_id, said in ratings.items():
        if len(said) >= 2:
            day = last[signal_id]
            by_week[day - timedelta(days=day.weekday())][signal_id] = said
    return [Week(week, question, krippendorff(by_week[week], draws=draws, seed=seed)) for week in sorted(by_week)]


@dataclass(frozen=True, slots=True)
class Truth:
    """The likely answer to each item with its probability, and how often each person gives each answer for each truth.

    `confusion[person]` is a matrix (truth x answer) in the order of `values`; rows add up to one.
    """

    values: tuple[str, ...]
    answers: Mapping[str, tuple[str, float]]
    confusion: Mapping[str, Floats]


def dawid_skene(ratings: Ratings, *, rounds: int = 100, smoothing: float = 0.5) -> Truth:
    """Answers weighed by how reliable who gave them turns out to be (Dawid and Skene 1979), started from majorities.

    `smoothing` is added to every cell of a person's matrix: with few answers nobody is taken for perfect.
    Raises `ValueError` without any answer.
    """
    items = sorted(item for item, said in ratings.items() if said)
    if not items:
        raise ValueError("there is no answer to weigh")
    people = sorted({name for item in items for name in ratings[item]})
    values = sorted({value for item in items for value in ratings[item].values()})
    place = {value: number for number, value in enumerate(values)}
    given = np.zeros((len(people), len(items), len(values)))
    for column, item in enumerate(items):
        for name, value in ratings[item].items():
            given[people.index(name), column, place[value]] = 1
    belief = given.sum(axis=0) / given.sum(axis=(0, 2))[:, None]
    for _ in range(rounds):
        matrices = np.einsum("ik,pij->pkj", belief, given) + smoothing
        matrices /= matrices.sum(axis=2, keepdims=True)
        score = np.log(belief.mean(axis=0) + 1e-12) + np.einsum("pij,pkj->ik", given, np.log(matrices))
        fresh = np.exp(score - score.max(axis=1, keepdims=True))
        fresh /= fresh.sum(axis=1, keepdims=True)
        moved, belief = float(np.abs(fresh - belief).max()), fresh
        if moved < 1e-6:
            break
    best = belief.argmax(axis=1)
    answers = {item: (values[best[row]], float(belief[row, best[row]])) for row, item in enumerate(items)}
    return Truth(tuple(values), answers, dict(zip(people, matrices, strict=True)))
