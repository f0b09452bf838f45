"""The chain shows what was altered, taken out or slipped in."""

from __future__ import annotations

import pytest

from cases import services
from cases.chain import hash_fields
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
