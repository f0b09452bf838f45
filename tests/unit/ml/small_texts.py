"""Small made-up texts whose feeling, kind and cause are known, for the tests of reading one text."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from ml.text.embed import Vectors
from ml.text.signs import Signs, read_signs
from tests.unit.ml.conftest import CountingEncoder

SUBJECTS = {
    "card_declined": ("my card", "the terminal", "the payment at the shop"),
    "app_outage": ("the app", "the login screen", "the update of the website"),
    "branch_wait": ("the branch", "the queue at the counter", "the appointment with the teller"),
}
MOODS = {
    "negative": ("was declined again", "is broken since monday", "never works", "took forever", "is not good at all"),
    "neutral": ("is what I ask about", "changed in may", "has a number", "is near the station", "was mentioned"),
    "positive": ("works well now", "was quick", "is great", "is not bad at all", "made me happy"),
}


@dataclass(frozen=True)
class Made:
    """Texts with the truth about each."""

    texts: list[str]
    moods: list[str]
    causes: list[str]

    def signs(self) -> Signs:
        return read_signs(self.texts)

    def vectors(self) -> Vectors:
        return CountingEncoder()(self.texts)


def made(count: int, seed: int = 0, moods: Sequence[str] = tuple(MOODS)) -> Made:
    """Texts of two words of subject and mood with a few words between that make copies rare."""
    rng = random.Random(seed)
    texts, feelings, causes = [], [], []
    for _ in range(count):
        cause, mood = rng.choice(sorted(SUBJECTS)), rng.choice(moods)
        place = rng.choice(("in Leeds", "in Bath", "in York", "at home", "in town", "today", "on friday", "last week"))
        asides = rng.choice(("I wrote", "as said", "note that", "dear team", "hello", "well"))
        texts.append(f"{asides} {rng.choice(SUBJECTS[cause])} {rng.choice(MOODS[mood])} {place} {rng.randint(1, 999)}")
        feelings.append(mood)
        causes.append(cause)
    return Made(texts, feelings, causes)
