"""Driver analysis: planted effects come back inside their intervals, metrics stay apart, and the sentence is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ml.outputs import DRIVER, TRIGGER
from ml.root_cause.driver_answers import DriverParams
from ml.root_cause.drivers import drivers
from models.programme import Programme

AS_OF = datetime(2025, 6, 30, tzinfo=UTC)
PLANTED = {"fee_dispute": -2.0, "app_outage": -1.0, "branch_wait": 0.0}
READ = DriverParams(read_below=None, replicates=300)
TEXTS = {
    name: pa.string()
    for name in ("signal_id", "signal_kind", "customer_id", "instrument_id", "score_metric", "segment", "channel",
                 "region", "language", "product", "branch_id", "text_author", "text_hash", "theme_id", "cause_id")
}  # fmt: skip
NUMBERS = {name: pa.float64() for name in ("score_normalised", "score_min", "score_max")}
SCHEMA = pa.schema([*TEXTS.items(), *NUMBERS.items(), ("occurred_at", pa.timestamp("us"))])


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def answer(number: int, score: float, cause: str | None, **changes: Any) -> dict[str, Any]:
    row = {"signal_id": f"s{number:05d}", "signal_kind": "survey_response", "customer_id": f"K{number}",
           "instrument_id": "SV_NPS", "score_metric": "nps", "score_normalised": score / 10, "score_min": 0.0,
           "score_max": 10.0, "segment": "mass", "channel": "email", "region": "north", "language": "en",
           "text_author": "customer", "text_hash": f"h{number}", "cause_id": cause,
           "theme_id": f"T-{cause}" if cause else None,
           "occurred_at": datetime(2025, 1, 1) + timedelta(hours=number % 4000)}  # fmt: skip
    return {**row, **changes}


def company(count: int = 3_000, seed: int = 0) -> list[dict[str, Any]]:
    """Answers with the planted effects; a region with low scores of its own also mentions more."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        region = ("north", "south")[int(rng.random() < 0.4)]
        chance = 0.12 if region == "north" else 0.24
        causes = [None, *PLANTED]
        cause = causes[rng.choice(4, p=[1 - 3 * chance, chance, chance, chance])]
        score = 7.0 - 1.5 * (region == "south") + PLANTED.get(cause or "", 0.0) + rng.normal(0, 1.0)
        customer = f"K{int(rng.integers(0, count // 2))}"
        rows.append(answer(number, score, cause, region=region, customer_id=customer))
    return rows


@pytest.fixture(scope="module")
def found(bank: Programme) -> dict[str, dict[str, Any]]:
    rows = drivers(table(company()), bank.taxonomy, as_of=AS_OF, params=READ).to_pylist()
    return {row["subject_id"]: row for row in rows if row["level"] == "cause"}


def others(subject: str) -> float:
    """Mean planted effect of the answers a subject is compared with: those about other causes and about none."""
    # Within a region every cause is equally likely, and averaging the regions by their weight changes little.
    chance = 0.6 * 0.12 + 0.4 * 0.24
    return sum(effect * chance for cause, effect in PLANTED.items() if cause != subject) / (1 - chance)


@pytest.mark.parametrize("cause", sorted(PLANTED))
def test_a_planted_effect_lies_in_its_interval(found: dict[str, dict[str, Any]], cause: str) -> None:
    row, truth = found[cause], PLANTED[cause] - others(cause)
    assert row["low"] - 0.05 <= truth <= row["high"] + 0.05
    assert row["impact_low"] <= row["effect"] * row["share"] <= row["impact_high"]
    assert row["high"] - row["low"] < 0.5


def test_what_lowers_the_score_is_told_from_what_does_not(found: dict[str, dict[str, Any]]) -> None:
    assert found["fee_dispute"]["verdict"] == "lowers"
    assert found["branch_wait"]["verdict"] == "raises"  # compared with answers about worse matters
    assert found["fee_dispute"]["effect"] < found["app_outage"]["effect"] < found["branch_wait"]["effect"]


def test_the_table_has_the_shape_the_warehouse_reads_and_does_not_depend_on_the_order_of_rows(bank: Programme) -> None:
    rows = company(600)
    here = drivers(table(rows), bank.taxonomy, as_of=AS_OF, params=READ)
    there = drivers(table(rows[::-1]), bank.taxonomy, as_of=AS_OF, params=READ)
    assert here.schema.equals(DRIVER)
    assert here.equals(there)
    assert len(set(here["driver_id"].to_pylist())) == here.num_rows


