"""Reading a text: all parts together, with models and without any."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.root_cause.cause_model import CauseModel
from ml.root_cause.classifier import KIND as CAUSE
from ml.root_cause.classifier import ClassifierParams, Examples, Training, train
from ml.root_cause.felt import ReadingModels, as_json, feel, feeling_places, felt_columns, rule_places
from ml.root_cause.reading import Reader, Reading, encoder_of, load_reading_models, open_reader
from ml.root_cause.severity import severities
from ml.root_cause.severity_model import Context, SeverityModel, train_severity
from ml.store import ModelStore
from ml.text.embed import MINILM, text_key
from ml.text.fused import FusedModel, FusedParams
from ml.text.sentiment import KIND as SENTIMENT
from ml.text.sentiment import train_sentiment
from models.programme import Programme
from tests.unit.ml.conftest import CountingEncoder
from tests.unit.ml.small_texts import Made, made

PARAMS = FusedParams(min_texts=100, min_per_class=10)


@pytest.fixture(scope="module")
def data() -> Made:
    return made(500)


@pytest.fixture(scope="module")
def causes(data: Made) -> CauseModel:
    examples = Examples(
        texts=data.texts,
        vectors=data.vectors(),
        causes=data.causes,
        groups=[text_key(text) for text in data.texts],
        occurred=[float(place) for place in range(len(data.texts))],
    )
    trained = train(examples, ClassifierParams(min_texts=100))
    assert isinstance(trained, Training)
    return trained.model


@pytest.fixture(scope="module")
def models(data: Made) -> ReadingModels:
    signs, vectors = data.signs(), data.vectors()
    mood = train_sentiment(data.texts, signs, vectors, data.moods, PARAMS)
    context = Context([None] * 500, [None] * 500, np.full(500, np.nan))
    grave = [2 if cause == "card_declined" else 4 for cause in data.causes]
    severity = train_severity(data.texts, signs, vectors, context, grave, PARAMS)
    assert isinstance(mood, FusedModel) and isinstance(severity, SeverityModel)
    return ReadingModels(sentiment=mood, severity=severity)


@pytest.fixture
def reader(bank: Programme, models: ReadingModels, causes: CauseModel) -> Reader:
    return Reader(bank, models, causes)


class Shelf:
    """A reader whose arrays are not printed with every generated example."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def __repr__(self) -> str:
        return "Shelf"


@pytest.fixture(scope="module")
def shelf(bank: Programme, models: ReadingModels, causes: CauseModel) -> Shelf:
    return Shelf(Reader(bank, models, causes))


def read(reader: Reader, text: str, score: float | None = None) -> Reading:
    return reader.read([text], CountingEncoder(), scores=[score])[0]


def test_a_text_with_two_issues_gets_cause_severity_feeling_aspects_and_quotes(reader: Reader) -> None:
    text = "my card was declined again in Leeds. the app works well now at home"
    found = read(reader, text)
    assert found.cause.cause_id in {"card_declined", "app_outage"}
    # One cause for a text about two is no matter of course: a person should look.
    assert found.cause.unsure is not None
    assert found.cause.failure_type == "product"
    assert [aspect.cause_id for aspect in found.cause.aspects] == ["card_declined", "app_outage"]
    assert found.cause.aspects[0].sentiment < found.cause.aspects[1].sentiment  # type: ignore[operator]
    assert found.sentiment_basis == SENTIMENT and found.urgency_basis == "lexicon"


def test_the_quoted_clause_is_the_one_about_the_cause(reader: Reader) -> None:
    text = "hello dear team. the queue at the counter took forever in town. i wrote on friday"
    found = read(reader, text)
    assert found.cause.cause_id == "branch_wait"
    quotes = [text[start:end] for start, end in found.evidence["cause"]]
    assert quotes[0].startswith("the queue at the counter")


def test_a_rule_that_gave_the_severity_is_quoted_and_no_model_lowers_it(reader: Reader) -> None:
    text = "the app works well now but my lawyer will sue you"
    found = read(reader, text)
    assert (found.severity, found.severity_reason, found.severity_floor, found.severity_model) == (
        2,
        "legal_threat",
        2,
        4,
    )
    assert [text[start:end] for start, end in found.evidence["severity"]] == ["lawyer", "will sue"]


def test_a_model_may_raise_the_severity_and_is_named(reader: Reader) -> None:
    found = read(reader, "my card was declined again in York")
    assert (found.severity, found.severity_reason, found.severity_floor) == (2, "model", 4)


def test_without_models_rules_speak_nothing_is_embedded_and_what_is_missing_is_said(bank: Programme) -> None:
    encoder = CountingEncoder()
    bare = Reader(bank)
    [found] = bare.read(["Terrible, I was charged twice and my lawyer knows"], encoder)
    assert encoder.seen == [] and found.cause.cause_id is None and found.theme is None
    assert (found.severity, found.sentiment_basis, found.sentiment_label) == (2, "lexicon", "negative")
    assert set(bare.missing) == {"root-cause", "topics", "sentiment", "urgency", "feedback-kind", "severity"}
    assert bare.read([], encoder) == []


