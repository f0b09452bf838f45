"""What the models say about texts comes back as tables a person reads: themes, their history, mis-coding, drivers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from statsmodels.stats.proportion import proportion_confint

from tests.integration.warehouse.stores import Stores
from tests.integration.warehouse.test_loop import signal_id, text_hash

WORDS = "a fee again"


def land_coded_complaints(stores: Stores, count: int) -> list[str]:
    """So many complaints of one week, all coded as a fee, all in the theme of topic 0; returns their signals."""
    stores.put("programme", "cause", [{"cause_id": "fee_dispute", "title": "Fees", "failure_type": "policy"}])
    stores.put("programme", "reason_code", [{"source": "complaints", "code": "FEE-01", "cause_id": "fee_dispute"}])
    moment = datetime(2025, 1, 7, 9, tzinfo=UTC)
    stores.land(
        "complaints__complaint",
        [{"complaint_id": f"C{n}", "customer_id": f"K{n}", "received_at": moment, "category": "FEE-01",
          "description": WORDS, "updated_at": moment} for n in range(count)],
        batch=1,
    )  # fmt: skip
    ids = [signal_id("complaints", "complaint", f"C{n}") for n in range(count)]
    known: dict[str, Any] = {"text_hash": text_hash(WORDS), "topic_id": 0, "topic_model_id": "m", "severity": 3}
    stores.put("ml", "ml_root_cause__prediction", [{"signal_id": one, **known} for one in ids])
    stores.put(
        "ml", "ml_root_cause__topic", [{"topic_id": 0, "theme_id": "T-0000000a", "name": "Fees", "topic_model_id": "m"}]
    )
    return ids


def test_mis_coding_by_week_has_the_interval_of_wilson(stores: Stores) -> None:
    ids = land_coded_complaints(stores, 12)
    stores.put(
        "ml", "ml_root_cause__miscoding",
        [{"signal_id": one, "coded_cause_id": "fee_dispute", "is_finding": n < 3} for n, one in enumerate(ids)],
    )  # fmt: skip
    stores.build("+agg_miscoding_week")
    row = stores.one("select * from agg_miscoding_week")
    assert (row["source"], row["reason_code"], row["coded"], row["findings"]) == ("complaints", "FEE-01", 12, 3)
    assert (row["rate_low"], row["rate_high"]) == pytest.approx(proportion_confint(3, 12, method="wilson"))


def test_a_theme_tells_since_when_how_often_and_about_what_it_is_heard(stores: Stores) -> None:
    land_coded_complaints(stores, 3)
    stores.put(
        "ml", "ml_root_cause__theme_event",
        [{"event_id": "e1", "theme_id": "T-0000000a", "kind": "born", "sentence": "was found"},
         {"event_id": "e2", "theme_id": "T-0000000b", "kind": "merged", "related": "T-0000000a", "share": 0.9,
          "sentence": "went into Fees", "at": datetime(2025, 1, 9, tzinfo=UTC), "by": "P-1"}],
    )  # fmt: skip
    stores.build("+dim_theme", "+fct_theme_event")
    themes = {row["theme_id"]: row for row in stores.rows("select * from dim_theme")}
    assert {name: row["state"] for name, row in themes.items()} == {"T-0000000a": "active", "T-0000000b": "merged"}
    fees = themes["T-0000000a"]
    assert (fees["signals"], fees["share"], fees["top_cause_id"]) == (3, 1.0, "fee_dispute")
    assert fees["first_seen_at"] == datetime(2025, 1, 7, 9)
    told = stores.rows("select event_kind, decided_by, occurred_at from fct_theme_event order by event_id")
    assert told == [
        {"event_kind": "born", "decided_by": None, "occurred_at": None},
        {"event_kind": "merged", "decided_by": "P-1", "occurred_at": datetime(2025, 1, 9)},
    ]


def test_everything_learned_from_texts_comes_back_through_the_warehouse_as_it_was_written(stores: Stores) -> None:
    driver = {"driver_id": "d", "metric": "nps", "contrast": "mentioned", "level": "cause", "subject_id": "fee_dispute",
              "answers": 10, "n": 2, "verdict": "not enough data", "sentence": "Too few."}  # fmt: skip
    stores.put("ml", "ml_root_cause__driver", [driver])
    stores.put("ml", "ml_root_cause__aspect", [{"aspect_id": "a", "signal_id": "s", "aspect_no": 1, "begin_char": 0}])
    stores.put("ml", "ml_root_cause__review", [{"review_id": "r", "question": "cause", "inclusion": 0.1}])
    stores.put("ml", "ml_root_cause__drift", [{"drift_id": "w", "measure": "share_unknown", "value": 0.2}])
    stores.build("+agg_driver", "stg_ml__root_cause__aspect", "stg_ml__root_cause__review", "stg_ml__root_cause__drift")
    row = stores.one("select mentions, effect, verdict, as_of from agg_driver")
    assert row == {"mentions": 2, "effect": None, "verdict": "not enough data", "as_of": datetime(2025, 6, 30)}
    assert stores.one("select begin_char from stg_ml__root_cause__aspect") == {"begin_char": 0}
    assert stores.one("select inclusion from stg_ml__root_cause__review") == {"inclusion": 0.1}
    assert stores.one("select measured from stg_ml__root_cause__drift") == {"measured": 0.2}
