"""How well texts were understood, held against the planted truth: cause, severity, tone, themes, mis-coding.

Belongs here: the figures, each with a 95 % interval (Wilson for shares, a bootstrap over signals for the rest). Not here:
reading the stores (`joined.py`) and typos (`noise.py`). A figure over too few rows is None, never a guess.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.outcome import Ratio

if TYPE_CHECKING:
    import pandas as pd

Figures = dict[str, Any]
Ints = NDArray[np.int64]

# Under this many rows a bootstrap says more about itself than about the model.
FEWEST = 20
REPLICATES = 300
_NOISE = {
    "vague": "is_vague",
    "misspelt": "is_misspelt",
    "sarcastic": "is_sarcastic",
    "several issues": "is_multi_issue",
}


def text_scores(rows: pd.DataFrame, miscoding: pd.DataFrame, *, seed: int = 0) -> Figures:
    """All figures of `joined` rows and of the mis-coding output (signal_id, coded_cause_id, suggested_cause_id, is_finding)."""
    customers = rows[rows["author"] == "customer"]
    return {
        "signals": len(rows),
        "cause": causes(customers, seed),
        "severity": severities(customers, seed),
        "tone": tones(customers, seed),
        "themes": themes(customers, seed),
        "miscoding": miscoded(rows, miscoding),
    }


def causes(rows: pd.DataFrame, seed: int) -> Figures:
    """Cause of the model alone (all, by language, by what makes a text hard), of the codes, and of both together.

    The model learned from coded texts, so `model_unseen` (texts nobody coded) is the honest one.
    """
    about = rows[rows["cause"].notna()]
    plain = about[~about[list(_NOISE.values())].any(axis=1)]
    slices = {language: about[about["language"] == language] for language in sorted(about["language"].unique())}
    hard = {name: about[about[flag]] for name, flag in _NOISE.items()}
    nothing = rows[rows["cause"].isna()]
    return {
        "model": cause_figures(about, "model_cause_id", seed),
        "model_unseen": cause_figures(about[about["coded_cause_id"].isna()], "model_cause_id", seed),
        "by_language": {name: cause_figures(part, "model_cause_id", seed) for name, part in slices.items()},
        "by_noise": {
            name: cause_figures(part, "model_cause_id", seed) for name, part in [("none", plain), *hard.items()]
        },
        "code": cause_figures(about[about["coded_cause_id"].notna()], "coded_cause_id", seed),
        "code_else_model": cause_figures(about, "cause_id", seed),
        "invented": _share(nothing["model_cause_id"].notna()),
    }


def cause_figures(rows: pd.DataFrame, column: str, seed: int) -> Figures:
    """Accuracy (an abstention is wrong), how many were answered and how many of those rightly, and macro-F1.

    An answer is right when it is any of the text's causes; macro-F1 is over the causes that occur in these rows.
    """
    given = [value if isinstance(value, str) else None for value in rows[column]]
    right = np.array([one in true for one, true in zip(given, rows["causes"], strict=True)], dtype=bool)
    answered = np.array([one is not None for one in given], dtype=bool)
    wanted = [str(one if ok else first) for one, ok, first in zip(given, right, rows["cause"], strict=True)]
    names = sorted(set(wanted))
    number = {name: place for place, name in enumerate(names)}
    truth = np.array([number[name] for name in wanted], dtype=np.int64)
    # A cause that is true of none of these rows, or none at all, is one more answer that cannot be right.
    guess = np.array([number.get(one or "", len(names)) for one in given], dtype=np.int64)
    return {
        "texts": len(rows),
        "accuracy": _share(right),
        "answered": _share(answered),
        "precision": _share(right[answered]),
        "macro_f1": _bootstrapped(lambda at: macro_f1(truth[at], guess[at]), len(rows), seed),
    }


def macro_f1(truth: Ints, guess: Ints) -> float:
    """Mean F1 over the classes in `truth`; guesses outside them count as wrong. NaN without rows."""
    if not len(truth):
        return float("nan")
    classes = int(max(truth.max(), guess.max())) + 1
    hits = np.bincount(truth[truth == guess], minlength=classes)
    both = np.bincount(truth, minlength=classes) + np.bincount(guess, minlength=classes)
    here = np.bincount(truth, minlength=classes) > 0
    return float(np.mean(2 * hits[here] / both[here]))


def severities(rows: pd.DataFrame, seed: int) -> Figures:
    """Severity against that of the failure behind a complaint or ticket: quadratic weighted kappa (Cohen, Psychol. Bull.
    70, 1968), agreement, and how many grave ones (1 or 2) were taken for mild."""
    from sklearn.metrics import cohen_kappa_score

    known = rows[rows["true_severity"].notna() & rows["severity"].notna()]
    truth, guess = known["true_severity"].to_numpy(np.int64), known["severity"].to_numpy(np.int64)
    table = np.zeros((4, 4), dtype=np.int64)
    np.add.at(table, (truth - 1, guess - 1), 1)

    def kappa(at: Ints) -> float:
        with warnings.catch_warnings():
            # A draw with one level only has no kappa; it comes back as NaN and is left out.
            warnings.simplefilter("ignore")
            return float(cohen_kappa_score(truth[at], guess[at], labels=[1, 2, 3, 4], weights="quadratic"))

    return {
        "texts": len(known),
        "kappa": _bootstrapped(kappa, len(known), seed),
        "exact": _share(truth == guess),
        "within_one": _share(np.abs(truth - guess) <= 1),
        "grave_taken_for_mild": _share(guess[truth <= 2] >= 3),
        "confusion": table.tolist(),
    }


def tones(rows: pd.DataFrame, seed: int) -> Figures:
    """Sentiment and kind, as far as the prediction has them: how well complaints and praise are told apart."""
    from sklearn.metrics import roc_auc_score

    found: Figures = {}
    ends = rows[rows["tone"].isin(["complaint", "praise"])]
    if "sentiment" in rows:
        known = ends[ends["sentiment"].notna()]
        good, value = (known["tone"] == "praise").to_numpy(), known["sentiment"].to_numpy(np.float64)

        def area(at: Ints) -> float:
            return float(roc_auc_score(good[at], value[at])) if 0 < good[at].sum() < len(at) else float("nan")

        found["sentiment_auc"] = _bootstrapped(area, len(known), seed)
        found["sentiment_known"] = _share(rows.loc[rows["tone"].notna(), "sentiment"].notna())
    if "feedback_kind" in rows:
        known = ends[ends["feedback_kind"].notna()]
        expected = known["tone"].map({"complaint": "problem", "praise": "praise"})
        found["kind_right"] = _share((known["feedback_kind"] == expected).to_numpy())
    return found or {"note": "the prediction holds neither sentiment nor kind"}


def themes(rows: pd.DataFrame, seed: int) -> Figures:
    """How far themes are the planted causes: V-measure (Rosenberg and Hirschberg, EMNLP 2007), adjusted mutual information
    (Vinh, Epps and Bailey, JMLR 11, 2010), and how many texts about a cause have a theme."""
    from sklearn.metrics import adjusted_mutual_info_score, homogeneity_completeness_v_measure

    about = rows[rows["cause"].notna()]
    held = about[about["theme_id"].notna()]
    truth, found = held["cause"].to_numpy(str), held["theme_id"].to_numpy(str)
    if len(held) < FEWEST:
        return {"texts": len(held), "assigned": _share(about["theme_id"].notna()), "v_measure": None, "ami": None}
    pure, whole, _ = homogeneity_completeness_v_measure(truth, found)
    return {
        "texts": len(held),
        "themes": len(set(found)),
        "causes": len(set(truth)),
        "assigned": _share(about["theme_id"].notna()),
        "homogeneity": round(float(pure), 4),
        "completeness": round(float(whole), 4),
        "v_measure": _subsampled(lambda at: float(homogeneity_completeness_v_measure(truth[at], found[at])[2]),
                                 len(held), seed),
        "ami": _subsampled(lambda at: float(adjusted_mutual_info_score(truth[at], found[at])), len(held), seed),
    }  # fmt: skip


def miscoded(rows: pd.DataFrame, miscoding: pd.DataFrame) -> Figures:
    """Findings against codes that are none of the text's causes: precision, recall, and whether the suggestion is right."""
    judged = miscoding.merge(rows[["signal_id", "causes", "cause"]], on="signal_id")
    judged = judged[judged["cause"].notna() & judged["coded_cause_id"].notna()]
    wrong = np.array(
        [code not in true for code, true in zip(judged["coded_cause_id"], judged["causes"], strict=True)], bool
    )
    called = judged["is_finding"].fillna(False).to_numpy(bool)
    suggested = [one in true for one, true in zip(judged["suggested_cause_id"], judged["causes"], strict=True)]
    hits = wrong & called
    return {
        "judged": len(judged),
        "wrong_codes": _share(wrong),
        "findings": int(called.sum()),
        "precision": _share(wrong[called]),
        "recall": _share(called[wrong]),
        "suggestion_right": _share(np.array(suggested, dtype=bool)[hits]),
    }


