"""The gate: the champion stays unless the challenger is better where chance picked the texts, with an interval."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from ml.root_cause.gate import Judged, decide, gate, macro_f1_difference, no_worse, paired_difference
from ml.root_cause.labels import audit_slice, trainable
from models.label import NotTrainable, in_audit


def rights(both: int, gained: int, lost: int, neither: int) -> tuple[list[bool], list[bool]]:
    champion = [True] * both + [False] * gained + [True] * lost + [False] * neither
    challenger = [True] * both + [True] * gained + [False] * lost + [False] * neither
    return champion, challenger


def judged(both: int, gained: int, lost: int, neither: int) -> Judged:
    champion, challenger = rights(both, gained, lost, neither)
    truth = [("a", "b")[n % 2] for n in range(len(champion))]
    wrong = {"a": "b", "b": "a"}
    said = [[t if ok else wrong[t] for t, ok in zip(truth, right, strict=True)] for right in (champion, challenger)]
    return Judged(truth, said[0], said[1])


def test_a_better_challenger_is_promoted_with_its_numbers_in_words() -> None:
    verdict = decide(*rights(120, 40, 8, 32))
    assert verdict.is_promoted and verdict.basis == "audit"
    assert verdict.reason.startswith("promoted: better, accuracy +0.160 (") and "200 audit labels" in verdict.reason


def test_a_challenger_that_only_looks_better_is_not() -> None:
    verdict = decide(*rights(120, 22, 16, 42))
    assert verdict.accuracy is not None and verdict.accuracy.value > 0
    assert verdict.decision == "kept" and verdict.reason.startswith("kept: not better")


def test_too_few_audit_labels_keep_the_champion_whatever_they_say() -> None:
    verdict = decide(*rights(0, 49, 0, 0))
    assert verdict.reason == "kept: too few audit labels, 49 of 50"
    assert decide([], []).reason == "kept: too few audit labels, 0 of 50"


def test_better_on_the_whole_but_worse_on_rare_causes_is_kept() -> None:
    truth = ["common"] * 300 + ["rare"] * 30
    champion = ["common"] * 200 + ["other"] * 100 + ["rare"] * 30
    challenger = ["common"] * 330
    found = gate(has_champion=True, audit=Judged(truth, champion, challenger))
    assert found.accuracy is not None and found.accuracy.low > 0
    assert found.macro_f1 is not None and found.macro_f1.high < 0
    assert found.decision == "kept" and "rare causes" in found.reason


def test_a_first_model_is_promoted_and_marked_as_not_yet_confirmed() -> None:
    verdict = gate(has_champion=False, audit=judged(60, 0, 20, 20))
    assert verdict.is_promoted and verdict.basis == "held_out" and "not yet confirmed" in verdict.reason


def test_without_any_audit_label_the_challenger_must_be_no_worse_on_the_newest_texts() -> None:
    same, worse = judged(900, 20, 20, 60), judged(850, 10, 40, 100)
    assert "no worse" in gate(has_champion=True, time_split=same).reason
    assert gate(has_champion=True, time_split=worse).decision == "kept"
    assert gate(has_champion=True).decision == "kept"
    assert not no_worse(*rights(20, 0, 0, 0)).is_promoted


def test_one_audit_label_is_enough_to_end_promotion_without_an_audit() -> None:
    verdict = gate(has_champion=True, audit=judged(1, 0, 0, 0), time_split=judged(900, 40, 0, 60))
    assert verdict.reason == "kept: too few audit labels, 1 of 50"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=120))
@settings(max_examples=100, deadline=None)
def test_swapping_the_two_models_mirrors_the_difference(pairs: list[tuple[bool, bool]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    there, back = paired_difference(first, second), paired_difference(second, first)
    assert there.value == pytest.approx(-back.value) and there.low == pytest.approx(-back.high)
    assert -1 <= there.low <= there.value + 1e-12 and there.value - 1e-12 <= there.high <= 1


def test_equal_weights_are_no_weights_and_a_heavy_text_counts_for_many() -> None:
    champion, challenger = rights(50, 10, 5, 35)
    plain = paired_difference(champion, challenger)
    weighed = paired_difference(champion, challenger, [7.0] * 100)
    assert (weighed.value, weighed.low, weighed.high) == pytest.approx((plain.value, plain.low, plain.high))
    heavy = paired_difference([True, False], [False, True], [3.0, 1.0])
    assert heavy.value == pytest.approx(-0.5) and heavy.effective == pytest.approx(1.6)


@pytest.mark.parametrize("weights", [[1.0], [0.0, 1.0], [float("nan"), 1.0], [-1.0, 1.0]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match=r"texts|positive"):
        paired_difference([True, False], [True, True], weights)


def test_against_a_champion_that_is_always_wrong_the_interval_is_wilsons() -> None:
    found = paired_difference(*rights(0, 30, 0, 70))
    low, _ = proportion_confint(30, 100, method="wilson")
    assert found.low < low < found.value


@pytest.mark.parametrize("n", [50, 200])
@pytest.mark.parametrize("cells", [(0.80, 0.05, 0.05, 0.10), (0.60, 0.15, 0.10, 0.15), (0.93, 0.02, 0.03, 0.02)])
def test_the_interval_covers_the_true_difference(n: int, cells: tuple[float, ...]) -> None:
    rng = np.random.default_rng(11)
    drawn = rng.multinomial(n, cells, size=1_000)
    covered = 0
    for both, gained, lost, neither in drawn:
        found = paired_difference(*rights(both, gained, lost, neither))
        covered += found.low <= cells[1] - cells[2] <= found.high
    assert covered / 1_000 > 0.93


def test_equal_models_are_seldom_promoted() -> None:
    rng = np.random.default_rng(5)
    drawn = rng.multinomial(150, (0.7, 0.08, 0.08, 0.14), size=1_500)
    promoted = np.mean([decide(*rights(*counts)).is_promoted for counts in drawn])
    assert promoted <= 0.035, "one-sided 2.5 % of chance, and its own sampling error"


def test_macro_f1_of_equal_answers_differs_by_nothing() -> None:
    found = macro_f1_difference(Judged(["a", "b", "b"], ["a", "b", None], ["a", "b", None]), draws=50)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def signals(*rows: dict[str, object]) -> pa.Table:
    names = ("signal_id", "text_hash", "coded_cause_id", "coded_cause_basis", "answered_cause_id",
             "answered_cause_basis", "audit_inclusion", "is_valid")  # fmt: skip
    kinds = [pa.string()] * 6 + [pa.float64(), pa.bool_()]
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    return pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows], schema=schema)


def a_text(*, audited: bool) -> str:
    return next(f"h{n}" for n in range(1_000) if in_audit(f"h{n}", "cause") is audited)


def test_what_trains_was_said_by_people_of_texts_outside_the_audit() -> None:
    free, kept = a_text(audited=False), a_text(audited=True)
    coded = {"coded_cause_id": "x", "coded_cause_basis": "reason_code", "text_hash": free}
    table = signals(coded, {**coded, "text_hash": kept}, {**coded, "is_valid": False}, {"text_hash": free},
                    {**coded, "coded_cause_basis": "review"})  # fmt: skip
    assert trainable(table).tolist() == [True, False, False, False, True]


@pytest.mark.parametrize("basis", ["model", "prediction", None])
def test_a_prediction_that_comes_back_as_a_label_stops_the_training(basis: str | None) -> None:
    with pytest.raises(NotTrainable):
        trainable(signals({"coded_cause_id": "x", "coded_cause_basis": basis, "text_hash": "h"}))


def test_the_audit_slice_is_what_chance_picked_and_people_said_once_per_text() -> None:
    asked = {"answered_cause_id": "x", "answered_cause_basis": "review", "audit_inclusion": 0.05, "text_hash": "h1"}
    table = signals(
        {**asked, "signal_id": "b"}, {**asked, "signal_id": "a"}, {**asked, "signal_id": "c", "text_hash": "h2"},
        {**asked, "signal_id": "d", "text_hash": "h3", "audit_inclusion": None},
        {**asked, "signal_id": "e", "text_hash": "h4", "answered_cause_basis": "reason_code"},
    )  # fmt: skip
    found = audit_slice(table)
    assert list(found.rows) == [1, 2] and found.weights.tolist() == [20.0, 20.0]


def test_a_reviewer_who_finds_none_of_the_causes_counts_against_a_model_that_names_one() -> None:
    refuted = {"signal_id": "a", "text_hash": "h", "answered_cause_id": "none", "answered_cause_basis": "review",
               "audit_inclusion": 0.05}  # fmt: skip
    assert list(audit_slice(signals(refuted)).values) == ["none"]


def test_a_table_without_the_answers_is_judged_by_reviewed_codes() -> None:
    coded = {
        "signal_id": "a",
        "text_hash": "h",
        "coded_cause_id": "x",
        "coded_cause_basis": "review",
        "audit_inclusion": 0.1,
    }
    bare = signals(coded, {**coded, "signal_id": "b", "text_hash": "i", "coded_cause_basis": "resolution"})
    assert list(audit_slice(bare.drop_columns(["answered_cause_id", "answered_cause_basis"])).rows) == [0]
