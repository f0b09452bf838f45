"""The figures of a backtest: each says how sure it is, and what is unknown stays unknown."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.backtest.aftermath import After, Judged, Record, judge
from casework.backtest.against import compare
from casework.backtest.apart import Hit, Opened, Span, WouldBe
from casework.backtest.intervals import dispersion, lift, median, weekly_rate
from casework.backtest.measures import (
    at_budget,
    by_week,
    followed,
    in_span,
    overlaps,
    owner_counts,
    precision,
    rate,
    rule_figures,
    team_loads,
)
from models.staff import WorkUnits
from models.trigger import TriggerRule
from tests.unit.casework.evidence_days import FIRST

SPAN = Span(FIRST, FIRST, FIRST + timedelta(days=30))


def case(name: str, day: float = 0, *, rules: tuple[str, ...] = ("low",), **more: Any) -> WouldBe:
    at = FIRST + timedelta(days=day)
    hits = tuple(Hit(f"t-{name}-{rule}", rule, f"s-{name}", at) for rule in rules)
    values: dict[str, Any] = {
        "case_id": name, "rule_id": rules[0], "kind": "recovery", "subject_type": "customer", "subject_id": name,
        "customer_id": name, "cause_id": "fee_dispute", "journey": "everyday", "theme_id": None, "opened_at": at,
        "severity": 3, "value_usd": None, "team": "desk", "owner_role": "agent", "owners": (), "ended_at": None,
        "outcome": None, "hits": hits,
    }  # fmt: skip
    return WouldBe(**values | more)


def after(what: str | None = None, days: float = 3, *, ripe: bool = True) -> tuple[str, After]:
    at = None if what is None else FIRST + timedelta(days=days)
    return "complaint", After(True, what, at, FIRST, ripe)


def verdict(item: WouldBe, *, bad: tuple[str, float] | None = None, days: float = 60, **known: Any) -> tuple[str, str]:
    """The verdict where one bad thing happened to customer `a` after so many days, and the evidence ends on `days`."""
    events = {} if bad is None else {"a": [(FIRST, "complaint"), (FIRST + timedelta(days=bad[1]), bad[0])]}
    (found,) = judge([item], Record(FIRST + timedelta(days=days), bad=events, **known))
    return found.verdict, found.reason


def test_a_person_who_marks_the_case_invalid_is_believed_before_everything_else() -> None:
    one = case("a", outcome="in_favour")
    known = {"said": {"t-a-low": (True, True)}, "valid": {"s-a": True}}
    assert verdict(one, bad=("complaint", 3), **known) == ("wrong", "marked invalid")


def test_a_case_a_person_solved_is_right() -> None:
    assert verdict(case("a"), said={"t-a-low": (False, True)}) == ("right", "held for real")


def test_a_signal_a_reviewer_holds_for_nothing_makes_the_case_wrong() -> None:
    assert verdict(case("a"), valid={"s-a": False}) == ("wrong", "marked invalid")


def test_a_case_is_right_when_something_bad_followed_in_time_and_not_when_it_came_later() -> None:
    assert verdict(case("a"), bad=("escalation", 30)) == ("right", "escalation")
    assert verdict(case("a"), bad=("escalation", 30.1)) == ("unknown", "nothing followed")


def test_rejected_is_wrong_only_when_nothing_followed_in_the_whole_time() -> None:
    one = case("a", outcome="rejected")
    assert verdict(one) == ("wrong", "rejected, nothing followed")
    assert verdict(one, bad=("complaint", 3)) == ("right", "complaint")
    assert verdict(one, days=29) == ("unknown", "too early")


def test_nobody_known_and_praise_are_judged_by_people_only() -> None:
    assert verdict(case("a", customer_id=None)) == ("unknown", "no customer known")
    assert verdict(case("a", kind="excellence"), bad=("complaint", 3))[0] == "unknown"


def judged(*verdicts: str) -> list[Judged]:
    return [Judged(case(f"c{n}", n), verdict, "because", None) for n, verdict in enumerate(verdicts)]  # type: ignore[arg-type]


def test_precision_counts_the_unknown_and_bounds_what_they_may_be() -> None:
    found = precision(judged("right", "right", "wrong", "unknown", "unknown"))
    assert (found.right, found.wrong, found.unknown, found.share) == (2, 1, 2, pytest.approx(2 / 3))
    assert (found.at_least, found.at_most) == (pytest.approx(2 / 5), pytest.approx(4 / 5))
    assert found.low is not None and found.high is not None and found.low < 2 / 3 < found.high


def test_precision_without_a_verdict_is_unknown_not_zero() -> None:
    found = precision(judged("unknown"))
    assert (found.share, found.low, found.at_least, found.at_most) == (None, None, 0.0, 1.0)
    assert precision([]).at_most is None


@given(st.lists(st.sampled_from(["right", "wrong", "unknown"]), min_size=1))
def test_precision_lies_within_its_own_bounds(verdicts: list[str]) -> None:
    found = precision(judged(*verdicts))
    assert found.share is None or found.at_least <= found.share + 1e-12 <= found.at_most + 1e-9  # type: ignore[operator]


def test_what_followed_is_held_against_signals_of_the_same_kind_the_rule_left() -> None:
    others = {f"o{n}": after("complaint" if n < 10 else None) for n in range(100)}
    mine = {f"m{n}": after("complaint" if n < 5 else None) for n in range(10)} | {"young": after(ripe=False)}
    praise = {"p": ("survey_response", after("complaint")[1])}
    found = followed({*mine}, {"complaint"}, others | mine | praise)
    assert (found.hits, found.n, found.not_judged, found.share, found.other_share) == (5, 10, 1, 0.5, 0.1)
    assert found.lift.value == pytest.approx(5.0)


def test_a_lift_over_nothing_is_unknown() -> None:
    assert lift(0, 10, 5, 50).value is None
    assert lift(3, 10, 0, 50).value is None


def test_weeks_are_counted_from_the_first_day_and_the_rest_counts_in_the_mean() -> None:
    cases = [case("a", 0), case("b", 6.9), case("c", 7), case("d", 29)]
    assert by_week(cases, SPAN) == ([2, 1, 0, 0], 1)
    assert rate(cases, SPAN).value == pytest.approx(4 / (30 / 7))


def test_no_case_at_all_still_has_an_upper_limit() -> None:
    found = weekly_rate([0] * 10)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(-math.log(0.025) / 10)


def test_a_rate_without_time_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        weekly_rate([])


@pytest.mark.parametrize("shape", [math.inf, 3.0])
def test_the_interval_of_a_weekly_rate_holds_the_truth_nineteen_times_in_twenty(shape: float) -> None:
    """Of 13 weeks with 8 cases on average, Poisson and with weeks that differ more (negative binomial)."""
    random, held = np.random.default_rng(5), 0
    for _ in range(1_500):
        means = np.full(13, 8.0) if math.isinf(shape) else random.gamma(shape, 8.0 / shape, 13)
        found = weekly_rate([int(count) for count in random.poisson(means)])
        held += found.low <= 8.0 <= found.high
    assert held / 1_500 > 0.935


@given(st.lists(st.integers(0, 50), max_size=20))
def test_dispersion_is_never_below_that_of_chance(weeks: list[int]) -> None:
    assert dispersion(weeks) >= 1


def test_a_median_of_few_values_has_no_interval() -> None:
    assert median([1.0, 5.0, 3.0]).value == 3.0
    assert median([1.0, 5.0, 3.0]).low is None
    assert median([]).value is None


def test_the_interval_of_a_median_holds_it_at_least_nineteen_times_in_twenty() -> None:
    random, held = np.random.default_rng(3), 0
    for _ in range(2_000):
        found = median(list(random.exponential(1.0, 12)))
        assert found.low is not None and found.high is not None
        held += found.low <= math.log(2) <= found.high
    assert held / 2_000 > 0.95


def test_rules_overlap_by_the_cases_they_share() -> None:
    cases = [case("a", rules=("low", "grave")), case("b"), case("c"), case("d", rules=("grave",))]
    (found,) = overlaps(cases)
    assert (found.one, found.other, found.both, found.jaccard) == ("grave", "low", 1, 0.25)
    assert (found.share_of_one, found.share_of_other) == (0.5, pytest.approx(1 / 3))


def test_within_the_budget_come_the_gravest_then_the_most_valuable_of_each_week() -> None:
    items = [
        Judged(case("mild", 1, severity=4), "wrong", "", None),
        Judged(case("grave", 2, severity=1), "right", "", None),
        Judged(case("dear", 3, severity=4, value_usd=900.0), "right", "", None),
        Judged(case("next week", 8, severity=4), "wrong", "", None),
    ]
    found = at_budget(items, SPAN, 2)
    assert (found.within.right, found.within.wrong, found.beyond.wrong, found.weeks_over) == (2, 1, 1, 1)


def test_a_trigger_that_joins_a_case_of_the_warm_up_is_a_trigger_of_the_stretch_and_opens_nothing() -> None:
    rule = TriggerRule.model_validate(
        {"id": "low", "title": "Low scores", "status": "draft", "kind": "recovery", "signal": "complaint",
         "when": {"field": "severity", "op": "is_known"}, "open_case": {"severity": 3, "dedupe": {"within": "14d"}}}
    )  # fmt: skip
    before = case("a", -3)
    joined = replace(before, hits=(*before.hits, Hit("t-late", "low", "s-late", FIRST + timedelta(days=1))))
    own = case("b", 2)
    counted = in_span([joined, own], SPAN)
    (found,) = rule_figures([rule], [joined, own], judge(counted, Record(SPAN.end)), SPAN, {})
    assert (found.triggers, found.cases, found.joined, found.alone) == (2, 1, 1, 1)
    assert (found.per_week.count, list(found.weeks)) == (1, [1, 0, 0, 0])


def test_load_is_told_per_member_where_somebody_is_there() -> None:
    cases = [case("a", 0, severity=1), case("b", 1), case("c", 1, team="empty")]
    units = WorkUnits(by_severity={1: 4, 2: 2, 3: 1, 4: 0.5})
    desk, empty = team_loads(Opened(tuple(cases), {"desk": 2, "empty": 0}), cases, SPAN, units)
    weeks = 30 / 7
    assert (desk.team, desk.cases, desk.per_member) == ("desk", 2, pytest.approx(2 / weeks / 2))
    assert desk.units_per_week == pytest.approx((4 + 1) / weeks)
    assert (empty.members, empty.per_member) == (0, None)


def test_owners_are_those_a_source_named_and_nobody_else() -> None:
    assert owner_counts([case("a", owners=("E1",)), case("b", owners=("E2", "E1")), case("c")]) == {"E1": 2}


def test_every_case_of_either_set_is_gained_lost_or_kept_once() -> None:
    old = [case("a"), case("b", 3), case("c", 5, subject_id="x", customer_id="x")]
    new = [case("a", rules=("other",)), case("d", 6, subject_id="x", customer_id="x"), case("e", 9)]
    found = compare(old, new)
    assert [item.case_id for item in found.gained] == ["e"]
    assert [item.case_id for item in found.lost] == ["b"]
    assert [(pair.old.case_id, pair.new.case_id) for pair in found.kept] == [("a", "a"), ("c", "d")]
    assert found.kept[1].changes == ("opens 1.0 days later",)
    assert found.kept[0].changes == ("rule_id: low -> other",)


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from("xy")), max_size=12), st.data())
def test_comparing_a_set_with_a_part_of_itself_gains_nothing(rows: list[tuple[int, str]], data: st.DataObject) -> None:
    whole = [case(f"c{n}", day, subject_id=who) for n, (day, who) in enumerate(rows)]
    part = [item for item in whole if data.draw(st.booleans())]
    found = compare(whole, part)
    assert (found.gained, len(found.kept), len(found.lost)) == ((), len(part), len(whole) - len(part))
