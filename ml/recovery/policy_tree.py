"""The best shallow tree of decisions, found exactly: which few questions say best whom to give what.

Belongs here: growing a tree of depth 0 to 3 on doubly robust gains. Not here: what its leaves are worth
(`policy_leaves.py`: that is told by other customers), or whether to use it (`policy.py`).

Method: Athey and Wager (2021), "Policy learning with observational data"; exact trees over several arms: Zhou, Athey
and Wager (2023). Theirs walks sorted rows; here cases that no question tells apart are added up first, and two levels
are read off the sums over pairs of questions, which are matrix products. So time hardly grows with the number of cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.recovery.policy_facts import ASKED, Facts, Question, cells, questions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_DEPTH = 3
# Attempts a leaf needs, and attempts with an arm before a leaf may choose it. A leaf is halved again to be valued.
LEAST_LEAF, LEAST_ARM = 100, 40


@dataclass(frozen=True, slots=True)
class Tip:
    """A leaf: the arm it takes, by place, or None for what the rules say."""

    action: int | None


@dataclass(frozen=True, slots=True)
class Branch:
    """A question and the trees of those who answer yes and no."""

    question: Question
    yes: Grown
    no: Grown


Grown = Tip | Branch


@dataclass(frozen=True, eq=False)
class _Sums:
    """Cells to share out: `gain` and `seen` (m, actions), `rows` (m,), `yes` (m, questions) of 0 and 1."""

    gain: Floats
    seen: Floats
    rows: Floats
    yes: Floats
    least_leaf: int
    least_arm: int

    def take(self, mask: NDArray[np.bool_]) -> _Sums:
        return replace(self, gain=self.gain[mask], seen=self.seen[mask], rows=self.rows[mask], yes=self.yes[mask])

    def best(self, gain: Floats, seen: Floats) -> Floats:
        """Best sum over the actions (last axis) that were seen often enough; leaving it to the rules always was."""
        return np.asarray(np.where(seen >= self.least_arm, gain, -np.inf).max(axis=-1))

    def enough(self, rows: Floats) -> NDArray[np.bool_]:
        return np.asarray(rows >= self.least_leaf)


@dataclass(frozen=True, slots=True)
class _Found:
    """A total gain and what brings it: `split` is the place of the question, None for a leaf."""

    gain: float
    split: int | None = None
    yes: _Found | None = None
    no: _Found | None = None
    action: int = -1


def grow(
    facts: Facts,
    gains: Floats,
    arm: Ints,
    *,
    depth: int,
    fields: Sequence[str] = ASKED,
    least_leaf: int = LEAST_LEAF,
    least_arm: int = LEAST_ARM,
) -> Grown:
    """The tree of at most `depth` levels of questions with the greatest total gain.

    `gains` (n, A) are doubly robust scores of each arm minus that of the arm the rules take, 0 where an arm may not be
    used (there the rules go on); `arm` (n,) is what each case got. A leaf has `least_leaf` cases and takes an arm only if
    `least_arm` of them got it; leaving a leaf to the rules gains 0. Raises ValueError for a depth out of range, gains
    that are not finite, or shapes that differ.
    """
    if not 0 <= depth <= MAX_DEPTH:
        raise ValueError(f"a tree has depth 0 to {MAX_DEPTH}, not {depth}")
    if gains.ndim != 2 or len(gains) != len(facts) or arm.shape != (len(gains),):
        raise ValueError(f"{len(facts)} cases, gains of shape {gains.shape}, arms of shape {arm.shape}")
    if not np.isfinite(gains).all():
        raise ValueError("a gain is unknown: leave out attempts whose outcome is not known")
    every = questions(facts, gains, fields) if depth else ()
    groups = cells(facts, every)
    asked, yes = _distinct(every, facts.take(groups.first))
    seen = (arm[:, None] == np.arange(gains.shape[1])).astype(np.float64)
    rows = groups.sums(np.ones((len(gains), 1)))
    sums = _Sums(
        gain=np.hstack([groups.sums(gains), np.zeros_like(rows)]),
        seen=np.hstack([groups.sums(seen), np.full_like(rows, np.inf)]),
        rows=rows[:, 0],
        yes=yes,
        least_leaf=least_leaf,
        least_arm=least_arm,
    )
    return _as_tree(_search(sums, depth if asked else 0), asked, gains.shape[1])


def walk(tree: Grown, facts: Facts) -> Ints:
    """Leaf (n,) each case ends up in, counted from the left, `yes` before `no`."""
    place = np.zeros(len(facts), dtype=np.int64)
    _number(tree, facts, np.arange(len(facts)), place, 0)
    return place


def tips(tree: Grown) -> list[Tip]:
    """All leaves, from the left."""
    return [tree] if isinstance(tree, Tip) else [*tips(tree.yes), *tips(tree.no)]


def _distinct(asked: Sequence[Question], facts: Facts) -> tuple[list[Question], Floats]:
    """Questions that do not split the cells as an earlier one does (yes and no may be swapped), and their answers."""
    found = dict[bytes, tuple[Question, Floats]]()
    for question in asked:
        answers = question.answers(facts)
        found.setdefault(np.packbits(answers ^ answers[0]).tobytes(), (question, answers.astype(np.float64)))
    kept = list(found.values())
    yes = np.column_stack([answers for _, answers in kept]) if kept else np.zeros((len(facts), 0))
    return [question for question, _ in kept], yes


def _search(sums: _Sums, depth: int) -> _Found:
    if depth == 0:
        return _leaf(sums)
    if depth == 1:
        return _one(sums)
    if depth == 2:
        return _two(sums)
    return _three(sums)


def _leaf(sums: _Sums) -> _Found:
    gain, seen = sums.gain.sum(axis=0), sums.seen.sum(axis=0)
    allowed = np.where(seen >= sums.least_arm, gain, -np.inf)
    # The rules stand last and win ties: a change has to bring something.
    action = int(len(allowed) - 1 - np.argmax(allowed[::-1]))
    return _Found(float(allowed[action]), action=action)


def _one(sums: _Sums) -> _Found:
    yes_gain, yes_seen, yes_rows = sums.yes.T @ sums.gain, _count(sums.yes.T, sums.seen), sums.yes.T @ sums.rows
    gain, seen = sums.gain.sum(axis=0), sums.seen.sum(axis=0)
    total = sums.best(yes_gain, yes_seen) + sums.best(gain - yes_gain, _minus(seen, yes_seen))
    total[~(sums.enough(yes_rows) & sums.enough(sums.rows.sum() - yes_rows))] = -np.inf
    return _split(sums, total, 0)


def _two(sums: _Sums) -> _Found:
    return _split(sums, _totals(sums, _pairs(sums)), 1)


def _three(sums: _Sums) -> _Found:
    """For every first question the best pair of trees of depth 2. Only the smaller side is added up; the other is the rest."""
    whole, best, place = _pairs(sums), _two(sums), None
    gain = best.gain
    for number, column in enumerate(sums.yes.T > 0):
        few = column if 2 * column.sum() <= len(column) else ~column
        part = _pairs(sums.take(few))
        rest = _Pairs(whole.table - part.table, whole.total - part.total)
        if min(part.total[-1], rest.total[-1]) < sums.least_leaf:
            continue
        found = sum(_best_of_two(sums, side) for side in (part, rest))
        if found > gain + _slack(gain):
            gain, place = found, number
    if place is None:
        return best
    inside = sums.yes[:, place] > 0
    yes, no = _two(sums.take(inside)), _two(sums.take(~inside))
    return _Found(yes.gain + no.gain, place, yes, no)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Sums over the cells that answer yes to both of two questions, `table` (2A + 1, questions, questions), and over all
    cells, `total` (2A + 1,): gains of A arms, attempts with each, and all cases."""

    table: Floats
    total: Floats


