"""One probability from several sources: the customer's words, the agent's notes, the resolution code.

Belongs here: what a code says about causes, and putting together sources of which any may be missing. Not here: the model
of words (`kernel.py`) and the guard against a code that predicts itself (`examples.py`).

Method: late fusion by a log-linear pool relative to the base rates (Genest & Zidek 1986; Bordley 1982): each source that
is there multiplies the odds, to the power of a weight learnt from probabilities out of fold. A missing source adds nothing,
so nothing has to be invented for it. A single source is taken as it is: it is calibrated already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.calibration import log_loss, softmax
from ml.root_cause.examples import Floats, Rows

# A code seen this often says half of what it says, the base rates the other half.
_CODE_PRIOR = 5.0
_LARGEST_WEIGHT = 3.0
# Below this probability a source would be believed beyond what its data can say.
_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one source says: probabilities (n, causes) and the rows it knows something about (n,)."""

    shares: Floats
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CodeModel:
    """Probabilities of causes per code, shrunk towards the base rates."""

    shares: Mapping[str, tuple[float, ...]]
    causes: int

    def opinion(self, codes: Sequence[str | None]) -> Opinion:
        """Probabilities per row; a code never seen says nothing."""
        known = np.array([code in self.shares for code in codes], dtype=bool)
        nothing = (1 / self.causes,) * self.causes
        rows = [nothing if code is None else self.shares.get(code, nothing) for code in codes]
        return Opinion(np.array(rows, dtype=np.float64).reshape(len(codes), self.causes), known)


def fit_codes(codes: Sequence[str | None], target: Rows, causes: int) -> CodeModel:
    """Counts of causes per code with Dirichlet smoothing towards the base rates."""
    base = base_rates(target, causes)
    counts: dict[str, Floats] = {}
    for code, cause in zip(codes, target.tolist(), strict=True):
        if code is not None:
            counts.setdefault(code, _CODE_PRIOR * base)
            counts[code][cause] += 1
    return CodeModel({code: tuple((own / own.sum()).tolist()) for code, own in sorted(counts.items())}, causes)


def codes_out_of_fold(
    codes: Sequence[str | None], target: Rows, causes: int, folds: Sequence[tuple[Rows, Rows]]
) -> Opinion:
    """What codes say of each row by counts of the other folds."""
    shares, known = np.full((len(target), causes), 1 / causes), np.zeros(len(target), dtype=bool)
    for train, test in folds:
        model = fit_codes([codes[row] for row in train.tolist()], target[train], causes)
        opinion = model.opinion([codes[row] for row in test.tolist()])
        shares[test], known[test] = opinion.shares, opinion.known
    return Opinion(shares, known)


def base_rates(target: Rows, causes: int) -> Floats:
    """Share of each cause (causes,), none of them 0."""
    counts = np.bincount(target, minlength=causes) + 0.5
    return np.asarray(counts / counts.sum(), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Pool:
    """Weights of the sources by name, and the base rates they are relative to."""

    weights: Mapping[str, float]
    base: tuple[float, ...]

    def fuse(self, opinions: Mapping[str, Opinion]) -> Floats:
        """Probabilities (n, causes); base rates where no source knows anything."""
        names = sorted(opinions)
        evidence = [_evidence(opinions[name], self.base) for name in names]
        base = np.asarray(self.base)
        shares = softmax(
            np.log(base) + sum(self.weights[name] * own for name, own in zip(names, evidence, strict=True))
        )
        alone = sum(opinions[name].known.astype(int) for name in names) == 1
        for name in names:
            rows = alone & opinions[name].known
            shares[rows] = opinions[name].shares[rows]
        return shares


def fit_pool(opinions: Mapping[str, Opinion], target: Rows) -> Pool:
    """Weights that make the truth likeliest over rows that several sources know; 1 each when there are no such rows.

    Opinions must be out of fold.
    """
    from scipy.optimize import minimize

    names = sorted(opinions)
    causes = opinions[names[0]].shares.shape[1]
    base = base_rates(target, causes)
    several = np.flatnonzero(sum(opinions[name].known.astype(int) for name in names) > 1)
    if not len(several):
        return Pool(dict.fromkeys(names, 1.0), tuple(base.tolist()))
    evidence = np.stack([_evidence(opinions[name], tuple(base.tolist()))[several] for name in names])

    def loss(weights: Floats) -> float:
        return log_loss(softmax(np.log(base) + np.tensordot(weights, evidence, axes=1)), target[several])

    bounds = [(0.0, _LARGEST_WEIGHT)] * len(names)
    found = minimize(loss, np.full(len(names), 0.8), method="L-BFGS-B", bounds=bounds).x
    return Pool({name: float(own) for name, own in zip(names, found, strict=True)}, tuple(base.tolist()))


def _evidence(opinion: Opinion, base: tuple[float, ...]) -> Floats:
    """Logarithms of how much likelier a source makes each cause than its base rate; 0 where the source is missing."""
    ratio = np.log(np.maximum(opinion.shares, _FLOOR)) - np.log(np.asarray(base))
    return np.asarray(np.where(opinion.known[:, None], ratio, 0.0), dtype=np.float64)
