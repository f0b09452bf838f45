"""The chain shows what was altered, taken out or slipped in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import services
from cases.chain import canonical, hash_fields
from cases.db import _sqlite_text
from models.settings import Settings
from tests.unit.cases.builders import NOW, resolution, tamper, trigger


@pytest.fixture
def filled(ledger: Settings) -> Settings:
    facts = [trigger(f"t{i}", i, customer=f"C{i}") for i in range(5)]
    services.open_cases(facts, [resolution("r", 9, about="t1")], recorded_at=NOW)
    assert services.verify_chain().ok
    return ledger


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cases_caseevent SET payload = replace(payload, 'in_favour', 'rejected') WHERE kind = 'closed'",
        "UPDATE cases_caseevent SET occurred_at = '2026-01-01 00:00:00' WHERE event_id = 2",
        "UPDATE cases_caseevent SET actor_id = 'somebody' WHERE event_id = 3",
        "UPDATE cases_caseevent SET state_after = 'closed' WHERE event_id = 4",
        "DELETE FROM cases_caseevent WHERE event_id = 3",
        "DELETE FROM cases_caseevent WHERE event_id IN (SELECT max(event_id) FROM cases_caseevent WHERE kind = 'opened')",
        "UPDATE cases_case SET customer_id = 'C9' WHERE customer_id = 'C1'",
        "DELETE FROM cases_case WHERE customer_id = 'C2'",
        "UPDATE cases_casetrigger SET lineage = '{}' WHERE trigger_id = 't2'",
        "DELETE FROM cases_casetrigger WHERE trigger_id = 't2'",
    ],
)
def test_tampering_is_found(filled: Settings, statement: str) -> None:
    tamper(statement)
    report = services.verify_chain()
    assert not report.ok
    assert report.problems


def test_the_head_pins_the_whole_history(filled: Settings) -> None:
    head = services.verify_chain().head
    tamper("DELETE FROM cases_caseevent WHERE event_id = (SELECT max(event_id) FROM cases_caseevent)")
    assert services.verify_chain().head != head


def test_fields_cannot_be_shifted_into_one_another() -> None:
    assert hash_fields("ab", "c") != hash_fields("a", "bc")
    with pytest.raises(ValueError):
        hash_fields("a\x1fb", "c")


_LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()
_TREES = st.recursive(
    _LEAVES, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(), part, max_size=3), max_leaves=12
)


@given(st.dictionaries(st.text(), _TREES))
def test_canonical_text_is_what_ledgers_of_the_first_release_hold(value: dict[str, Any]) -> None:
    first = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
    assert canonical(value) == first(value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("wrap", [lambda x: {"a": x}, lambda x: {"a": [1, {"b": (x,)}]}, lambda x: [x]])
def test_what_is_no_number_is_refused_wherever_it_hides(number: float, wrap: Callable[[float], Any]) -> None:
    with pytest.raises(ValueError, match="neither NaN"):
        canonical(wrap(number))


def test_what_json_does_not_know_is_refused() -> None:
    for strange in ({"a": {1, 2}}, {"a": NOW}, {"a": b"x"}, {1: "a"}):
        with pytest.raises(TypeError):
            canonical(strange)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.timezones()))
def test_instants_reach_the_database_as_django_writes_them(at: datetime) -> None:
    """Also those of other zones, and with a fraction of a second or without."""
    for moment in (at, at.replace(microsecond=0)):
        assert _sqlite_text(moment) == str(moment.astimezone(UTC).replace(tzinfo=None))
