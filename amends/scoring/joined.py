"""Signals with what is true of them: one row per signal whose text the world wrote.

Belongs here: finding the truth of a home and joining it. Not here: figures (`text.py`, `noise.py`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

_FLAGS = ("is_vague", "is_misspelt", "is_sarcastic", "is_multi_issue")
_SIGNAL = ("signal_id", "source", "entity", "source_key", "customer_id", "text", "coded_cause_id", "model_cause_id",
           "model_confidence", "cause_id", "severity", "theme_id")  # fmt: skip
# Lines of their own beside a text; what the text says counts before them.
_LINES = ("subject", "title")


class NoTruth(FileNotFoundError):
    """There is no truth to score against; the message says where one was looked for."""


def truth_folder(settings: Settings, given: Path | None) -> Path:
    """The folder of truth tables: the one given (or its `truth/`), else the newest world of the home. Raises NoTruth."""
    if given is not None:
        for folder in (given, given / "truth"):
            if (folder / "text_truth.parquet").exists():
                return folder
        raise NoTruth(f"{given} holds no text_truth.parquet")
    found = sorted((settings.home / "world").glob("*/truth/text_truth.parquet"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise NoTruth("no planted truth in this home: `amends demo` makes one, or name a folder with --truth")
    return found[-1].parent


def joined(settings: Settings, truth: Path) -> pd.DataFrame:
    """One row per classified signal with a written text: what was understood beside what is true.

    Columns of fct_signal, `causes` (list), `cause` (the first, None without one), `language`, the noise flags, `tone`,
    `author`, `true_severity` (of the failure behind a complaint or ticket), and whatever the prediction holds of
    sentiment and kind. Raises NoTruth when no signal of the home has a text of this truth.
    """
    import pandas as pd

    signals = pd.read_parquet(settings.handoff / "fct_signal.parquet", columns=list(_SIGNAL))
    told = _by_signal(pd.read_parquet(truth / "text_truth.parquet"))
    both = signals.merge(told, left_on=["source", "entity", "source_key"], right_on=["source", "entity", "key"])
    if both.empty:
        raise NoTruth("no classified signal has a text of this truth: was it made from another world?")
    both = both.merge(_severities(truth), on=["entity", "source_key"], how="left")
    both = both.merge(_read(settings), on="signal_id", how="left")
    return both.sort_values("signal_id", ignore_index=True)


def _by_signal(truth: pd.DataFrame) -> pd.DataFrame:
    """Truth of all columns of a row together, the text before its subject or title."""
    tone = truth.get("tone")  # worlds of an earlier version do not tell it
    truth = truth.assign(line=truth["column"].isin(_LINES), tone=tone)
    truth = truth.sort_values(["source", "entity", "key", "line", "column"])
    parts = truth.groupby(["source", "entity", "key"], sort=True)
    told = parts[["language", "author", "tone"]].first().reset_index()
    for flag in _FLAGS:
        told[flag] = parts[flag].any().to_numpy()
    lists = parts["causes"].agg(_union)
    told["causes"] = lists.to_numpy()
    told["cause"] = [causes[0] if causes else None for causes in lists]
    return told


def _union(lists: Any) -> list[str]:
    return list(dict.fromkeys(cause for causes in lists for cause in causes))


def _severities(truth: Path) -> pd.DataFrame:
    """Severity of the failure behind each complaint and ticket somebody was given."""
    import pandas as pd

    rows = pd.read_parquet(truth / "assignment.parquet", columns=["subject_type", "subject_id", "severity"])
    return rows.rename(columns={"subject_type": "entity", "subject_id": "source_key", "severity": "true_severity"})


def _read(settings: Settings) -> pd.DataFrame:
    """Sentiment and kind of the prediction, as far as this version has them."""
    import pandas as pd
    import pyarrow.parquet as pq

    path = settings.ml_outputs / "ml_root_cause__prediction.parquet"
    there = [name for name in ("sentiment", "feedback_kind") if name in pq.read_schema(path).names]
    return pd.read_parquet(path, columns=["signal_id", *there])


def world_of(truth: Path) -> dict[str, Any]:
    """Arguments the world was made with, from its manifest; empty when there is none."""
    for path in (truth / "manifest.json", truth.parent / "manifest.json"):
        if path.exists():
            facts = json.loads(path.read_text(encoding="utf-8"))
            return {name: facts[name] for name in ("company", "customers", "weeks", "seed") if name in facts}
    return {}
