"""A trigger rule in plain English, and why it did or did not fire on one signal.

Belongs here: sentences for people who write or read rules. Not here: deciding (`rules.py`). What a person wrote never gets
into an explanation: of a text it is said only whether it has a phrase.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ml.detection.likeness import Encode
from ml.detection.rules import find_triggers
from models.clause import AtLeast, Change, Condition, Group, Leaf, Like, Window, children
from models.signal import FIELDS, FieldKind
from models.trigger import TriggerRule, lookback

_OPERATORS = {
    "is": "is", "is_not": "is not", "lt": "is below", "lte": "is at most", "gt": "is above", "gte": "is at least",
    "between": "is between", "in": "is one of", "not_in": "is none of", "contains_any": "contains any of",
    "is_unknown": "is unknown", "is_known": "is known",
}  # fmt: skip
_MEASURES = {"count": "the number of {}", "share": "the share of {}", "mean": "the mean {1} of {0}",
             "min": "the lowest {1} of {0}", "max": "the highest {1} of {0}", "sum": "the sum of {1} over {0}"}  # fmt: skip
_OPENS = {"recovery": "a recovery case", "excellence": "a case of excellence", "breakdown": "a breakdown case"}


def sentences(rule: TriggerRule) -> list[str]:
    """The rule as sentences: when it fires, what it waits for or counts, what it opens, and for how long it rests."""
    opens = rule.open_case
    told = [_fires(rule)]
    if rule.repeat is not None:
        told.append(
            f"It fires from the {_ordinal(rule.repeat.at_least)} such signal within {span(rule.repeat.within)} "
            f"of the same {_and(rule.repeat.by)}."
        )
    if rule.absence is not None:
        wanted = rule.absence.of
        where = f" where {words(wanted.when)}" if wanted.when is not None else ""
        told.append(
            f"It fires {span(rule.absence.within)} later, if by then no {_kinds(wanted.signal)}{where} "
            f"of the same {_and(rule.absence.by)} has come."
        )
    told.append(
        f"It opens {_OPENS[rule.kind]} of severity {opens.severity} or worse; what comes within "
        f"{span(opens.dedupe.within)} about the same subject joins that case."
    )
    if rule.cool_off is not None:
        told.append(f"For {span(rule.cool_off)} after it has opened one, it opens no other for the same subject.")
    if rule.effective_from is not None:
        told.append(f"Signals before {rule.effective_from} are history to it: nobody is contacted about them.")
    return told


def _fires(rule: TriggerRule) -> str:
    if rule.when is not None:
        kinds = _kinds(rule.signal)
        return f"{'An' if kinds[0] in 'aeiou' else 'A'} {kinds} counts if {words(rule.when)}."
    assert rule.chart is not None, "a rule has conditions or a chart"
    by = f", for everything and by {_and(rule.chart.by)}" if rule.chart.by else ""
    return (
        f"It watches {rule.chart.measure} day by day{by}, and fires when one gets worse by at least "
        f"{rule.chart.smallest_effect:g}; {rule.chart.false_alarms_per_year:g} false alarms a year are allowed for."
    )


def words(node: Condition, *, inner: bool = False) -> str:
    """A condition in words; `inner` puts brackets around several joined."""
    match node:
        case Leaf():
            values = _list(node.values, " and " if node.op == "between" else ", ")
            return " ".join(part for part in (node.field, _OPERATORS[node.op], values) if part)
        case Like():
            return f"the text is like the {len(node.like.examples)} examples"
        case Window(window=look):
            where = f" where {words(look.where)}" if look.where is not None else ""
            kinds = _kinds(look.signal) if look.signal is not None else "such signal"
            what = _MEASURES[look.measure].format(f"every {kinds}{where}", look.field)
            return f"{what} of the same {_and(look.by)} within {span(look.within)} {_compared(node)}"
        case Change(change=shift):
            where = f" where {words(shift.where)}" if shift.where is not None else ""
            return (
                f"{shift.field} less the mean of at least {shift.baseline.at_least} earlier ones{where} of the same "
                f"{_and(shift.by)} within {span(shift.baseline.within)} {_compared(node)}"
            )
        case AtLeast():
            return f"at least {node.at_least} of these hold: {'; '.join(words(part, inner=True) for part in node.of)}"
    parts = [words(part, inner=True) for part in node.all]
    if node.any:
        either = " or ".join(words(part, inner=True) for part in node.any)
        parts.append(f"({either})" if len(node.any) > 1 and (parts or inner) else either)
    if node.not_ is not None:
        parts.append(f"not ({words(node.not_)})")
    joined = " and ".join(parts)
    return f"({joined})" if inner and len(parts) > 1 else joined


def _compared(node: Window | Change) -> str:
    return f"{_OPERATORS[node.op]} {_list(node.values, ' and ')}"


def _list(values: tuple[Any, ...], joint: str) -> str:
    return joint.join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)


def _kinds(signal: str | tuple[str, ...]) -> str:
    """Kinds of signal in words."""
    named = ("signal",) if signal == "any" else signal if isinstance(signal, tuple) else (signal,)
    return " or ".join(name.replace("_", " ") for name in named)


def _and(names: tuple[str, ...]) -> str:
    return " and ".join(names)


def span(length: timedelta) -> str:
    """A span in whole days, or in hours where it is no whole number of them."""
    hours = round(length.total_seconds() / 3600)
    number, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


# --- one signal -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """One condition on one signal: whether it holds (None: unknown), and what was seen (never a text)."""

    depth: int
    condition: str
    holds: bool | None
    seen: Any


@dataclass(frozen=True, slots=True)
class Reading:
    """A rule on one signal: whether it fired, whether the signal is of its kinds, and every condition in reading order."""

    fired: bool
    is_of_kind: bool
    verdicts: tuple[Verdict, ...]


def why(
    rule: TriggerRule, signal_id: str, signals: pa.Table, *, as_of: datetime, encode: Encode | None = None
) -> Reading:
    """Read a rule clause by clause on one signal among `signals` (shaped as `ml.conditions.aligned` gives them).

    Raises LookupError where no such signal is, ValueError for a rule on series.
    """
    if rule.when is None:
        raise ValueError(f"{rule.id} watches series, not single signals")
    row = signals.filter(pc.equal(signals["signal_id"], signal_id))
    if row.num_rows == 0:
        raise LookupError(f"no signal {signal_id} in the evidence at hand")
    near = _near(rule, row, signals)
    facts = row.to_pylist()[0]
    whole = _fired(rule, signal_id, near, as_of, encode)
    found = tuple(_verdicts(rule, rule.when, facts, near, as_of, encode, 0))
    return Reading(bool(whole), not rule.signal_kinds or facts["signal_kind"] in rule.signal_kinds, found)


def _near(rule: TriggerRule, row: pa.Table, signals: pa.Table) -> pa.Table:
    """The signal and whatever shares a group with it that the rule looks at."""
    asked = lookback([rule])
    mask = pc.equal(signals["signal_id"], row["signal_id"][0])
    for by in asked.keys if asked is not None else ():
        same = [pc.fill_null(pc.equal(signals[name], row[name][0]), False) for name in by]
        alike = same[0]
        for other in same[1:]:
            alike = pc.and_(alike, other)
        mask = pc.or_(mask, alike)
    return signals.filter(mask)


def _verdicts(
    rule: TriggerRule, node: Condition, facts: Mapping[str, Any], near: pa.Table, as_of: datetime, encode: Encode | None,
    depth: int,
) -> list[Verdict]:  # fmt: skip
    holds, seen = _holds(rule, node, facts, near, as_of, encode)
    parts = children(node)
    if not parts:
        return [Verdict(depth, words(node), holds, seen)]
    names = [("all of", node.all), ("any of", node.any)] if isinstance(node, Group) else []
    head = " and ".join(name for name, of in names if of) or ("not" if isinstance(node, Group) else "")
    found = [Verdict(depth, f"at least {node.at_least} of" if isinstance(node, AtLeast) else head, holds, None)]
    for part in parts:
        found += _verdicts(rule, part, facts, near, as_of, encode, depth + 1)
    return found


def _holds(
    rule: TriggerRule, node: Condition, facts: Mapping[str, Any], near: pa.Table, as_of: datetime, encode: Encode | None
) -> tuple[bool | None, Any]:
    """Whether a condition holds, by the compiled SQL itself: asked plainly, and asked for its opposite."""
    bare = {"repeat": None, "absence": None, "tests": (), "status": "draft"}
    asked = rule.model_copy(update={**bare, "when": node, "signal": (facts["signal_kind"],)})
    # The windows of a clause look at the rule's own kinds, so they are written out before the rule is asked of any kind.
    asked = asked.model_copy(update={"when": _of_own_kinds(node, rule.signal_kinds)})
    yes = _fired(asked, facts["signal_id"], near, as_of, encode)
    denied = asked.model_copy(update={"when": Group.model_construct(all=(), any=(), not_=asked.when)})
    no = None if yes else _fired(denied, facts["signal_id"], near, as_of, encode)
    holds = True if yes else False if no else None
    return holds, _seen(node, facts, yes or no)


def _of_own_kinds(node: Condition, kinds: tuple[str, ...]) -> Condition:
    own: Any = kinds or "any"
    match node:
        case Window(window=look) if look.signal is None:
            return node.model_copy(update={"window": look.model_copy(update={"signal": own})})
        case Change(change=shift) if shift.signal is None:
            return node.model_copy(update={"change": shift.model_copy(update={"signal": own})})
        case AtLeast():
            return node.model_copy(update={"of": tuple(_of_own_kinds(part, kinds) for part in node.of)})
        case Group():
            denied = None if node.not_ is None else _of_own_kinds(node.not_, kinds)
            parts = {name: tuple(_of_own_kinds(part, kinds) for part in getattr(node, name)) for name in ("all", "any")}
            return node.model_copy(update={**parts, "not_": denied})
    return node


def _fired(
    rule: TriggerRule, signal_id: str, near: pa.Table, as_of: datetime, encode: Encode | None
) -> dict[str, Any] | None:
    """The evidence of the rule's trigger on this signal; None where it does not fire."""
    found = find_triggers(near, [rule], as_of=as_of, historic_after_days=0, encode=encode).to_pylist()
    return next((dict(json.loads(row["evidence"])) for row in found if row["signal_id"] == signal_id), None)


def _seen(node: Condition, facts: Mapping[str, Any], evidence: Mapping[str, Any] | None) -> Any:
    match node:
        case Leaf():
            is_text = FIELDS[node.field] is FieldKind.TEXT
            return ("a text" if facts[node.field] is not None else None) if is_text else facts[node.field]
        case Like():
            return (evidence or {}).get("above_likeness", [None])[0]
        case Window() | Change():
            return (evidence or {}).get("measured", [None])[0]
    return None