def test_a_subject_few_customers_speak_of_gets_no_figures(bank: Programme) -> None:
    rows = [answer(n, 5 + n % 3, None) for n in range(200)]
    rows += [answer(200 + n, 1, "fee_dispute", customer_id=f"K{n % 19}") for n in range(60)]
    (row,) = [
        r for r in drivers(table(rows), bank.taxonomy, as_of=AS_OF, params=READ).to_pylist() if r["level"] == "cause"
    ]
    assert (row["n"], row["verdict"]) == (60, "not enough data")
    assert [row[name] for name in ("effect", "low", "high", "p", "q", "impact")] == [None] * 6
    assert "19 customers on the rarer side, 20 needed" in row["sentence"]


def test_scores_of_different_metrics_are_never_mixed(bank: Programme) -> None:
    rows = company(600)
    csat = [answer(10_000 + n, 0, "fee_dispute" if n % 2 else None, score_metric="csat", instrument_id="SV_CSAT",
                   score_min=1.0, score_max=5.0, score_normalised=0.25 if n % 2 else 0.75) for n in range(100)]  # fmt: skip
    alone = drivers(table(rows), bank.taxonomy, as_of=AS_OF, params=READ).to_pylist()
    both = drivers(table(rows + csat), bank.taxonomy, as_of=AS_OF, params=READ).to_pylist()
    figures = [name for name in DRIVER.names if name != "sentence"]  # the sentence also counts months of all signals
    nps = [row for row in both if row["metric"] == "nps"]
    assert [[row[name] for name in figures] for row in nps] == [[row[name] for name in figures] for row in alone]
    (fees,) = [row for row in both if row["metric"] == "csat" and row["level"] == "cause"]
    assert (fees["scale_min"], fees["scale_max"], round(fees["effect"], 6)) == (1.0, 5.0, -2.0)


def test_two_scales_of_one_metric_meet_on_a_hundred_points(bank: Programme) -> None:
    rows = [answer(n, 0, "fee_dispute" if n % 3 == 0 else None, score_metric="ces",
                   instrument_id=("SV_CES", "SV_CES1")[n % 2], score_min=1.0, score_max=(7.0, 5.0)[n % 2],
                   score_normalised=0.5 - 0.2 * (n % 3 == 0) + 0.01 * (n % 7)) for n in range(300)]  # fmt: skip
    (row,) = [
        r for r in drivers(table(rows), bank.taxonomy, as_of=AS_OF, params=READ).to_pylist() if r["level"] == "cause"
    ]
    assert (row["scale_min"], row["scale_max"]) == (0.0, 100.0)
    assert row["effect"] == pytest.approx(-20, abs=1)


def test_answers_that_were_never_read_are_not_counted_as_not_mentioning(bank: Programme) -> None:
    """The classify stage gives good answers no cause: compared with them, any cause would lower the score."""
    rng = np.random.default_rng(3)
    scores = rng.integers(0, 11, 2_000)
    rows = [answer(n, int(score), "fee_dispute" if score < 7.5 and rng.random() < 0.4 else None)
            for n, score in enumerate(scores)]  # fmt: skip
    everybody = drivers(table(rows), bank.taxonomy, as_of=AS_OF, params=READ)
    only_read = drivers(table(rows), bank.taxonomy, as_of=AS_OF, params=replace(READ, read_below=0.75))
    naive, (honest,) = [
        [row for row in found.to_pylist() if row["level"] == "cause"] for found in (everybody, only_read)
    ]
    assert naive[0]["verdict"] == "lowers"
    assert honest["verdict"] == "no clear effect"
    assert "below 7.5 (better ones are given no theme)" in honest["sentence"]


def test_mentions_read_from_the_words_of_every_answer_are_used_instead(bank: Programme) -> None:
    rows = company(1_500)
    words = pa.table({
        "signal_id": [row["signal_id"] for row in rows],
        "theme_id": pa.array([None] * len(rows), pa.string()),
        "cause_id": [row["cause_id"] for row in rows],
    })  # fmt: skip
    blind = table([{**row, "cause_id": None, "theme_id": None} for row in rows])
    (fees,) = [
        row
        for row in drivers(blind, bank.taxonomy, as_of=AS_OF, mentions=words, params=DriverParams()).to_pylist()
        if row["subject_id"] == "fee_dispute"
    ]
    assert (fees["answers"], fees["verdict"]) == (1_500, "lowers")
    assert "better ones" not in fees["sentence"]