def _pairs(sums: _Sums) -> _Pairs:
    weights = np.hstack([sums.gain[:, :-1], sums.seen[:, :-1], sums.rows[:, None]])
    return _Pairs(
        np.stack([sums.yes.T @ (weight[:, None] * sums.yes) for weight in weights.T]),
        weights.sum(axis=0),
    )


def _best_of_two(sums: _Sums, pairs: _Pairs) -> float:
    """Gain of the best tree of depth 2 over the cells behind `pairs`."""
    gain, seen, _ = _unpacked(pairs.total)
    return max(float(_totals(sums, pairs).max()), float(sums.best(gain, seen)))


def _totals(sums: _Sums, pairs: _Pairs) -> Floats:
    """Gain (questions,) of the best tree of depth 2 that begins with each question: every leaf of every such tree is a sum
    over a pair, or what is left of one."""
    both_gain, both_seen, both_rows = _unpacked(np.moveaxis(pairs.table, 0, -1))
    one_gain, one_seen, one_rows = _unpacked(np.diagonal(pairs.table, axis1=1, axis2=2).T)
    gain, seen, rows = _unpacked(pairs.total)

    def side(g: Floats, s: Floats, r: Floats, inner_g: Floats, inner_s: Floats, inner_r: Floats) -> Floats:
        split = sums.best(inner_g, inner_s) + sums.best(g[:, None] - inner_g, _minus(s[:, None], inner_s))
        split[~(sums.enough(inner_r) & sums.enough(r[:, None] - inner_r))] = -np.inf
        whole = np.where(sums.enough(r), sums.best(g, s), -np.inf)
        return np.asarray(np.maximum(whole, split.max(axis=1)))

    yes = side(one_gain, one_seen, one_rows, both_gain, both_seen, both_rows)
    no = side(
        gain - one_gain,
        _minus(seen, one_seen),
        rows - one_rows,
        one_gain[None] - both_gain,
        _minus(one_seen[None], both_seen),
        one_rows[None] - both_rows,
    )
    return np.asarray(yes + no)


