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
from ml.detection.surge import find_surges
from ml.detection.triggers import Window, detect
from models.signal import OWN_SOURCE
from models.trigger import Surge, TriggerRule
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


def weekly(counts: np.ndarray, own: np.ndarray | None) -> pa.Table:
    """agg_theme_week of (themes, weeks) counts; `own` notes lie on top of what others said. Absent: the old table."""
    notes = np.zeros_like(counts) if own is None else own
    rows = [
        {"theme_id": f"T-{theme:02d}", "week_start": datetime(2023, 1, 2, tzinfo=UTC) + week * WEEK, "region": "all",
         "signals": int(counts[theme, week] + notes[theme, week]), "exposure": 1000.0,
         **({} if own is None else {"own_notes": int(notes[theme, week])})}
        for theme in range(counts.shape[0])
        for week in range(counts.shape[1])
        if counts[theme, week] + notes[theme, week] > 0
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def test_a_flood_of_our_own_notes_is_no_surge() -> None:
    counts = np.random.default_rng(4).poisson(12, (8, 30))
    own = np.zeros_like(counts)
    own[3, 25] = 90
    end = datetime(2023, 1, 2, tzinfo=UTC) + 30 * WEEK
    assert find_surges(weekly(counts, own), Surge(), as_of=end) == find_surges(weekly(counts, None), Surge(), as_of=end)
    # The same flood from customers is one, so the series is not too quiet to tell.
    assert any(s.theme_id == "T-03" for s in find_surges(weekly(counts + own, None), Surge(), as_of=end))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_surges_are_those_of_a_company_whose_people_never_write_notes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts, own = rng.poisson(rng.uniform(0.2, 20), (5, 20)), rng.poisson(rng.uniform(0, 30), (5, 20))
    counts[0, :6] = counts[4] = 0  # weeks and a theme with nothing but notes
    counts[1, 15] += 80
    end = datetime(2023, 1, 2, tzinfo=UTC) + 20 * WEEK
    assert find_surges(weekly(counts, own), Surge(), as_of=end) == find_surges(weekly(counts, None), Surge(), as_of=end)


def test_rules_and_surges_together_find_nothing_where_only_notes_were_written() -> None:
    own = np.zeros((4, 20), dtype=int)
    own[2, 15:] = 60
    surge = {"id": "surging", "title": "A theme surges", "status": "draft", "kind": "breakdown", "signal": "theme_week",
             "surge": {}, "open_case": {"severity": 2, "dedupe": {"within": "14d"}}}  # fmt: skip
    rules = [rule(EVERYTHING), TriggerRule.model_validate(surge)]
    table = signals(*({"source": OWN_SOURCE} for _ in range(50)))
    window = Window(as_of=AS_OF, historic_after_days=30)
    assert detect(Evidence(table, agg_theme_week=weekly(np.zeros_like(own), own)), rules, window).num_rows == 0
