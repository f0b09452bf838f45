"""Weekly learning of a playbook policy in one call: from the table of attempts to a bundle, its judgement and its rows.

Belongs here: putting the steps in order, for the weekly asset and for `amends policy evaluate`. Not here: any step itself
(`policy.py`, `policy_verdict.py`, `policy_rows.py`), or saving and promoting (`roll_out.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.recovery.attempts import Attempts, read_attempts
from ml.recovery.nuisance import Nuisances, nuisances
from ml.recovery.policy import OUTCOME, Learned, learn, ready
from ml.recovery.policy_facts import ASKED, read_facts
from ml.recovery.policy_leaves import Scored, assign
from ml.recovery.policy_programme import programme_arms
from ml.recovery.policy_rows import curve_rows, policy_rows, value_rows
from ml.recovery.policy_verdict import TOLERANCES, CurvePoint, Verdict, judge, policy_curve
from ml.recovery.policy_worth import with_leads
from models.playbook import Playbook
from models.policy import Policy
from models.recommendation import RecommendationPolicy

_WINDOW = np.timedelta64(90, "D")


@dataclass(frozen=True, eq=False)
class Report:
    """What a week's learning says. `table` names are those of the warehouse: policy, policy_value, policy_curve."""

    learned: Learned
    verdict: Verdict
    curve: tuple[CurvePoint, ...]
    tables: Mapping[str, pa.Table]

    @property
    def worth_proposing(self) -> bool:
        """Whether there is a policy that differs from the rules and passes every gate."""
        return self.learned.candidate != "rules" and self.verdict.passed

    @property
    def about(self) -> dict[str, Any]:
        """Everything a person needs to decide, in JSON values; kept beside the saved policy (`roll_out.propose`)."""
        learned = self.learned
        return about(self.verdict) | {
            "why": learned.why, "candidate": learned.candidate, "as_of": learned.policy.as_of,
            "judged_on": "customers the policy was learned without",
            "comparison": [asdict(one) for one in learned.comparison],
        }  # fmt: skip


def learn_policy(
    table: pa.Table,
    playbooks: Sequence[Playbook],
    rules: RecommendationPolicy,
    *,
    as_of: datetime,
    current: Policy | None = None,
    share: float = 0.0,
    outcome: str = OUTCOME,
    fields: Sequence[str] = ASKED,
    seed: int = 0,
) -> Report:
    """Learn from `int_recovery_attempt` and judge against `current` (None: the rules), a share of which it may have already.

    Raises ValueError when there are too few attempts with known outcomes (`policy.LEAST_ATTEMPTS`), or a naive `as_of`.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of has no time zone")
    attempts = read_attempts(table)
    data, kept, fitted = _prepared(attempts, table, playbooks, rules, outcome, fields, seed)
    at = as_of.astimezone(UTC).isoformat(timespec="seconds")
    found = learn(data, policy_id="unnamed", as_of=at, outcome=outcome, fields=fields, seed=seed)
    valued = with_leads(
        found.policy, attempts, read_facts(table, tuple(dict.fromkeys((*fields, *ASKED)))), fitted[outcome]
    )
    named = _named(replace(found, policy=valued), as_of)
    now = None if current is None else assign(current, data)
    verdict = judge(attempts, fitted, data, kept, named.held_out, outcome=outcome, current=now, share=share, seed=seed)
    gain = data.gains[np.arange(len(data)), named.held_out]
    curve = policy_curve(named.predicted, gain, data.cluster, seed=seed)
    tables = {
        "policy": policy_rows(named, verdict, as_of=as_of),
        "policy_value": value_rows(named, verdict, as_of=as_of),
        "policy_curve": curve_rows(named.policy, curve, as_of=as_of),
    }
    return Report(named, verdict, curve, tables)


def judge_policy(
    policy: Policy,
    table: pa.Table,
    playbooks: Sequence[Playbook],
    rules: RecommendationPolicy,
    *,
    current: Policy | None = None,
    share: float = 0.0,
    seed: int = 0,
) -> Verdict | None:
    """Judge a frozen policy on attempts whose outcome was not known when it was learned; None while there are none.

    On attempts it was learned from it would flatter itself: for those, what `learn_policy` said on held-out customers is
    the answer (`Report.about`).
    """
    attempts = read_attempts(table)
    learned_at = np.datetime64(datetime.fromisoformat(policy.as_of).astimezone(UTC).replace(tzinfo=None))
    fresh = attempts.anchored_at + _WINDOW > learned_at
    data, kept, fitted = _prepared(attempts, table, playbooks, rules, policy.outcome, sorted(policy.fields), seed)
    later = np.flatnonzero(fresh[kept])
    if not len(later):
        return None
    part, places = data.take(later), kept[later]
    now = None if current is None else assign(current, part)
    action = assign(policy, part)
    return judge(attempts, fitted, part, places, action, outcome=policy.outcome, current=now, share=share, seed=seed)


def about(verdict: Verdict) -> dict[str, Any]:
    """A verdict in JSON values."""
    return {
        "passed": verdict.passed,
        "share": verdict.share,
        "gates": [asdict(gate) for gate in verdict.gates],
        "propensities": "logged" if verdict.logged_propensities else "estimated",
        "values": [asdict(value) for value in verdict.values],
    }


def _prepared(
    attempts: Attempts, table: pa.Table, playbooks: Sequence[Playbook], rules: RecommendationPolicy, outcome: str,
    fields: Sequence[str], seed: int,
) -> tuple[Scored, NDArray[np.int64], dict[str, Nuisances]]:  # fmt: skip
    facts = read_facts(table, tuple(dict.fromkeys((*fields, *ASKED))))
    eligible, taken = programme_arms(facts, attempts.arms, playbooks, rules)
    fitted = {name: nuisances(attempts, name, seed=seed) for name in dict.fromkeys((outcome, *TOLERANCES))}
    data, kept = ready(attempts, facts, fitted[outcome], eligible, taken, outcome=outcome)
    return data, kept, fitted


def _named(found: Learned, as_of: datetime) -> Learned:
    """A policy is called after the day and its content: the same attempts give the same name."""
    digest = hashlib.sha256(found.policy.to_json().encode()).hexdigest()[:8]
    name = f"{found.policy.method.replace('_', '-')}-{as_of.astimezone(UTC):%Y%m%d}-{digest}"
    return replace(found, policy=found.policy.model_copy(update={"policy_id": name}))
