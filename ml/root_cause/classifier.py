"""Which known cause a text is about: training the classifier and judging it fairly.

Belongs here: what is fitted on what, held out from what, and judged on what. Not here: where labels come from (the
warehouse joins them; a model is never trained on its own predictions), the parts (`kernel.py`, `calibration.py`,
`conformal.py`, `fusion.py`) or causes nobody knows yet (`topics.py`).

Everything that says how sure the model is (calibration, sets, the confidence to abstain below and to route alone above)
is learnt from probabilities out of fold. Exact copies of a text (form letters are 13 % of one corpus) never lie on both
sides of a split.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.root_cause import conformal, kernel
from ml.root_cause.calibration import calibrate
from ml.root_cause.cause_model import CODE_VERSION, CauseModel, Reader, Thresholds, load_cause_model
from ml.root_cause.examples import ClassifierParams, Examples, Floats, LeakyLabel, Notes, Rows, usable
from ml.root_cause.fusion import CodeModel, Opinion, codes_out_of_fold, fit_codes, fit_pool
from ml.root_cause.judge import (
    Judgement,
    abstain_threshold,
    auto_figures,
    auto_threshold,
    calibration_error,
    judge,
    paired_gain,
)

__all__ = [
    "KIND",
    "CauseModel",
    "ClassifierParams",
    "Examples",
    "HeldOut",
    "Judgement",
    "LeakyLabel",
    "NotEnoughData",
    "Notes",
    "Training",
    "abstain_threshold",
    "calibration_error",
    "fit_model",
    "judge",
    "judge_model",
    "load_cause_model",
    "train",
]

KIND = "root-cause"
Split = tuple[Rows, Rows]


@dataclass(frozen=True, slots=True)
class NotEnoughData:
    """Why nothing was trained; predictions stay unknown."""

    texts: int
    causes: int
    reason: str


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Probabilities (n, causes) of the training texts by models that saw neither them nor a copy: for mis-coding,
    and for nothing that trains. `ids` are those of the examples, where they had any."""

    ids: tuple[str, ...] | None
    truth: tuple[str, ...]
    shares: Floats
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Training:
    """A trained model with its judgement on a random and on a time split, and what it was trained on.

    `sources` says per further source (`notes`, `codes`) what it adds on the texts of the random split that have it, with
    an interval; `by_source` judges each source alone, its confusion included.
    """

    model: CauseModel
    random_split: Judgement
    time_split: Judgement | None
    texts: int
    left_out: Mapping[str, int]
    params: ClassifierParams
    held_out: HeldOut
    sources: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    by_source: Mapping[str, Judgement] = field(default_factory=dict)

    def metrics(self) -> dict[str, float]:
        """All figures under comparable names: `random_accuracy`, `time_macro_f1`, `notes_gain`, ..."""
        figures = {f"random_{name}": value for name, value in self.random_split.metrics.items()}
        if self.time_split is not None:
            figures |= {f"time_{name}": value for name, value in self.time_split.metrics.items()}
        for source, gains in self.sources.items():
            figures |= {f"{source}_{name}": value for name, value in gains.items()}
        return figures | {"abstain_below": self.model.abstain_below}


def train(examples: Examples, params: ClassifierParams) -> Training | NotEnoughData:
    """Train on all examples after judging the same recipe on held-out texts.

    The order of the examples does not matter: they are sorted first. Causes with fewer than `min_per_cause` different
    texts are left out and counted. Returns NotEnoughData below `min_texts` texts with words, or two causes.
    """
    examples, left_out = usable(examples, params)
    known = set(examples.causes)
    worded = sum(bool(kernel.plain_words(text)) for text in examples.texts)
    if worded < params.min_texts or len(known) < 2:
        reason = f"needs {params.min_texts} coded texts of two causes; has {worded} of {len(known)}"
        return NotEnoughData(worded, len(known), reason)
    judged, tested = _judged(examples, _group_split(examples, params), params)
    time_rows = _time_split(examples, params)
    time_split = None if time_rows is None else _judged(examples, time_rows, params)[0]
    model, held_out = fit_model(examples, params)
    gains, alone = _by_source(*tested)
    return Training(
        model=model,
        random_split=judged,
        time_split=time_split,
        texts=len(examples.texts),
        left_out=left_out,
        params=params,
        held_out=held_out,
        sources=gains,
        by_source=alone,
    )


