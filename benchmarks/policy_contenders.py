"""Ways to decide whom to give what, put to the same unseen world: learned, the rules, the riskiest first, the best there is.

Belongs here: what each contender does with the cases of one world, and what that truly earns. Not here: drawing worlds
(effect_worlds.py) and the claim made of it (policy.py).

All choose among the same arms. Learned and
rules see the facts of a case and nothing else; the riskiest-first contender is given more than it could have, a risk model
fitted on the outcomes of the very world it is judged in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.effect_worlds import Seen, seen_world
from intake.programme import load_programme
from ml.recovery.budget import Budgeted, within_budget
from ml.recovery.nuisance import Nuisances, nuisances
from ml.recovery.policy import OUTCOME, Learned, learn, ready
from ml.recovery.policy_facts import read_facts
from ml.recovery.policy_leaves import Scored, assign, with_values, worth
from ml.recovery.policy_programme import programme_arms
from ml.recovery.policy_tree import grow
from models.policy import Policy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
PROGRAMMES = Path(__file__).resolve().parents[1] / "programme"
WEEKS = 39


@dataclass(frozen=True, eq=False)
class World:
    """One drawn world with what was estimated from its log; rows of all arrays are the attempts of `data`."""

    data: Scored
    kept: Ints
    seen: Seen
    fitted: Nuisances

    @property
    def truth(self) -> Floats:
        """Net margin (n, arms) every case would have had; 0 where an arm may not be used."""
        return self.seen.potential[self.kept]

    def earns(self, action: Ints) -> float:
        """True net margin per case when each gets `action`."""
        return float(self.truth[np.arange(len(self.kept)), action].mean())


@dataclass(frozen=True)
class Outcome:
    """True net margin per case in the unseen world, by contender; `short` are those within the same minutes."""

    rules: float
    learned: float
    best: float
    nothing: float
    short_risk: float
    short_learned: float
    hour_usd: float


def draw(seed: int, customers: int, company: str, *, alone: bool = True) -> World:
    """A world, its log read as the company would, and the arms of its cases: those the programme leaves open and, where
    the company's own people left some alone and with `alone`, doing nothing."""
    seen = seen_world(seed, customers=customers, weeks=WEEKS, company=company)
    programme = load_programme(PROGRAMMES / company)
    facts = read_facts(seen.table)
    open_to, rules = programme_arms(
        facts, seen.attempts.arms, [item.playbook for item in programme.playbooks], programme.recommendation
    )
    nothing = alone & (np.arange(open_to.shape[1]) == 0)
    eligible = seen.eligible & (open_to | nothing)
    fitted = nuisances(seen.attempts, OUTCOME)
    # Where the rules take what nobody in this world ever could, the case has no log to be judged by.
    rules = np.where(seen.eligible[np.arange(len(rules)), np.maximum(rules, 0)], rules, -1)
    data, kept = ready(seen.attempts, facts, fitted, eligible, rules)
    return World(data, kept, seen, fitted)


def learned_in(world: World, seed: int) -> Learned:
    """What is learned from the log of a world."""
    return learn(world.data, policy_id="learned", as_of="2026-07-05", seed=seed)


def contest(learned: Policy, past: World, fresh: World, *, share: float = 0.5) -> Outcome:
    """Put everything to cases of a fresh world. Short of hands means the minutes of the shortest arms, which nobody can
    save, and `share` of what ours would take beyond them, but at least a twentieth."""
    minutes = _usual_minutes(past)
    least = float(np.where(fresh.data.eligible, minutes, np.inf).min(axis=1).sum())
    wanted = float(minutes[assign(learned, fresh.data)].sum())
    budget = least + share * max(wanted - least, 0.05 * least)
    ours = _short_learned(learned, fresh.data, minutes, budget)
    return Outcome(
        rules=fresh.earns(fresh.data.rules),
        learned=fresh.earns(assign(learned, fresh.data)),
        best=fresh.earns(assign(_best(fresh), fresh.data)),
        nothing=fresh.earns(_shortest(fresh.data.eligible, minutes)),
        short_risk=fresh.earns(_riskiest_first(past, fresh, minutes, budget)),
        short_learned=fresh.earns(ours.action),
        hour_usd=ours.hour_usd,
    )


def _usual_minutes(past: World) -> Floats:
    """Handling minutes (arms,) as the log of the past has them."""
    arm, minutes = past.seen.attempts.arm, past.seen.minutes
    spent = minutes[np.arange(len(arm)), arm]
    return np.array([spent[arm == place].mean() for place in range(minutes.shape[1])])


def _short_learned(learned: Policy, data: Scored, minutes: Floats, budget: float) -> Budgeted:
    """The most expected value within the minutes; an arm a leaf does not know is only taken where nothing else is open."""
    value, _ = worth(learned, data.facts, data.arms)
    shortest = _shortest(data.eligible, minutes)
    value[np.arange(len(data)), shortest] = np.nan_to_num(value[np.arange(len(data)), shortest])
    allowed = data.eligible & ~np.isnan(value)
    return within_budget(np.where(allowed, value, -np.inf), np.tile(minutes, (len(data), 1)), budget)


def _riskiest_first(past: World, fresh: World, minutes: Floats, budget: float) -> Ints:
    """Highest risk of leaving first, each with the arm that recovers most of those open; the rest the shortest."""
    attempts = past.seen.attempts
    recovers = np.array([np.nanmean(attempts.outcomes["recovered"][attempts.arm == a]) for a in range(len(minutes))])
    strongest = np.where(fresh.data.eligible, recovers, -np.inf).argmax(axis=1)
    action = _shortest(fresh.data.eligible, minutes)
    stays = nuisances(fresh.seen.attempts, "retained_90d")
    risk = 1 - (np.nan_to_num(stays.mu) * stays.propensity).sum(axis=1)[fresh.kept]
    order = np.argsort(-risk, kind="stable")
    more = (minutes[strongest] - minutes[action])[order]
    left = budget - float(minutes[action].sum())
    treated = order[np.cumsum(more) <= left]
    action[treated] = strongest[treated]
    return action


def _shortest(eligible: Flags, minutes: Floats) -> Ints:
    return np.where(eligible, minutes, np.inf).argmin(axis=1)


def _best(fresh: World) -> Policy:
    """The best tree of depth 3 over the same facts, grown and priced on the truth of the world itself."""
    data = fresh.data
    known = Scored(
        data.facts, fresh.truth, data.eligible, data.rules, data.arm, np.arange(len(data)), data.arms
    )  # fmt: skip
    tree = grow(known.facts, known.gains, known.arm, depth=3, least_arm=0)
    return Policy(
        format=1, policy_id="best", method="tree", outcome=OUTCOME, arms=data.arms, attempts=len(data),
        customers=len(data), as_of="", root=with_values(tree, known, least=1),
    )  # fmt: skip
