"""Sentence vectors of one mix of texts: our two tiers against sentence-transformers on the same texts, in turns.

Stock: `SentenceTransformer.encode` of all-MiniLM-L6-v2 as it comes (batch 32, single precision), and its best setting on
this machine out of batch 8, bf16 autocast and bf16 weights, as long as the vectors stay. Ours: the exact tier in the format
the calibration chooses, and the static tier, a student fitted without labels. Two threads, CPU seconds of the process.
The closing `ratio` is static against stock as it comes, texts per CPU second.

Accuracy: LinearSVC on the student's vectors against the same on MiniLM's, over five folds of Banking77's training file; the
student of a fold is fitted on the texts of its training part only. With the official test split at hand (`--test`, or
`test.csv` beside the training file) the same once more, trained on all of the training file; the lower share counts.
Guard: static at least 100 times stock as it comes, with at least 98 % of MiniLM's accuracy; exact at least as fast as the
best stock setting, at a cosine of at least 0.999 to stock; a second run embeds nothing and 1 % new texts only those.
Run: `python -m benchmarks.embed`. Without the real corpora it runs on texts of our own generator.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import corpora
from benchmarks.corpora import Corpus
from benchmarks.harness import Runs, finish, interleave, ratio
from ml.store import ModelStore
from ml.text.calibration import recorded
from ml.text.embed import Embedder, EmbeddingCache, Vectors, as_unit
from ml.text.student import Student, fit_student
from ml.text.tiers import embedder_for

THREADS = 2
# Questions, tweets and long complaints as a bank's inbox might hold them: 11 short texts to each long one.
SHARES = {"banking77": 240, "airline": 160, "cfpb": 40}
# The student of the mix learns from this many texts per text of the mix.
TEACHERS_PER_TEXT = 12
# The static tier is done with the mix in milliseconds: so many separate calls make one measured run.
STATIC_CALLS = 25
LEAST_RATIO, LEAST_SHARE, LEAST_COSINE = 100, 0.98, 0.999

Encode = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True)
class Mix:
    """The measured texts, and others of the same kind for the student to learn from."""

    texts: list[str]
    teacher_texts: list[str]
    is_real: bool


def mix() -> Mix:
    """Texts by SHARES from the real corpora; where one is missing, all from our generator."""
    frame = corpora.cfpb_narratives()
    found = {
        "banking77": corpora.banking77(),
        "airline": corpora.airline(),
        "cfpb": None if frame is None else Corpus("cfpb", tuple(frame["consumer_complaint_narrative"]), ()),
    }
    real = {name: corpus.texts for name, corpus in found.items() if corpus is not None}
    is_real = len(real) == len(SHARES)
    pools = real if is_real else {"generated": corpora.generated().texts}
    shares = SHARES if is_real else {"generated": sum(SHARES.values())}
    texts: list[str] = []
    teachers: list[str] = []
    for name, pool in pools.items():
        distinct = list(dict.fromkeys(pool))
        drawn = [distinct[row] for row in np.random.default_rng(7).permutation(len(distinct))]
        texts += drawn[: shares[name]]
        teachers += drawn[shares[name] : shares[name] * (1 + TEACHERS_PER_TEXT)]
    return Mix(texts, teachers, is_real)


def stock_arms() -> dict[str, Encode]:
    """sentence-transformers: as it comes, and the settings that can make it faster."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    from ml.text.encoders import model_folder

    disable_progress_bar()
    folder = str(model_folder())
    plain = SentenceTransformer(folder, device="cpu")
    halved = SentenceTransformer(folder, device="cpu", model_kwargs={"dtype": torch.bfloat16})

    def encode(model: Any, batch: int, autocast: bool, texts: Sequence[str]) -> Vectors:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            found = model.encode(list(texts), batch_size=batch, show_progress_bar=False)
        return as_unit(found)

    return {
        "stock": partial(encode, plain, 32, False),
        "stock-8": partial(encode, plain, 8, False),
        "stock-auto": partial(encode, plain, 32, True),
        "stock-auto-8": partial(encode, plain, 8, True),
        "stock-bf16": partial(encode, halved, 32, False),
        "stock-bf16-8": partial(encode, halved, 8, False),
    }


