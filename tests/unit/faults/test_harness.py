"""The fault suite itself: it knows every crash point, and it sees what is doubled, lost or strange."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import conf
from cases.crash import CRASH_POINTS
from models.settings import Settings
from tests.faults.tally import Score, tally

conf.setup(Settings(home=Path("/nowhere")))

from tests.faults import jobs, naive  # noqa: E402  (imports tables, which need Django set up)


def test_every_crash_point_of_the_code_is_known_and_has_a_job() -> None:
    points = jobs.crash_points()
    assert set(CRASH_POINTS) < set(points)
    assert {"publish.after_switch", "notes.after_file"} < set(points)
    assert {point: jobs.job_of(point).__name__ for point in points}["outbox.before_release_commit"] == "Releasing"


def test_a_crash_point_without_a_job_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"spaceship\.launch"):
        jobs.job_of("spaceship.launch")


@given(st.sets(st.integers(0, 20)), st.lists(st.integers(0, 20), max_size=40))
def test_a_tally_is_right_exactly_when_both_sides_agree(wanted: set[int], found: list[int]) -> None:
    score = tally(wanted, found)
    assert score.ok == (Counter(wanted) == Counter(found))
    assert score.got + score.lost == score.expected == len(wanted)
    assert score.dup == len(found) - len(set(found))


@pytest.mark.parametrize("flaw", [{"dup": 1}, {"lost": 1}, {"problems": ["odd"]}, {"expected": 1}])
def test_any_flaw_makes_a_score_red(flaw: dict) -> None:
    assert Score().ok
    assert not Score(**flaw).ok


def test_the_naive_design_is_sound_as_long_as_nobody_dies(tmp_path: Path) -> None:
    """So what the control loses and doubles comes from the kills alone."""
    system = naive.Naive(tmp_path / "naive", retries=True)
    for count in (3, 3, 9):
        system.tick([f"t{i}" for i in range(count)])
    assert system.score(f"t{i}" for i in range(9)).ok


@pytest.mark.parametrize(("retries", "state"), [(True, "dup"), (False, "lost")])
def test_a_run_that_died_is_doubled_or_lost_by_the_naive_design(tmp_path: Path, retries: bool, state: str) -> None:
    import sqlite3

    system = naive.Naive(tmp_path / "naive", retries=retries)
    system.tick(["t0"])
    with sqlite3.connect(system.database) as db:
        # It died after its case (or before it), before it could say so.
        db.execute("UPDATE runs SET state = 'started'")
        if not retries:
            db.execute("DELETE FROM cases")
    system.tick(["t0"])
    assert getattr(system.score(["t0"]), state) > 0
