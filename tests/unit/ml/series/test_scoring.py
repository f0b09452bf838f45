"""The scorers of both public collections on cases worked out by hand, and our detectors on the collections."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import scoring_nab as nab
from benchmarks import scoring_tcpd as tcpd
from benchmarks.detect_public import LEAST_NAB, LEAST_TCPD, public_scores
from tests.support import shared_data

STANDARD = nab.PROFILES["standard"]


def labelled(*windows: tuple[int, int], n: int = 1000) -> nab.Labelled:
    return nab.Labelled("made", np.zeros(n), np.arange(n).astype("datetime64[m]"), windows)


def scores(*points: int, n: int = 1000) -> np.ndarray:
    given = np.zeros(n)
    given[list(points)] = 1.0
    return given


def at_one(series: nab.Labelled, given: np.ndarray, profile: nab.Profile = STANDARD) -> float:
    return nab.curve([series], [given], profile).at(1.0)


def test_probation_is_fifteen_percent_and_at_most_750_points() -> None:
    assert [nab.probation(n) for n in (100, 1001, 5000, 20_000)] == [15, 150, 750, 750]


def test_the_first_point_of_a_window_is_worth_everything_and_silence_nothing() -> None:
    assert at_one(labelled((500, 599)), scores(500)) == pytest.approx(100.0)
    best, threshold = nab.curve([labelled((500, 599))], [scores(10)], STANDARD).best
    assert (best, threshold) == (0.0, np.inf)


def test_only_the_earliest_detection_in_a_window_counts_and_the_middle_is_worth_less() -> None:
    middle = (2 / (1 + np.exp(-2.5)) - 1) / (2 / (1 + np.exp(-5)) - 1)
    series = labelled((500, 599))
    assert at_one(series, scores(550)) == pytest.approx(100 * (middle + 1) / 2)
    assert at_one(series, scores(550, 551, 598)) == at_one(series, scores(550))


def test_a_false_alarm_far_away_costs_its_weight_and_right_behind_a_window_nearly_none() -> None:
    series = labelled((500, 599))
    assert at_one(series, scores(500, 300)) == pytest.approx(100 * (2 - 0.11) / 2)
    assert at_one(series, scores(500, 300), nab.PROFILES["low_fp"]) == pytest.approx(100 * (2 - 0.22) / 2)
    near = 0.11 * (2 / (1 + np.exp(5 / 99)) - 1)
    assert at_one(series, scores(500, 600)) == pytest.approx(100 * (2 + near) / 2)


def test_detections_in_probation_count_for_nothing() -> None:
    assert at_one(labelled((500, 599)), scores(500, 3, 149)) == pytest.approx(100.0)


def test_a_missed_window_weighs_more_where_misses_are_dear() -> None:
    series = labelled((300, 399), (700, 799))
    assert at_one(series, scores(300)) == pytest.approx(50.0)
    assert at_one(series, scores(300), nab.PROFILES["low_fn"]) == pytest.approx(50.0)
    assert at_one(series, scores(300, 690), nab.PROFILES["low_fn"]) == pytest.approx(100 * (3 - 0.11) / 6, abs=1e-4)


def test_one_threshold_is_chosen_for_all_series_together() -> None:
    low, high = scores(500) * 0.4, scores(500) * 0.9
    noisy = low + 0.4 * scores(*range(200, 260))
    chosen = nab.curve([labelled((500, 599)), labelled((500, 599))], [high, noisy], STANDARD)
    assert chosen.best == (pytest.approx(50.0), 0.9)


def test_scores_of_another_length_and_collections_without_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="1000 values but 3 scores"):
        nab.curve([labelled((500, 599))], [np.zeros(3)], STANDARD)
    with pytest.raises(ValueError, match="no labelled window"):
        nab.curve([labelled()], [np.zeros(1000)], STANDARD)


def test_f1_is_the_published_one_on_small_cases() -> None:
    assert tcpd.f1({"a": [10, 20], "b": [11, 20], "c": [10], "d": [0, 5]}, [10, 20]) == 1.0
    assert tcpd.f1({"a": [], "b": [10], "c": [50]}, [10]) == pytest.approx(10 / 11)
    assert tcpd.f1({"a": [], "b": [10], "c": [50]}, []) == pytest.approx(0.8)
    assert tcpd.f1({"a": []}, [40]) == pytest.approx(2 / 3)


def test_one_prediction_matches_one_change_point_and_no_farther_than_the_margin() -> None:
    assert tcpd.matched({10, 12}, {11}) == 1
    assert tcpd.matched({10}, {15}) == 1
    assert tcpd.matched({10}, {16}) == 0


def test_covering_is_the_published_one_on_small_cases() -> None:
    assert tcpd.covering({"a": [10, 20], "b": [10], "c": [0, 5]}, [10, 20], 45) == pytest.approx(0.7962962963)
    assert tcpd.covering({"a": [], "b": [10], "c": [40]}, [], 45) == pytest.approx(0.8189300411)
    assert tcpd.covering({"a": [7]}, [7], 20) == 1.0


def test_the_public_collections_are_scored_above_what_was_asked_with_one_set_each() -> None:
    found = public_scores(shared_data("tcpd").parent)
    assert found["nab"] >= LEAST_NAB
    assert found["nab"] > found["nab_stock"]
    assert found["tcpd_f1"] > LEAST_TCPD
    assert 0.64 <= found["tcpd_never_f1"] <= 0.70
