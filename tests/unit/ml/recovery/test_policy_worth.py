"""What helping at all is worth is told where enough were left alone, and left open where they were not."""

from __future__ import annotations

import numpy as np
import pytest

from ml.recovery.nuisance import Nuisances, nuisances
from ml.recovery.policy import OUTCOME
from ml.recovery.policy_worth import with_leads
from models.policy import ArmValue, Leaf, Policy, Split
from tests.unit.ml.recovery.test_policy import facts_of
from tests.unit.ml.recovery.worlds import ARMS, planted

USUAL = ARMS[1]


def leaf(name: str, against: str = USUAL) -> Leaf:
    arm = ArmValue(code=against, value_usd=0.0, low_usd=0.0, high_usd=0.0, n=90, standing="reference")
    return Leaf(leaf_id=name, n=90, against=against, arms=(arm,))


def policy(yes: Leaf, no: Leaf) -> Policy:
    """Severity 1 and 2 in one leaf, milder cases in the other."""
    root = Split(field="severity", at_most=2.0, unknown="no", yes=yes, no=no)
    return Policy(format=1, policy_id="p", method="tree", outcome=OUTCOME, arms=ARMS, attempts=900, customers=700,
                  as_of="2026-07-05T00:00:00+00:00", root=root)  # fmt: skip


@pytest.fixture(scope="module")
def fitted() -> dict[int, Nuisances]:
    return {seed: nuisances(planted(4000, seed)[0], OUTCOME, folds=2) for seed in (1, 2)}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_interval_holds_what_the_usual_arm_truly_brings_over_doing_nothing(
    seed: int, fitted: dict[int, Nuisances]
) -> None:
    attempts, truth = planted(4000, seed)
    found = with_leads(policy(leaf("grave"), leaf("mild")), attempts, facts_of(attempts), fitted[seed])
    grave = attempts.groups["severity"].astype(int) <= 2
    for one, inside in zip(found.leaves, (grave, ~grave), strict=True):
        true = (truth.potential[OUTCOME][inside, 1] - truth.potential[OUTCOME][inside, 0]).mean()
        assert one.over_nothing is not None
        assert one.over_nothing.low_usd <= true <= one.over_nothing.high_usd


def test_nothing_else_of_the_policy_changes(fitted: dict[int, Nuisances]) -> None:
    attempts, _ = planted(4000, 1)
    before = policy(leaf("grave"), leaf("mild"))
    after = with_leads(before, attempts, facts_of(attempts), fitted[1])
    bare = [one.model_copy(update={"over_nothing": None}) for one in after.leaves]
    assert tuple(bare) == before.leaves


def test_a_leaf_told_against_doing_nothing_needs_no_lead(fitted: dict[int, Nuisances]) -> None:
    attempts, _ = planted(4000, 1)
    found = with_leads(policy(leaf("grave", "none"), leaf("mild")), attempts, facts_of(attempts), fitted[1])
    assert [one.over_nothing is None for one in found.leaves] == [True, False]


def test_where_hardly_anybody_was_left_alone_the_lead_stays_unknown(fitted: dict[int, Nuisances]) -> None:
    attempts, _ = planted(4000, 1)
    alone = np.flatnonzero((attempts.arm == 0) & (attempts.groups["severity"].astype(int) <= 2))
    keep = np.setdiff1d(np.arange(len(attempts)), alone[20:])
    few = attempts.take(keep)
    found = with_leads(policy(leaf("grave"), leaf("mild")), few, facts_of(few), nuisances(few, OUTCOME, folds=2))
    assert [one.over_nothing is None for one in found.leaves] == [True, False]
