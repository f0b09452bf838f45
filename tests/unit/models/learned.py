"""Small learned policies for tests: one leaf, values by playbook."""

from __future__ import annotations

from models.policy import ArmValue, Leaf, Node, Policy

CODES = ("apology", "callback", "refund", "specialist")


def leaf(name: str = "all", **values: float | None) -> Leaf:
    """A leaf with the values of some arms, each plus or minus a dollar; None is not enough data."""
    arms = [ArmValue(code="none", value_usd=0.0, low_usd=0.0, high_usd=0.0, n=90, standing="reference")]
    for code, value in values.items():
        figures = {} if value is None else {"value_usd": value, "low_usd": value - 1, "high_usd": value + 1}
        blank = {"value_usd": None, "low_usd": None, "high_usd": None}
        standing = "not_enough_data" if value is None else "unclear"
        arms.append(ArmValue.model_validate({"code": code, "n": 50, "standing": standing} | blank | figures))
    return Leaf(leaf_id=name, n=400, against="none", arms=tuple(arms))


def policy(policy_id: str, root: Node) -> Policy:
    return Policy(format=1, policy_id=policy_id, method="tree", outcome="net_margin_90d", arms=("none", *CODES),
                  attempts=900, customers=700, as_of="2026-07-05T00:00:00Z", root=root)  # fmt: skip


def best(code: str, policy_id: str | None = None) -> Policy:
    """A policy that holds one playbook to be best for everybody, and the apology second."""
    values = {code: 9.0} | ({"apology": 4.0} if code != "apology" else {})
    return policy(policy_id or f"p-{code}", leaf(**values))
