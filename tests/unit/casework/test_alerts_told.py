"""What teams are told about alerts they did not get: a flood once, everything withheld once a day, nothing left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from cases import outbox, people
from cases.models import OutboxMessage
from casework import ticks
from casework.alerts_told import floods, floods_over, team_digests
from casework.engine import Engine
from casework.opening import open_with
from models.alerts import Breaker
from models.message import OutgoingMessage
from tests.unit.casework.conftest import MONDAY
from tests.unit.casework.test_alerting import facts, with_policy

FLOOD = Breaker(minutes=15, trips_at=4, closes_below=2)


def later(engine: Engine, **by: float) -> Engine:
    """The same engine some time on."""
    return replace(engine, recorded_at=engine.recorded_at + timedelta(**by))


def queued(words: list[OutgoingMessage], engine: Engine) -> int:
    """How many of the words are new."""
    return outbox.queue(words, engine.recorded_at)


def test_what_was_withheld_is_told_with_its_reason_once(at: Callable[[datetime], Engine]) -> None:
    engine = with_policy(at(MONDAY), per_person_a_week=1)
    open_with(engine, facts(12), ())
    (first, *_) = team_digests(engine)
    assert first.recipient_type == "team" and "over budget" in first.body
    assert queued(team_digests(engine), engine) == 1
    assert queued(team_digests(engine), engine) == 0
    assert team_digests(later(engine, days=1)) == []


def test_a_stop_of_the_loop_for_days_leaves_nothing_out(at: Callable[[datetime], Engine]) -> None:
    engine = with_policy(at(MONDAY), per_person_a_week=1)
    open_with(engine, facts(12), ())
    withheld = OutboxMessage.objects.filter(state="digest").count()
    (word,) = team_digests(later(engine, days=4, hours=1))
    assert word.body.count("over budget") == withheld


def test_what_is_withheld_after_the_days_summary_is_in_the_next(at: Callable[[datetime], Engine]) -> None:
    morning = with_policy(at(MONDAY), per_person_a_week=1)
    open_with(morning, facts(12), ())
    queued(team_digests(morning), morning)
    noon = later(morning, hours=4)
    open_with(noon, facts(2, start=60), ())
    (word,) = team_digests(later(morning, days=1))
    assert word.body.count("over budget") == 2


def test_a_flood_is_told_once_and_the_next_one_again(at: Callable[[datetime], Engine]) -> None:
    engine = with_policy(at(MONDAY), team_breaker=FLOOD, per_person_a_week=100)
    open_with(engine, facts(10), ())
    (word,) = floods(engine)
    assert "6 alerts are held" in word.body and "flood" in word.body
    assert [queued(floods(engine), engine) for _ in range(2)] == [1, 0]
    lasting = later(engine, minutes=5)
    open_with(lasting, facts(3, start=40), ())
    assert queued(floods(lasting), lasting) == 0
    calm = later(engine, hours=2)
    open_with(calm, facts(10, start=80), ())
    assert queued(floods(calm), calm) == 1


def test_the_manager_is_told_once_of_each_flood_and_in_one_word_not_alert_by_alert(
    at: Callable[[datetime], Engine],
) -> None:
    engine = with_policy(at(MONDAY), team_breaker=FLOOD, per_person_a_week=100)
    assert floods_over(engine) == []
    open_with(engine, facts(10), ())
    (word,) = floods_over(engine)
    assert (word.recipient_type, word.recipient_id) == ("employee", "E-man")
    assert "6 alerts are held" in word.body and "flood" in word.body and word.case_id is None
    assert [queued(floods_over(engine), engine) for _ in range(2)] == [1, 0]
    lasting = later(engine, minutes=5)
    open_with(lasting, facts(3, start=40), ())
    assert queued(floods_over(lasting), lasting) == 0
    calm = later(engine, hours=2)
    open_with(calm, facts(10, start=80), ())
    assert queued(floods_over(calm), calm) == 1


def test_a_manager_who_is_away_when_the_flood_begins_is_stood_in_for_by_the_next_above_and_not_told_later(
    at: Callable[[datetime], Engine],
) -> None:
    engine = with_policy(at(MONDAY), team_breaker=FLOOD, per_person_a_week=100)
    begins, ends = engine.recorded_at - timedelta(days=1), engine.recorded_at + timedelta(minutes=2)
    people.record_absence("away", "E-man", begins, ends, recorded_at=begins, by="E-man")
    open_with(engine, facts(10), ())
    assert [queued(floods_over(engine), engine), queued(floods_over(later(engine, minutes=5)), engine)] == [1, 0]
    (told,) = OutboxMessage.objects.filter(key__startswith="flood|")
    assert told.recipient_id == "E-dir"


def test_a_flood_of_all_teams_is_one_word_to_their_manager_with_a_line_for_each_team(
    at: Callable[[datetime], Engine],
) -> None:
    engine = with_policy(at(MONDAY), overall_breaker=FLOOD, per_person_a_week=100)
    journeys = ["payments", "security"] * 6
    open_with(engine, [replace(f, journey=j) for f, j in zip(facts(12), journeys, strict=True)], ())
    teams = {row.recipient_id for row in OutboxMessage.objects.filter(state="held")}
    words = floods_over(engine)
    assert [word.recipient_id for word in words] == ["E-man"] and len(teams) > 1
    assert words[0].body.count("amends alerts list --team") == len(teams)


def test_a_tick_tells_teams_and_managers_of_a_flood(at: Callable[[datetime], Engine]) -> None:
    engine = with_policy(at(MONDAY), team_breaker=FLOOD, per_person_a_week=100)
    open_with(engine, facts(10), ())
    for _ in range(2):
        ticks.run(engine)
    told = OutboxMessage.objects.filter(key__startswith="flood|").values_list("recipient_type", flat=True)
    assert sorted(told) == ["employee", "team"]


def test_a_flood_of_all_teams_is_held_until_few_are_left_in_the_window(at: Callable[[datetime], Engine]) -> None:
    engine = with_policy(at(MONDAY), overall_breaker=FLOOD, per_person_a_week=100)
    open_with(engine, facts(6), ())
    lasting = later(engine, minutes=10)
    open_with(lasting, facts(1, start=40), ())
    reasons = OutboxMessage.objects.filter(state="held").values_list("last_error", flat=True)
    assert len(reasons) == 3 and all("all teams" in str(why) for why in reasons)
    calm = later(engine, minutes=26)
    open_with(calm, facts(1, start=80), ())
    assert OutboxMessage.objects.filter(state="held").count() == 3


def test_ticks_queue_both_and_a_second_tick_nothing(at: Callable[[datetime], Engine]) -> None:
    engine = with_policy(at(MONDAY), team_breaker=FLOOD, per_person_a_week=100)
    open_with(engine, facts(10), ())
    for _ in range(2):
        ticks.run(engine)
    keys = [
        key.split("|")[0] for key in OutboxMessage.objects.filter(recipient_type="team").values_list("key", flat=True)
    ]
    assert (keys.count("flood"), keys.count("withheld")) == (1, 1)