def repeated(encode: Encode, texts: Sequence[str]) -> Vectors:
    """Separate calls on the same texts; nothing is kept between them."""
    for _ in range(STATIC_CALLS - 1):
        encode(texts)
    return encode(texts)


def speeds(texts: Sequence[str], exact: Encode, student: Student, rounds: int) -> dict[str, Runs]:
    """All arms in turns."""
    import torch

    arms: dict[str, Callable[[], Any]] = {name: partial(arm, texts) for name, arm in stock_arms().items()}
    arms["exact"] = partial(exact, texts)
    arms["static"] = partial(repeated, student, texts)
    torch.set_num_threads(THREADS)
    return interleave(arms, rounds=rounds)


def correct(train: Vectors, train_labels: Sequence[str], test: Vectors, test_labels: Sequence[str]) -> np.ndarray:
    """Which test texts LinearSVC labels rightly; its default penalty for both, no tuning for either."""
    from sklearn.svm import LinearSVC

    model = LinearSVC().fit(train, np.array(train_labels))
    return np.asarray(model.predict(test) == np.array(test_labels))


def compared(train: Corpus, train_vectors: Vectors, test: Corpus, test_vectors: Vectors) -> np.ndarray:
    """(2, texts of test): right or wrong with MiniLM's vectors and with those of a student of the training texts."""
    place = {text: row for row, text in enumerate(train.texts)}
    student = fit_student(list(place), train_vectors[list(place.values())], teacher="MiniLM")
    arms = ((train_vectors, test_vectors), (student(train.texts), student(test.texts)))
    return np.stack([correct(fitted, train.labels, asked, test.labels) for fitted, asked in arms])


def over_folds(corpus: Corpus, folds: int) -> np.ndarray:
    """`compared` for every text once, over folds with copies of a text on one side."""
    vectors = corpora.vectors(corpus.texts)
    parts = [
        compared(corpus.where(train), vectors[train], corpus.where(test), vectors[test])
        for train, test in corpora.group_folds(corpus, folds)
    ]
    return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class Share:
    """The student's accuracy as a share of MiniLM's on the same texts, with a 95 % bootstrap interval."""

    where: str
    minilm: float
    student: float
    low: float
    high: float

    @property
    def value(self) -> float:
        """Student / MiniLM."""
        return self.student / self.minilm

    def line(self) -> str:
        """One line for a person."""
        return (
            f"  {self.where}: MiniLM {self.minilm:.4f}, student {self.student:.4f}, "
            f"share {self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"
        )


def share_of(where: str, right: np.ndarray) -> Share:
    """Accuracies and their ratio; texts are drawn anew in pairs, so that hard texts are hard for both."""
    draws = np.random.default_rng(7).integers(right.shape[1], size=(1_000, right.shape[1]))
    minilm, student = right[0][draws].mean(axis=1), right[1][draws].mean(axis=1)
    low, high = np.quantile(student / minilm, [0.025, 0.975])
    return Share(where, float(right[0].mean()), float(right[1].mean()), float(low), float(high))


def accuracy(options: argparse.Namespace) -> list[Share]:
    """Shares over folds and, where it is at hand, on the official test split."""
    train = corpora.banking77(options.train) or corpora.generated()
    shares = [share_of(f"{train.name}, {options.folds} folds", over_folds(train, options.folds))]
    test = corpora.banking77_test(options.test) if train.is_real else None
    if test is not None:
        vectors = corpora.vectors(train.texts), corpora.vectors(test.texts)
        shares.append(share_of(f"{train.name}, official test", compared(train, vectors[0], test, vectors[1])))
    return shares


