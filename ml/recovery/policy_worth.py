"""What helping at all is worth in each leaf of a policy: the usual arm compared with doing nothing.

Belongs here: filling `Leaf.over_nothing`. Not here: what arms are worth compared with each other (`policy_leaves.py`), or
the order of the queue (`models/assignment.py`). Choosing between playbooks does not need this figure, and a programme that
leaves nobody alone has no use for it there; but with more cases than hands, the case to take first is the one that gains
most over being left alone. It rests on past attempts at which nothing was done, where both arms had a real chance.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml.recovery.attempts import REFERENCE, Attempts
from ml.recovery.effect import scores
from ml.recovery.nuisance import Nuisances
from ml.recovery.off_policy import FLOOR
from ml.recovery.pairs import clustered_error, interval
from ml.recovery.policy_facts import Facts
from ml.recovery.policy_leaves import LEAST_ARM
from models.policy import Lead, Leaf, Node, Policy, Split

Flags = NDArray[np.bool_]


def with_leads(policy: Policy, attempts: Attempts, facts: Facts, fitted: Nuisances) -> Policy:
    """The policy with `over_nothing` in every leaf where the attempts tell it.

    `facts` are those of `attempts`, `fitted` the nuisances of the policy's outcome. Doubly robust scores (Robins, Rotnitzky
    and Zhao 1994) of attempts with a known outcome at which either arm had a chance of at least one in fifty; errors are
    clustered by customer. A leaf with fewer than 30 customers on either arm there stays without.
    """
    psi = scores(attempts, policy.outcome, fitted)
    known = attempts.due(policy.outcome) & ~np.isnan(attempts.outcome(policy.outcome))

    def lead(leaf: Leaf, inside: Flags) -> Lead | None:
        if leaf.against == REFERENCE or leaf.against not in attempts.arms or REFERENCE not in attempts.arms:
            return None
        arm, nothing = attempts.arm_index(leaf.against), attempts.arm_index(REFERENCE)
        both = inside & known & (fitted.propensity[:, [arm, nothing]] >= FLOOR).all(axis=1)
        both &= ~np.isnan(psi[:, [arm, nothing]]).any(axis=1)
        given = {place: attempts.cluster[both & (attempts.arm == place)] for place in (arm, nothing)}
        if min(len(np.unique(customers)) for customers in given.values()) < LEAST_ARM:
            return None
        gain = psi[both, arm] - psi[both, nothing]
        error, freedom = clustered_error(gain - gain.mean(), attempts.cluster[both], float(both.sum()))
        low, high = interval(float(gain.mean()), error, freedom)
        n = sum(len(customers) for customers in given.values())
        return Lead(value_usd=float(gain.mean()), low_usd=low, high_usd=high, n=n)

    if policy.root is None:
        return policy
    places = _places(policy, facts)
    leads = {leaf.leaf_id: lead(leaf, places == number) for number, leaf in enumerate(policy.leaves)}
    return policy.model_copy(update={"root": _filled(policy.root, leads)})


def _places(policy: Policy, facts: Facts) -> NDArray[np.int64]:
    """The leaf (n,) each attempt ends up in, as its place from left to right."""
    order = {leaf.leaf_id: number for number, leaf in enumerate(policy.leaves)}
    found = np.full(len(facts), -1, dtype=np.int64)
    for place in range(len(facts)):
        if (leaf := policy.leaf(facts.row(place))) is not None:
            found[place] = order[leaf[0].leaf_id]
    return found


def _filled(node: Node, leads: Mapping[str, Lead | None]) -> Node:
    if isinstance(node, Split):
        return node.model_copy(update={"yes": _filled(node.yes, leads), "no": _filled(node.no, leads)})
    return node.model_copy(update={"over_nothing": leads[node.leaf_id]})