def _share(hits: Any) -> Figures | None:
    """A share with its Wilson interval; None over no rows."""
    values = np.asarray(hits, dtype=bool)
    ratio = Ratio(int(values.sum()), len(values))
    bounds = ratio.wilson()
    if bounds is None or ratio.value is None:
        return None
    return _figure(ratio.value, bounds[0], bounds[1]) | {"n": len(values)}


def _bootstrapped(figure: Callable[[Ints], float], rows: int, seed: int) -> Figures | None:
    """A figure with the 2.5 and 97.5 percentiles over draws of rows with replacement; None under FEWEST rows."""
    if rows < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    drawn = np.array([figure(rng.integers(0, rows, rows)) for _ in range(REPLICATES)])
    value, drawn = figure(np.arange(rows)), drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(drawn):
        return None
    low, high = np.quantile(drawn, [0.025, 0.975])
    return _figure(value, float(low), float(high))


def _subsampled(figure: Callable[[Ints], float], rows: int, seed: int, replicates: int = 100) -> Figures:
    """A figure with an interval from half-samples without replacement, whose spread equals that of the whole sample.

    Doubled rows agree with themselves, so the bootstrap overstates every agreement of two clusterings.
    """
    rng = np.random.default_rng(seed)
    drawn = np.array([figure(rng.permutation(rows)[: rows // 2]) for _ in range(replicates)])
    value = figure(np.arange(rows))
    low, high = np.quantile(drawn - drawn.mean(), [0.025, 0.975])
    return _figure(value, value + float(low), min(value + float(high), 1.0))


def _figure(value: float, low: float, high: float) -> Figures:
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}


def told(figure: Mapping[str, Any] | None) -> str:
    """A figure for a person: value and interval, or a dash."""
    if figure is None:
        return "–"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
