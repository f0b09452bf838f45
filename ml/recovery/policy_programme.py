"""What the programme in force leaves open for past cases: who may be given what, and what its rules take.

Belongs here: asking the rules of `recommendation.yml` about many cases at once. Not here: the rules themselves
(`models/recommendation.py`), or what any arm is worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.recovery.policy_facts import Facts
from models.playbook import Playbook
from models.recommendation import NothingEligible, RecommendationPolicy, ground
from models.routing import Condition

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


def programme_arms(
    facts: Facts, arms: Sequence[str], playbooks: Sequence[Playbook], rules: RecommendationPolicy
) -> tuple[Flags, Ints]:
    """Arms (n, A) each case may be given, and the place (n,) of the arm the rules take, -1 where they name none of `arms`.

    A playbook that tells the customer nothing is open only where the rule that fits names it or lets it be tried, as when
    a case is advised (`models/trial.py`). Cases no condition tells apart are asked about once. Facts the table of
    attempts does not have (the rule, the source) are unknown, so conditions on them do not hold.
    """
    asked = [one for one in _conditions(playbooks, rules) if one.field in facts.columns]
    _, first, of = np.unique(_alike(facts, asked), return_index=True, return_inverse=True)
    silent = frozenset(playbook.code for playbook in playbooks if not playbook.reaches_customer)
    open_to, taken = np.zeros((len(first), len(arms)), dtype=bool), np.full(len(first), -1, dtype=np.int64)
    for number, place in enumerate(first):
        try:
            found = ground(playbooks, facts.row(int(place)) | {"kind": "recovery"}, rules)
        except NothingEligible:
            continue
        tried = found.rule.no_contact_may_be_tried
        allowed = found.eligible if tried else found.eligible - (silent - set(found.named))
        open_to[number] = [code in allowed for code in arms]
        taken[number] = next((arms.index(code) for code in found.named if code in arms), -1)
    return open_to[of], taken[of]


def _conditions(playbooks: Sequence[Playbook], rules: RecommendationPolicy) -> Iterator[Condition]:
    for rule in rules.rules:
        yield from rule.match.conditions
    for playbook in playbooks:
        yield from playbook.eligibility.conditions


def _alike(facts: Facts, asked: Sequence[Condition]) -> Ints:
    """Codes (n,): cases of one code answer every condition alike."""
    key = np.zeros(len(facts), dtype=np.int64)
    for condition in asked:
        code = _code(facts.columns[condition.field], condition.value)
        key = np.unique(key * (code.max(initial=0) + 1) + code, return_inverse=True)[1].astype(np.int64)
    return key


def _code(values: NDArray[Any], compared: object) -> Ints:
    """Texts by themselves; numbers by where they lie among those compared with: below, at or above each."""
    if values.dtype.kind != "f":
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    wanted = compared if isinstance(compared, tuple) else (compared,)
    cuts = np.array(sorted(float(one) for one in wanted if isinstance(one, int | float)), dtype=np.float64)
    place = np.searchsorted(cuts, values) + np.searchsorted(cuts, values, side="right")
    return np.where(np.isnan(values), 2 * len(cuts) + 1, place).astype(np.int64)
