"""Agreement of people: against published and independent figures, with intervals that cover, and truth behind answers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from ml.root_cause.agreement import dawid_skene, kappas, krippendorff, ratings_of, weekly
from models.label import Label

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def label(signal: str, by: str | None, value: str | None, at: float = 0) -> Label:
    moment = MONDAY + timedelta(days=at)
    return Label(f"{signal}{by}{at}", signal, "cause", value, "review", by, moment)


def planted(items: int, accuracy: tuple[float, ...], seed: int = 0, values: str = "abc") -> dict[str, dict[str, str]]:
    rng, answers = np.random.default_rng(seed), list(values)
    return {
        f"i{item:04d}": {
            f"p{who}": truth if rng.random() < skill else str(rng.choice([v for v in answers if v != truth]))
            for who, skill in enumerate(accuracy)
        }
        for item, truth in enumerate(answers[number % len(answers)] for number in range(items))
    }


def test_alpha_of_krippendorffs_own_example() -> None:
    # Krippendorff (2011), section C: four observers, twelve units, answers missing; nominal alpha is .743.
    data = {
        "A": "1 2 3 3 2 1 4 1 2 . . .", "B": "1 2 3 3 2 2 4 1 2 5 . 3",
        "C": ". 3 3 3 2 3 4 2 2 5 1 .", "D": "1 2 3 3 2 4 4 1 2 5 1 .",
    }  # fmt: skip
    ratings: dict[str, dict[str, str]] = {}
    for who, answers in data.items():
        for unit, value in enumerate(answers.split()):
            if value != ".":
                ratings.setdefault(str(unit), {})[who] = value
    found = krippendorff(ratings)
    assert found.alpha == pytest.approx(0.743, abs=0.0005)
    assert (found.items, found.labellers) == (11, 4), "the unit with one answer pairs with nothing"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=40))
@settings(max_examples=60, deadline=None)
def test_kappa_is_that_of_two_other_libraries(pairs: list[tuple[str, str]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    ratings = {str(n): {"x": a, "y": b} for n, (a, b) in enumerate(pairs)}
    (found,) = kappas(ratings).values()
    if len({*first, *second}) == 1:
        assert found.kappa is None
        return
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second))
    table = np.array([[sum(p == (a, b) for p in pairs) for b in "abc"] for a in "abc"])
    assert found.kappa == pytest.approx(cohens_kappa(table, return_results=False))


def test_alpha_comes_near_kappa_where_two_people_answer_everything() -> None:
    ratings = planted(600, (0.9, 0.8))
    ((pair, kappa),) = kappas(ratings).items()
    alpha = krippendorff(ratings, draws=200)
    assert pair == ("p0", "p1") and kappa.kappa is not None and alpha.alpha is not None
    assert alpha.alpha == pytest.approx(kappa.kappa, abs=0.01)
    assert alpha.low is not None and alpha.high is not None and alpha.low < alpha.alpha < alpha.high


def test_the_interval_of_alpha_covers_the_long_run_value() -> None:
    truth = krippendorff(planted(30_000, (0.85, 0.85)), draws=10).alpha
    assert truth is not None
    found = [krippendorff(planted(80, (0.85, 0.85), seed), draws=200, seed=seed) for seed in range(150)]
    covered = sum(a.low <= truth <= a.high for a in found if a.low is not None and a.high is not None)
    assert 0.88 <= covered / 150 <= 1.0


def test_nothing_twice_answered_and_one_answer_throughout_are_unknown_not_perfect() -> None:
    assert krippendorff({"a": {"x": "1"}, "b": {}}).alpha is None
    same = krippendorff({str(n): {"x": "1", "y": "1"} for n in range(20)})
    assert (same.observed, same.alpha, same.low) == (1.0, None, None)


def test_few_items_without_a_disagreement_are_no_proof_of_perfect_agreement() -> None:
    few, many = (krippendorff(planted(n, (1.0, 1.0))) for n in (9, 900))
    assert few.alpha == many.alpha == 1.0
    assert few.low is not None and many.low is not None and few.low < 0.6 < 0.98 < many.low


def test_chance_answers_agree_by_chance() -> None:
    found = krippendorff(planted(2_000, (1 / 3, 1 / 3, 1 / 3)))
    assert found.low is not None and found.high is not None and found.low < 0 < found.high


def test_who_could_not_say_or_is_not_named_does_not_count() -> None:
    said = [label("s", "a", "x"), label("s", "b", None), label("s", None, "y"), label("s", "a", "z", at=1)]
    assert ratings_of(said, "cause") == {"s": {"a": "z"}}
    assert ratings_of(said, "severity") == {}
    assert ratings_of([*said, label("s", "a", None, at=2)], "cause") == {"s": {}}


def test_an_item_belongs_to_the_week_of_its_last_answer() -> None:
    said = [
        label("s", "a", "x", at=1),
        label("s", "b", "x", at=8),
        label("t", "a", "y", at=8),
        label("t", "b", "x", at=9),
    ]
    (week,) = weekly(said, "cause", draws=20)
    assert (week.week, week.alpha.items) == (date(2026, 1, 12), 2)
    assert weekly(said[:1], "cause") == []


def test_the_truth_behind_several_answers_follows_the_reliable_not_the_many() -> None:
    ratings = planted(400, (0.95, 0.5, 0.5, 0.5), seed=3)
    truth = list("abc" * 134)[:400]
    found = dawid_skene(ratings)
    right = np.mean([found.answers[item][0] == value for item, value in zip(sorted(ratings), truth, strict=True)])
    voted = [max(sorted(set(said.values())), key=list(said.values()).count) for _, said in sorted(ratings.items())]
    majority = np.mean([vote == value for vote, value in zip(voted, truth, strict=True)])
    assert right > majority + 0.1
    assert found.confusion["p0"].diagonal().mean() > 0.8 > 0.6 > found.confusion["p1"].diagonal().mean()


def test_there_is_no_truth_behind_no_answer() -> None:
    with pytest.raises(ValueError, match="no answer"):
        dawid_skene({"s": {}})
