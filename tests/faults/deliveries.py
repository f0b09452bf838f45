"""The same facts again: twice in one delivery, replayed as a whole, cut at other moments, and out of order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from cases import services
from cases.models import Case
from casework.opening import open_with
from models.facts import TriggerFact
from tests.faults.arena import Arena, broken
from tests.faults.tally import Score
from tests.faults.work import cases_of, facts

COUNT = 400


def duplicate_delivery(arena: Arena) -> Score:
    """Every trigger three times in one delivery, and the delivery twice."""
    settings = arena.ledger("duplicates")
    for _ in range(2):
        open_with(arena.engine(settings), [*facts(COUNT), *facts(COUNT), *facts(COUNT)], (), batch_size=150)
    score = cases_of(facts(COUNT))
    score.problems += broken(settings, facts(COUNT))
    return score


def replay(arena: Arena) -> Score:
    """The whole detection once more opens nothing and writes nothing."""
    settings = arena.ledger("replay")
    open_with(arena.engine(settings), facts(COUNT), ())
    head = services.verify_chain().head
    again = open_with(arena.engine(settings), facts(COUNT), ())
    score = cases_of(facts(COUNT))
    score.problems += broken(settings, facts(COUNT))
    if (again.opened, again.attached) != (0, 0) or services.verify_chain().head != head:
        score.problems.append(f"a replay opened {again.opened} and attached {again.attached}")
    return score


def cut_elsewhere(arena: Arena) -> Score:
    """In time order the cuts between deliveries do not matter: the same cases with the same ids."""
    total, seen = Score(), set()
    triggers = sorted(facts(COUNT), key=lambda trigger: (trigger.occurred_at, trigger.trigger_id))
    for number in range(4):
        settings = arena.ledger(f"cut-{number}")
        for part in _parts(arena, triggers):
            open_with(arena.engine(settings), part, ())
        seen.add(tuple(sorted(Case.objects.values_list("case_id", flat=True))))
        total.add(cases_of(triggers))
        total.problems += broken(settings, triggers)
    total.told = {"ways_to_cut": 4}
    if len(seen) != 1:
        total.problems.append(f"{len(seen)} different sets of cases")
    return total


def shuffled_increments(arena: Arena) -> Score:
    """Out of order, in increments of any size: every trigger still has exactly one case."""
    total = Score()
    for number in range(6):
        settings = arena.ledger(f"shuffled-{number}")
        triggers = facts(COUNT, dedupe_days=14)
        arena.dice.shuffle(triggers)
        for part in _parts(arena, triggers):
            open_with(arena.engine(settings), part, ())
        total.add(cases_of(triggers))
        total.problems += broken(settings, triggers)
    total.told = {"shuffles": 6}
    return total


def _parts(arena: Arena, triggers: Sequence[TriggerFact]) -> Iterator[Sequence[TriggerFact]]:
    cuts = sorted({0, len(triggers), *(arena.dice.randrange(len(triggers)) for _ in range(8))})
    for start, stop in pairwise(cuts):
        yield triggers[start:stop]
