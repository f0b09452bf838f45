"""The output tables of a classification from scores and readings.

Belongs here: shaping rows to the schemas of `ml/outputs.py`. Not here: how a score comes about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from ml.outputs import PREDICTION, TOPIC
from ml.root_cause.fitting import Fitted
from ml.root_cause.rows import Rows
from ml.root_cause.scoring import UNKNOWN, CauseScore
from ml.root_cause.themes import ThemeModel
from ml.text.embed import text_key


def prediction_table(
    signals: pa.Table, rows: Rows, scores: Mapping[str, CauseScore], models: Fitted, readings: pa.Table
) -> pa.Table:
    """One row per signal, sorted by signal_id. `readings` has the columns that are about feeling and gravity, in that
    order, for every signal."""
    ordered = signals.select(["signal_id", "text", "text_hash"]).sort_by("signal_id").to_pydict()
    keys = ordered["signal_id"]
    found = [scores.get(key, UNKNOWN) for key in keys]
    evidence = dict(zip(rows.ids, rows.evidence_keys(), strict=True))
    own = zip(ordered["text_hash"], ordered["text"], strict=True)
    columns: dict[str, Any] = {
        "signal_id": keys,
        "text_hash": [given or (text_key(text) if text else None) for given, text in own],
        "evidence_key": [evidence.get(key) for key in keys],
        **{name: [getattr(score, name) for score in found] for name in CauseScore._fields},
        "model_id": [models.ids[0] if key in scores else None for key in keys],
        "topic_model_id": [models.ids[1] if key in scores else None for key in keys],
        **{name: readings.column(name) for name in readings.column_names},
    }
    return pa.table({name: columns[name] for name in PREDICTION.names}, schema=PREDICTION)


def topic_table(themes: ThemeModel | None, prediction: pa.Table) -> pa.Table:
    """One row per topic of the active model with the number of signals it has now."""
    if themes is None:
        return TOPIC.empty_table()
    counts = np.bincount(prediction.column("topic_id").drop_null().to_numpy(), minlength=len(themes.topics))
    rows = [
        {
            "topic_id": topic.topic_id,
            "theme_id": theme_id,
            "name": themes.registry.theme(theme_id).name,
            "keywords": ", ".join(topic.keywords),
            "signals": int(counts[topic.topic_id]),
            "topic_model_id": themes.topic_model_id,
        }
        for topic, theme_id in zip(themes.topics, themes.theme_ids, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=TOPIC)
