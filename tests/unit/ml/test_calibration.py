"""The fastest encoder is chosen only where its vectors stay, by a rule that does not depend on who was tried first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from ml.store import ModelStore, dump_json
from ml.text import calibration
from ml.text.calibration import (
    FEWEST_TEXTS,
    KIND,
    Calibration,
    Machine,
    Trial,
    calibrate,
    calibrated,
    choose,
    recorded,
    sample_of,
)
from ml.text.embed import Vectors, as_unit
from tests.unit.ml.conftest import CountingEncoder

TEXTS = [f"my card number {number} was declined" for number in range(100)]
MACHINE = Machine("x86_64 avx2", 2, "2.13.0", False)


class Clock:
    """CPU and wall seconds that pass only when an encoder says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> tuple[float, float]:
        return self.seconds, self.seconds


class Paced:
    """An encoder that takes a set time per text and may blur its vectors, also by how many it is given."""

    def __init__(self, clock: Clock, seconds: float, *, blur: float = 0.0, by_company: float = 0.0) -> None:
        self._clock, self._seconds, self._blur, self._by_company = clock, seconds, blur, by_company
        self._exact = CountingEncoder()

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self._clock.seconds += self._seconds * len(texts)
        shift = self._blur + self._by_company * (len(texts) == 1)
        return as_unit(self._exact(texts) + shift * np.linspace(-1, 1, 384))


def trial(name: str, speed: float, cosine: float = 1.0, alone: float = 1.0) -> Trial:
    return Trial(name, speed, speed, speed * 40, cosine, cosine, alone)


def test_the_faster_encoder_is_chosen_where_vectors_stay() -> None:
    clock = Clock()
    found = calibrate(
        TEXTS,
        machine=MACHINE,
        meter=clock,
        encoders={"fp32": Paced(clock, 0.02), "bf16": Paced(clock, 0.005, blur=1e-4)},
    )
    assert found.chosen == "bf16"
    assert found.backend.dtype == "bfloat16"
    assert found.reason.startswith("4.0 times as fast")
    assert [round(one.texts_per_cpu_second) for one in found.trials] == [50, 200]
    assert found.seconds_for(TEXTS[:50]) == pytest.approx(50 * 0.005, rel=0.05)


@pytest.mark.parametrize("fault", [{"blur": 0.05}, {"by_company": 0.05}])
def test_a_fast_encoder_with_other_vectors_is_refused_and_named(fault: dict[str, float]) -> None:
    clock = Clock()
    found = calibrate(
        TEXTS, machine=MACHINE, meter=clock, encoders={"fp32": Paced(clock, 0.02), "bf16": Paced(clock, 0.001, **fault)}
    )
    assert found.chosen == "fp32"
    assert "refused for its vectors: bf16" in found.reason


def test_a_small_gain_does_not_leave_single_precision() -> None:
    assert choose([trial("fp32", 100), trial("bf16", 110)])[0] == "fp32"
    assert choose([trial("fp32", 100), trial("bf16", 120)])[0] == "bf16"


def test_what_was_in_use_stays_unless_another_is_clearly_faster() -> None:
    assert choose([trial("fp32", 100), trial("bf16", 140)], incumbent="fp32")[0] == "fp32"
    assert choose([trial("fp32", 100), trial("bf16", 160)], incumbent="fp32")[0] == "bf16"
    assert choose([trial("fp32", 100), trial("bf16", 90)], incumbent="bf16")[0] == "bf16"
    assert choose([trial("fp32", 100), trial("bf16", 300, cosine=0.99)], incumbent="bf16")[0] == "fp32"


def test_the_order_of_trials_decides_nothing_even_between_equals() -> None:
    trials = [trial("fp32", 100), trial("bf16", 300), trial("cuda-fp16", 300), trial("cuda-fp32", 300)]
    assert {choose(list(order))[0] for order in permutations(trials)} == {"bf16"}


def test_where_a_gpu_takes_part_the_clock_on_the_wall_decides() -> None:
    cheap_but_slow = trial("bf16", 300)
    busy_but_fast = replace(trial("cuda-fp16", 9_000), texts_per_cpu_second=50.0)
    assert choose([trial("fp32", 100), cheap_but_slow, busy_but_fast])[0] == "cuda-fp16"


def test_a_sample_is_small_and_does_not_depend_on_the_order_or_number_of_copies() -> None:
    long = [f"{text} " * 60 for text in TEXTS * 3]
    assert sample_of(long) == sample_of(long[::-1] * 2)
    assert calibration.characters(sample_of(long)) <= 14_000 + calibration.READ_CHARACTERS + 1
    assert len(sample_of([str(number) for number in range(9_999)])) == 192


def test_nothing_can_be_calibrated_with_nothing() -> None:
    with pytest.raises(ValueError, match="no text"):
        calibrate([], encoders={"fp32": CountingEncoder()})


def test_a_record_is_read_back_as_it_was(tmp_path: Path) -> None:
    clock = Clock()
    found = calibrate(TEXTS, machine=MACHINE, meter=clock, encoders={"fp32": Paced(clock, 0.02)})
    assert Calibration.from_json(found.as_json()) == found
    store = ModelStore(tmp_path)
    store.save(KIND, found.model_id, {"calibration.json": dump_json(found.as_json())})
    store.promote(KIND, found.model_id)
    assert recorded(store) == found


def test_a_record_of_another_shape_counts_as_none(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    assert recorded(store) is None
    store.save(KIND, "old", {"calibration.json": b'{"speed": 3}'})
    store.promote(KIND, "old")
    assert recorded(store) is None


def test_the_record_of_this_machine_is_used_without_measuring_again(tmp_path: Path) -> None:
    store = _with_record(tmp_path, Machine.here())
    before = recorded(store)
    assert before is not None
    assert calibrated(store, TEXTS) == before


def test_few_texts_on_another_machine_are_left_in_single_precision(tmp_path: Path) -> None:
    store = _with_record(tmp_path, MACHINE)
    assert calibrated(store, TEXTS[: FEWEST_TEXTS - 1] * 2) is None


def _with_record(folder: Path, machine: Machine) -> ModelStore:
    clock = Clock()
    made = calibrate(TEXTS, machine=machine, meter=clock, encoders={"fp32": Paced(clock, 0.02)})
    store = ModelStore(folder)
    store.save(KIND, made.model_id, {"calibration.json": dump_json(made.as_json())})
    store.promote(KIND, made.model_id)
    return store
