"""What must hold before a policy gets more of the cases: step by step, each step judged by the one before.

Belongs here: the conditions a trial in force must meet, as gates. Not here: what past cases say of a policy
(`policy_verdict.py`), the check of a split (`assignment_checks.py`), putting a policy in force (`roll_out.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.recovery.roll_out import Gate
from models.trial import RollOut

# With fewer cases on its side a challenger has not been seen to do anything yet.
LEAST_CASES = 100
# Most a policy may get before it was ever tried.
MOST_AT_FIRST = 0.5


@dataclass(frozen=True, slots=True)
class Split:
    """Cases drawn to each side of the trial in force, and how many the challenger should have got."""

    champion: int
    challenger: int
    expected_challenger: float


def trial_gates(now: RollOut, policy_id: str, *, share: float, split: Split | None) -> tuple[Gate, ...]:
    """Gates of giving `share` of the cases to a policy, given what is in force and how its trial was split.

    A new policy begins with part of the cases. One that is on trial gets more, or all, once enough cases went to it, and
    in the ratio they were meant to. `split` is None where there is no ledger to count in.
    """
    if now.challenger is None or now.challenger.policy_id != policy_id:
        begins = share <= MOST_AT_FIRST
        why = f"a policy that was never tried may get at most {MOST_AT_FIRST:g} of the cases"
        return (Gate("step", begins, f"{share:g} of the cases to begin with" if begins else why),)
    if share <= now.share:
        return (Gate("step", True, f"no more than the {now.share:g} it has"),)
    if split is None:
        return (Gate("trial", False, "no ledger: nobody knows what became of the trial"),)
    return (_enough(split), _ratio(split))


def _enough(split: Split) -> Gate:
    told = f"{split.challenger} cases went to it"
    if split.challenger >= LEAST_CASES:
        return Gate("trial", True, told)
    return Gate("trial", False, f"{told}, it takes {LEAST_CASES} to see what it does")


def _ratio(split: Split) -> Gate:
    # scipy.stats takes most of a second to import.
    from ml.recovery.assignment_checks import sample_ratio

    drawn = split.champion + split.challenger
    if not drawn:
        return Gate("sample ratio", False, "no case was drawn")
    share = split.expected_challenger / drawn
    action = np.repeat([0, 1], [split.champion, split.challenger])
    chances = np.tile([1.0 - share, share], (drawn, 1))
    (check,) = sample_ratio(action, chances, ("champion", "challenger"))
    odds = "too few to tell" if check.p_value is None else f"p = {check.p_value:.3g}"
    told = f"{split.challenger} of {drawn} cases, {split.expected_challenger:.0f} expected ({odds})"
    return Gate(
        "sample ratio", not check.is_mismatch, f"{told}: cases were lost or moved" if check.is_mismatch else told
    )
