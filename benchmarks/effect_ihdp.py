"""Realisations with known individual effects: the IHDP files where they are at hand, else tables made in their manner.

Belongs here: reading and making realisations. Not here: the learners (ml.recovery.individual) or the closing line
(effect.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MADE, _CASES = 10, 700


@dataclass(frozen=True)
class Realisation:
    """One table: covariates (n, d), who was treated (n,), the outcome seen (n,), and the true effect of each case (n,)."""

    name: str
    covariates: Floats
    treated: NDArray[np.bool_]
    outcome: Floats
    effect: Floats


def realisations(folder: Path) -> list[Realisation]:
    """Every `*.csv` of a folder in the published form, or made ones when there is none."""
    files = sorted(folder.glob("*.csv"))
    return [read(path) for path in files] if files else [made(seed) for seed in range(_MADE)]


def read(path: Path) -> Realisation:
    """A published file: treatment, outcome, the other outcome, both means, then covariates; a line of headings is passed over.

    Raises ValueError naming the file when it has no such columns.
    """
    with path.open(encoding="utf-8") as lines:
        first = lines.readline().split(",")[1]
    rows = np.loadtxt(path, delimiter=",", ndmin=2, skiprows=0 if _is_number(first) else 1)
    if rows.shape[1] < 6 or not np.isin(rows[:, 0], (0.0, 1.0)).all():
        raise ValueError(f"{path.name} is no IHDP file: treatment, outcomes, means and covariates are expected")
    return Realisation(path.stem, rows[:, 5:], rows[:, 0] == 1, rows[:, 1], rows[:, 4] - rows[:, 3])


def made(seed: int) -> Realisation:
    """A table after Hill (2011, response surface B): an exponential surface untreated, a linear one treated, few treated."""
    random = np.random.default_rng(seed)
    x = np.hstack([random.normal(size=(_CASES, 6)), (random.random((_CASES, 12)) < 0.4).astype(np.float64)])
    treated = random.random(_CASES) < 1 / (1 + np.exp(1.6 - 0.6 * x[:, 0] - 0.6 * x[:, 6]))
    weights = random.choice([0.0, 0.1, 0.2, 0.3, 0.4], size=x.shape[1], p=[0.6, 0.1, 0.1, 0.1, 0.1])
    without, within = np.exp((x + 0.5) @ weights), x @ weights
    within = within + 4 - (within - without)[treated].mean()
    outcome = np.where(treated, within, without) + random.normal(size=_CASES)
    return Realisation(f"made {seed}", x, treated, outcome, within - without)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
