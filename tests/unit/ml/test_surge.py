"""Theme surges: planted ones are found, quiet series stay quiet."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from ml.detection.evidence import Evidence
from ml.detection.surge import benjamini_hochberg, find_surges, upper_tail
from ml.detection.triggers import Window, detect
from models.trigger import Surge, TriggerRule

FIRST = datetime(2023, 1, 2, tzinfo=UTC)
WEEK = timedelta(days=7)


def series(counts: np.ndarray, exposure: list[float] | None = None) -> pa.Table:
    """Rows of agg_theme_week from counts (themes, weeks); weeks without signals have no row, as in the mart."""
    rows = [
        {
            "theme_id": f"T-{theme:02d}",
            "week_start": FIRST + week * WEEK,
            "region": "all",
            "signals": int(counts[theme, week]),
            "exposure": exposure[week] if exposure else None,
        }
        for theme in range(counts.shape[0])
        for week in range(counts.shape[1])
        if counts[theme, week] > 0
    ]
    return pa.Table.from_pylist(rows)


def noisy(themes: int, weeks: int, *, mean: float, dispersion: float, seed: int) -> np.ndarray:
    size = mean / (dispersion - 1)
    return np.random.default_rng(seed).negative_binomial(size, 1 / dispersion, (themes, weeks))


def end(counts: np.ndarray) -> datetime:
    return FIRST + counts.shape[1] * WEEK


def test_a_planted_surge_is_found_in_every_one_of_its_weeks() -> None:
    counts = noisy(12, 40, mean=20, dispersion=1.5, seed=1)
    counts[4, 30:33] += 60
    found = find_surges(series(counts), Surge(), as_of=end(counts))
    planted = [surge for surge in found if surge.theme_id == "T-04"]
    assert [surge.week_start for surge in planted] == [FIRST + week * WEEK for week in (30, 31, 32)]
    assert {surge.onset for surge in planted} == {FIRST + 30 * WEEK}
    # 11 other themes over 32 weeks: one false alarm is what a false-discovery rate of 1 % a week may cost.
    assert len(found) - len(planted) <= 1


def test_quiet_over_dispersed_series_rarely_alarm() -> None:
    alarms = weeks = 0
    for seed in range(5):
        counts = noisy(40, 60, mean=15, dispersion=2.0, seed=seed)
        alarms += len(find_surges(series(counts), Surge(), as_of=end(counts)))
        weeks += 60 - 8
    # Forty themes together: less than one false alarm in a quarter of a year.
    assert alarms / weeks < 1 / 13


def test_a_plain_threshold_of_half_as_much_again_would_have_cried_wolf() -> None:
    counts = noisy(40, 60, mean=15, dispersion=2.0, seed=3)
    naive = (counts[:, 1:] > 1.5 * np.maximum(counts[:, :-1], 1)).sum()
    assert naive > 50 * max(len(find_surges(series(counts), Surge(), as_of=end(counts))), 1)


def test_more_customers_are_no_surge_when_exposure_is_known() -> None:
    counts = noisy(6, 30, mean=20, dispersion=1.2, seed=5)
    counts[:, 25:] = noisy(6, 5, mean=60, dispersion=1.2, seed=6)
    exposure = [1000.0] * 25 + [3000.0] * 5
    assert find_surges(series(counts, exposure), Surge(), as_of=end(counts)) == []
    assert find_surges(series(counts), Surge(), as_of=end(counts)) != []


def test_a_week_that_is_not_over_is_not_judged() -> None:
    counts = noisy(5, 20, mean=20, dispersion=1.2, seed=6)
    counts[2, 19] = 200
    before_its_end = end(counts) - timedelta(seconds=1)
    assert find_surges(series(counts), Surge(), as_of=before_its_end) == []
    assert len(find_surges(series(counts), Surge(), as_of=end(counts))) == 1


def test_later_weeks_never_change_what_was_said_about_earlier_ones() -> None:
    counts = noisy(8, 40, mean=20, dispersion=1.5, seed=7)
    counts[1, 20] += 80
    whole = find_surges(series(counts), Surge(), as_of=end(counts))
    part = find_surges(series(counts), Surge(), as_of=FIRST + 21 * WEEK)
    assert part == [surge for surge in whole if surge.week_start <= FIRST + 20 * WEEK]
    assert len(part) == 1


def test_one_surge_does_not_hide_the_next() -> None:
    counts = np.full((3, 40), 20)
    counts[0, 20] = 90
    counts[0, 28] = 90
    found = find_surges(series(counts), Surge(), as_of=end(counts))
    assert [surge.week_start for surge in found] == [FIRST + 20 * WEEK, FIRST + 28 * WEEK]


def test_rows_of_single_regions_are_left_out_and_the_order_of_rows_does_not_matter() -> None:
    counts = noisy(4, 20, mean=20, dispersion=1.2, seed=8)
    counts[0, 15] = 120
    table = series(counts)
    regional = pa.table({**table.to_pydict(), "region": ["north"] * table.num_rows})
    mixed = pa.concat_tables([regional, table]).take(list(reversed(range(2 * table.num_rows))))
    assert find_surges(mixed, Surge(), as_of=end(counts)) == find_surges(table, Surge(), as_of=end(counts))


def test_nothing_is_said_without_rows_or_history() -> None:
    assert find_surges(series(np.full((1, 1), 30)), Surge(), as_of=FIRST) == []
    assert find_surges(series(np.full((2, 5), 30)), Surge(), as_of=FIRST + 5 * WEEK) == []


def test_the_tail_is_poisson_without_over_dispersion_and_heavier_with_it() -> None:
    plain = upper_tail(np.array([10.0]), np.array([5.0]), np.array([1.0]))[0]
    assert plain == pytest.approx(0.0318, abs=2e-4)
    assert upper_tail(np.array([10.0]), np.array([5.0]), np.array([2.0]))[0] > 2 * plain


def test_benjamini_hochberg_gives_the_adjusted_values_of_the_paper() -> None:
    adjusted = benjamini_hochberg(np.array([0.03, 0.01, 0.02, 0.5]))
    assert adjusted == pytest.approx([0.04, 0.04, 0.04, 0.5])


def surge_rule(**changes: object) -> TriggerRule:
    base: dict[str, object] = {
        "id": "theme_surge",
        "title": "Theme surge",
        "status": "draft",
        "kind": "breakdown",
        "signal": "theme_week",
        "surge": {},
        "open_case": {"severity": 2, "dedupe": {"within": "21d"}},
    }
    return TriggerRule.model_validate(base | changes)


def test_each_surging_week_is_a_trigger_of_the_theme_dated_when_the_week_was_over() -> None:
    counts = np.full((3, 30), 20)
    counts[1, 25:27] = 90
    window = Window(as_of=end(counts), historic_after_days=14)
    rows = detect(
        Evidence(pa.table({"signal_id": pa.array([], pa.string())}), agg_theme_week=series(counts)),
        [surge_rule()],
        window,
    ).to_pylist()
    assert [(row["subject_type"], row["subject_id"], row["kind"]) for row in rows] == [
        ("theme", "T-01", "breakdown")
    ] * 2
    assert sorted(row["occurred_at"] for row in rows) == [FIRST + 26 * WEEK, FIRST + 27 * WEEK]
    assert {row["dedupe_days"] for row in rows} == {21}
    assert all(row["is_historic"] for row in rows)
    assert {json.loads(row["evidence"])["onset_week"] for row in rows} == {(FIRST + 25 * WEEK).date().isoformat()}