def group_share(group: str, seed: int) -> float:
    """A number in [0, 1) that depends on the group and the seed only, so that copies of a text stay together."""
    digest = hashlib.sha256(f"{seed}|{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


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
) -> tuple[Judgement, tuple[CauseModel, Examples]]:
    """Judgement of the recipe on a split, and the model that was judged with its test texts."""
    trained, tested = examples.take(split[0]), examples.take(split[1])
    model, _ = fit_model(trained, params)
    return judge_model(model, tested), (model, tested)


def judge_model(model: CauseModel, tested: Examples) -> Judgement:
    """How a model did on texts it has not seen: the figures of `judge`, of its sets and of what it would route alone."""
    shares = model.probabilities(tested.texts, tested.vectors, notes=tested.notes, codes=tested.codes)
    judgement = judge(tested.causes, shares, model.causes)
    target = _target(tested.causes, model.causes)
    inside = conformal.members(shares, np.asarray(model.thresholds.set_limits))
    more = conformal.coverage(inside, target)
    more |= auto_figures(shares.max(axis=1), shares.argmax(axis=1) == target, model.thresholds.auto_from)
    return Judgement({**judgement.metrics, **more}, *_rest(judgement))


def _rest(
    judged: Judgement,
) -> tuple[tuple[str, ...], NDArray[np.int64], tuple[tuple[float, float, int], ...], dict[str, dict[str, float]]]:
    return judged.causes, judged.confusion, judged.reliability, judged.per_cause


def _by_source(model: CauseModel, tested: Examples) -> tuple[dict[str, dict[str, float]], dict[str, Judgement]]:
    """What each further source adds on the texts that have it, and every source judged alone."""
    opinions = model.opinions(tested.texts, tested.vectors, notes=tested.notes, codes=tested.codes)
    target = _target(tested.causes, model.causes)
    whole = model.fuse(opinions).argmax(axis=1) == target
    gains: dict[str, dict[str, float]] = {}
    alone: dict[str, Judgement] = {}
    for source, opinion in opinions.items():
        rows = np.flatnonzero(opinion.known)
        if len(opinions) == 1 or not len(rows):
            continue
        alone[source] = judge([tested.causes[row] for row in rows.tolist()], opinion.shares[rows], model.causes)
        if source != "text":
            without = (
                model.fuse({name: own for name, own in opinions.items() if name != source}).argmax(axis=1) == target
            )
            gains[source] = paired_gain(whole[rows], without[rows])
    return gains, alone


def fit_model(examples: Examples, params: ClassifierParams) -> tuple[CauseModel, HeldOut]:
    """Fit on all examples, without judging: the model, and probabilities out of fold of the same rows.

    Rows must be in a fixed order (`usable` sorts). Raises ValueError when no text holds a word.
    """
    causes = tuple(sorted(set(examples.causes)))
    target = _target(examples.causes, causes)
    folds = _folds(examples, params)
    text, heard = _fit_text(examples, target, folds, params, len(causes))
    notes, noted = _fit_notes(examples, target, folds, params, len(causes))
    codes, coded = _fit_codes(examples, target, folds, len(causes))
    opinions = {name: own for name, own in (("text", heard), ("notes", noted), ("codes", coded)) if own is not None}
    pool = fit_pool(opinions, target) if len(opinions) > 1 else None
    shares = pool.fuse(opinions) if pool else heard.shares
    thresholds = _thresholds(shares, target, examples.groups, params)
    until = max(examples.occurred, default=0.0)
    model = CauseModel(_model_id(examples, params), causes, text, notes, codes, pool, thresholds, until)
    ids = None if examples.ids is None else tuple(examples.ids)
    return model, HeldOut(ids, tuple(examples.causes), shares, causes)


def _target(truth: Sequence[str], causes: Sequence[str]) -> Rows:
    """Index of each cause, -1 for one that is not among `causes`."""
    place = {cause: index for index, cause in enumerate(causes)}
    return np.array([place.get(cause, -1) for cause in truth], dtype=np.int64)


