"""A follow-up keeps its UID through every change, and each change counts the sequence up by one."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import followups
from models.settings import Settings
from tests.unit.cases.builders import day


def plan(**more: object) -> followups.FollowUpVersion:
    said: dict[str, object] = {"title": "Call again", "starts_at": day(3), "minutes": 30, "recorded_at": day(0)}
    return followups.plan("ann", "case", "C-1", **(said | more))  # type: ignore[arg-type]


def test_planning_the_same_again_is_the_same_follow_up(ledger: Settings) -> None:
    assert plan() == plan(recorded_at=day(1), minutes=45)
    assert plan(title="Another").uid != plan().uid
    assert len(followups.of_owner("ann")) == 2


def test_a_move_and_a_cancellation_are_new_versions_of_the_same_uid(ledger: Settings) -> None:
    uid = plan().uid
    moved = followups.move(uid, "ann", starts_at=day(4), minutes=60, recorded_at=day(1))
    assert (moved.uid, moved.sequence, moved.starts_at) == (uid, 1, day(4))
    assert followups.move(uid, "ann", starts_at=day(4), minutes=60, recorded_at=day(2)) == moved, "nothing has changed"
    assert followups.cancel(uid, "ann", recorded_at=day(2)).sequence == 2
    (now,) = followups.of_owner("ann")
    assert (now.status, now.sequence) == ("CANCELLED", 2)


def test_nobody_moves_somebody_elses(ledger: Settings) -> None:
    uid = plan().uid
    for who, name in (("bob", uid), ("ann", "no-such")):
        with pytest.raises(followups.UnknownFollowUp):
            followups.cancel(name, who, recorded_at=day(1))
    assert followups.of_owner("bob") == []


@pytest.mark.parametrize("wrong", [{"title": " "}, {"title": "a\r\nATTENDEE:x"}, {"minutes": 0}, {"minutes": 9999}])
def test_a_follow_up_nobody_could_keep_is_refused(ledger: Settings, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        plan(**wrong)


@given(steps=st.lists(st.tuples(st.sampled_from(("move", "cancel")), st.integers(1, 3)), max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sequences_count_up_without_gap(new_ledger: object, steps: list[tuple[str, int]]) -> None:
    new_ledger()  # type: ignore[operator]
    from cases.models import FollowUp

    uid, seen = plan().uid, 0
    for at, (what, start) in enumerate(steps):
        if what == "move":
            now = followups.move(uid, "ann", starts_at=day(start), minutes=30, recorded_at=day(at))
        else:
            now = followups.cancel(uid, "ann", recorded_at=day(at))
        assert now.sequence in (seen, seen + 1)
        seen = now.sequence
    assert list(FollowUp.objects.order_by("sequence").values_list("sequence", flat=True)) == list(range(seen + 1))
