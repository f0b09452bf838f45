"""Plots of trainings, for MLflow: confusion, reliability, the map of topics, drift by week.

Belongs here: drawing. Not here: which run a plot belongs to (`reports.py`). Nothing here holds a customer's text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.classifier import Judgement
from ml.root_cause.themes import ThemeModel
from ml.text.embed import Vectors

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _figure(width: float, height: float) -> Figure:
    # Figure without pyplot: no global state, no display, safe in any thread.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def drift_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """One small panel per measure: value by week, the limit dashed, weeks beyond it in red."""
    names = sorted({row["measure"] for row in rows})
    figure = _figure(10, 2 + 1.6 * ((len(names) + 2) // 3))
    for place, name in enumerate(names):
        own = sorted(
            (row for row in rows if row["measure"] == name and row["value"] is not None), key=lambda row: row["week"]
        )
        axes = figure.add_subplot((len(names) + 2) // 3, 3, place + 1)
        axes.set_title(name.replace("_", " "), fontsize=9)
        if not own:
            axes.text(0.5, 0.5, "no labels of the audit yet", ha="center", fontsize=8, transform=axes.transAxes)
            axes.set(xticks=[], yticks=[])
            continue
        weeks = [row["week"] for row in own]
        axes.plot(weeks, [row["value"] for row in own], color="black", linewidth=1)
        axes.plot(weeks, [row["limit_value"] for row in own], color="grey", linestyle="--", linewidth=1)
        beyond = [row for row in own if row["is_drift"]]
        axes.scatter([row["week"] for row in beyond], [row["value"] for row in beyond], color="firebrick", zorder=3)
        axes.tick_params(labelsize=7, axis="both")
        axes.tick_params(labelrotation=45, axis="x")
    figure.tight_layout()
    return figure


def confusion_figure(judgement: Judgement) -> Figure:
    """Confusion matrix, each row as shares of the true cause."""
    size = 2.5 + 0.5 * len(judgement.causes)
    figure = _figure(size + 1, size)
    axes = figure.add_subplot()
    totals = np.maximum(judgement.confusion.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(judgement.confusion / totals, vmin=0, vmax=1, cmap="Blues")
    axes.set_xticks(range(len(judgement.causes)), judgement.causes, rotation=60, ha="right")
    axes.set_yticks(range(len(judgement.causes)), judgement.causes)
    axes.set(xlabel="predicted cause", ylabel="coded cause", title="Unseen texts: share of each coded cause")
    for row, column in zip(*np.nonzero(judgement.confusion), strict=True):
        share = judgement.confusion[row, column] / totals[row, 0]
        colour = "white" if share > 0.55 else "black"
        axes.text(column, row, str(judgement.confusion[row, column]), ha="center", va="center", color=colour)
    figure.colorbar(image, shrink=0.7)
    return figure


def reliability_figure(judgement: Judgement) -> Figure:
    """Accuracy against stated confidence; on the diagonal the model means what it says."""
    figure = _figure(5, 4.5)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
    axes.plot(
        [mean for mean, _, _ in judgement.reliability], [right for _, right, _ in judgement.reliability], marker="o"
    )
    for mean, right, count in judgement.reliability:
        axes.annotate(str(count), (mean, right), textcoords="offset points", xytext=(4, -10), fontsize=8)
    title = f"Calibration on unseen texts (error {judgement.metrics['ece']:.3f})"
    axes.set(xlabel="confidence", ylabel="share right", title=title, xlim=(0, 1), ylim=(0, 1))
    return figure


def topic_map(model: ThemeModel) -> Figure:
    """Topics in the plane of the two main directions of their centroids; area is the number of sample texts, colour the
    cause. Copies in other languages are left out: they would only show which language they are in."""
    shown = [place for place, topic in enumerate(model.topics) if topic.copy_of is None]
    places = _plane(model.centroids[shown])
    topics = [model.topics[place] for place in shown]
    causes = sorted({topic.cause_id for topic in topics if topic.cause_id})
    figure = _figure(12, 9)
    axes = figure.add_subplot()
    for number, cause in enumerate([*causes, None]):
        own = [row for row, topic in enumerate(topics) if topic.cause_id == cause]
        axes.scatter(
            places[own, 0], places[own, 1], s=[2 * topics[row].size for row in own], alpha=0.45,
            color="lightgrey" if cause is None else f"C{number % 10}", label=cause or "no single cause",
        )  # fmt: skip
    for topic, (x, y) in zip(topics, places, strict=True):
        # The colour says the cause; the words left are what tells it from its siblings.
        words = topic.name.rpartition(": ")[2]
        axes.annotate(words, (float(x), float(y)), fontsize=7, ha="center", va="center")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, markerscale=0.4, frameon=False)
    axes.set(title="Topics by likeness of meaning", xticks=[], yticks=[])
    return figure


def _plane(centroids: Vectors) -> NDArray[np.float32]:
    """Places (topics, 2) along the two main directions."""
    centred = centroids - centroids.mean(axis=0)
    left, strength, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(centroids), 2), dtype=np.float32)
    width = min(2, left.shape[1])
    places[:, :width] = left[:, :width] * strength[:width]
    return places
