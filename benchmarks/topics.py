"""Topics: stock BERTopic (UMAP and HDBSCAN) against ours, in turns, on the same vectors and texts.

Stock is `BERTopic()` as it comes, warmed up before it is measured (numba compiles for some 30 CPU-seconds in every
process, which the ratio does not count). Ours is `fit_topics` with its own choice of how many topics; both include
their words. Corpora: BBC_News (OCTIS) for coherence and diversity, negative airline tweets for agreement with human
reasons; without them, texts of our own generator. Measured beside CPU:

- npmi, diversity: ten words a topic, NPMI over the corpus' own documents; npmi10: within windows of ten words (gensim's
  c_npmi), mean of 10 to 50 topics, to compare with .170 and .802 of the BERTopic paper's own runs with this encoder;
- ami: adjusted mutual information with human reasons, texts without topic counting as one group;
- seed_agreement: AMI between fits with another seed. Ours draws nothing, so a seed shuffles the texts. Harder, and beside
  it, resampled: between fits on different nine tenths of the texts. Stock's seeds see the same texts;
- ids_kept: least share of theme ids that a refit on a tenth more texts keeps; update_ratio: CPU of a refit on 50,000
  texts (5,000 fitted, the rest assigned) over assigning and counting 1 % new ones; kb_per_doc: peak memory above
  imports, vectors and texts, per text, on 100,000 texts.

Guard: every target of docs/themes.md. Run: `python -m benchmarks.topics`; `--rounds 1` for a quick look.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import corpora
from benchmarks.harness import Runs, finish, interleave, measure, ratio
from ml.root_cause.coherence import diversity, npmi_of
from ml.root_cause.registry import ThemeRegistry
from ml.root_cause.themes import fit_themes
from ml.root_cause.topics import TopicFit, TopicParams, assign, fit_topics
from ml.text.embed import Vectors

Words = list[list[str]]
KS = (10, 20, 30, 40, 50)
# The BERTopic paper's own runs with this encoder on BBC_News, mean of 15 (3 seeds, 10 to 50 topics).
PUBLISHED = {"npmi10": 0.170, "diversity": 0.802}


@dataclass(frozen=True)
class Arm:
    """What one fit gave: the topic of every text (-1 for none) and ten words a topic."""

    labels: np.ndarray
    words: Words


def stock(texts: Sequence[str], vectors: Vectors, seed: int | None = None) -> Arm:
    """BERTopic as it comes; with a seed, its own UMAP with that seed."""
    from bertopic import BERTopic
    from umap import UMAP

    umap = (
        None if seed is None else UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed)
    )
    model = BERTopic(umap_model=umap)
    labels, _ = model.fit_transform(list(texts), vectors)
    topics = sorted(number for number in model.get_topics() if number >= 0)
    return Arm(np.array(labels), [[word for word, _ in model.get_topic(number)][:10] for number in topics])


def ours(texts: Sequence[str], vectors: Vectors, clusters: int | None = None) -> Arm:
    """Our fit with as many topics as it chooses, or as asked for."""
    fit = fit_topics(texts, vectors, TopicParams(clusters=clusters))
    return Arm(fit.labels, [list(topic.words) for topic in fit.topics])


def npmi_documents(texts: Sequence[str], words: Words) -> float:
    """NPMI of each topic's words over whole texts, the same code for both arms."""
    from sklearn.feature_extraction.text import CountVectorizer

    known = sorted({word for topic in words for word in topic})
    place = {word: number for number, word in enumerate(known)}
    presence = CountVectorizer(vocabulary=known, binary=True).transform(texts).astype(float)
    return npmi_of(presence, [[place[word] for word in topic] for topic in words])


def npmi_windows(texts: Sequence[str], words: Words, reach: int = 10) -> float:
    """NPMI over all windows of `reach` words (Röder et al. 2015; gensim's c_npmi with its smallest number)."""
    known = {word: number for number, word in enumerate(sorted({word for topic in words for word in topic}))}
    together, windows = np.zeros((len(known), len(known))), 0
    for text in texts:
        ids = [known.get(word, -1) for word in text.lower().split()]
        for begin in range(max(1, len(ids) - reach + 1)):
            seen = sorted({number for number in ids[begin : begin + reach] if number >= 0})
            together[np.ix_(seen, seen)] += 1
            windows += 1
    share = together / windows
    scores = []
    for topic in words:
        own = [known[word] for word in topic]
        left, right = np.triu_indices(len(own), 1)
        first, second = np.array(own)[left], np.array(own)[right]
        joint = share[first, second] + 1e-12
        scores.append(float(np.mean(np.log(joint / (share[first, first] * share[second, second])) / -np.log(joint))))
    return float(np.mean(scores))


