"""50 rules over 1,000,000 signals: one compiled statement against a rule engine that asks every rule of every row.

`python -m benchmarks.rules [--signals N]`. Both arms find triggers in the same 200,000 signals (the ratio, and the guard:
the same triggers); ours then does all 1,000,000 (the figures). Rules and signals are generated from a seed. The usual
engine is as good as such engines get in Python: conditions are closures made once, phrases one compiled pattern a rule,
history is kept per group, newest last.
"""

from __future__ import annotations

import argparse
import operator
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.harness import finish, interleave, measure, ratio
from ml.conditions import SIGNAL_SCHEMA, aligned
from ml.detection.rules import find_triggers
from models.clause import AtLeast, Change, Condition, Leaf, Window
from models.trigger import TriggerRule

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
RULES, SLICE = 50, 200_000
_TALK = """the app my branch card was not and again today they said it would be fixed fee charge waiting call queue
letter transfer late missing account nobody answered three weeks ago please help thank you staff kind quick contract"""
_WORDS = _TALK.split()
_PHRASES = ["lawyer", "ombudsman", "newspaper", "refund*", "close my account", "fraud*", "disgrac*", "never again", "sue",
            "regulator", "unacceptable", "cancel*", "scam", "rude", "vulnerable", "cannot pay"]  # fmt: skip
_KINDS = ["complaint", "ticket", "survey_response", "review", "agent_note"]

Row = dict[str, Any]
Holds = Callable[[Row], bool | None]


