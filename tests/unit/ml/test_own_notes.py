"""What our own people wrote on cases triggers nothing, whatever a rule says and however much they write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.conditions import SIGNAL_SCHEMA
from ml.detection.evidence import Evidence
from ml.detection.rules import find_triggers
from ml.detection.triggers import Window, detect
from models.signal import OWN_SOURCE
from models.trigger import TriggerRule
from tests.unit.ml.test_rules import TREES, depth

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def rule(when: Any, **changes: Any) -> TriggerRule:
    base = {
        "id": "some_rule", "title": "Some rule", "status": "draft", "kind": "recovery", "signal": "any", "when": when,
        "open_case": {"severity": 1, "dedupe": {"within": "14d"}},
    }  # fmt: skip
    return TriggerRule.model_validate({**base, **changes})


def signals(*rows: dict[str, Any]) -> pa.Table:
    filled = [
        {"signal_id": f"s{number}", "signal_kind": "agent_note", "occurred_at": AS_OF - timedelta(hours=number),
         "customer_id": "C1", "severity": 1.0, "text": "they will sue us", "text_author": "agent", **row}
        for number, row in enumerate(rows)
    ]  # fmt: skip
    return pa.Table.from_pylist(filled, schema=SIGNAL_SCHEMA)


def fired(table: pa.Table, *rules: TriggerRule) -> set[str]:
    found = find_triggers(table, rules, as_of=AS_OF, historic_after_days=30)
    return set(found.column("signal_id").to_pylist())


EVERYTHING = {"field": "signal_id", "op": "is_known"}


@pytest.mark.parametrize(
    "when",
    [EVERYTHING, {"field": "source", "op": "is", "value": OWN_SOURCE}, {"not": {"field": "text", "op": "is_unknown"}}],
)
def test_a_rule_that_matches_everything_still_ignores_our_own_notes(when: dict[str, Any]) -> None:
    table = signals({"source": OWN_SOURCE})
    assert fired(table, rule(when)) == set()


def test_notes_from_elsewhere_and_signals_of_unknown_source_still_fire() -> None:
    table = signals({"source": "zendesk"}, {"source": OWN_SOURCE}, {"source": None})
    assert fired(table, rule(EVERYTHING)) == {"s0", "s2"}


def test_our_own_notes_do_not_count_towards_a_repeat() -> None:
    twice = rule(EVERYTHING, repeat={"at_least": 2, "within": "30d", "by": ["customer_id"]})
    assert fired(signals({"source": "zendesk"}, {"source": OWN_SOURCE}, {"source": OWN_SOURCE}), twice) == set()
    assert fired(signals({"source": "zendesk"}, {"source": "zendesk"}, {"source": OWN_SOURCE}), twice) == {"s0"}


@settings(max_examples=60, deadline=None)
@given(when=TREES.filter(lambda tree: depth(tree) <= 5), seed=st.integers(0, 2**32 - 1))
def test_whatever_a_rule_says_notes_change_nothing_about_what_it_finds(when: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        {"source": str(rng.choice(["zendesk", OWN_SOURCE])), "segment": "mass", "score_value": 2.0} for _ in range(8)
    ]
    whole = signals(*rows)
    without = whole.filter(pa.array([row["source"] != OWN_SOURCE for row in rows]))
    assert fired(whole, rule(when)) == fired(without, rule(when))


def daily(own_from: int) -> pa.Table:
    """Two complaints a day for ninety days; from `own_from` on our own people write thirty notes a day beside them."""
    rows = []
    for day in range(90):
        rows += [{"source": "zendesk"}] * 2 + [{"source": OWN_SOURCE}] * (30 if day >= own_from else 0)
        rows[-32 if day >= own_from else -2 :] = [
            {
                **row,
                "signal_kind": "complaint",
                "customer_id": None,
                "occurred_at": AS_OF - timedelta(days=90 - day) + timedelta(hours=1),
            }
            for row in rows[-32 if day >= own_from else -2 :]
        ]
    return signals(*rows)


CHART = {"id": "surging", "title": "Complaints surge", "status": "draft", "kind": "breakdown", "signal": "series",
         "chart": {"measure": "complaints"}, "open_case": {"severity": 2, "dedupe": {"within": "14d"}}}  # fmt: skip


def test_a_flood_of_our_own_notes_is_no_breakdown_and_one_from_elsewhere_is() -> None:
    rules, window = [TriggerRule.model_validate(CHART)], Window(as_of=AS_OF, historic_after_days=365)
    flood = daily(own_from=80)
    assert detect(Evidence(flood), rules, window).num_rows == 0
    source = flood.schema.get_field_index("source")
    others = flood.set_column(source, "source", pa.array(["zendesk"] * flood.num_rows))
    assert detect(Evidence(others), rules, window).num_rows == 1
