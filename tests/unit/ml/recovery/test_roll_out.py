"""Policies come in step by step and go out in one; what cannot be read leaves the choice to the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ml.recovery import roll_out
from ml.recovery.roll_out import KIND, Gate, GateClosed
from ml.store import ModelRefused, ModelStore
from models.policy import Policy
from tests.unit.models.learned import best

MONDAY = datetime(2026, 7, 6, 9, tzinfo=UTC)
PASSED = (Gate("support", True, "enough"),)
FAILED = (Gate("support", False, "an effective sample size of 31"), *PASSED)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A store in which two policies wait."""
    made = ModelStore(tmp_path / "models")
    for code in ("refund", "callback"):
        roll_out.propose(made, best(code), {"gain_usd": 1.5})
    return made


def promote(store: ModelStore, code: str, share: float, after: int = 0, **more: Any) -> roll_out.Change:
    said = {"gates": PASSED, "by": "E-sci", "why": "trial", "at": MONDAY + timedelta(hours=after)} | more
    return roll_out.promote(store, f"p-{code}", share=share, **said)


def back(store: ModelStore, **more: Any) -> roll_out.Change:
    return roll_out.roll_back(store, by="E-sci", why="complaints rose", at=MONDAY, **more)


def names(store: ModelStore) -> tuple[str | None, str | None, float]:
    found = roll_out.in_force(store)
    assert found.fault is None
    ids = [policy.policy_id if policy else None for policy in (found.champion, found.challenger)]
    return ids[0], ids[1], found.share


def test_the_rules_are_in_force_until_a_policy_is_promoted(store: ModelStore) -> None:
    assert roll_out.in_force(store).is_rules
    assert store.pending(KIND) == {"model_id": "p-callback", "about": {"gain_usd": 1.5, "against": None}}
    assert roll_out.known_of(store, "p-callback") == {"gain_usd": 1.5, "against": None}


def test_a_policy_comes_in_as_challenger_and_becomes_champion(store: ModelStore) -> None:
    promote(store, "refund", 0.1)
    assert names(store) == (None, "p-refund", 0.1)
    promote(store, "refund", 1, 1)
    assert names(store) == ("p-refund", None, 0.0)
    change = promote(store, "callback", 0.25, 2)
    assert names(store) == ("p-refund", "p-callback", 0.25)
    assert (change.champion, change.challenger, change.share, change.failed) == ("p-refund", "p-callback", 0.25, ())
    assert store.pending(KIND) is None
    assert roll_out.in_force(store).champion == best("refund")


def test_who_did_what_when_from_where_to_where_stays_on_record(store: ModelStore) -> None:
    made = promote(store, "refund", 0.1)
    (said,) = store.decisions(KIND)
    assert (said["action"], said["by"], said["why"], said["at"]) == (
        "promoted",
        "E-sci",
        "trial",
        "2026-07-06T09:00:00+00:00",
    )
    assert (said["before"], said["model_id"], said["challenger"], said["share"]) == (
        "rules",
        made.model_id,
        "p-refund",
        0.1,
    )


def test_a_failed_gate_keeps_a_policy_out_until_somebody_insists_and_that_is_on_record(store: ModelStore) -> None:
    with pytest.raises(GateClosed, match="support: an effective sample size of 31"):
        promote(store, "refund", 0.1, gates=FAILED)
    assert roll_out.in_force(store).is_rules
    promote(store, "refund", 0.1, gates=FAILED, force=True)
    assert store.decisions(KIND)[-1]["failed"] == ["support"]


def test_going_back_undoes_one_promotion_at_a_time_down_to_the_rules(store: ModelStore) -> None:
    promote(store, "refund", 1)
    promote(store, "callback", 0.1, 1)
    promote(store, "callback", 1, 2)
    assert names(store) == ("p-callback", None, 0.0)
    back(store)
    assert names(store) == ("p-refund", "p-callback", 0.1)
    back(store)
    assert names(store) == ("p-refund", None, 0.0)
    assert back(store).model_id == "rules"
    assert roll_out.in_force(store).is_rules
    with pytest.raises(ModelRefused, match="nothing to go back from"):
        back(store)


def test_what_was_rolled_back_does_not_return_by_going_back_again(store: ModelStore) -> None:
    promote(store, "refund", 1)
    promote(store, "callback", 1, 1)
    back(store)
    promote(store, "callback", 0.1, 2)
    back(store)
    assert names(store) == ("p-refund", None, 0.0)
    back(store)
    assert roll_out.in_force(store).is_rules


def test_the_rules_can_be_put_back_at_once(store: ModelStore) -> None:
    promote(store, "refund", 1)
    promote(store, "callback", 1, 1)
    assert back(store, to_rules=True).model_id == "rules"
    assert names(store) == (None, None, 0.0)


def test_a_former_state_that_was_damaged_is_passed_over(store: ModelStore, tmp_path: Path) -> None:
    first = promote(store, "refund", 1).model_id
    promote(store, "callback", 1, 1)
    (tmp_path / "models" / KIND / first / "champion.json").write_text("{}", encoding="utf-8")
    assert back(store).model_id == "rules"


def broken(path: Path, content: bytes | None) -> None:
    path.unlink() if content is None else path.write_bytes(content)


@pytest.mark.parametrize("name", ["champion.json", "roll_out.json", "manifest.json", "../ACTIVE.json"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", None])
def test_a_damaged_file_leaves_the_choice_to_the_rules_with_a_reason(
    store: ModelStore, tmp_path: Path, name: str, content: bytes | None
) -> None:
    state = promote(store, "refund", 1).model_id
    broken(tmp_path / "models" / KIND / state / name, content)
    found = roll_out.in_force(store)
    assert found.champion is None and found.challenger is None
    # Without a pointer nothing was ever put in force.
    assert (found.fault is None) == (name == "../ACTIVE.json" and content is None)


def test_a_policy_put_in_use_by_the_general_command_is_the_champion(store: ModelStore) -> None:
    store.promote(KIND, "p-refund")
    assert names(store) == ("p-refund", None, 0.0)


@pytest.mark.parametrize(
    ("code", "share", "more", "reason"),
    [
        ("refund", 0.0, {}, "more than 0"),
        ("refund", 1.5, {}, "at most 1"),
        ("refund", 0.1, {"why": " "}, "a name and a reason"),
        ("voucher", 0.1, {}, "incomplete"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    store: ModelStore, code: str, share: float, more: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        promote(store, code, share, **more)
    assert roll_out.in_force(store).is_rules


def test_a_proposal_notes_the_champion_it_was_judged_against(store: ModelStore) -> None:
    promote(store, "refund", 1)
    roll_out.propose(store, best("specialist"), {})
    assert roll_out.known_of(store, "p-specialist")["against"] == "p-refund"


def test_the_champion_is_not_promoted_again(store: ModelStore) -> None:
    promote(store, "refund", 1)
    with pytest.raises(ValueError, match="champion already"):
        promote(store, "refund", 0.1, 1)


def test_a_saved_policy_is_read_as_it_was_proposed(store: ModelStore) -> None:
    assert roll_out.saved_policy(store, "p-refund") == best("refund")
    assert isinstance(roll_out.saved_policy(store, "p-callback"), Policy)
