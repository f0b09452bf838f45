"""What answers with a score mention, by their words alone.

Belongs here: cause and theme of every scored answer, good ones included, for driver analysis. Not here: the causes cases
open by (`scoring.py` leaves out praise by its score; comparing scores by what was chosen by score would find effects that
are not there), or the estimates (`drivers.py`).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ml.root_cause.bench import Workbench
from ml.root_cause.reading import Reader, open_reader
from ml.root_cause.scoring import NEAR_ENOUGH, topics_of
from ml.text.sentiment import sentiments
from ml.text.signs import read_signs
from ml.text.tone import feedback_kinds
from models.programme import Programme

MENTION = pa.schema([("signal_id", pa.string()), ("theme_id", pa.string()), ("cause_id", pa.string())])
_CHUNK = 8_192


def mentions(signals: pa.Table, programme: Programme, bench: Workbench) -> pa.Table | None:
    """One row per customer's answer with words and a score (columns of fct_signal): signal_id, theme_id, cause_id.

    Both are null where the words praise, where the model is unsure or nothing is near. None when there is neither a cause
    model nor a topic model: then nothing has been read.
    """
    reader = open_reader(bench.store, programme)
    if reader.causes is None and reader.themes is None:
        return None
    scored = pc.and_kleene(pc.is_valid(signals.column("text")), pc.is_valid(signals.column("score_normalised")))
    own = pc.and_kleene(scored, pc.equal(signals.column("text_author"), "customer"))
    table = signals.select(["signal_id", "text"]).filter(pc.fill_null(own, False)).sort_by("signal_id")
    parts = [_read(table.slice(begin, _CHUNK), reader, bench) for begin in range(0, table.num_rows, _CHUNK)]
    return pa.concat_tables(parts) if parts else MENTION.empty_table()


def _read(table: pa.Table, reader: Reader, bench: Workbench) -> pa.Table:
    texts: list[str] = table.column("text").to_pylist()
    vectors, signs = bench.embed(texts), read_signs(texts)
    feeling = sentiments(signs, vectors, reader.models.sentiment)
    praised = [kind == "praise" for kind in feedback_kinds(signs, feeling, None, vectors, reader.models.kind).labels]
    causes: list[str | None] = [None] * len(texts)
    themes: list[str | None] = [None] * len(texts)
    if reader.causes is not None:
        causes = reader.causes.decide(reader.causes.text.probabilities(texts, vectors))[0]
    if reader.themes is not None:
        labels, nearness = topics_of(vectors, reader.themes.centroids)
        ids = reader.themes.theme_ids
        themes = [ids[label] if near >= NEAR_ENOUGH else None for label, near in zip(labels, nearness, strict=True)]
    columns = {
        "signal_id": table.column("signal_id"),
        "theme_id": [None if praise else theme for praise, theme in zip(praised, themes, strict=True)],
        "cause_id": [None if praise else cause for praise, cause in zip(praised, causes, strict=True)],
    }
    return pa.table(columns, schema=MENTION)
