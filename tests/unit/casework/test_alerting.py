"""Which first words about cases go out now: the budget of a week, groups, floods, and what always goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from cases import outbox_reading
from cases.invariants import outbox_adds_up
from cases.models import Case, OutboxMessage
from casework.engine import Engine
from casework.opening import open_with
from models.alerts import AlertPolicy, Breaker
from models.facts import TriggerFact
from tests.unit.casework.conftest import MONDAY


def facts(
    count: int, *, severity: int = 3, cause: str | None = None, start: int = 0, rule: str = "low_csat"
) -> list[TriggerFact]:
    """Triggers of different customers, each a case of its own; causes differ unless one is given."""
    return [
        TriggerFact(
            trigger_id=f"t{number}-{severity}-{rule}", rule_id=rule, rule_hash="r", kind="recovery", subject_type="customer",
            subject_id=f"C{number}-{severity}", customer_id=f"C{number}-{severity}", cause_id=cause or f"cause{number}-{severity}",
            severity=severity, occurred_at=MONDAY - timedelta(hours=1, seconds=number), signal_id=f"s{number}-{severity}",
        )
        for number in range(start, start + count)
    ]  # fmt: skip


def with_policy(engine: Engine, **policy: object) -> Engine:
    """The engine under other limits; floods out of the way unless asked for."""
    calm = Breaker(minutes=15, trips_at=10_000, closes_below=9_000)
    limits = {"team_breaker": calm, "overall_breaker": calm, **policy}
    return replace(engine, programme=engine.programme.model_copy(update={"alerts": AlertPolicy(**limits)}))  # type: ignore[arg-type]


def states() -> dict[str, int]:
    """How many alerts are in which state."""
    found: dict[str, int] = {}
    for state in OutboxMessage.objects.filter(template="opened").values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def test_no_team_gets_more_than_its_week_and_nothing_is_lost(at: Callable[[datetime], Engine]) -> None:
    engine = with_policy(at(MONDAY), per_person_a_week=3)
    open_with(engine, facts(40), ())
    teams = OutboxMessage.objects.filter(template="opened").values_list("recipient_id", flat=True).distinct()
    for team in teams:
        people = max(1, len(engine.org.members(engine.programme.teams.team(team), engine.at)))  # type: ignore[arg-type]
        sent = OutboxMessage.objects.filter(template="opened", recipient_id=team, state="pending").count()
        assert sent <= 3 * people
    assert Case.objects.count() == 40 == sum(states().values())
    assert all(row.last_error for row in OutboxMessage.objects.filter(state="digest"))


def test_the_second_half_of_a_week_goes_to_what_is_worth_more(at: Callable[[datetime], Engine]) -> None:
    engine = with_policy(at(MONDAY), per_person_a_week=8)
    open_with(engine, [*facts(8, severity=2, start=100), *facts(8, severity=4)], ())
    mild = OutboxMessage.objects.filter(template="opened", severity=4)
    assert mild.filter(state="digest").exists()
    assert "below the week's middle" in str(mild.filter(state="digest").first().last_error)  # type: ignore[union-attr]


def test_the_gravest_go_out_whatever_was_sent(at: Callable[[datetime], Engine]) -> None:
    engine = with_policy(at(MONDAY), per_person_a_week=1)
    open_with(engine, facts(15), ())
    open_with(engine, facts(5, severity=1), ())
    assert OutboxMessage.objects.filter(template="opened", severity=1, state="pending").count() == 5


def test_alerts_of_one_cause_are_one(at: Callable[[datetime], Engine]) -> None:
    engine = with_policy(at(MONDAY))
    open_with(engine, facts(6, cause="fee_dispute"), ())
    assert states() == {"pending": 1, "grouped": 5}


def test_in_a_flood_the_rest_is_held_and_a_calm_hour_later_it_is_over(at: Callable[[datetime], Engine]) -> None:
    flood = Breaker(minutes=15, trips_at=4, closes_below=2)
    engine = with_policy(at(MONDAY), team_breaker=flood, per_person_a_week=100)
    open_with(engine, facts(10), ())
    assert states()["held"] >= 1 and states()["pending"] < 10
    later = replace(engine, recorded_at=engine.recorded_at + timedelta(hours=1))
    open_with(later, facts(1, start=50), ())
    assert OutboxMessage.objects.get(case_id=Case.objects.get(customer_id="C50-3").case_id).state == "pending"


def test_withheld_alerts_are_accounted_for_only_with_their_reason(at: Callable[[datetime], Engine]) -> None:
    open_with(with_policy(at(MONDAY), per_person_a_week=1), facts(12), ())
    found = outbox_adds_up()
    assert not found.problems and sum(outbox_reading.counts().values()) == 12
    OutboxMessage.objects.filter(state="digest").update(last_error=None)
    assert any("without a reason" in fault for fault in outbox_adds_up().problems)


def test_opening_again_changes_no_decision(at: Callable[[datetime], Engine]) -> None:
    engine = with_policy(at(MONDAY), per_person_a_week=2)
    open_with(engine, facts(12), ())
    before = sorted(OutboxMessage.objects.values_list("key", "state"))
    open_with(engine, facts(12), ())
    assert sorted(OutboxMessage.objects.values_list("key", "state")) == before
