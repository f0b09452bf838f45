"""How understanding degrades: the same texts with more and more typing errors, read again by the active cause model.

Belongs here: typing errors and the curve. Not here: the figures (`text.py`). Errors are those of keyboards (Damerau, Commun.
ACM 7, 1964: neighbours swapped, a letter lost, doubled or hit twice over), so nothing about a language is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from amends.scoring.text import cause_figures

if TYPE_CHECKING:
    import pandas as pd

RATES = (0.0, 0.1, 0.2)
SAMPLE = 300
_SHORTEST = 4
# A mask such as [EMAIL] is the redaction's, nobody types it.
_WORD = re.compile(r"\[[A-Z][A-Z0-9_ ]*\]|[^\W\d_]+")

# Causes for texts, None where the model is too unsure.
Predict = Callable[[Sequence[str]], Sequence[str | None]]


def with_typos(text: str, rate: float, rng: np.random.Generator) -> str:
    """The text with an error in each word of four letters or more by chance `rate`; masks and short words stay.

    A lower rate spoils a part of the words a higher one spoils, given the same random numbers. Raises ValueError for a
    rate outside 0 to 1.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"a rate of words is 0 to 1, not {rate}")

    def typed(found: re.Match[str]) -> str:
        word = found.group()
        chance, kind, place = rng.random(3)
        if word.startswith("[") or len(word) < _SHORTEST or chance >= rate:
            return word
        return _slip(word, int(kind * 3), 1 + int(place * (len(word) - 2)))

    return _WORD.sub(typed, text)


def _slip(word: str, kind: int, at: int) -> str:
    """Swap, lose or double one letter inside a word, never the first."""
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def noise_curve(
    rows: pd.DataFrame, predict: Predict, *, rates: Sequence[float] = RATES, sample: int = SAMPLE, seed: int = 0
) -> list[dict[str, Any]]:
    """Cause figures per rate of spoilt words, on the same sample of customers' texts about a known cause.

    Texts nobody coded come first, because the model never learned from them; `unseen` says how many there are.
    """
    about = rows[(rows["author"] == "customer") & rows["cause"].notna() & rows["text"].notna()]
    order = np.random.default_rng(seed).permutation(len(about))
    seen = about["coded_cause_id"].notna().to_numpy()
    chosen = about.iloc[sorted(order[np.argsort(seen[order], kind="stable")][:sample].tolist())]
    curve = []
    for rate in rates:
        spoilt = [
            with_typos(text, rate, np.random.default_rng([seed, place])) for place, text in enumerate(chosen["text"])
        ]
        figures = cause_figures(chosen.assign(noisy_cause_id=list(predict(spoilt))), "noisy_cause_id", seed)
        curve.append({"rate": rate, "unseen": int(chosen["coded_cause_id"].isna().sum()), **figures})
    return curve
