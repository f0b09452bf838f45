"""The severity model: learns what people judged, on an ordered scale, and is honest about how well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.root_cause.severity_model import (
    KIND,
    Context,
    SeverityModel,
    load_severity_model,
    quadratic_kappa,
    train_severity,
)
from ml.store import ModelRefused, ModelStore
from ml.text.fused import FusedParams, TooFew
from tests.unit.ml.small_texts import Made, made

PARAMS = FusedParams(min_texts=100, min_per_class=10, regularisation=1.0)
GRAVE = {"card_declined": 2, "app_outage": 3, "branch_wait": 4}


def known(data: Made, scores: list[float | None] | None = None) -> Context:
    count = len(data.texts)
    return Context(scores or [None] * count, ["phone", None] * (count // 2), np.full(count, np.nan))


def judged(data: Made) -> list[int]:
    """People find card trouble graver, and one step graver when the mood is bad."""
    return [GRAVE[cause] - (mood == "negative") for cause, mood in zip(data.causes, data.moods, strict=True)]


@pytest.fixture(scope="module")
def model() -> SeverityModel:
    data = made(600)
    floors = [4] * 600
    trained = train_severity(data.texts, data.signs(), data.vectors(), known(data), judged(data), PARAMS, floors=floors)
    assert isinstance(trained, SeverityModel)
    return trained


def test_an_ordered_scale_is_learnt_and_judged_on_unseen_texts(model: SeverityModel) -> None:
    fresh = made(200, seed=4)
    guess = model.predict(fresh.signs(), fresh.vectors(), known(fresh))
    assert quadratic_kappa(np.array(judged(fresh)), guess) > 0.8
    assert model.metrics["model_kappa_low"] <= model.metrics["model_kappa"] <= model.metrics["model_kappa_high"]
    assert model.metrics["rules_kappa"] == 0 < model.metrics["both_kappa"]


def test_probabilities_are_a_distribution_over_the_severities(model: SeverityModel) -> None:
    fresh = made(50, seed=6)
    shares = model.probabilities(fresh.signs(), fresh.vectors(), known(fresh))
    assert shares.shape == (50, len(model.levels)) and (shares >= 0).all()
    assert np.allclose(shares.sum(axis=1), 1)


def test_a_score_can_be_what_gravity_hangs_on() -> None:
    data = made(400)
    scores: list[float | None] = [place % 5 / 4 for place in range(400)]
    severities = [2 if score < 0.3 else 4 for score in scores if score is not None]
    trained = train_severity(data.texts, data.signs(), data.vectors(), known(data, scores), severities, PARAMS)
    assert isinstance(trained, SeverityModel)
    fresh = made(10, seed=2)
    low, high = known(fresh, [0.0] * 10), known(fresh, [1.0] * 10)
    assert set(trained.predict(fresh.signs(), fresh.vectors(), low)) == {2}
    assert set(trained.predict(fresh.signs(), fresh.vectors(), high)) == {4}


def test_a_saved_model_says_the_same_and_an_unknown_channel_is_no_error(tmp_path: Path, model: SeverityModel) -> None:
    store = ModelStore(tmp_path)
    store.save(KIND, model.model_id, model.files())
    loaded = load_severity_model(store.load(KIND, model.model_id))
    fresh = made(20, seed=9)
    context = Context([None] * 20, ["carrier pigeon"] * 20, np.full(20, np.nan))
    before = model.probabilities(fresh.signs(), fresh.vectors(), context)
    assert np.array_equal(loaded.probabilities(fresh.signs(), fresh.vectors(), context), before)
    old = model.files()["about.json"].replace(b'"code_version": 2', b'"code_version": 0')
    store.save(KIND, "old", model.files() | {"about.json": old})
    with pytest.raises(ModelRefused, match="version 0"):
        load_severity_model(store.load(KIND, "old"))


def test_too_few_or_equal_severities_train_nothing() -> None:
    few = made(60)
    found = train_severity(few.texts, few.signs(), few.vectors(), known(few), judged(few), PARAMS)
    assert isinstance(found, TooFew) and "100" in found.reason
    equal = made(200)
    found = train_severity(equal.texts, equal.signs(), equal.vectors(), known(equal), [3] * 200, PARAMS)
    assert isinstance(found, TooFew) and "two severities" in found.reason


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=5, max_size=40))
def test_kappa_equals_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    truth, guess = np.array(pairs).T
    ours = quadratic_kappa(truth, guess)
    if np.isnan(ours):
        assert len(set(truth) | set(guess)) == 1
    else:
        assert ours == pytest.approx(cohen_kappa_score(truth, guess, weights="quadratic", labels=[1, 2, 3, 4]))
