"""Boosted trees as plain arrays: fitted by scikit-learn, kept and walked without it.

Belongs here: turning a fitted `HistGradientBoostingClassifier` into one numpy array per field and adding up its leaves.
Not here: which model is used. Arrays instead of a saved estimator, because loading one means trusting its classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Columns of the node table. `left` and `right` are places within the table; a leaf has feature -1.
COLUMNS = ("feature", "threshold", "missing_left", "left", "right", "value")


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees in one table of nodes (nodes, 6), see `COLUMNS`; `roots` (trees,) say where each begins; log-odds add up."""

    nodes: Floats
    roots: NDArray[np.int64]
    baseline: float

    def log_odds(self, matrix: Floats) -> Floats:
        """Log-odds (n,) of rows (n, width); NaN goes where missing values went in training."""
        total, rows = np.full(len(matrix), self.baseline), np.arange(len(matrix))
        for root in self.roots:
            at = np.full(len(matrix), root)
            while (inner := self.nodes[at, 0] >= 0).any():
                node = self.nodes[at]
                value = matrix[rows, np.maximum(node[:, 0], 0).astype(np.int64)]
                left = np.where(np.isnan(value), node[:, 2] > 0, value <= node[:, 1])
                at = np.where(inner, np.where(left, node[:, 3], node[:, 4]).astype(np.int64), at)
            total += self.nodes[at, 5]
        return total


def fit_trees(matrix: Floats, outcome: NDArray[np.bool_], *, rising: NDArray[np.int64], seed: int) -> Trees:
    """Fit shallow boosted trees; `rising` (width,) is 1 for columns of which more may never lower the risk, else 0."""
    # Half a second of import, and only training needs it.
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=40, l2_regularization=5.0,
        early_stopping=False, monotonic_cst=rising, random_state=seed,
    )  # fmt: skip
    return from_sklearn(model.fit(matrix, outcome))


def from_sklearn(model: Any) -> Trees:
    """The arrays of a fitted binary classifier without categorical splits."""
    tables, roots, start = [], [], 0
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        table = np.column_stack(
            [
                np.where(leaf, -1, nodes["feature_idx"]), nodes["num_threshold"], nodes["missing_go_to_left"],
                nodes["left"] + start, nodes["right"] + start, nodes["value"],
            ]
        ).astype(np.float64)  # fmt: skip
        tables.append(table)
        roots.append(start)
        start += len(table)
    return Trees(np.vstack(tables), np.asarray(roots, np.int64), float(np.ravel(model._baseline_prediction)[0]))
