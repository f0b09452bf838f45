"""How grave a signal is: the worst of the programme's severity rules that applies, made worse by a model at most.

Belongs here: applying `severity.yml` to signals, the places of the words a rule met, and putting rule and model
together. Not here: the rules themselves (`models/programme.py`) or the model (`severity_model.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import pyarrow as pa
from sqlglot import exp

from ml.conditions import aligned, condition_sql, literal, sealed_connection
from models.clause import MAX_VALUES, Group, Leaf
from models.programme import SeverityRules

# A severity and the place of its rule in one number: the smallest is the worst severity, then the first rule.
_STEP = 10_000


def severities(signals: pa.Table, rules: SeverityRules) -> pa.Table:
    """Columns severity (int64) and severity_reason (id of the rule, null for the default), one row per signal in order.

    Looks at text, signal_kind, reason_code and score_normalised; a column that is absent is unknown.
    """
    conditions = rule_conditions(rules)
    if signals.num_rows == 0 or not conditions:
        defaults = pa.array([rules.default] * signals.num_rows, pa.int64())
        return pa.table({"severity": defaults, "severity_reason": pa.nulls(signals.num_rows, pa.string())})
    connection = sealed_connection(aligned(signals))
    try:
        codes = connection.execute(_statement(conditions, rules.default)).to_arrow_table().column("code")
    finally:
        connection.close()
    names = [name for name, _, _ in conditions]
    found = codes.to_pylist()
    reasons = [None if code % _STEP == _STEP - 1 else names[code % _STEP] for code in found]
    return pa.table(
        {
            "severity": pa.array([code // _STEP for code in found], pa.int64()),
            "severity_reason": pa.array(reasons, pa.string()),
        }
    )


# The reason of a severity that no rule gave.
BY_MODEL = "model"


def with_model(floor: pa.Table, model: Sequence[int | None]) -> pa.Table:
    """Rule and model together: the graver of the two, 1 being worst. A model can raise gravity, never lower it.

    `floor` is what `severities` gave, `model` one severity per row, None where there is no model or no text. Columns:
    severity, severity_reason (`BY_MODEL` where the model raised it), severity_floor, severity_model.
    """
    rules, reasons = floor.column("severity").to_pylist(), floor.column("severity_reason").to_pylist()
    pairs = list(zip(rules, model, strict=True))
    raised = [guess is not None and guess < rule for rule, guess in pairs]
    return pa.table(
        {
            "severity": pa.array([rule if guess is None else min(rule, guess) for rule, guess in pairs], pa.int64()),
            "severity_reason": pa.array(
                [BY_MODEL if up else reason for up, reason in zip(raised, reasons, strict=True)], pa.string()
            ),
            "severity_floor": pa.array(rules, pa.int64()),
            "severity_model": pa.array(list(model), pa.int64()),
        }
    )


def phrase_places(text: str, rule_id: str, rules: SeverityRules) -> list[tuple[int, int]]:
    """Places `[start, end)` in a text of the phrases of one rule, in order; empty when the rule has none there.

    Finds something exactly where `severities` does: same words, same endings, any case.
    """
    phrases = next((rule.phrases for rule in rules.phrases if rule.id == rule_id), ())
    if not phrases:
        return []
    # Lower case one character at a time: places must not move, as they would after a character that grows.
    lowered = "".join(low if len(low := character.lower()) == 1 else character for character in text)
    return [match.span("words") for match in _places_pattern(phrases).finditer(lowered)]


@lru_cache(maxsize=256)
def _places_pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """`models.taxonomy.phrase_pattern` for Python, which knows the ends of a match: longest phrase first."""
    bodies = []
    for phrase in sorted(phrases, key=lambda phrase: (-len(phrase), phrase)):
        words = [
            re.escape(word.rstrip("*")) + (r"[^\W_]*" if word.endswith("*") else "")
            for word in phrase.lower().split(" ")
        ]
        bodies.append(r"[ \t\n\f\r]+".join(words))
    return re.compile(rf"(?<![^\W_])(?P<words>{'|'.join(bodies)})(?![^\W_])")


def rule_conditions(rules: SeverityRules) -> list[tuple[str, int, Leaf | Group]]:
    """(rule id, severity, condition) of every rule, in the order in which ties are decided."""
    phrases: list[tuple[str, int, Leaf | Group]] = [
        (rule.id, rule.severity, Leaf(field="text", op="contains_any", value=rule.phrases)) for rule in rules.phrases
    ]
    escalations: list[tuple[str, int, Leaf | Group]] = [
        (
            rule.id,
            rule.severity,
            Group(
                all=(
                    Leaf(field="signal_kind", op="is", value="escalation"),
                    Leaf(field="reason_code", op="in", value=rule.reason_codes),
                )
            ),
        )
        for rule in rules.escalations
    ]
    scores: list[tuple[str, int, Leaf | Group]] = [
        (rule.id, rule.severity, Leaf(field="score_normalised", op="lte", value=rule.at_most)) for rule in rules.scores
    ]
    return phrases + escalations + scores


def _statement(conditions: Sequence[tuple[str, int, Leaf | Group]], default: int) -> str:
    """One select of the code per signal, in the order of the signals."""
    cases = [
        (condition, exp.Case().when(condition_sql(condition), literal(severity * _STEP + place)))
        for place, (_, severity, condition) in enumerate(conditions)
    ]
    nothing = literal(default * _STEP + _STEP - 1)
    spoken = [(leaf, case) for leaf, case in cases if isinstance(leaf, Leaf) and leaf.op == "contains_any"]
    phrases = tuple(dict.fromkeys(value for leaf, _ in spoken for value in leaf.values))
    if not 1 <= len(phrases) <= MAX_VALUES:
        return _select(exp.func("least", nothing, *(case for _, case in cases)))
    # Most texts hold no phrase at all: one pattern over all phrases spares them the pattern of every rule.
    every = condition_sql(Leaf(field="text", op="contains_any", value=phrases))
    worst_spoken = exp.Case().when(every, exp.func("least", nothing, *(case for _, case in spoken)))
    others = cases[len(spoken) :]
    return _select(exp.func("least", nothing, worst_spoken, *(case for _, case in others)))


def _select(code: exp.Expr) -> str:
    return exp.select(code.as_("code")).from_("signal").sql("duckdb")
