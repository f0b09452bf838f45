"""Which way of running the exact encoder is fastest on this machine without changing its vectors.

Belongs here: trying the backends on a small sample, choosing one by a fixed rule, and the record of it in the model store
(kind `embedder`). Not here: the backends (`encoders.py`) and the choice between exact and static (`tiers.py`).

Published speeds do not carry over: bf16 is four times as fast as single precision where a processor has matrix tiles and
up to a hundred times slower where it has not. So it is measured, for a few seconds, once per machine and version of torch.
"""

from __future__ import annotations

import hashlib
import platform
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml.store import ModelStore, dump_json
from ml.text.embed import MINILM, Encode, Vectors, text_key
from ml.text.encoders import BACKENDS, FP32, Backend, MiniLM, available, thread_count

KIND = "embedder"
# A text counts by its characters; about this many are what 256 word pieces hold, the rest is not read.
READ_CHARACTERS = 1_200
# Below this cosine to single precision (any text of the sample) a backend is another model.
LEAST_COSINE = 0.999
# Measured times differ by a tenth between equal runs; less than this is no reason to leave the plainest format.
WORTH_LEAVING_FP32 = 1.15
# Another backend than last time means every text is computed again: only for a clear gain.
WORTH_CHANGING = 1.5
FEWEST_TEXTS = 64

_MOST_TEXTS = 192
# About 3,500 word pieces: half a CPU-second in single precision on a server core of 2023.
_MOST_CHARACTERS = 14_000
_ROUNDS = 2
_ALONE = 6
_PROCESSOR_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")


@dataclass(frozen=True, slots=True)
class Machine:
    """What a calibration depends on; it is repeated when any of it changes."""

    processor: str
    threads: int
    torch: str
    has_gpu: bool
    model: str = MINILM

    @staticmethod
    def here() -> Machine:
        """This machine, told without importing torch (two CPU-seconds that a run with nothing new must not pay)."""
        from importlib.metadata import version

        return Machine(_processor(), thread_count(), version("torch"), Path("/dev/nvidiactl").exists())


def _processor() -> str:
    """Architecture and the instruction sets that decide about number formats."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    flags = next((set(line.split(":")[1].split()) for line in lines if line.startswith(("flags", "Features"))), set())
    return " ".join([platform.machine(), *(flag for flag in _PROCESSOR_FLAGS if flag in flags)])


@dataclass(frozen=True, slots=True)
class Trial:
    """One backend on the sample. Rates are per second; cosines are to single precision on the CPU, over the sample.

    `alone_cosine_min` compares texts encoded alone and in company: below the limit a cache would keep accidents.
    """

    backend: str
    texts_per_cpu_second: float
    texts_per_second: float
    characters_per_second: float
    cosine_min: float
    cosine_mean: float
    alone_cosine_min: float

    @property
    def is_exact(self) -> bool:
        """Whether its vectors may stand for single precision."""
        return self.cosine_min >= LEAST_COSINE and self.alone_cosine_min >= LEAST_COSINE


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was tried on which machine, and what was chosen and why."""

    machine: Machine
    trials: tuple[Trial, ...]
    chosen: str
    reason: str
    sample_texts: int

    @property
    def backend(self) -> Backend:
        """The chosen backend."""
        return BACKENDS[self.chosen]

    @property
    def model_id(self) -> str:
        """Name under which the record is stored: the same measurement gives the same name."""
        return f"calibration-{hashlib.sha256(dump_json(self.as_json())).hexdigest()[:12]}"

    def seconds_for(self, texts: Sequence[str]) -> float:
        """Wall seconds the chosen backend would take for these texts, at the speed of the sample."""
        speed = next(trial.characters_per_second for trial in self.trials if trial.backend == self.chosen)
        return characters(texts) / speed

    def as_json(self) -> dict[str, Any]:
        """Plain values, for the model store and for run metadata."""
        return asdict(self)

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> Calibration:
        """The record read back. Raises TypeError or KeyError when it is of another shape."""
        return Calibration(
            machine=Machine(**record["machine"]),
            trials=tuple(Trial(**trial) for trial in record["trials"]),
            chosen=record["chosen"],
            reason=record["reason"],
            sample_texts=record["sample_texts"],
        )


def characters(texts: Sequence[str]) -> int:
    """Characters the encoder would read of these texts, one more for each so that an empty text is not free."""
    return sum(min(len(text), READ_CHARACTERS) + 1 for text in texts)


def sample_of(texts: Sequence[str]) -> list[str]:
    """A small sample of distinct texts in the order of their hash: the same texts give the same sample, in any order."""
    sample: list[str] = []
    left = _MOST_CHARACTERS
    for text in sorted(set(texts), key=text_key)[:_MOST_TEXTS]:
        sample.append(text)
        left -= characters([text])
        if left < 0:
            break
    return sample


# CPU and wall seconds so far.
Meter = Callable[[], tuple[float, float]]


