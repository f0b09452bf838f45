"""Who has shown to be better at a cause than the others, from how their cases ended.

Belongs here: what counts as ending well, and the people who are left out because they asked to be. Not here: the
statistics (`models/skills.py`), what a proven skill is worth in the plan (`models/assignment.py`).
"""

from __future__ import annotations

from collections import Counter, defaultdict

from cases.endings import endings
from casework.engine import Engine
from models.skills import Tally, learned_skill

# Of the outcomes sources report. A case that expired ended badly; an outcome of another name is not counted.
WELL = frozenset({"in_favour", "partial"})
BADLY = frozenset({"rejected", "unreachable", None})


def proven(engine: Engine) -> dict[str, frozenset[str]]:
    """Causes at which each person is better than the group beyond what chance explains; most people have none."""
    trials: Counter[tuple[str, str]] = Counter()
    successes: Counter[tuple[str, str]] = Counter()
    for ending in endings(engine.at):
        pair = (ending.owner_id, ending.cause_id)
        trials[pair] += ending.outcome_code in WELL | BADLY
        successes[pair] += ending.outcome_code in WELL
    tallies = [Tally(person, cause, successes[person, cause], n) for (person, cause), n in sorted(trials.items())]
    found: dict[str, set[str]] = defaultdict(set)
    for skill in learned_skill(tallies, opted_out=engine.programme.teams.learning_opt_out):
        if skill.is_proven:
            found[skill.employee_id].add(skill.cause_id)
    return {person: frozenset(causes) for person, causes in found.items()}
