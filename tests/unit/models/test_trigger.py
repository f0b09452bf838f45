"""The trigger rule language: what may be written, and what is refused with a helpful reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from models.clause import leaves
from models.trigger import TriggerRule

GOOD: dict[str, Any] = {
    "id": "some_rule",
    "title": "Some rule",
    "status": "live",
    "kind": "recovery",
    "signal": "complaint",
    "when": {"all": [{"field": "severity", "op": "lte", "value": 2}]},
    "open_case": {"severity": 2, "dedupe": {"within": "14d"}},
    "tests": [{"given": {"severity": 1}, "then": "opens"}],
}


def rule(**changes: Any) -> TriggerRule:
    return TriggerRule.model_validate(GOOD | changes)


def nested(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = {"field": "severity", "op": "lte", "value": 2}
    for _ in range(levels):
        node = {"not": node}
    return node


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"when": {"field": "severty", "op": "lte", "value": 2}}, "did you mean 'severity'"),
        ({"when": {"field": "_source_file", "op": "is", "value": "x"}}, "unknown field"),
        ({"when": {"field": "text", "op": "is", "value": "x"}}, "does not fit field 'text'"),
        ({"when": {"field": "severity", "op": "lte", "value": "high"}}, "is a number"),
        ({"when": {"field": "severity", "op": "lte", "value": True}}, "is a number"),
        ({"when": {"field": "severity", "op": "lte", "value": [1, 2]}}, "exactly one value"),
        ({"when": {"field": "segment", "op": "in", "value": "mass"}}, "list of 1 to"),
        ({"when": {"field": "segment", "op": "is_known", "value": "mass"}}, "takes no value"),
        ({"when": {"field": "score_value", "op": "between", "value": [1]}}, "two numbers"),
        ({"when": {"field": "text", "op": "contains_any", "value": ["a|b) or 1=1"]}}, "is not a phrase"),
        ({"when": {}}, "all, any or not"),
        ({"when": nested(5)}, "nested deeper"),
        ({"when": {"any": [nested(0)] * 51}}, "at most 50"),
        ({"when": None}, "when"),
        ({"repeat": {"at_least": 2, "within": "30 days"}}, "not a duration"),
        ({"repeat": {"at_least": 2, "within": "30d", "by": ["severity"]}}, "category fields"),
        ({"chart": {"measure": "nps"}}, "needs `signal: series`"),
        ({"tests": []}, "at least one test"),
        ({"tests": [{"given": {"severty": 1}, "then": "opens"}]}, "did you mean 'severity'"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        rule(**changes)


def test_conditions_of_the_allowed_depth_and_number_are_accepted() -> None:
    assert rule(when=nested(4)).when is not None
    many = rule(when={"any": [nested(0)] * 50})
    assert many.when is not None
    assert len(list(leaves(many.when))) == 50


def test_a_rule_has_one_hash_however_it_was_written_and_another_when_anything_changes() -> None:
    turned = dict(reversed(list(GOOD.items())))
    assert TriggerRule.model_validate(turned).rule_hash == rule().rule_hash
    assert rule(open_case={"severity": 2, "dedupe": {"within": "2w"}}).rule_hash == rule().rule_hash
    assert rule(open_case={"severity": 2, "dedupe": {"within": "15d"}}).rule_hash != rule().rule_hash
    assert len(rule().rule_hash) == 64


def test_a_rule_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(ValidationError):
        rule().status = "retired"  # type: ignore[misc]


def test_dedupe_days_are_whole_days_rounded_up() -> None:
    assert rule(open_case={"severity": 2, "dedupe": {"within": "36h"}}).dedupe_days == 2


def test_a_rule_never_reaches_back_before_it_was_in_force() -> None:
    as_of = datetime(2024, 6, 10, tzinfo=UTC)
    young = rule(effective_from="2024-06-05")
    assert young.is_historic(datetime(2024, 6, 4, tzinfo=UTC), as_of, 14)
    assert not young.is_historic(datetime(2024, 6, 6, tzinfo=UTC), as_of, 14)
    assert rule().is_historic(datetime(2024, 5, 20, tzinfo=UTC), as_of, 14)


def test_a_surge_of_an_earlier_programme_is_read_as_a_chart() -> None:
    rule = TriggerRule.model_validate(
        {
            "id": "theme_surge", "title": "Many more than usual", "status": "live", "kind": "breakdown",
            "signal": "theme_week", "surge": {"min_signals": 12},
            "open_case": {"severity": 2, "dedupe": {"within": "21d"}},
            "tests": [{"given": {"weeks": [14, 21], "exposure": [5, 5]}, "then": "nothing"}],
        }
    )  # fmt: skip
    assert rule.signal == "series" and rule.chart is not None and rule.chart.min_n == 12
    assert rule.tests[0].rows[0]["days"] == [2.0] * 7 + [3.0] * 7
