"""A second reading of trigger rules, one row at a time in plain Python: it exists to prove the compiled SQL equal to it.

Belongs here: nothing but the meaning of the language, written as plainly as can be. Not here: speed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from models.clause import AtLeast, Change, Condition, Leaf, Like, Rolling, Window, children
from models.signal import OWN_SOURCE
from models.trigger import TriggerRule

Row = Mapping[str, Any]


def fires(rule: TriggerRule, rows: Sequence[Row], as_of: datetime) -> set[str]:
    """Ids of the signals the rule fires on. Every row has `signal_id`; absent fields are unknown."""
    others = [row for row in rows if row.get("source") != OWN_SOURCE]
    assert rule.when is not None, "rules on series are not read here"
    matching = [row for row in others if _is_of(row, rule.signal_kinds) and holds(rule.when, row, others, rule) is True]
    if rule.repeat is not None:
        repeat = rule.repeat
        matching = [row for row in matching if _is_known(row, repeat.by)]
        return {
            row["signal_id"]
            for row in matching
            if sum(
                _alike(row, other, repeat.by) and _time(row) - repeat.within <= _time(other) <= _time(row)
                for other in matching
            )
            >= repeat.at_least
        }
    if rule.absence is not None:
        return {row["signal_id"] for row in matching if _nothing_came(rule, row, others, as_of)}
    return {row["signal_id"] for row in matching}


def _nothing_came(rule: TriggerRule, row: Row, others: Sequence[Row], as_of: datetime) -> bool:
    absence = rule.absence
    assert absence is not None, "only for rules of absence"
    if not _is_known(row, absence.by) or _time(row) + absence.within > as_of:
        return False
    kinds = absence.of.signal if isinstance(absence.of.signal, tuple) else (absence.of.signal,)
    return not any(
        _is_of(other, kinds)
        and _is_known(other, absence.by)
        and _alike(row, other, absence.by)
        and _time(row) < _time(other) <= _time(row) + absence.within
        and (absence.of.when is None or holds(absence.of.when, other, others, rule) is True)
        for other in others
    )


def holds(node: Condition, row: Row, rows: Sequence[Row], rule: TriggerRule) -> bool | None:
    """Whether a condition holds for a row among others; None where what is known does not say."""
    match node:
        case Leaf():
            return leaf_holds(node, row.get(node.field))
        case Like():
            raise AssertionError("likeness needs an encoder and is proved apart")
        case Window():
            return compare(node.op, _rolling(node.window, row, rows, rule), node.values)
        case Change():
            return compare(node.op, _change(node, row, rows, rule), node.values)
        case AtLeast():
            found = [holds(child, row, rows, rule) for child in node.of]
            if found.count(True) >= node.at_least:
                return True
            return None if found.count(True) + found.count(None) >= node.at_least else False
    assert children(node), "a group joins conditions"
    results = [holds(child, row, rows, rule) for child in node.all]
    if node.any:
        found = [holds(child, row, rows, rule) for child in node.any]
        results.append(True if True in found else None if None in found else False)
    if node.not_ is not None:
        inner = holds(node.not_, row, rows, rule)
        results.append(None if inner is None else not inner)
    return False if False in results else None if None in results else True


def leaf_holds(leaf: Leaf, actual: Any) -> bool | None:
    """Whether a comparison of one field holds."""
    if leaf.op == "is_known":
        return actual is not None
    if leaf.op == "is_unknown":
        return actual is None
    if actual is None:
        return None
    match leaf.op:
        case "in":
            return actual in leaf.values
        case "not_in":
            return actual not in leaf.values
        case "contains_any":
            return any(has_phrase(str(actual), str(phrase)) for phrase in leaf.values)
    return compare(leaf.op, actual, leaf.values)


_COMPARE: dict[str, Callable[..., bool]] = {
    "is": lambda actual, value: actual == value,
    "is_not": lambda actual, value: actual != value,
    "lt": lambda actual, value: actual < value,
    "lte": lambda actual, value: actual <= value,
    "gt": lambda actual, value: actual > value,
    "gte": lambda actual, value: actual >= value,
    "between": lambda actual, low, high: low <= actual <= high,
}


def compare(op: str, actual: Any, values: Sequence[Any]) -> bool | None:
    """One comparison; unknown where the actual value is."""
    return None if actual is None else bool(_COMPARE[op](actual, *values))


def has_phrase(text: str, phrase: str) -> bool:
    """Whole words in order, nothing but white space between them."""
    words = phrase.lower().split(" ")
    spans = [(found[0], found.start(), found.end()) for found in re.finditer(r"[^\W_]+", text.lower())]
    for begin in range(len(spans) - len(words) + 1):
        window = spans[begin : begin + len(words)]
        fits = all(
            word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted
            for (word, _, _), wanted in zip(window, words, strict=True)
        )
        gaps = [text[left[2] : right[1]] for left, right in pairwise(window)]
        if fits and all(gap and gap.isspace() for gap in gaps):
            return True
    return False


def _rolling(look: Rolling, row: Row, rows: Sequence[Row], rule: TriggerRule) -> float | None:
    if not _is_known(row, look.by):
        return None
    kinds = look.kinds(rule.signal_kinds)
    near = [
        other
        for other in rows
        if _is_of(other, kinds)
        and _is_known(other, look.by)
        and _alike(row, other, look.by)
        and _time(row) - look.within < _time(other) <= _time(row)
    ]
    met = [other for other in near if look.where is None or holds(look.where, other, rows, rule) is True]
    if look.measure == "count":
        return float(len(met))
    if look.measure == "share":
        return len(met) / len(near) if near else None
    values = [other[look.field or ""] for other in met if other.get(look.field or "") is not None]
    if not values:
        return None
    if look.measure in ("min", "max"):
        return float(min(values) if look.measure == "min" else max(values))
    total = _sum(values)
    return total / len(values) if look.measure == "mean" else total


def _change(node: Change, row: Row, rows: Sequence[Row], rule: TriggerRule) -> float | None:
    shift = node.change
    value = row.get(shift.field)
    if value is None or not _is_known(row, shift.by):
        return None
    earlier = [
        other[shift.field]
        for other in rows
        if _is_of(other, shift.kinds(rule.signal_kinds))
        and _is_known(other, shift.by)
        and _alike(row, other, shift.by)
        and _time(row) - shift.baseline.within <= _time(other) < _time(row)
        and (shift.where is None or holds(shift.where, other, rows, rule) is True)
        and other.get(shift.field) is not None
    ]
    return float(value - _sum(earlier) / len(earlier)) if len(earlier) >= shift.baseline.at_least else None


def _sum(values: Sequence[float]) -> float:
    return float(sum(Decimal(value) for value in values))


def _time(row: Row) -> Any:
    return row["occurred_at"]


def _is_of(row: Row, kinds: Sequence[str]) -> bool:
    return not kinds or row.get("signal_kind") in kinds


def _is_known(row: Row, by: Sequence[str]) -> bool:
    return row.get("occurred_at") is not None and all(row.get(name) is not None for name in by)


def _alike(row: Row, other: Row, by: Sequence[str]) -> bool:
    return all(row.get(name) == other.get(name) for name in by)