def used_so_far() -> tuple[float, float]:
    """CPU seconds of this process and seconds of a steady clock; only differences mean anything."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, time.perf_counter()


def calibrate(
    texts: Sequence[str],
    *,
    machine: Machine | None = None,
    encoders: Mapping[str, Encode] | None = None,
    incumbent: str | None = None,
    meter: Meter = used_so_far,
) -> Calibration:
    """Try every backend of the machine on a sample of `texts` and choose one; two to four CPU-seconds on a laptop.

    `encoders` by name of the backend replace those of the machine; `fp32` must be among them. `incumbent` is the backend
    chosen before. Backends run in turns, the least time of each counts. Raises ValueError without any text.
    """
    sample = sample_of(texts)
    if not sample:
        raise ValueError("nothing to calibrate with: no text")
    made = encoders or {backend.name: MiniLM(backend) for backend in available()}
    reference = made[FP32.name](sample)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in made}
    # The first run of each also pays for allocations and kernels, and is not timed.
    vectors: dict[str, Vectors] = {name: reference if name == FP32.name else made[name](sample) for name in made}
    for number in range(_ROUNDS):
        for name in list(made)[:: -1 if number % 2 else 1]:
            before = meter()
            made[name](sample)
            after = meter()
            times[name].append((after[0] - before[0], after[1] - before[1]))
    trials = tuple(_trial(name, sample, vectors[name], reference, times[name], made[name]) for name in made)
    chosen, reason = choose(trials, incumbent)
    return Calibration(machine or Machine.here(), trials, chosen, reason, len(sample))


def _trial(
    name: str,
    sample: Sequence[str],
    vectors: Vectors,
    reference: Vectors,
    times: Sequence[tuple[float, float]],
    encode: Encode,
) -> Trial:
    cpu, wall = (max(min(column), 1e-9) for column in zip(*times, strict=True))
    cosine = (vectors * reference).sum(axis=1)
    alone = np.concatenate([encode([text]) for text in sample[:_ALONE]])
    return Trial(
        backend=name,
        texts_per_cpu_second=round(len(sample) / cpu, 2),
        texts_per_second=round(len(sample) / wall, 2),
        characters_per_second=round(characters(sample) / wall, 1),
        cosine_min=round(float(cosine.min()), 7),
        cosine_mean=round(float(cosine.mean()), 7),
        alone_cosine_min=round(float((alone * vectors[:_ALONE]).sum(axis=1).min()), 7),
    )


def choose(trials: Sequence[Trial], incumbent: str | None = None) -> tuple[str, str]:
    """The backend to use and why, by rule; the order of `trials` decides nothing.

    Among those whose vectors are single precision's within LEAST_COSINE, the fastest, if it is WORTH_LEAVING_FP32 times
    as fast. A still valid `incumbent` stays unless the fastest is WORTH_CHANGING times as fast as it. On a processor speed
    is texts per CPU-second, since wall time there depends on who else is at work; where a GPU takes part it is wall time.
    """
    gpu = any(BACKENDS[trial.backend].device != "cpu" for trial in trials)
    speed = {trial.backend: trial.texts_per_second if gpu else trial.texts_per_cpu_second for trial in trials}
    valid = [trial.backend for trial in trials if trial.is_exact or trial.backend == FP32.name]
    fastest = max(sorted(valid, key=list(BACKENDS).index), key=speed.__getitem__)
    if incumbent in valid and speed[fastest] < WORTH_CHANGING * speed[incumbent]:
        return incumbent, f"{incumbent} was in use and no other is {WORTH_CHANGING} times as fast"
    if fastest == FP32.name or speed[fastest] < WORTH_LEAVING_FP32 * speed[FP32.name]:
        refused = sorted(trial.backend for trial in trials if trial.backend not in valid)
        because = f"; refused for its vectors: {', '.join(refused)}" if refused else ""
        return FP32.name, f"nothing exact is {WORTH_LEAVING_FP32} times as fast as single precision{because}"
    cosine = next(trial.cosine_min for trial in trials if trial.backend == fastest)
    times = speed[fastest] / speed[FP32.name]
    return fastest, f"{times:.1f} times as fast as single precision at a cosine of at least {cosine:.5f}"


def recorded(store: ModelStore) -> Calibration | None:
    """The calibration in the store, of whatever machine; None when there is none that can be read."""
    stored = store.active(KIND)
    if stored is None:
        return None
    try:
        return Calibration.from_json(stored.json("calibration.json"))
    except (KeyError, TypeError):
        return None


def calibrated(store: ModelStore, texts: Sequence[str]) -> Calibration | None:
    """The calibration that holds here: the recorded one, or a new one, recorded, when enough texts are at hand.

    None means: use single precision, there is too little to measure with.
    """
    known, machine = recorded(store), Machine.here()
    if known is not None and known.machine == machine:
        return known
    if len(set(texts)) < FEWEST_TEXTS:
        return None
    fresh = calibrate(texts, machine=machine, incumbent=known.chosen if known else None)
    store.save(KIND, fresh.model_id, {"calibration.json": dump_json(fresh.as_json())})
    store.promote(KIND, fresh.model_id)
    return fresh
