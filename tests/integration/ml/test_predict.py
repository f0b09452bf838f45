"""The classify stage from signals to the two output tables."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ml.outputs import PREDICTION, TOPIC
from ml.root_cause.bench import Workbench
from ml.root_cause.classifier import NotEnoughData, Training
from ml.root_cause.predict import ClassifyParams, classify
from ml.root_cause.topics import TopicParams
from models.programme import Programme
from tests.integration.ml.conftest import signals
from tests.unit.ml.conftest import CountingEncoder


def changed(table: pa.Table, **columns: list[object]) -> pa.Table:
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, table.schema.field(name), pa.array(values, table.schema.field(name).type))
    return table


def test_causes_topics_and_severity_come_out_for_every_signal(bench: Workbench, bank: Programme) -> None:
    table = signals(400)
    result = classify(table, bank, bench)
    assert result.prediction.schema.equals(PREDICTION)
    assert result.topic.schema.equals(TOPIC)
    assert isinstance(result.training, Training)
    truth = {"FEE-01": "fee_dispute", "CRD-01": "card_declined", "APP-01": "app_outage"}
    truth |= {"TRF-01": "transfer_delay", "BRN-01": "branch_wait", "ACC-01": "account_access"}
    wanted = [truth[code] for code in table.column("reason_code").to_pylist()]
    found = result.prediction.column("model_cause_id").to_pylist()
    assert sum(own == other for own, other in zip(found, wanted, strict=True)) > 380
    assert result.prediction.column("severity").null_count == 0
    assert pc.sum(result.topic.column("signals")).as_py() == 400
    assert result.topic.column("theme_id").null_count == 0


def test_a_second_run_computes_nothing_and_changes_nothing(
    bench: Workbench, bank: Programme, encoder: CountingEncoder
) -> None:
    table = signals(300)
    first = classify(table, bank, bench)
    asked = len(encoder.seen)
    second = classify(table, bank, bench, previous=first.tables)
    assert (second.scored, second.kept) == (0, 300)
    assert len(encoder.seen) == asked
    assert second.prediction.equals(first.prediction)
    assert second.topic.equals(first.topic)
    assert second.training is None


def test_a_delta_gives_the_same_rows_as_scoring_everything_again(bench: Workbench, bank: Programme) -> None:
    before, after = signals(300), pa.concat_tables([signals(300), signals(20, seed=5, start=300)])
    first = classify(before, bank, bench)
    delta = classify(after, bank, bench, previous=first.tables)
    whole = classify(after, bank, bench)
    assert delta.scored == 20
    assert delta.prediction.equals(whole.prediction)
    assert delta.topic.equals(whole.topic)


def test_only_a_customers_own_words_about_a_problem_are_classified(bench: Workbench, bank: Programme) -> None:
    table = signals(300)
    authors = ["agent", None, *["customer"] * 298]
    texts = table.column("text").to_pylist()
    texts[2], texts[3] = None, "   "
    scores = [None] * 4 + [0.9] + [0.1] * 295
    result = classify(changed(table, text_author=authors, text=texts, score_normalised=scores), bank, bench)
    rows = result.prediction.slice(0, 6).to_pylist()
    assert [row["topic_id"] is None for row in rows] == [True, True, True, True, True, False]
    assert [row["model_cause_id"] is None for row in rows[:5]] == [True] * 5
    assert all(row["severity"] in (3, 4) for row in rows)


def test_too_few_coded_texts_leave_causes_unknown_and_say_why(bench: Workbench, bank: Programme) -> None:
    result = classify(signals(300, coded=False), bank, bench)
    assert isinstance(result.training, NotEnoughData)
    assert result.prediction.column("model_cause_id").null_count == 300
    assert result.prediction.column("model_id").null_count == 300
    assert result.prediction.column("topic_id").null_count == 0


def test_with_next_to_nothing_only_severity_is_known(
    bench: Workbench, bank: Programme, encoder: CountingEncoder
) -> None:
    result = classify(signals(5), bank, bench)
    assert encoder.seen == []
    assert result.topic.num_rows == 0
    assert result.prediction.column("severity").to_pylist() == [4] * 5
    empty = classify(signals(0), bank, bench)
    assert empty.prediction.num_rows == 0


def test_a_changed_text_is_scored_again_and_a_changed_score_changes_the_severity(
    bench: Workbench, bank: Programme
) -> None:
    table = signals(300)
    first = classify(table, bank, bench)
    texts = table.column("text").to_pylist()
    texts[0] = "my lawyer will call about the overdraft fee charged"
    corrected = changed(table, text=texts, score_normalised=[None, 0.0, *[None] * 298])
    second = classify(corrected, bank, bench, previous=first.tables)
    rows = second.prediction.slice(0, 3).to_pylist()
    assert second.scored == 1
    assert [row["severity_reason"] for row in rows] == ["legal_threat", "very_low_score", None]


def test_a_refit_on_ten_per_cent_more_texts_keeps_the_theme_ids(bench: Workbench, bank: Programme) -> None:
    # Six subjects are in these texts; finer topics would only tell noise apart.
    params = ClassifyParams(topics=TopicParams(clusters=6))
    first = classify(signals(400), bank, bench, params=params)
    more = pa.concat_tables([signals(400), signals(40, seed=7, start=400)])
    second = classify(more, bank, bench, previous=first.tables, params=params, refit=True)
    events = second.tables["ml_root_cause__theme_event"].to_pylist()
    born, kept = ({event["theme_id"] for event in events if event["kind"] == kind} for kind in ("born", "kept"))
    assert second.topic_model_id != first.topic_model_id
    assert len(born) == 6
    assert born <= kept
    assert second.scored == 440


def test_a_new_model_takes_over_only_on_texts_the_one_in_use_has_not_seen(bench: Workbench, bank: Programme) -> None:
    first = classify(signals(400), bank, bench)
    again = classify(signals(410), bank, bench, previous=first.tables, refit=True)
    assert again.verdict is not None
    assert "too few newest held-out texts" in again.verdict.reason
    assert again.model_id == first.model_id
    more = pa.concat_tables([signals(400), signals(600, seed=7, start=400)])
    later = classify(more, bank, bench, previous=again.tables, refit=True)
    assert later.verdict is not None
    assert later.verdict.accuracy is not None
    assert 500 < later.verdict.accuracy.n <= 600
    assert later.verdict.is_promoted, later.verdict.reason
    assert later.model_id != first.model_id


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_signals_does_not_change_a_byte(
    bench: Workbench, bank: Programme, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    from ml.store import ModelStore

    table = signals(300, seed=seed)
    other = Workbench(bench.embedder, bench.cache, ModelStore(tmp_path_factory.mktemp("models")), bench.tracker)
    turned = table.take(list(reversed(range(300))))
    left, right = classify(table, bank, bench), classify(turned, bank, other)
    assert left.prediction.equals(right.prediction)
    assert left.topic.equals(right.topic)
