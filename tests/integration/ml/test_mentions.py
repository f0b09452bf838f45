"""What scored answers mention is read off their words, whatever the score."""

from __future__ import annotations

import pyarrow as pa

from ml.root_cause.bench import Workbench
from ml.root_cause.mentions import mentions
from ml.root_cause.predict import classify
from models.programme import Programme
from tests.integration.ml.conftest import signals
from tests.integration.ml.test_predict import changed


def test_a_good_score_does_not_keep_an_answer_from_mentioning_a_failure(bench: Workbench, bank: Programme) -> None:
    table = signals(300)
    classify(table, bank, bench)
    texts = table.column("text").to_pylist()
    texts[0] = "wonderful friendly excellent thank you so much"
    answers = changed(table, text=texts, score_normalised=[1.0, 1.0, 0.0, *[None] * 297])
    found = mentions(answers, bank, bench)
    assert found is not None
    rows = {row["signal_id"]: row for row in found.to_pylist()}
    assert sorted(rows) == ["S00000", "S00001", "S00002"]
    assert rows["S00000"]["cause_id"] is None
    assert rows["S00000"]["theme_id"] is None
    assert rows["S00001"]["cause_id"] is not None
    assert rows["S00001"]["theme_id"] is not None


def test_without_any_model_nothing_has_been_read(bench: Workbench, bank: Programme) -> None:
    answers: pa.Table = changed(signals(5), score_normalised=[0.5] * 5)
    assert mentions(answers, bank, bench) is None