def computed(embedder: Embedder, folder: Path, texts: Sequence[str]) -> int:
    """How many texts had to be computed for these texts."""
    told = [0]
    embedder.embed(texts, EmbeddingCache(folder, embedder.model_id), on_progress=lambda _, total: told.append(total))
    return told[-1]


def through_the_cache(embedder: Embedder, folder: Path, found: Mix) -> tuple[int, int]:
    """Texts computed in a second run, and beyond the new ones when 1 % are new; both should be 0."""
    new = found.teacher_texts[: max(len(found.texts) // 100, 1)]
    first, again, added = (
        computed(embedder, folder, texts) for texts in (found.texts, found.texts, [*found.texts, *new])
    )
    print(f"  computed at first {first}, again {again}, with {len(new)} new texts {added}", flush=True)
    return again, added - len(new)


def main() -> None:
    """Compare, print, and end with the closing line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--train", type=Path, help="Banking77's training file, or another of its format")
    parser.add_argument("--test", type=Path, help="Banking77's official test file")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(__doc__)
    found = mix()
    with tempfile.TemporaryDirectory() as made:
        store = ModelStore(Path(made) / "models")
        exact = embedder_for(store, Path(made), found.texts, tier="exact")
        print(f"  exact tier: {exact.model_id} ({exact.reason})")
        cache_faults = through_the_cache(exact, Path(made), found)
        calibration = recorded(store)
    student = fit_student(found.teacher_texts, corpora.vectors(found.teacher_texts), teacher="MiniLM")
    told = student.fidelity
    print(
        f"  static tier: cosine to MiniLM {told.mean} [{told.low}, {told.high}] on {told.texts} other texts", flush=True
    )
    runs = speeds(found.texts, exact.encode, student, options.rounds)
    print(*(measured.line() for measured in runs.values()), sep="\n", flush=True)
    shares = accuracy(options)
    print(*(share.line() for share in shares), sep="\n", flush=True)
    close(found, runs, min(shares, key=lambda share: share.value), cache_faults, {
        "exact_backend": calibration.chosen if calibration else "fp32", "static_cosine_mean": told.mean,
    })  # fmt: skip


def close(
    found: Mix, runs: dict[str, Runs], share: Share, cache_faults: tuple[int, int], more: Mapping[str, Any]
) -> None:
    """The closing line out of everything measured."""
    cosine = {name: float((run.result * runs["stock"].result).sum(axis=1).min()) for name, run in runs.items()}
    cpu = {name: run.cpu / len(found.texts) for name, run in runs.items()}
    cpu["static"] /= STATIC_CALLS
    settings = [name for name in runs if name.startswith("stock") and cosine[name] >= LEAST_COSINE]
    best = min(settings, key=lambda name: cpu[name])
    static_ratio, exact_ratio = ratio(cpu["stock"], cpu["static"]), ratio(cpu[best], cpu["exact"])
    guard = (
        static_ratio >= LEAST_RATIO
        and share.value >= LEAST_SHARE
        and exact_ratio >= 1
        and cosine["exact"] >= LEAST_COSINE
        and cache_faults == (0, 0)
    )
    named = {"stock": "stock", "best_stock": best, "exact": "exact", "static": "static"}
    rates = {f"{name}_per_cpu_s": 1 / cpu[arm] for name, arm in named.items()}
    finish("embed", static_ratio, guard=guard, accuracy_share=share.value, share_low=share.low, share_high=share.high,
           minilm_accuracy=share.minilm, static_accuracy=share.student, judged_on=share.where, exact_ratio=exact_ratio,
           best_stock=best, exact_vs_default=ratio(cpu["stock"], cpu["exact"]), cosine_min=cosine["exact"], **rates,
           rerun_embedded=cache_faults[0], one_percent_extra=cache_faults[1], texts=len(found.texts),
           real_texts=found.is_real, **more)  # fmt: skip


if __name__ == "__main__":
    main()