def signals(count: int, seed: int = 5) -> pa.Table:
    """Generated signals over a year, in time order: texts on half, scores on a fifth, a phrase in one text of twelve."""
    draw = np.random.default_rng(seed)
    minutes = np.sort(draw.integers(0, 365 * 24 * 60, count))

    def some(values: Sequence[Any], known: float = 1.0) -> pa.Array:
        chosen = np.array(values, dtype=object)[draw.integers(0, len(values), count)]
        return pa.array(np.where(draw.random(count) < known, chosen, None))

    texts = [" ".join(words) for words in np.array(_WORDS, dtype=object)[draw.integers(0, len(_WORDS), (5_000, 18))]]
    texts[::12] = [f"{text} {_PHRASES[place % 16].rstrip('*')}" for place, text in enumerate(texts[::12])]
    customers = [f"C{number:06d}" for number in range(max(10, count // 8))]
    table = pa.table(
        {
            "signal_id": [f"s{number}" for number in range(count)],
            "signal_kind": some(_KINDS),
            "source": some(["zendesk", "qualtrics", "crm"]),
            "occurred_at": pa.array((np.datetime64("2025-01-01", "us") + minutes.astype("timedelta64[m]")).tolist(),
                                    pa.timestamp("us", tz="UTC")),
            "customer_id": some(customers, 0.97),
            "region": some(["north", "south", "east", "west"]),
            "segment": some(["mass", "affluent", "private"]),
            "tier": some(["bronze", "silver", "gold", "platinum"], 0.7),
            "channel": some(["app", "phone", "branch"]),
            "cause_id": some(["fee_charge", "waiting_time", "staff_conduct", "app_outage", "card_block"], 0.8),
            "score_metric": some(["nps", "csat", "ces"], 0.2),
            "score_value": some([float(value) for value in range(11)], 0.2),
            "score_normalised": some([value / 8 for value in range(9)], 0.2),
            "severity": some([1.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0]),
            "sentiment": some([value / 4 for value in range(-4, 5)], 0.5),
            "annual_value_usd": some([float(value) for value in range(0, 3000, 50)], 0.9),
            "is_timely": some([True, False], 0.3),
            "text": some(texts, 0.5),
        }
    )  # fmt: skip
    return aligned(table)


def rules() -> list[TriggerRule]:
    """50 varied rules, 10 rounds of five forms: phrases, scores, k of n, repeats or windows, change or groups."""
    made: list[dict[str, Any]] = []
    for turn in range(RULES // 5):
        phrases = [_PHRASES[(turn * 3 + step) % len(_PHRASES)] for step in range(4)]
        kinds, region = [_KINDS[turn % 5], _KINDS[(turn + 2) % 5]], ["north", "south", "east", "west"][turn % 4]
        made += [
            {"signal": kinds, "when": {"all": [leaf("text", "contains_any", phrases), leaf("severity", "lte", 3)]}},
            {"signal": "survey_response", "when": {"all": [
                leaf("score_metric", "is", ["nps", "csat", "ces"][turn % 3]), leaf("score_value", "lte", turn % 4),
                {"any": [leaf("annual_value_usd", "gte", 200 * turn), leaf("tier", "in", ["gold", "platinum"])]}]}},
            {"signal": "any", "when": {"at_least": 4, "of": [
                leaf("severity", "lte", 2), leaf("sentiment", "lt", -0.5), leaf("is_timely", "is", False),
                leaf("text", "contains_any", phrases[:2]), leaf("region", "is", region)]}},
            {"signal": kinds, "when": {"all": [leaf("region", "is", region), leaf("severity", "lte", 2)]},
             "repeat": {"at_least": 2, "within": "30d", "by": ["customer_id"]}} if turn % 2 else
            {"signal": kinds, "when": {"all": [leaf("severity", "lte", 1), leaf("region", "is", region), {
                "window": {"measure": "count", "within": f"{20 + turn}d", "signal": "any"}, "op": "gte", "value": 3}]}},
            {"signal": "survey_response", "when": {"all": [leaf("score_metric", "is", "nps"), {
                "change": {"field": "score_normalised", "baseline": {"within": "365d", "at_least": 1}},
                "op": "lte", "value": -0.25 - turn / 32}]}} if turn % 2 else
            {"signal": "any", "when": {"all": [leaf("cause_id", "in", ["app_outage", "card_block"]),
                leaf("channel", "is", "app"), leaf("severity", "lte", 2)], "not": leaf("segment", "is", "mass")}},
        ]  # fmt: skip
    head = {"title": "Generated", "status": "draft", "kind": "recovery"}
    opens = {"severity": 3, "dedupe": {"within": "14d"}}
    return [
        TriggerRule.model_validate({"id": f"rule_{number:02d}", **head, "open_case": opens, **rule})
        for number, rule in enumerate(made)
    ]


def leaf(name: str, op: str, value: Any) -> dict[str, Any]:
    """A comparison as written in a rule file."""
    return {"field": name, "op": op, "value": value}


def ours(table: pa.Table, some: Sequence[TriggerRule]) -> pa.Table:
    """Triggers by the compiled statement."""
    return find_triggers(table, some, as_of=AS_OF, historic_after_days=14)


# --- the usual way ----------------------------------------------------------------------------------------------------

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "is": operator.eq, "is_not": operator.ne, "lt": operator.lt, "lte": operator.le, "gt": operator.gt,
    "gte": operator.ge,
}  # fmt: skip


class Engine:
    """One rule: a closure per condition, and the history its windows need, per group, in order of time."""

    def __init__(self, rule: TriggerRule) -> None:
        assert rule.when is not None, "only rules on signals"
        self.rule, self.kinds = rule, frozenset(rule.signal_kinds)
        self.matched: defaultdict[Any, list[datetime]] = defaultdict(list)
        self.feeds: list[Callable[[Row], None]] = []
        self.holds = self._made(rule.when)

    def fires(self, row: Row) -> bool:
        """Ask the rule of one row; rows come in order of time."""
        for feed in self.feeds:
            feed(row)
        if (self.kinds and row["signal_kind"] not in self.kinds) or self.holds(row) is not True:
            return False
        repeat = self.rule.repeat
        if repeat is None:
            return True
        key = tuple(row[name] for name in repeat.by)
        if None in key:
            return False
        times = self.matched[key]
        times.append(row["occurred_at"])
        return len(times) - bisect_left(times, row["occurred_at"] - repeat.within) >= repeat.at_least

    def _made(self, node: Condition) -> Holds:
        if isinstance(node, Leaf):
            return _compared(node)
        if isinstance(node, Window):
            return self._window(node)
        if isinstance(node, Change):
            return self._change(node)
        if isinstance(node, AtLeast):
            parts, least = [self._made(child) for child in node.of], node.at_least
            return lambda row: sum(part(row) is True for part in parts) >= least
        alls = [self._made(child) for child in getattr(node, "all", ())]
        anys = [self._made(child) for child in getattr(node, "any", ())]
        denied = getattr(node, "not_", None)
        without = self._made(denied) if denied is not None else None

        def holds(row: Row) -> bool:
            if not all(part(row) for part in alls) or (anys and not any(part(row) for part in anys)):
                return False
            return without is None or without(row) is False

        return holds

    def _window(self, node: Window) -> Holds:
        times: defaultdict[str, list[datetime]] = defaultdict(list)
        within, compare, value = node.window.within, _COMPARE[node.op], node.values[0]

        def feed(row: Row) -> None:
            if row["customer_id"] is not None:
                times[row["customer_id"]].append(row["occurred_at"])

        def holds(row: Row) -> bool | None:
            if row["customer_id"] is None:
                return None
            seen = times[row["customer_id"]]
            return compare(len(seen) - bisect_right(seen, row["occurred_at"] - within), value)

        self.feeds.append(feed)
        return holds

    def _change(self, node: Change) -> Holds:
        past: defaultdict[str, list[tuple[datetime, float]]] = defaultdict(list)
        shift, compare, value = node.change, _COMPARE[node.op], node.values[0]

        def feed(row: Row) -> None:
            known = row["customer_id"] is not None and row[shift.field] is not None
            if known and row["signal_kind"] in self.kinds:
                past[row["customer_id"]].append((row["occurred_at"], row[shift.field]))

        def holds(row: Row) -> bool | None:
            if row["customer_id"] is None or row[shift.field] is None:
                return None
            since, now = row["occurred_at"] - shift.baseline.within, row["occurred_at"]
            values = [score for at, score in past[row["customer_id"]] if since <= at < now]
            if len(values) < shift.baseline.at_least:
                return None
            return compare(row[shift.field] - sum(values) / len(values), value)

        self.feeds.append(feed)
        return holds


def _compared(node: Leaf) -> Holds:
    name, values = node.field, node.values
    if node.op == "contains_any":
        bodies = (re.escape(str(value).rstrip("*")) + (r"\w*" if str(value).endswith("*") else "") for value in values)
        pattern = re.compile(rf"\b(?:{'|'.join(bodies)})\b", re.IGNORECASE)
        return lambda row: None if row[name] is None else pattern.search(row[name]) is not None
    if node.op == "in":
        wanted = frozenset(values)
        return lambda row: None if row[name] is None else row[name] in wanted
    compare, value = _COMPARE[node.op], values[0]
    return lambda row: None if row[name] is None else compare(row[name], value)


def stock(table: pa.Table, some: Sequence[TriggerRule]) -> set[tuple[str, str]]:
    """Triggers the usual way: every rule asked of every row. Rows of one minute all count for each other afterwards."""
    rows = table.select([name for name in table.column_names if table[name].null_count < table.num_rows]).to_pylist()
    engines = [Engine(rule) for rule in some]
    return {(engine.rule.id, row["signal_id"]) for row in rows for engine in engines if engine.fires(row)}


def main() -> None:
    """Run both arms on the slice, ours on everything, and print the closing line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--signals", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    some, part = rules(), _apart(signals(SLICE, seed=7))
    arms = {"ours": lambda: ours(part, some), "row by row": lambda: stock(part, some)}
    runs = interleave(arms, rounds=asked.rounds, warm_up=0)
    mine: pa.Table = runs["ours"].result
    found = set(zip(mine["rule_id"].to_pylist(), mine["signal_id"].to_pylist(), strict=True))
    same = found == runs["row by row"].result
    for run in runs.values():
        print(run.line())
    whole = signals(asked.signals)
    used = measure(lambda: ours(whole, some))
    fired = len(set(mine["rule_id"].to_pylist()))
    print(f"  {len(found)} triggers of {fired} rules in the slice, {used.result.num_rows} in {asked.signals} signals")
    guard = same and fired == RULES
    finish("rules", ratio(runs["row by row"].cpu, runs["ours"].cpu), guard=guard, signals=asked.signals, rules=RULES,
           cpu_s=used.cpu, wall_s=used.wall, slice=SLICE, slice_cpu_s=runs["ours"].cpu,
           stock_slice_cpu_s=runs["row by row"].cpu, triggers=used.result.num_rows)  # fmt: skip


def _apart(table: pa.Table) -> pa.Table:
    """The same signals a microsecond apart: an engine that reads row by row cannot know of ties that are still to come."""
    times = table["occurred_at"].combine_chunks().cast(pa.int64()).to_numpy() + np.arange(table.num_rows)
    place = SIGNAL_SCHEMA.get_field_index("occurred_at")
    return table.set_column(place, SIGNAL_SCHEMA.field(place), pa.array(times).cast(pa.timestamp("us", tz="UTC")))


if __name__ == "__main__":
    main()
