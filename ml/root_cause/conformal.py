"""Sets of causes that hold the true one at a promised rate.

Belongs here: thresholds from probabilities out of fold, the sets they give, and how often sets held the truth. Not here:
what a person does with a set of two (`review.py`).

Method: least ambiguous sets by split conformal prediction (Vovk, Gammerman & Shafer 2005; Sadinle, Lei & Wasserman 2019;
Angelopoulos & Bates 2023): a cause belongs to the set when one minus its probability is at most a quantile of that score
over held-out texts. The Mondrian variant takes the quantile per cause: it keeps the promise for each cause, at the price
of larger sets. The promise holds for texts like those held out; it is monitored, since over time it wears off.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.examples import Floats, Rows

# Why a person should look: nothing fits, several fit, or one fits but the model would abstain.
Unsure = Literal["none", "several", "low_confidence"]


def thresholds(shares: Floats, target: Rows, miss: float, *, per_cause: bool = False) -> Floats:
    """Smallest probability (causes,) with which a cause enters a set, from held-out probabilities (n, causes).

    `miss` is the promised share of texts whose set lacks the truth. With `per_cause` each cause has its own; a cause
    with too few texts to promise anything enters every set. Raises ValueError unless 0 < miss < 1.
    """
    if not 0 < miss < 1:
        raise ValueError(f"the promised share of misses must lie in (0, 1), not {miss}")
    own = 1 - shares[np.arange(len(target)), target]
    if not per_cause:
        return np.full(shares.shape[1], 1 - _quantile(own, miss))
    return np.array([1 - _quantile(own[target == cause], miss) for cause in range(shares.shape[1])])


def _quantile(scores: Floats, miss: float) -> float:
    """The ceil((n + 1)(1 - miss))-th smallest score; 1 (anything fits) when there are too few."""
    rank = int(np.ceil((len(scores) + 1) * (1 - miss)))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else 1.0


def members(shares: Floats, limits: Floats) -> NDArray[np.bool_]:
    """Which causes belong to the set of each text (n, causes)."""
    # The truth of the text that made the threshold is exactly on it.
    return np.asarray(shares >= limits - 1e-12, dtype=bool)


def unsure(inside: NDArray[np.bool_], confidence: Floats, abstain_below: float) -> list[Unsure | None]:
    """Why each text should be reviewed; None when one cause alone fits and the model is confident enough."""
    sizes = inside.sum(axis=1)
    return [
        "none" if size == 0 else "several" if size > 1 else "low_confidence" if share < abstain_below else None
        for size, share in zip(sizes.tolist(), confidence.tolist(), strict=True)
    ]


def coverage(inside: NDArray[np.bool_], target: Rows) -> dict[str, float]:
    """How often sets held the truth: over all, for the worst cause with at least 10 texts, and mean size of sets.

    A target of -1 is a cause the model does not know: never held.
    """
    known = target >= 0
    held = np.zeros(len(target), dtype=bool)
    held[known] = inside[known, target[known]]
    worst = [held[target == cause].mean() for cause in np.unique(target) if (target == cause).sum() >= 10]
    sizes = inside.sum(axis=1)
    figures = {
        "set_coverage": float(held.mean()),
        "set_size": float(sizes.mean()),
        "set_single_share": float((sizes == 1).mean()),
    }
    return figures | ({"set_coverage_worst_cause": float(min(worst))} if worst else {})
