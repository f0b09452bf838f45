"""Which known cause a text is about: a calibrated linear model over sentence vectors and words.

Belongs here: training, judging, saving and scoring the cause classifier. Not here: where labels come from (the
warehouse joins reason codes; a model is never trained on its own predictions) or causes nobody knows yet (`topics.py`).

Method: LinearSVC on the MiniLM vector beside TF-IDF of words and word pairs, with temperature scaling (Guo et al. 2017)
fitted on held-out folds. It was the best of the combinations tried on our corpora, see docs/ml.md. Exact copies of a
text (form letters are 13 % of one corpus) never lie on both sides of a split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.store import StoredModel, dump_estimator, dump_json
from ml.text.embed import Vectors, as_unit
from ml.text.words import words_of

KIND = "root-cause"
# Part of the model id: raise it when the same data and parameters would give another model.
CODE_VERSION = 1

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassifierParams:
    """Sizes and settings of a training."""

    min_texts: int = 200
    min_per_cause: int = 10
    max_texts: int = 40_000
    regularisation: float = 0.5
    words: int = 30_000
    folds: int = 3
    test_share: float = 0.2
    # Below the confidence at which held-out precision reaches this, the cause stays unknown.
    wanted_precision: float = 0.7
    highest_abstain: float = 0.6
    seed: int = 20240101


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled texts: parallel arrays, one row per signal. `occurred` orders the time split."""

    texts: Sequence[str]
    vectors: Vectors
    causes: Sequence[str]
    groups: Sequence[str]
    occurred: Sequence[float]

    def take(self, rows: NDArray[np.int64]) -> Examples:
        """The given rows, in the given order."""
        places: list[int] = rows.tolist()
        return Examples(
            texts=[self.texts[place] for place in places],
            vectors=self.vectors[rows],
            causes=[self.causes[place] for place in places],
            groups=[self.groups[place] for place in places],
            occurred=[self.occurred[place] for place in places],
        )


@dataclass(frozen=True, slots=True)
class NotEnoughData:
    """Why nothing was trained; predictions stay unknown."""

    texts: int
    causes: int
    reason: str


