"""What must hold before a policy gets more of the cases: step by step, each step judged by the one before.

Belongs here: the conditions a trial in force must meet, as gates. Not here: what past cases say of a policy
(`policy_verdict.py`), putting it in force (`roll_out.py`). Sample-ratio check: Fabijan et al. (2019), "Diagnosing sample
ratio mismatch in online controlled experiments".
"""

from __future__ import annotations

from dataclasses import dataclass

from ml.recovery.roll_out import Gate
from models.trial import RollOut

# With fewer cases on its side a challenger has not been seen to do anything yet.
LEAST_CASES = 100
# Below this a split is no accident; a check made at every step may not cry at one split in twenty.
SUSPICIOUS = 0.001
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
    """Exact two-sided binomial test of the split against the share it was drawn with."""
    # scipy.stats takes most of a second to import.
    from scipy.stats import binomtest

    drawn = split.champion + split.challenger
    if not drawn:
        return Gate("sample ratio", False, "no case was drawn")
    p = float(binomtest(split.challenger, drawn, split.expected_challenger / drawn).pvalue)
    told = f"{split.challenger} of {drawn} cases, {split.expected_challenger:.0f} expected (p = {p:.3g})"
    return Gate("sample ratio", p >= SUSPICIOUS, told if p >= SUSPICIOUS else f"{told}: cases were lost or moved")
