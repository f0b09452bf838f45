"""What was learned and how it was judged, as the tables handed to the warehouse.

Belongs here: rows of `ml_recovery__policy`, `ml_recovery__policy_value` and `ml_recovery__policy_curve`. Not
here: schemas (`tables.py`), how any figure comes about (`policy.py`, `policy_verdict.py`), or writing files (`ml/outputs.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from ml.recovery.policy import Compared, Learned
from ml.recovery.policy_verdict import CurvePoint, PolicyValue, Verdict
from ml.recovery.tables import POLICY, POLICY_CURVE, POLICY_VALUE
from models.policy import Leaf, Node, Policy, Split


def policy_rows(learned: Learned, verdict: Verdict, *, as_of: datetime) -> pa.Table:
    """`ml_recovery__policy`. `as_of` is UTC."""
    policy = learned.policy
    said = {
        "policy_id": policy.policy_id, "method": policy.method, "candidate": learned.candidate, "why": learned.why,
        "learned_from_attempts": policy.attempts, "learned_from_customers": policy.customers,
        "is_passed": verdict.passed and learned.candidate != "rules",
        "next_share": verdict.share if learned.candidate != "rules" else None,
        "gates": json.dumps([{"name": g.name, "passed": g.passed, "why": g.why} for g in verdict.gates]),
        "as_of": as_of,
    }  # fmt: skip
    found = [said | row for leaf, asked in _paths(policy.root, ()) for row in _leaf_rows(leaf, asked, policy)]
    rows = found or [said]
    for row in rows:
        row["row_id"] = "|".join(str(row.get(name) or "") for name in ("policy_id", "leaf_id", "playbook_code"))
    return pa.Table.from_pylist(rows, schema=POLICY)


def value_rows(learned: Learned, verdict: Verdict, *, as_of: datetime) -> pa.Table:
    """`ml_recovery__policy_value`: the candidates on held-out customers, then every estimator for the one chosen."""
    policy = learned.policy
    source = "logged" if verdict.logged_propensities else "estimated"
    rows = [_compared(one, policy) for one in learned.comparison] + [_estimated(one, source) for one in verdict.values]
    for row in rows:
        key = (row["outcome"], row["policy"], row["against"] or "", row["estimator"])
        row |= {"value_id": "|".join((policy.policy_id, *key)), "policy_id": policy.policy_id, "as_of": as_of}
    return pa.Table.from_pylist(rows, schema=POLICY_VALUE)


def curve_rows(policy: Policy, points: Sequence[CurvePoint], *, as_of: datetime) -> pa.Table:
    """`ml_recovery__policy_curve`."""
    rows = [
        {
            "point_id": f"{policy.policy_id}|{point.share:.2f}", "policy_id": policy.policy_id,
            "followed_share": point.share, "gain_usd": point.gain_usd, "low_usd": point.low_usd,
            "high_usd": point.high_usd, "as_of": as_of,
        }
        for point in points
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=POLICY_CURVE)


def _paths(node: Node | None, asked: tuple[str, ...]) -> Iterator[tuple[Leaf, str]]:
    """Every leaf and who ends up in it, in words."""
    if isinstance(node, Split):
        wanted = f"at most {node.at_most:g}" if node.at_most is not None else "one of " + ", ".join(node.among)
        for side, holds in ((node.yes, True), (node.no, False)):
            also = " or unknown" if (node.unknown == "yes") == holds else ""
            yield from _paths(side, (*asked, f"{node.field} is {'' if holds else 'not '}{wanted}{also}"))
    elif node is not None:
        yield node, "; ".join(asked) or "all cases"


def _leaf_rows(leaf: Leaf, asked: str, policy: Policy) -> list[dict[str, Any]]:
    known = [arm for arm in leaf.arms if arm.value_usd is not None]
    best = max(known, key=lambda arm: arm.value_usd or 0.0).code if known else None
    base = {
        "leaf_id": leaf.leaf_id, "asked": asked, "leaf_attempts": leaf.n, "is_left_to_rules": leaf.left_to_rules,
        "against": leaf.against,
    }  # fmt: skip
    rows = [
        base
        | {
            "playbook_code": arm.code, "value_usd": arm.value_usd, "low_usd": arm.low_usd, "high_usd": arm.high_usd,
            "attempts": arm.n, "standing": arm.standing, "is_best": arm.code == best,
        }
        for arm in leaf.arms
    ]  # fmt: skip
    return rows or [base]


def _compared(one: Compared, policy: Policy) -> dict[str, Any]:
    return {
        "outcome": policy.outcome, "policy": one.candidate, "against": "rules", "estimator": "held_out",
        "value": one.gain_usd, "low": one.low_usd, "high": one.high_usd, "attempts": policy.attempts,
        "changed_share": one.differs,
    }  # fmt: skip


def _estimated(one: PolicyValue, source: str) -> dict[str, Any]:
    found = one.estimate
    return {
        "outcome": one.outcome, "policy": one.policy, "against": one.against, "estimator": found.estimator,
        "value": found.value, "low": found.low, "high": found.high, "attempts": found.n,
        "effective_attempts": found.ess, "thin_share": one.thin_share, "largest_weight": one.largest_weight,
        "propensities": source, "refused": found.refused,
    }  # fmt: skip