@dataclass(frozen=True, slots=True)
class CauseModel:
    """A classifier ready to score. `abstain_below` is the confidence under which it says nothing."""

    model_id: str
    vectoriser: Any
    estimator: Any
    causes: tuple[str, ...]
    abstain_below: float

    def probabilities(self, texts: Sequence[str], vectors: Vectors) -> Floats:
        """Calibrated probabilities (texts, causes), columns in the order of `causes`."""
        return np.asarray(self.estimator.predict_proba(_features(self.vectoriser, texts, vectors)), dtype=np.float64)

    def predict(self, texts: Sequence[str], vectors: Vectors) -> tuple[list[str | None], Floats]:
        """Most likely cause per text, None where the model is too unsure, and the probability of the likeliest."""
        if not texts:
            return [], np.zeros(0)
        shares = self.probabilities(texts, vectors)
        confidence = np.round(shares.max(axis=1), 6)
        best = shares.argmax(axis=1)
        sure = confidence >= self.abstain_below
        return [self.causes[int(place)] if ok else None for place, ok in zip(best, sure, strict=True)], confidence

    def files(self) -> dict[str, bytes]:
        """The model as files for the store (no pickle)."""
        about = {"causes": list(self.causes), "abstain_below": self.abstain_below, "code_version": CODE_VERSION}
        return {
            "model.skops": dump_estimator({"vectoriser": self.vectoriser, "estimator": self.estimator}),
            "about.json": dump_json(about),
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a model did on texts it had not seen: plain figures, and the confusion counts (rows = truth)."""

    metrics: dict[str, float]
    causes: tuple[str, ...]
    confusion: NDArray[np.int64]
    reliability: tuple[tuple[float, float, int], ...]
    per_cause: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Training:
    """A trained model with its judgement on a random and on a time split, and what it was trained on."""

    model: CauseModel
    random_split: Judgement
    time_split: Judgement | None
    texts: int
    left_out: Mapping[str, int]
    params: ClassifierParams

    def metrics(self) -> dict[str, float]:
        """All figures under comparable names: `random_accuracy`, `time_macro_f1`, ..."""
        figures = {f"random_{name}": value for name, value in self.random_split.metrics.items()}
        if self.time_split is not None:
            figures |= {f"time_{name}": value for name, value in self.time_split.metrics.items()}
        return figures | {"abstain_below": self.model.abstain_below}


def load_cause_model(stored: StoredModel) -> CauseModel:
    """The classifier of a checked stored model. Raises ModelRefused when it holds anything we do not trust."""
    parts, about = stored.estimator("model.skops"), stored.json("about.json")
    return CauseModel(
        model_id=stored.model_id,
        vectoriser=parts["vectoriser"],
        estimator=parts["estimator"],
        causes=tuple(about["causes"]),
        abstain_below=float(about["abstain_below"]),
    )


def train(examples: Examples, params: ClassifierParams) -> Training | NotEnoughData:
    """Train on all examples after judging the same recipe on held-out texts.

    The order of the examples does not matter: they are sorted first. Causes with fewer than `min_per_cause` different
    texts are left out and counted. Returns NotEnoughData below `min_texts` texts or two causes.
    """
    examples, left_out = _usable(examples, params)
    known = sorted(set(examples.causes))
    if len(examples.texts) < params.min_texts or len(known) < 2:
        reason = f"needs {params.min_texts} coded texts of two causes; has {len(examples.texts)} of {len(known)}"
        return NotEnoughData(len(examples.texts), len(known), reason)
    random_split, shares = _judged(examples, _group_split(examples, params), params)
    time_rows = _time_split(examples, params)
    time_split = _judged(examples, time_rows, params)[0] if time_rows is not None else None
    abstain = abstain_threshold(*shares, params)
    vectoriser, estimator = _fit(examples, params)
    model = CauseModel(_model_id(examples, params), vectoriser, estimator, tuple(estimator.classes_), abstain)
    return Training(model, random_split, time_split, len(examples.texts), left_out, params)


def _usable(examples: Examples, params: ClassifierParams) -> tuple[Examples, dict[str, int]]:
    """Sorted examples of causes with enough different texts, at most `max_texts` of them, newest kept."""
    order = sorted(range(len(examples.texts)), key=lambda row: (examples.occurred[row], examples.groups[row]))
    variety: dict[str, set[str]] = {}
    for cause, group in zip(examples.causes, examples.groups, strict=True):
        variety.setdefault(cause, set()).add(group)
    rare = {cause for cause, groups in variety.items() if len(groups) < params.min_per_cause}
    kept = [row for row in order if examples.causes[row] not in rare][-params.max_texts :]
    left_out = {cause: sum(own == cause for own in examples.causes) for cause in sorted(rare)}
    return examples.take(np.asarray(kept, dtype=np.int64)), left_out


def group_share(group: str, seed: int) -> float:
    """A number in [0, 1) that depends on the group and the seed only, so that copies of a text stay together."""
    digest = hashlib.sha256(f"{seed}|{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def _group_split(examples: Examples, params: ClassifierParams) -> Split:
    share = np.array([group_share(group, params.seed) for group in examples.groups])
    return np.flatnonzero(share >= params.test_share), np.flatnonzero(share < params.test_share)


def _time_split(examples: Examples, params: ClassifierParams) -> Split | None:
    """The newest texts against the older ones; a copy of an older text is no test. None when nothing is left."""
    border = int(len(examples.texts) * (1 - params.test_share))
    known = set(examples.groups[:border])
    new = np.array([row for row in range(border, len(examples.texts)) if examples.groups[row] not in known])
    learnt = set(examples.causes[:border])
    return (np.arange(border), new.astype(np.int64)) if len(new) >= 20 and len(learnt) >= 2 else None


def _judged(
    examples: Examples, split: Split, params: ClassifierParams
) -> tuple[Judgement, tuple[Floats, NDArray[np.bool_]]]:
    """Judgement of the recipe on a split, and (confidence, was right) of its test texts."""
    trained, tested = examples.take(split[0]), examples.take(split[1])
    vectoriser, estimator = _fit(trained, params)
    shares = np.asarray(estimator.predict_proba(_features(vectoriser, tested.texts, tested.vectors)), dtype=np.float64)
    judgement = judge(tested.causes, shares, tuple(estimator.classes_))
    right = np.array([estimator.classes_[best] for best in shares.argmax(axis=1)]) == np.array(tested.causes)
    return judgement, (shares.max(axis=1), right)


def _fit(examples: Examples, params: ClassifierParams) -> tuple[Any, Any]:
    """Vectoriser and calibrated classifier; calibration folds keep copies of a text together."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    vectoriser = TfidfVectorizer(
        ngram_range=(1, 2), min_df=2, max_features=params.words, sublinear_tf=True, dtype=np.float32
    ).fit(map(_plain, examples.texts))
    model = CalibratedClassifierCV(
        LinearSVC(C=params.regularisation, random_state=params.seed),
        method="temperature",
        ensemble=False,
        cv=_folds(examples, params),
    )
    causes = np.array(examples.causes)
    return vectoriser, model.fit(_features(vectoriser, examples.texts, examples.vectors), causes)