def ami(left: Sequence[Any], right: Sequence[Any]) -> float:
    """Adjusted mutual information."""
    from sklearn.metrics import adjusted_mutual_info_score

    return float(adjusted_mutual_info_score(list(left), list(right)))


def ari(left: Sequence[Any], right: Sequence[Any]) -> float:
    """Adjusted Rand index."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(list(left), list(right)))


def shuffled_agreement(texts: Sequence[str], vectors: Vectors, seeds: int = 3) -> float:
    """AMI between our fits of the texts in different orders."""
    fits = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(texts))
        labels = np.empty(len(texts), dtype=np.int64)
        labels[order] = ours([texts[row] for row in order], vectors[order]).labels
        fits.append(labels)
    return _pairwise(fits)[0]


def resampled_agreement(texts: Sequence[str], vectors: Vectors, seeds: int = 4) -> tuple[float, float]:
    """(AMI, ARI) of all texts between our fits on different nine tenths of them, with as many topics as all texts give."""
    count = len(ours(texts, vectors).words)
    fits = []
    for seed in range(seeds):
        rows = np.random.default_rng(seed).permutation(len(texts))[: int(0.9 * len(texts))]
        fit = fit_topics([texts[row] for row in rows], vectors[rows], TopicParams(clusters=count))
        fits.append(assign(vectors, fit.centroids)[0])
    return _pairwise(fits)


def _pairwise(fits: list[np.ndarray]) -> tuple[float, float]:
    pairs = [(left, right) for place, left in enumerate(fits) for right in fits[:place]]
    return float(np.mean([ami(*pair) for pair in pairs])), float(np.mean([ari(*pair) for pair in pairs]))


def ids_kept(texts: Sequence[str], vectors: Vectors, seeds: int = 3) -> tuple[float, float]:
    """Least share of theme ids kept by a refit on a tenth more texts, and the largest share of texts that moved."""
    kept, moved = [], []
    for seed in range(seeds):
        rows = np.random.default_rng(seed).permutation(len(texts))
        some = rows[: int(len(rows) / 1.1)]
        first = fit_themes([texts[row] for row in some], vectors[some], TopicParams(), registry=ThemeRegistry())[0]
        again = fit_themes(texts, vectors, TopicParams(), registry=first.registry, previous=first)[0]
        kept.append(len(set(first.theme_ids) & set(again.theme_ids)) / len(set(first.theme_ids)))
        moved.append(again.change.moved if again.change else 1.0)
    return min(kept), max(moved)


def update_ratio(texts: Sequence[str], vectors: Vectors, many: int = 50_000) -> tuple[float, float, float]:
    """CPU seconds of a refit on `many` texts and of a 1 % update (assign and count), and how many times less that is."""
    big = np.resize(vectors, (many, vectors.shape[1])) + np.random.default_rng(0).normal(
        scale=0.01, size=(many, 1)
    ).astype(np.float32)
    sample = list(texts[:5_000])
    fits: list[TopicFit] = []

    def refit() -> None:
        fits.append(fit_topics(sample, vectors[: len(sample)], TopicParams()))
        np.bincount(assign(big, fits[-1].centroids)[0])

    refit()
    whole = min(measure(refit).cpu for _ in range(3))
    new, counts = big[: many // 100], np.zeros(len(fits[-1].topics), dtype=np.int64)
    often = 200

    def update() -> None:
        for _ in range(often):
            counts[:] += np.bincount(assign(new, fits[-1].centroids)[0], minlength=len(counts))

    update()
    small = min(measure(update).cpu for _ in range(3)) / often
    return whole, small, ratio(whole, small)


_MEMORY = """
import json, sys
import numpy as np
import bertopic, scipy.cluster.hierarchy, scipy.sparse, sklearn.metrics
from ml.root_cause.topics import TopicParams, assign, fit_topics
def memory(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))
many = int(sys.argv[1])
rng = np.random.default_rng(0)
vectors = rng.standard_normal((many, 384), dtype=np.float32)
words = ["w" + chr(97 + n // 26) + chr(97 + n % 26) for n in range(400)]
texts = [" ".join(words[n] for n in row) for row in rng.integers(0, 400, (5000, 40))]
fit_topics(texts[:300], vectors[:300], TopicParams(clusters=8))
open("/proc/self/clear_refs", "w").write("5")
before = memory("VmRSS")
fit = fit_topics(texts, vectors[:5000], TopicParams(clusters=40))
labels, nearness = assign(vectors, fit.centroids)
np.bincount(labels)
print(json.dumps((memory("VmHWM") - before) / many))
"""


def kb_per_text(many: int = 100_000) -> float:
    """Growth of peak memory (kB per text) by fitting 5,000 texts and assigning `many`, beyond texts and vectors."""
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(many)], check=True, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    return float(json.loads(done.stdout))


def told(name: str, corpus: corpora.Corpus, runs: dict[str, Runs]) -> tuple[Arm, Arm]:
    """Print what both arms gave on a corpus; (stock, ours) of the last round."""
    first, second = runs["stock"].result, runs["ours"].result
    print(f"{name}: {len(corpus):,} texts, {'real' if corpus.is_real else 'generated'}")
    for run in runs.values():
        print(run.line())
    for label, arm in (("stock", first), ("ours", second)):
        print(
            f"  {label:<12} topics {len(arm.words):3d}  unassigned {np.mean(arm.labels < 0):.3f}  "
            f"npmi {npmi_documents(corpus.texts, arm.words):.3f}  diversity {diversity(arm.words):.3f}  "
            f"ami {ami(corpus.labels, arm.labels):.3f}"
        )
    return first, second


def main() -> None:
    """Run everything and print the closing line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    news, tweets = corpora.octis("BBC_News"), corpora.airline(with_unclear=True)
    news = news or corpora.generated()
    tweets = tweets or corpora.generated(company="telecom")
    vectors = {corpus.name: corpora.vectors(corpus.texts) for corpus in (news, tweets)}
    results, cpu = {}, {"stock": 0.0, "ours": 0.0}
    for corpus in (news, tweets):
        own = vectors[corpus.name]
        arms = {"stock": lambda c=corpus, v=own: stock(c.texts, v), "ours": lambda c=corpus, v=own: ours(c.texts, v)}
        runs = interleave(arms, rounds=rounds)
        results[corpus.name] = told(corpus.name, corpus, runs)
        for name in cpu:
            cpu[name] += runs[name].cpu
    _close(news, tweets, vectors, results, cpu)


def _close(
    news: corpora.Corpus,
    tweets: corpora.Corpus,
    vectors: dict[str, Vectors],
    results: dict[str, tuple[Arm, Arm]],
    cpu: dict[str, float],
) -> None:
    by_count = [ours(news.texts, vectors[news.name], count) for count in KS]
    windows = float(np.mean([npmi_windows(news.texts, arm.words) for arm in by_count]))
    varied = float(np.mean([diversity(arm.words) for arm in by_count]))
    print(f"  ours, mean of {KS} topics: npmi10 {windows:.3f}  diversity {varied:.3f} (published .170, .802)")
    npmi = [npmi_documents(news.texts, arm.words) for arm in results[news.name]]
    spread = [diversity(arm.words) for arm in results[news.name]]
    reasons = [ami(tweets.labels, arm.labels) for arm in results[tweets.name]]
    pair = (news, tweets)
    same = float(np.mean([shuffled_agreement(corpus.texts, vectors[corpus.name]) for corpus in pair]))
    resampled = [resampled_agreement(corpus.texts, vectors[corpus.name]) for corpus in pair]
    seeds = [[stock(corpus.texts, vectors[corpus.name], seed).labels for seed in (42, 43)] for corpus in pair]
    stock_same = float(np.mean([_pairwise(fits)[0] for fits in seeds]))
    stock_same_ari = float(np.mean([_pairwise(fits)[1] for fits in seeds]))
    keeps = [ids_kept(corpus.texts, vectors[corpus.name]) for corpus in pair]
    whole, small, update = update_ratio(tweets.texts, vectors[tweets.name])
    print(f"  refit of 50,000: {whole:.3f} CPU s, update of 500: {small * 1000:.3f} CPU ms")
    memory = kb_per_text()
    unassigned = max(float(np.mean(arm[1].labels < 0)) for arm in results.values())
    less = ratio(cpu["stock"], cpu["ours"])
    published = not news.is_real or (windows >= PUBLISHED["npmi10"] and varied >= PUBLISHED["diversity"])
    guard = all(
        (
            less >= 50, npmi[1] >= npmi[0], spread[1] >= spread[0], published, reasons[1] >= reasons[0],
            unassigned <= 0.05, same >= 0.8, min(keep for keep, _ in keeps) >= 0.95, update >= 200, memory <= 2.0,
        )
    )  # fmt: skip
    finish(
        "topics", less, guard=guard, npmi=npmi[1], stock_npmi=npmi[0], diversity=spread[1], stock_diversity=spread[0],
        npmi10=windows, diversity_10_to_50=varied, ami=reasons[1], stock_ami=reasons[0], unassigned=unassigned,
        seed_agreement=same, stock_seed_agreement=stock_same, stock_seed_ari=stock_same_ari,
        resampled=float(np.mean([one for one, _ in resampled])), resampled_ari=float(np.mean([one for _, one in resampled])),
        ids_kept=min(keep for keep, _ in keeps), moved=max(share for _, share in keeps), update_ratio=update,
        kb_per_doc=memory,
    )  # fmt: skip


if __name__ == "__main__":
    main()