def _unpacked(packed: Floats) -> tuple[Floats, Floats, Floats]:
    """Gains and counts of the arms and of the rules, which gain 0 and were always seen, and the number of cases."""
    arms = packed.shape[-1] // 2
    rules = np.zeros((*packed.shape[:-1], 1))
    gain, seen = packed[..., :arms], packed[..., arms:-1]
    return np.concatenate([gain, rules], axis=-1), np.concatenate([seen, rules + np.inf], axis=-1), packed[..., -1]


def _split(sums: _Sums, total: Floats, below: int) -> _Found:
    """The best first question, and what is best on either side with `below` levels left; or no question at all."""
    whole = _leaf(sums)
    place = int(np.argmax(total)) if len(total) else 0
    if not len(total) or total[place] <= whole.gain + _slack(whole.gain):
        return whole
    inside = sums.yes[:, place] > 0
    yes, no = _search(sums.take(inside), below), _search(sums.take(~inside), below)
    return _Found(yes.gain + no.gain, place, yes, no)


def _slack(gain: float) -> float:
    """Sums of a million floats differ in their last digits by the order they were added in."""
    return 1e-9 * (1 + abs(gain))


def _count(yes: Floats, seen: Floats) -> Floats:
    """Counts by question; the column of the rules is infinite, and 0 times infinity is not a number."""
    return np.hstack([yes @ seen[:, :-1], np.full((len(yes), 1), np.inf)])


def _minus(all_seen: Floats, seen: Floats) -> Floats:
    left = all_seen[..., :-1] - seen[..., :-1]
    return np.concatenate([left, np.full((*left.shape[:-1], 1), np.inf)], axis=-1)


def _as_tree(found: _Found, asked: Sequence[Question], arms: int) -> Grown:
    if found.split is None or found.yes is None or found.no is None:
        return Tip(None if found.action == arms else found.action)
    yes, no = _as_tree(found.yes, asked, arms), _as_tree(found.no, asked, arms)
    return yes if yes == no else Branch(asked[found.split], yes, no)


def _number(tree: Grown, facts: Facts, rows: Ints, place: Ints, start: int) -> int:
    if isinstance(tree, Tip):
        place[rows] = start
        return start + 1
    answers = tree.question.answers(facts.take(rows))
    after = _number(tree.yes, facts, rows[answers], place, start)
    return _number(tree.no, facts, rows[~answers], place, after)
