"""A kill at every crash point there is, each followed by a restart to quiescence and all invariants of the ledger."""

from __future__ import annotations

from tests.faults.arena import Arena, broken, was_killed
from tests.faults.jobs import job_of
from tests.faults.tally import Score

MOST_ROUNDS = 40


def at_point(arena: Arena, point: str, *, kills: int) -> Score:
    """Rounds of work killed at `point` until there were so many kills; the score of all rounds together."""
    settings = arena.ledger(point)
    job = job_of(point)(arena, settings)
    died, problems = 0, []
    score = Score()
    while died < kills and job.round < MOST_ROUNDS:
        job.prepare()
        died += was_killed(job.work, f"{point}:{job.hits[job.round % len(job.hits)]}")
        arena.recover(job.restart)
        problems += broken(settings, job.triggers())
        score = job.score()
        if not score.ok:
            break
        job.round += 1
    score.kills, score.problems = died, [*score.problems, *problems]
    if died < kills:
        score.problems.append(f"reached {died} times in {job.round} rounds")
    return score
