"""The texts benchmarks of the text models run on, with their sentence vectors computed once.

Belongs here: reading the published formats (Banking77, airline tweets, OCTIS corpora, CFPB narratives) and, where they
are not at hand, the same shape from our own generator. Not here: what is claimed about them.

Real corpora lie in a folder of their own beside the checkout (`AMENDS_DATA` names another); their licences forbid
shipping them. Vectors are kept in `AMENDS_BENCH_CACHE`, by default below the home.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from ml.text.embed import Embedder, EmbeddingCache, Vectors
from models.settings import ROOT, load_settings


@dataclass(frozen=True)
class Corpus:
    """Texts with one label each, and whether they are real or made by our generator."""

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    is_real: bool = True

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, rows: Sequence[int]) -> Corpus:
        """The given rows in the given order."""
        return Corpus(
            self.name, tuple(self.texts[row] for row in rows), tuple(self.labels[row] for row in rows), self.is_real
        )


def data_folder() -> Path:
    """Folder of the real corpora; it need not exist."""
    return Path(os.environ.get("AMENDS_DATA", ROOT.parent / "shared" / "data"))


def banking77(path: Path | None = None) -> Corpus | None:
    """Customer questions by intent (77): `text,category` with a header. None when the file is not there."""
    path = path or data_folder() / "banking77" / "train.csv"
    return _from_frame("banking77", pd.read_csv(path), "text", "category") if path.exists() else None


def banking77_test(path: Path | None = None) -> Corpus | None:
    """The official test split, by default `test.csv` beside the training file."""
    return banking77(path or data_folder() / "banking77" / "test.csv")


def airline(path: Path | None = None, *, with_unclear: bool = False) -> Corpus | None:
    """Negative tweets by reason (9, or 10 with "Can't Tell"), doubled tweets once."""
    frame = airline_frame(path)
    if frame is None:
        return None
    frame = frame[frame["negativereason"].notna()]
    if not with_unclear:
        frame = frame[frame["negativereason"] != "Can't Tell"]
    return _from_frame("airline", frame.drop_duplicates("text"), "text", "negativereason")


def airline_sentiment(path: Path | None = None) -> Corpus | None:
    """Tweets by sentiment: negative, neutral, positive; doubled tweets once."""
    frame = airline_frame(path)
    return (
        None
        if frame is None
        else _from_frame("airline-sentiment", frame.drop_duplicates("text"), "text", "airline_sentiment")
    )


def airline_frame(path: Path | None = None) -> pd.DataFrame | None:
    """All columns of the tweets, among them the labellers' confidence; CSV or Parquet."""
    path = path or data_folder() / "twitter_airline" / "airline_tweets_dev.parquet"
    if not path.exists():
        return None
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str)


def octis(name: str = "BBC_News") -> Corpus | None:
    """A preprocessed topic-model corpus in OCTIS' format: text, partition, label by tab."""
    path = data_folder() / "octis" / name / "corpus.tsv"
    if not path.exists():
        return None
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line]
    return Corpus(name, tuple(row[0] for row in rows), tuple(row[2] for row in rows))


def cfpb_narratives(path: Path | None = None) -> pd.DataFrame | None:
    """Complaints with narrative, one row per complaint, oldest first; exact copies of a text kept."""
    path = path or data_folder() / "cfpb" / "cfpb_narratives_dev.parquet"
    if not path.exists():
        return None
    frame = pd.read_parquet(path)
    frame = frame[frame["consumer_complaint_narrative"].notna()]
    received = pd.to_datetime(frame["date_received"], format="mixed", errors="coerce", utc=True)
    return frame.assign(received=received).sort_values("received", kind="stable", ignore_index=True)


@cache
def generated(customers: int = 6_000, weeks: int = 26, company: str = "bank") -> Corpus:
    """Texts of our own synthetic company with their planted cause: what the benchmarks run on without real corpora."""
    import tempfile

    from world.build import build_world

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        build_world(company=company, customers=customers, weeks=weeks, seed=7, out=out, faults=False)  # type: ignore[arg-type]
        truth = pd.read_parquet(out / "truth" / "text_truth.parquet")
        truth = truth[(truth["source"] == "complaints") & (truth["causes"].str.len() == 1)]
        texts = _written(out / "sources" / "complaints", truth)
    return Corpus(f"generated-{company}", texts["text"], texts["cause"], is_real=False)


def _written(folder: Path, truth: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Texts of the complaints files joined to the planted cause by complaint id, each different text once."""
    files = sorted(folder.rglob("*.csv"))
    rows = pd.concat([pd.read_csv(file, dtype=str, on_bad_lines="skip") for file in files], ignore_index=True)
    joined = truth.merge(rows, left_on="key", right_on="complaint_id")
    column = str(truth["column"].iloc[0])
    joined = joined[joined[column].notna()].drop_duplicates(column)
    return {"text": tuple(joined[column]), "cause": tuple(str(causes[0]) for causes in joined["causes"])}


def _from_frame(name: str, frame: pd.DataFrame, text: str, label: str) -> Corpus:
    rows = frame[frame[text].notna() & frame[label].notna()]
    return Corpus(name, tuple(rows[text].astype(str)), tuple(rows[label].astype(str)))


def vectors(texts: Sequence[str]) -> Vectors:
    """MiniLM vectors (len(texts), 384) in single precision arithmetic, each text computed once and kept."""
    embedder = Embedder()
    folder = Path(os.environ.get("AMENDS_BENCH_CACHE", load_settings().home / "benchmarks" / "embeddings"))
    return embedder.embed(list(texts), EmbeddingCache(folder, embedder.model_id))


def group_folds(corpus: Corpus, folds: int = 5, seed: int = 7) -> list[tuple[np.ndarray, np.ndarray]]:
    """Stratified folds (train rows, test rows) with copies of a text on one side."""
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros((len(corpus), 1)), np.array(corpus.labels), groups=np.array(corpus.texts)))
