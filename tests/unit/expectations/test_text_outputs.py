"""Suites of what is learned from texts beside the prediction: good rows pass, each kind of bad row is named."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.unit.expectations.test_ml_outputs import AS_OF, failed, run
from tests.unit.expectations.text_rows import CAUSE, MAKERS

UNMEASURED = dict.fromkeys(
    ("effect", "low", "high", "p", "q", "impact", "impact_low", "impact_high", "alert_share", "alert_share_low",
     "alert_share_high")
)  # fmt: skip
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("aspect", {"cause_id": "made_up"}, "known__cause_id"),
    ("aspect", {"begin_char": -1}, "spans"),
    ("aspect", {"end_char": 0}, "spans"),
    ("aspect", {"signal_id": "alone"}, "several"),
    ("aspect", {"sentiment": -1.1}, "range__sentiment"),
    ("aspect", {"confidence": float("nan")}, "range__confidence"),
    ("miscoding", {"suggested_cause_id": CAUSE}, "findings"),
    ("miscoding", {"suggested_cause_id": None}, "findings"),
    ("miscoding", {"coded_cause_id": "made_up"}, "known__coded_cause_id"),
    ("miscoding", {"suggested_share": 1.2}, "range__suggested_share"),
    ("theme_event", {"theme_id": "fees"}, "theme_ids"),
    ("theme_event", {"related": "T-1, T-2"}, "theme_ids"),
    ("theme_event", {"by": "K7", "at": None}, "decisions"),
    ("theme_event", {"at": AS_OF + timedelta(days=3)}, "not_in_future"),
    ("theme_event", {"sentence": "write to ann@mail.example"}, "redacted"),
    ("review", {"inclusion": 0.0}, "chances"),
    ("review", {"question": "mood"}, "allowed__question"),
    ("review", {"signal_id": None}, "complete"),
    ("drift", {"low": 0.4}, "intervals"),
    ("drift", {"week": date(2024, 5, 7)}, "monday"),
    ("drift", {"value": None, "is_drift": True}, "known_verdict"),
    ("drift", {"is_drift": True}, "still_as_learnt"),
    ("driver", {"effect": -2.5}, "intervals"),
    ("driver", {"effect": -11.0, "low": -12.0}, "intervals"),
    ("driver", {"low": None}, "known_effects"),
    ("driver", {"verdict": "not enough data"}, "known_effects"),
    ("driver", {"verdict": "terrible"}, "allowed__verdict"),
    ("driver", {"n": 901}, "counts"),
    ("driver", {"q": 1.5}, "range__q"),
]


def good(kind: str, count: int = 4) -> list[dict[str, Any]]:
    return [MAKERS[f"ml_root_cause__{kind}"](number) for number in range(count)]


@pytest.mark.parametrize("kind", sorted(name.removeprefix("ml_root_cause__") for name in MAKERS))
def test_good_rows_pass(kind: str) -> None:
    assert failed(run(f"ml_root_cause__{kind}", good(kind))) == set()


@pytest.mark.parametrize(("kind", "cells", "name"), BAD, ids=[f"{kind}-{'-'.join(cells)}" for kind, cells, _ in BAD])
def test_a_bad_row_is_named_by_the_check_that_is_about_it(kind: str, cells: dict[str, Any], name: str) -> None:
    rows = [*good(kind, 4), MAKERS[f"ml_root_cause__{kind}"](4), MAKERS[f"ml_root_cause__{kind}"](5, **cells)]
    found = failed(run(f"ml_root_cause__{kind}", rows))
    # Sending one of two aspects elsewhere leaves both alone, which is one fault.
    assert found == {name}


def test_too_little_data_is_a_row_without_an_effect_and_passes() -> None:
    rows = [MAKERS["ml_root_cause__driver"](1, **UNMEASURED, verdict="not enough data")]
    assert failed(run("ml_root_cause__driver", rows)) == set()


def test_a_model_that_calls_most_codes_wrong_warns_and_stops_nothing() -> None:
    results = run("ml_root_cause__miscoding", good("miscoding", 300))
    assert failed(results) == {"finding_share"}
    assert not results["finding_share"].blocking
