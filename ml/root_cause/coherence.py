"""How good the words of topics are, by the two measures of the literature.

Belongs here: NPMI and diversity as OCTIS and the BERTopic paper define them. Not here: how words are chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def npmi_of(presence: Any, columns: Sequence[Sequence[int]]) -> float:
    """Mean NPMI (Bouma 2009) of the word pairs of each topic, from -1 to 1; 0 when no topic has two words.

    `presence` is a sparse 0/1 matrix (texts, words); `columns` holds the places of each topic's words. Two words that
    never meet count -1, two that are everywhere count 1.
    """
    used = sorted({column for topic in columns for column in topic})
    place = {column: number for number, column in enumerate(used)}
    if not used or not presence.shape[0]:
        return 0.0
    chosen = presence[:, used]
    together = np.asarray((chosen.T @ chosen).todense(), dtype=np.float64) / presence.shape[0]
    topics = [[place[column] for column in topic] for topic in columns]
    scores = [float(np.mean(_pairs(together, topic))) for topic in topics if len(topic) > 1]
    return float(np.mean(scores)) if scores else 0.0


def _pairs(together: NDArray[np.float64], topic: Sequence[int]) -> NDArray[np.float64]:
    alone = np.diag(together)
    left, right = np.triu_indices(len(topic), 1)
    first, second = np.asarray(topic)[left], np.asarray(topic)[right]
    joint = together[first, second]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(joint / (alone[first] * alone[second])) / -np.log(joint)
    return np.where(joint <= 0, -1.0, np.where(joint >= 1, 1.0, value))


def diversity(keywords: Sequence[Sequence[str]]) -> float:
    """Share of different terms among all keywords (Dieng, Ruiz and Blei 2020)."""
    flat = [term for terms in keywords for term in terms]
    return len(set(flat)) / len(flat) if flat else 0.0