def test_an_empty_text_is_unknown_and_no_error(reader: Reader) -> None:
    found = read(reader, "!!!")
    assert found.sentiment is None and found.feedback_kind is None and found.cause.aspects == ()
    assert found.evidence == {"cause": (), "severity": [], "sentiment": []}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.sampled_from(["my card", "the app", "was declined", "lawyer", "not good", ".", "but", "!", "[NAME]", "gut"]),
        max_size=10,
    ).map(" ".join)
)
def test_every_quote_and_aspect_is_a_part_of_the_text(shelf: Shelf, text: str) -> None:
    found = read(shelf.reader, text)
    places = [place for own in found.evidence.values() for place in own]
    places += [(aspect.start, aspect.end) for aspect in found.cause.aspects]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert found.severity <= found.severity_floor


def test_many_texts_read_as_each_alone(reader: Reader) -> None:
    texts = made(20, seed=3).texts
    together = reader.read(texts, CountingEncoder())
    for text, whole in zip(texts, together, strict=True):
        alone = read(reader, text)
        assert (alone.cause.cause_id, alone.severity, alone.feedback_kind, alone.evidence) == (
            whole.cause.cause_id,
            whole.severity,
            whole.feedback_kind,
            whole.evidence,
        )


def test_columns_of_a_table_keep_the_rule_severity_where_nothing_was_read(
    bank: Programme, models: ReadingModels
) -> None:
    texts = [
        "my card was declined again in York",
        "a note by an agent about a lawyer",
        "the app works well now at home",
    ]
    floor = severities(pa.table({"text": texts}), bank.severity)
    read_texts = [texts[0], texts[2]]
    felt = feel(read_texts, CountingEncoder()(read_texts), models)
    table = felt_columns(felt, np.array([0, 2]), floor, models.reading_id).to_pydict()
    assert table["severity"] == [2, 2, 4] and table["severity_reason"] == ["model", "legal_threat", None]
    assert table["sentiment"][1] is table["reading_id"][1] is table["urgency"][1] is None
    assert table["sentiment"][0] < 0 < table["sentiment"][2]
    assert table["severity_model"] == [2, None, 4] and table["urgency_reasons"] == [None, None, None]


def test_evidence_without_vectors_names_the_words_of_rules_and_of_feeling(bank: Programme) -> None:
    texts = ["The staff was great. My lawyer is furious.", "Nothing here"]
    by_rule = rule_places(texts, ["legal_threat", None], bank.severity)
    by_mood = feeling_places(texts, np.array([-0.5, np.nan]))
    assert [texts[0][start:end] for start, end in by_rule[0] + by_mood[0]] == ["lawyer", "My lawyer is furious."]
    assert by_rule[1] == by_mood[1] == []
    assert json.loads(as_json({"severity": by_rule[0], "cause": []}) or "") == {"severity": [[24, 30]]}
    assert as_json({"cause": []}) is None


def test_the_id_of_a_reading_changes_with_its_models_only(models: ReadingModels) -> None:
    assert ReadingModels().reading_id == ReadingModels().reading_id != models.reading_id
    assert ReadingModels(sentiment=models.sentiment).reading_id != models.reading_id


def test_the_active_models_of_a_store_are_read_and_one_made_for_other_causes_is_left_out(
    tmp_path: Path, bank: Programme, models: ReadingModels, causes: CauseModel
) -> None:
    store = ModelStore(tmp_path)
    assert open_reader(store, bank).missing == Reader(bank).missing
    assert encoder_of(store).model_id == MINILM
    for kind, model in (*models.parts.items(), (CAUSE, causes)):
        if model is not None:
            store.save(kind, model.model_id, model.files())
            store.promote(kind, model.model_id)
    assert load_reading_models(store).reading_id == models.reading_id
    opened = open_reader(store, bank)
    assert opened.causes is not None and opened.missing == ("topics", "urgency", "feedback-kind")
    others = bank.model_copy(update={"taxonomy": bank.taxonomy.model_copy(update={"causes": bank.taxonomy.causes[:1]})})
    assert open_reader(store, others).causes is None


def test_a_model_of_another_version_is_left_out_and_the_rest_still_reads(
    tmp_path: Path, bank: Programme, models: ReadingModels
) -> None:
    store, own = ModelStore(tmp_path), models.sentiment
    assert own is not None
    old = own.files()["about.json"].replace(b'"code_version": 2', b'"code_version": 0')
    store.save(SENTIMENT, "old", own.files() | {"about.json": old})
    store.promote(SENTIMENT, "old")
    assert open_reader(store, bank).models.sentiment is None
