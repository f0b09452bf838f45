"""Relief and disputes: what monetary and non-monetary relief did to consumers' disputes, on the bureau's published outcomes.

Belongs here: reading the published columns, nuisances over cells, and the plain stratified figure beside ours. Not here:
the estimator (ml.recovery.effect) or the closing line (effect.py). Nobody drew lots for relief: everything is observational.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.recovery.attempts import Attempts
from ml.recovery.effect import Effect, effect
from ml.recovery.nuisance import Nuisances, grouped_folds

Floats = NDArray[np.float64]

ARMS = {
    "Closed with explanation": "explanation",
    "Closed with monetary relief": "monetary",
    "Closed with non-monetary relief": "non_monetary",
}
# Points found by plain stratification on the published file of 2012 to 2017; what ours must be in line with.
PUBLISHED = {"monetary": -12.9, "non_monetary": -8.9}
_FOLDS = 5
# A cell's rates lean on its issue's with the weight of ten complaints, an issue's on everybody's.
_LEAN = 10.0
# On the treated only a chance near one leaves nobody to compare with; a small one is no harm.
_TRIM = (0.0, 0.98)


@dataclass(frozen=True)
class Relief:
    """One relief against an explanation, in points of disputed complaints (negative: fewer disputes)."""

    name: str
    ours: Effect
    stratified: float

    @property
    def agrees(self) -> bool:
        """Whether our interval holds the stratified figure of the same complaints."""
        return 100 * self.ours.low <= self.stratified <= 100 * self.ours.high


def relief(path: Path) -> list[Relief]:
    """Both effects on the complaints that got the relief, adjusted for issue, quarter and channel together.

    `path` holds `consumer_disputed`, `company_response`, `submitted_via`, `issue`, `date_received` (parquet or CSV).
    Raises ValueError when a column is missing.
    """
    rows = _read(path)
    attempts = _attempts(rows)
    cells = np.unique(rows["cell"].to_numpy(), return_inverse=True)[1]
    fitted = _cell_nuisances(attempts, cells, np.unique(rows["issue"].to_numpy(), return_inverse=True)[1])
    found = []
    for arm in attempts.arms[1:]:
        ours = effect(attempts, "disputed", arm, trim=_TRIM, target="population", fitted=fitted)
        found.append(Relief(arm, ours, 100 * _stratified(attempts, cells, arm)))
    return found


def _read(path: Path) -> pd.DataFrame:
    columns = ["consumer_disputed", "company_response", "submitted_via", "issue", "date_received"]
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str)
    missing = [name for name in columns if name not in frame]
    if missing:
        raise ValueError(f"{path.name} lacks {', '.join(missing)}")
    frame = frame[columns].astype(dict.fromkeys(columns[:-1], str))
    frame = frame[frame["consumer_disputed"].isin(["Yes", "No"]) & frame["company_response"].isin(list(ARMS))]
    quarter = pd.to_datetime(frame["date_received"], format="mixed").dt.to_period("Q").astype(str)
    cell = frame["issue"] + "|" + quarter + "|" + frame["submitted_via"]
    return frame.assign(cell=cell).reset_index(drop=True)


def _attempts(rows: pd.DataFrame) -> Attempts:
    arms = tuple(ARMS.values())
    n = len(rows)
    return Attempts(
        ids=np.arange(n).astype(np.str_),
        cluster=np.arange(n, dtype=np.int64),
        arms=arms,
        arm=rows["company_response"].map({text: arms.index(arm) for text, arm in ARMS.items()}).to_numpy(np.int64),
        covariates=np.zeros((n, 0)),
        names=(),
        outcomes={"disputed": (rows["consumer_disputed"] == "Yes").to_numpy(np.float64)},
        groups={},
        anchored_at=pd.to_datetime(rows["date_received"], format="mixed").to_numpy("datetime64[us]"),
    )


def _cell_nuisances(attempts: Attempts, cell: NDArray[np.int64], issue: NDArray[np.int64]) -> Nuisances:
    """Cross-fitted rates of each cell, leaning on those of its issue, so that a cell of two complaints is no certainty."""
    fold = grouped_folds(attempts.cluster, attempts.arm, _FOLDS, seed=0)
    n, many = len(attempts), len(attempts.arms)
    values = attempts.outcome("disputed")
    mu, chance = np.empty((n, many)), np.empty((n, many))
    for place in range(_FOLDS):
        inside = fold == place
        counts, sums = _table(attempts.arm[~inside], values[~inside], cell, issue, ~inside, many)
        mu[inside] = _lean(sums, counts, counts.level)[cell[inside]]
        chance[inside] = _shares(counts)[cell[inside]]
    return Nuisances(mu, chance, fold, np.ones((n, many)))


@dataclass(frozen=True)
class _Counts:
    """Sums by cell and by issue, each (groups, arms), and the issue of every cell."""

    cell: Floats
    issue: Floats
    level: NDArray[np.int64]


def _table(
    arm: NDArray[np.int64],
    values: Floats,
    cell: NDArray[np.int64],
    issue: NDArray[np.int64],
    kept: NDArray[np.bool_],
    many: int,
) -> tuple[_Counts, _Counts]:
    level = np.zeros(int(cell.max()) + 1, dtype=np.int64)
    level[cell] = issue
    found = []
    for weight in (np.ones(len(arm)), values):
        tables = [
            np.bincount(group[kept] * many + arm, weights=weight, minlength=(int(group.max()) + 1) * many)
            for group in (cell, issue)
        ]
        found.append(_Counts(tables[0].reshape(-1, many), tables[1].reshape(-1, many), level))
    return found[0], found[1]


def _lean(sums: _Counts, counts: _Counts, level: NDArray[np.int64]) -> Floats:
    everybody = sums.issue.sum(0) / np.maximum(counts.issue.sum(0), 1)
    of_issue = (sums.issue + _LEAN * everybody) / (counts.issue + _LEAN)
    return np.asarray((sums.cell + _LEAN * of_issue[level]) / (counts.cell + _LEAN))


def _shares(counts: _Counts) -> Floats:
    everybody = counts.issue.sum(0) / counts.issue.sum()
    of_issue = (counts.issue + _LEAN * everybody) / (counts.issue.sum(1, keepdims=True) + _LEAN)
    return np.asarray((counts.cell + _LEAN * of_issue[counts.level]) / (counts.cell.sum(1, keepdims=True) + _LEAN))


def _stratified(attempts: Attempts, cell: NDArray[np.int64], arm: str) -> float:
    """Difference of rates within cells that have both, averaged over the treated: what anybody would work out by hand."""
    place, values = attempts.arms.index(arm), attempts.outcome("disputed")
    size = int(cell.max()) + 1
    rates, many = [], []
    for one in (place, 0):
        mine = attempts.arm == one
        many.append(np.bincount(cell[mine], minlength=size))
        rates.append(np.bincount(cell[mine], weights=values[mine], minlength=size))
    both = (many[0] > 0) & (many[1] > 0)
    gap = rates[0][both] / many[0][both] - rates[1][both] / many[1][both]
    return float(np.average(gap, weights=many[0][both]))