def test_a_contact_counts_for_answers_after_it_and_within_its_days_only(bank: Programme) -> None:
    rows = [answer(n, 8 - 3 * (n < 100) + n % 2, None, text_hash=None, text_author=None) for n in range(400)]
    moments = {0: -10, 1: -10, 2: 5, 3: -91}
    for n in range(100):
        at = rows[n]["occurred_at"] + timedelta(days=moments[n % 4])
        rows.append(answer(1_000 + n, 0, "fee_dispute", signal_kind="complaint", score_metric=None, score_normalised=None,
                           customer_id=f"K{n}", occurred_at=at))  # fmt: skip
    (row,) = [
        r for r in drivers(table(rows), bank.taxonomy, as_of=AS_OF, params=READ).to_pylist() if r["level"] == "cause"
    ]
    assert (row["contrast"], row["answers"], row["n"], row["verdict"]) == ("experienced", 400, 50, "lowers")
    assert "of customers who contacted us about it in the 90 days before" in row["sentence"]


def test_nothing_after_the_moment_of_the_report_is_known_to_it(bank: Programme) -> None:
    rows = company(600)
    future = [answer(9_000 + n, 0, "fee_dispute", occurred_at=datetime(2025, 7, 1)) for n in range(100)]
    assert drivers(table(rows + future), bank.taxonomy, as_of=AS_OF, params=READ).equals(
        drivers(table(rows), bank.taxonomy, as_of=AS_OF, params=READ)
    )


def alert(number: int, signal: str, cause: str | None, **changes: Any) -> dict[str, Any]:
    row = {"trigger_id": f"t{number}", "signal_id": signal, "kind": "recovery", "cause_id": cause,
           "occurred_at": AS_OF - timedelta(days=20)}  # fmt: skip
    return {**row, **changes}


@pytest.fixture
def told(bank: Programme) -> Callable[..., str]:
    def tell(rows: list[dict[str, Any]], alerts: list[dict[str, Any]], **arguments: Any) -> str:
        found = drivers(table(rows), bank.taxonomy, as_of=AS_OF, params=READ,
                        triggers=pa.Table.from_pylist(alerts, schema=TRIGGER), **arguments)  # fmt: skip
        return next(r["sentence"] for r in found.to_pylist() if r["subject_id"] == "fee_dispute")

    return tell


def test_the_sentence_tells_share_of_alerts_impact_with_interval_and_both_solutions(told: Callable[..., str]) -> None:
    rows = [{**row, "occurred_at": datetime(2025, 6, 1)} for row in company(1_000)]
    complaint = {"signal_kind": "complaint", "score_metric": None, "occurred_at": datetime(2025, 6, 2)}
    # Fees are complained of in the south, everything else everywhere.
    rows += [answer(5_000 + n, 0, "fee_dispute", region="south", **complaint) for n in range(90)]
    alerts = [alert(n, f"s{n:05d}", "fee_dispute" if n < 30 else "app_outage") for n in range(60)]
    alerts += [alert(99, "s00001", "fee_dispute"), alert(100, "s00100", "fee_dispute", kind="excellence"),
               alert(101, "s00101", "fee_dispute", occurred_at=AS_OF - timedelta(days=91))]  # fmt: skip
    text = told(rows, alerts)
    assert text.startswith("50% (95 % interval 38% to 62%) of the 60 alerts of the last 90 days relate to: ")
    assert "Unexpected or disputed fees. It goes with significantly lower NPS: answers that mention it score −" in text
    assert "on a scale of 0 to 10" in text
    assert "An association, not a proof of cause." in text
    assert "Tactical: start with region south: " in text
    assert "explain the rule at the point where it bites" in text
    assert "Strategic: a policy failure, heard in 1 of 1 months; review the rule itself." in text


def test_no_place_is_named_where_none_stands_out_and_no_alert_share_without_alerts(told: Callable[..., str]) -> None:
    rows = [{**row, "region": ("north", "south")[n % 2]} for n, row in enumerate(company(800))]
    text = told(rows, [])
    assert "alerts" not in text
    assert "start with" not in text
    assert "Tactical: explain the rule" in text


def test_a_theme_is_called_by_its_name_and_remedied_by_the_type_of_its_commonest_cause(bank: Programme) -> None:
    found = drivers(table(company(800)), bank.taxonomy, as_of=AS_OF, params=READ,
                    theme_names={"T-app_outage": "Login fails in the app"}).to_pylist()  # fmt: skip
    (row,) = [row for row in found if row["subject_id"] == "T-app_outage"]
    assert row["name"] == "Login fails in the app"
    assert "Strategic: a product failure" in row["sentence"]


def test_a_moment_without_a_time_zone_is_refused(bank: Programme) -> None:
    with pytest.raises(ValueError, match="time zone"):
        drivers(table([]), bank.taxonomy, as_of=datetime(2025, 1, 1))


def test_no_answers_make_an_empty_table(bank: Programme) -> None:
    assert drivers(table([]), bank.taxonomy, as_of=AS_OF).num_rows == 0
