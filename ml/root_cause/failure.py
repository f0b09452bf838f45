"""Probability of each failure type from the probabilities of causes.

Belongs here: adding up. Not here: which cause is of which type (`taxonomy.yml`, versioned with the programme).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ml.root_cause.examples import Floats


def failure_type_shares(
    shares: Floats, causes: Sequence[str], types: Mapping[str, str]
) -> tuple[tuple[str, ...], Floats]:
    """Names of failure types (sorted) and their probabilities (n, types): the sum over the causes of each type.

    `types` maps cause to failure type. Raises ValueError for a cause without one: nothing is put into "other".
    """
    unmapped = sorted(set(causes) - set(types))
    if unmapped:
        raise ValueError(f"causes without a failure type: {', '.join(unmapped)}")
    names = tuple(sorted({types[cause] for cause in causes}))
    belongs = np.array([[types[cause] == name for name in names] for cause in causes], dtype=np.float64)
    return names, np.asarray(shares @ belongs.reshape(len(causes), len(names)), dtype=np.float64)
