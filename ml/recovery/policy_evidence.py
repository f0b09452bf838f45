"""What is known for and against a saved policy at the moment somebody decides about it.

Belongs here: the judgement made when it was learned, the one on outcomes that came in since, the naive figure beside both,
and the gates that follow. Not here: any estimate (`policy_run.py`, `policy_verdict.py`), the trial in force
(`roll_out_gates.py`), putting a policy in force (`roll_out.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.recovery.attempts import read_attempts
from ml.recovery.pairs import clustered_error, interval
from ml.recovery.policy_facts import read_facts
from ml.recovery.policy_leaves import Scored, assign
from ml.recovery.policy_programme import programme_arms
from ml.recovery.policy_run import about, judge_policy
from ml.recovery.roll_out import Gate
from models.playbook import Playbook
from models.policy import Policy
from models.recommendation import RecommendationPolicy
from models.trial import RollOut

Ints = NDArray[np.int64]
# Attempts with either arm below which the naive figure has no interval worth printing.
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Naive:
    """What somebody would read off without a method: the mean outcome of attempts that got the policy's arm minus that of
    those that got the arm in force, where the two differ, with its 95 % interval; None with too few of either."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def evidence(
    policy: Policy,
    known: Mapping[str, Any],
    table: pa.Table,
    playbooks: Sequence[Playbook],
    rules: RecommendationPolicy,
    in_force: RollOut,
) -> dict[str, Any]:
    """Everything as JSON-ready values. `known` is what was kept beside the policy when it was proposed, `table` the
    newest `int_recovery_attempt`. Raises ValueError as `read_attempts` does.
    """
    champion = in_force.champion
    has = (
        in_force.share if in_force.challenger is not None and in_force.challenger.policy_id == policy.policy_id else 0.0
    )
    verdict = judge_policy(policy, table, playbooks, rules, current=champion, share=has)
    since = about(verdict) if verdict is not None else None
    gates = [*_kept_gates(known), _against(known, champion), _since(since, policy.outcome)]
    passed = all(gate.passed for gate in gates)
    against = f"champion {champion.policy_id}" if champion is not None else "the rules"
    return {
        "policy_id": policy.policy_id, "outcome": policy.outcome, "against": against, "passed": passed,
        "propensities": known.get("propensities"), "why": known.get("why"), "judged_on": known.get("judged_on"),
        "estimates": leads(known, policy.outcome), "since": leads(since or {}, policy.outcome),
        "naive": asdict(naive(policy, table, playbooks, rules, champion)), "gates": [asdict(gate) for gate in gates],
        "verdict": _told(policy, against, [gate.name for gate in gates if not gate.passed]),
    }  # fmt: skip


def leads(said: Mapping[str, Any], outcome: str) -> list[dict[str, Any]]:
    """Estimates of the policy's lead over what was in force, as `policy_run.about` keeps them, one row per estimator."""
    found = [value for value in said.get("values", ()) if value["outcome"] == outcome and value["against"] is not None]
    return [dict(value["estimate"]) | {"thin_share": value["thin_share"]} for value in found]


def naive(
    policy: Policy,
    table: pa.Table,
    playbooks: Sequence[Playbook],
    rules: RecommendationPolicy,
    champion: Policy | None,
) -> Naive:
    """The naive lead of a policy over the champion, else the rules, on every attempt with a known outcome."""
    attempts, facts = read_attempts(table), read_facts(table, sorted(policy.fields | _fields(champion)))
    open_to, taken = programme_arms(read_facts(table), attempts.arms, playbooks, rules)
    reward = attempts.outcome(policy.outcome)
    kept = np.flatnonzero((taken >= 0) & ~np.isnan(reward) & attempts.due(policy.outcome))
    if not len(kept):
        return Naive(None, None, None, 0)
    open_to[np.arange(len(taken)), np.maximum(taken, 0)] = True
    data = Scored(
        facts.take(kept), np.zeros((len(kept), len(attempts.arms))), open_to[kept], taken[kept], attempts.arm[kept],
        attempts.cluster[kept], attempts.arms,
    )  # fmt: skip
    current = data.rules if champion is None else assign(champion, data)
    return _difference(reward[kept], data, assign(policy, data), current)


def _fields(policy: Policy | None) -> frozenset[str]:
    return policy.fields if policy is not None else frozenset()


def _difference(reward: NDArray[np.float64], data: Scored, action: Ints, current: Ints) -> Naive:
    apart = action != current
    mine, theirs = apart & (data.arm == action), apart & (data.arm == current)
    n = int(mine.sum() + theirs.sum())
    if min(mine.sum(), theirs.sum()) < _FEWEST:
        return Naive(None, None, None, n)
    point = float(reward[mine].mean() - reward[theirs].mean())
    lean = np.where(mine, (reward - reward[mine].mean()) / mine.mean(), 0.0)
    lean -= np.where(theirs, (reward - reward[theirs].mean()) / theirs.mean(), 0.0)
    low, high = interval(point, *clustered_error(lean, data.cluster, len(lean)))
    return Naive(point, low, high, n)


def _kept_gates(known: Mapping[str, Any]) -> list[Gate]:
    """The gates of the judgement made on customers the policy was learned without."""
    kept = [Gate(gate["name"], bool(gate["passed"]), gate["why"]) for gate in known.get("gates", ())]
    return kept or [Gate("judgement", False, "nobody judged it when it was learned")]


def _against(known: Mapping[str, Any], champion: Policy | None) -> Gate:
    now, then = champion.policy_id if champion is not None else None, known.get("against")
    told = f"judged against {then or 'the rules'}"
    if now == then:
        return Gate("against", True, f"{told}, which decide now" if then is None else f"{told}, which decides now")
    return Gate("against", False, f"{told}, but {now or 'the rules'} decide now: learn anew")


def _since(since: Mapping[str, Any] | None, outcome: str) -> Gate:
    """Closed by outcomes that came in since when they speak against the policy beyond doubt; open while they are few."""
    lead = next((row for row in leads(since or {}, outcome) if row["estimator"] == "dr"), None)
    if lead is None:
        return Gate("since", True, "no outcome came in since it was learned")
    if lead["value"] is None:
        return Gate("since", True, f"outcomes that came in since say nothing yet: {lead['refused']}")
    told = f"{lead['value']:+.2f} per case by outcomes since ({lead['low']:+.2f} to {lead['high']:+.2f})"
    return Gate("since", lead["high"] >= 0, told)


def _told(policy: Policy, against: str, closed: Sequence[str]) -> str:
    if closed:
        return f"Not to be used in place of {against}: closed gates are {', '.join(closed)}."
    return f"Past cases bear out {policy.policy_id} in place of {against}."
