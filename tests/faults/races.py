"""Several processes at once: openers racing and being killed at random, and many people editing one case."""

from __future__ import annotations

import os
import signal
import time

from cases import services
from cases.errors import StaleVersion
from casework.opening import open_with
from models.case import EventKind
from tests.faults.arena import NOON, Arena, broken, spawn, wait
from tests.faults.tally import Score
from tests.faults.work import ANNA, cases_of, facts

RACERS = 3
TRIGGERS = 2_000
MOST_TRIGGERS = 60_000
EDITORS = 8
EDITS = 25


def racing_openers(arena: Arena, *, kills: int) -> Score:
    """Three processes open the same triggers, more and more; one after the other is killed at a random moment and comes back."""
    settings = arena.ledger("racing")
    handed_over = TRIGGERS

    def racer() -> int:
        triggers = facts(handed_over)
        return spawn(lambda: open_with(arena.engine(settings), triggers, (), batch_size=40))

    running = {racer() for _ in range(RACERS)}
    died = 0
    while died < kills and handed_over < MOST_TRIGGERS:
        # Random moments, drawn from the seed; the spread covers a whole batch, so that every statement gets its share.
        time.sleep(arena.dice.uniform(0.02, 0.2))
        victim = arena.dice.choice(sorted(running))
        os.kill(victim, signal.SIGKILL)
        if wait(victim) == -signal.SIGKILL:
            died += 1
        else:
            # It had come to its end before: without new work there would soon be nobody left to kill.
            handed_over += TRIGGERS // 4
        running = {*(running - {victim}), racer()}
    codes = [wait(child) for child in [*running, racer()]]
    triggers = facts(handed_over)
    score = cases_of(triggers)
    score.kills = died
    score.problems += [*broken(settings, triggers), *(f"a racer ended with {code}" for code in codes if code)]
    if died < kills:
        score.problems.append(f"only {died} were killed before they were done")
    return score


def many_editors(arena: Arena) -> Score:
    """Eight processes edit one case, each naming the version it saw: what was accepted is what the case has gained."""
    settings = arena.ledger("editors")
    open_with(arena.engine(settings), facts(1), ())
    case_id = services.case_of_trigger("t000000")
    before = services.state_of(case_id).version

    def edit() -> None:
        accepted = 0
        for number in range(EDITS):
            try:
                services.act(
                    case_id, EventKind.NOTE_ADDED, {"note": f"{os.getpid()} {number}"}, actor=ANNA, occurred_at=NOON,
                    expected_version=services.state_of(case_id).version, recorded_at=NOON,
                )  # fmt: skip
                accepted += 1
            except StaleVersion:
                # Refused with the difference: this person looks again and goes on with the next edit.
                continue
        os._exit(accepted)

    accepted = sum(wait(child) for child in [spawn(edit) for _ in range(EDITORS)])
    gained = services.state_of(case_id).version - before
    told = {"edits": EDITORS * EDITS, "refused": EDITORS * EDITS - accepted}
    score = Score(
        expected=accepted, got=gained, dup=max(0, gained - accepted), lost=max(0, accepted - gained), told=told
    )
    score.problems = broken(settings, facts(1))
    if not told["refused"]:
        score.problems.append("nobody was refused, so nobody raced")
    return score