def _folds(examples: Examples, params: ClassifierParams) -> list[Split]:
    """Stratified folds over groups, deterministic."""
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(n_splits=params.folds, shuffle=True, random_state=params.seed)
    rows = np.zeros((len(examples.texts), 1))
    with warnings.catch_warnings():
        # The older part of a time split may hold fewer texts of a cause than there are folds; the fit copes.
        warnings.filterwarnings("ignore", message="The least populated class")
        return list(splitter.split(rows, np.array(examples.causes), groups=np.array(examples.groups)))


def _fit_text(
    examples: Examples, target: Rows, folds: Sequence[Split], params: ClassifierParams, causes: int
) -> tuple[Reader, Opinion]:
    fitted = kernel.fit(
        examples.texts, examples.vectors, target, folds, params, causes=causes, weights=examples.weights
    )
    parts = np.zeros(len(target), dtype=np.int64)
    for number, (_, test) in enumerate(folds):
        parts[test] = number
    calibration = calibrate(fitted.out_of_fold, target, parts)
    shares = calibration.probabilities(fitted.out_of_fold)
    return Reader(fitted.model, calibration), Opinion(shares, np.ones(len(target), dtype=bool))


def _fit_notes(
    examples: Examples, target: Rows, folds: Sequence[Split], params: ClassifierParams, causes: int
) -> tuple[Reader | None, Opinion | None]:
    """A reader of notes and what it says out of fold; None while too few signals have a note."""
    if examples.notes is None:
        return None, None
    known = examples.notes.known()
    rows = np.flatnonzero(known)
    if len(rows) < params.min_texts or len(np.unique(target[rows])) < 2:
        return None, None
    place = np.full(len(target), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    noted = examples.take(rows)
    assert noted.notes is not None
    as_text = Examples(
        [text or "" for text in noted.notes.texts],
        noted.notes.vectors,
        noted.causes,
        noted.groups,
        noted.occurred,
        weights=noted.weights,
    )
    own_folds = [(place[train][place[train] >= 0], place[test][place[test] >= 0]) for train, test in folds]
    reader, heard = _fit_text(as_text, target[rows], own_folds, params, causes)
    shares = np.full((len(target), causes), 1 / causes)
    shares[rows] = heard.shares
    return reader, Opinion(shares, known)


def _fit_codes(
    examples: Examples, target: Rows, folds: Sequence[Split], causes: int
) -> tuple[CodeModel | None, Opinion | None]:
    if examples.codes is None or not any(code is not None for code in examples.codes):
        return None, None
    return fit_codes(examples.codes, target, causes), codes_out_of_fold(examples.codes, target, causes, folds)


def _thresholds(shares: Floats, target: Rows, groups: Sequence[str], params: ClassifierParams) -> Thresholds:
    """What confidences mean, from probabilities out of fold; of copies of a text only the first counts."""
    _, first = np.unique(np.array(groups), return_index=True)
    shares, target = shares[first], target[first]
    confidence, right = shares.max(axis=1), shares.argmax(axis=1) == target
    limits = conformal.thresholds(shares, target, params.set_miss, per_cause=params.sets_per_cause)
    return Thresholds(
        abstain_below=abstain_threshold(confidence, right, params),
        auto_from=auto_threshold(confidence, right, params.auto_precision),
        set_limits=tuple(float(limit) for limit in limits),
        set_miss=params.set_miss,
    )


def _model_id(examples: Examples, params: ClassifierParams) -> str:
    """Hash of what the model is a function of: code version, parameters and training rows."""
    content = hashlib.sha256(repr((CODE_VERSION, sorted(asdict(params).items()))).encode())
    nothing: list[None] = [None] * len(examples.texts)
    notes = nothing if examples.notes is None else examples.notes.texts
    columns = (examples.groups, examples.causes, examples.occurred, examples.weights or nothing, notes)
    for row in sorted(map(repr, zip(*columns, examples.codes or nothing, strict=True))):
        content.update(row.encode())
    return f"cause-{content.hexdigest()[:12]}"