def _folds(examples: Examples, params: ClassifierParams) -> list[Split]:
    """Stratified folds over groups, deterministic."""
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(n_splits=params.folds, shuffle=True, random_state=params.seed)
    rows = np.zeros((len(examples.texts), 1))
    return list(splitter.split(rows, np.array(examples.causes), groups=np.array(examples.groups)))


def _plain(text: str) -> str:
    return " ".join(words_of(text))


def _features(vectoriser: Any, texts: Sequence[str], vectors: Vectors) -> Any:
    """Sparse matrix of the TF-IDF words beside the sentence vector, each of length one."""
    from scipy.sparse import csr_matrix, hstack

    words = vectoriser.transform(map(_plain, texts))
    return hstack([words, csr_matrix(as_unit(vectors))], format="csr")


def judge(truth: Sequence[str], shares: Floats, causes: tuple[str, ...]) -> Judgement:
    """Accuracy, macro-F1, calibration error and coverage of probabilities (texts, causes) against the truth.

    A cause that only the truth knows counts as a miss and as a class of its own in macro-F1.
    """
    names = tuple(sorted({*truth, *causes}))
    place = {name: index for index, name in enumerate(names)}
    actual = np.array([place[name] for name in truth])
    guess = np.array([place[causes[int(best)]] for best in shares.argmax(axis=1)])
    confidence, right = shares.max(axis=1), actual == guess
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(confusion, (actual, guess), 1)
    per_cause = {name: _scores(confusion, index) for name, index in place.items()}
    error, bins = calibration_error(confidence, right)
    present = [scores["f1"] for name, scores in per_cause.items() if scores["support"] > 0]
    metrics = {
        "texts": float(len(truth)),
        "accuracy": float(right.mean()),
        "macro_f1": float(np.mean(present)),
        "ece": error,
        "accuracy_at_80_coverage": _accuracy_at(confidence, right, 0.8),
        "coverage_at_90_precision": _coverage_at(confidence, right, 0.9),
    }
    return Judgement(metrics, names, confusion, bins, per_cause)


def _scores(confusion: NDArray[np.int64], index: int) -> dict[str, float]:
    hit, called, support = confusion[index, index], confusion[:, index].sum(), confusion[index].sum()
    return {
        "precision": float(hit / called) if called else 0.0,
        "recall": float(hit / support) if support else 0.0,
        "f1": float(2 * hit / (called + support)) if called + support else 0.0,
        "support": float(support),
    }


def calibration_error(
    confidence: Floats, right: NDArray[np.bool_], bins: int = 10
) -> tuple[float, tuple[tuple[float, float, int], ...]]:
    """Expected calibration error over equal-width bins, and per bin (mean confidence, accuracy, count)."""
    bucket = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = [
        (
            float(confidence[bucket == number].mean()),
            float(right[bucket == number].mean()),
            int((bucket == number).sum()),
        )
        for number in range(bins)
        if (bucket == number).any()
    ]
    error = sum(count * abs(mean - accuracy) for mean, accuracy, count in rows) / len(confidence)
    return float(error), tuple(rows)


def _accuracy_at(confidence: Floats, right: NDArray[np.bool_], coverage: float) -> float:
    order = np.argsort(-confidence, kind="stable")
    return float(right[order[: max(1, int(coverage * len(order)))]].mean())


def _coverage_at(confidence: Floats, right: NDArray[np.bool_], precision: float) -> float:
    order = np.argsort(-confidence, kind="stable")
    running = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(running >= precision)
    return float((enough[-1] + 1) / len(order)) if len(enough) else 0.0


def abstain_threshold(confidence: Floats, right: NDArray[np.bool_], params: ClassifierParams) -> float:
    """Lowest confidence at which the texts above it are right often enough; bounded, on a grid of 0.05."""
    for step in range(round(params.highest_abstain / 0.05) + 1):
        above = confidence >= step * 0.05
        if not above.any() or right[above].mean() >= params.wanted_precision:
            return round(step * 0.05, 2)
    return params.highest_abstain


def _model_id(examples: Examples, params: ClassifierParams) -> str:
    """Hash of what the model is a function of: code version, parameters and training rows."""
    content = hashlib.sha256(repr((CODE_VERSION, sorted(asdict(params).items()))).encode())
    for row in sorted(zip(examples.groups, examples.causes, examples.occurred, strict=True)):
        content.update(repr(row).encode())
    return f"cause-{content.hexdigest()[:12]}"
