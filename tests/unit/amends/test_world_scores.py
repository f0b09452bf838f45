"""`amends world score text`: figures against a truth somebody else's formula agrees with, and a command that says what lacks."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score
from typer.testing import CliRunner, Result

from amends.cli import app
from amends.scoring.joined import NoTruth, joined, truth_folder
from amends.scoring.noise import noise_curve, with_typos
from amends.scoring.text import cause_figures, macro_f1, miscoded, severities, themes, tones
from ml.outputs import MISCODING, PREDICTION, write_output
from models.settings import load_settings
from world.build import build_world

CAUSES = ("fees", "app", "queue", "card")


def made(count: int, seed: int = 0, wrong: float = 0.3, silent: float = 0.1) -> pd.DataFrame:
    """Texts with a cause, and a model that errs and abstains by chance."""
    rng = np.random.default_rng(seed)
    true = rng.choice(CAUSES, count)
    guess = np.where(rng.random(count) < wrong, rng.choice(CAUSES, count), true).astype(object)
    guess[rng.random(count) < silent] = None
    return pd.DataFrame({
        "signal_id": [f"s{n}" for n in range(count)], "author": "customer", "cause": true,
        "causes": [[one] for one in true], "model_cause_id": guess, "theme_id": [f"T-{one}" for one in true],
        "text": "they charged me twice for the same thing", "coded_cause_id": [None if n % 2 else "fees" for n in range(count)],
    })  # fmt: skip


def test_macro_f1_is_that_of_scikit_learn_with_abstentions_as_wrong_answers() -> None:
    rows = made(400)
    figures = cause_figures(rows, "model_cause_id", seed=1)
    expected = f1_score(rows["cause"], rows["model_cause_id"].fillna("none"), labels=list(CAUSES), average="macro")
    assert figures["macro_f1"]["value"] == pytest.approx(expected, abs=1e-4)
    assert figures["macro_f1"]["low"] < expected < figures["macro_f1"]["high"]
    answered = rows["model_cause_id"].notna()
    right = (rows["cause"] == rows["model_cause_id"]).sum()
    assert figures["accuracy"]["value"] == pytest.approx(right / 400, abs=1e-4)
    assert figures["precision"]["value"] == pytest.approx(right / answered.sum(), abs=1e-4)
    assert figures["answered"]["n"] == 400


def test_either_cause_of_a_text_with_two_is_right() -> None:
    rows = made(30, wrong=0, silent=0).assign(causes=[["fees", "app"]] * 30, cause="fees")
    for name, value in (("fees", 1), ("app", 1), ("queue", 0)):
        assert cause_figures(rows.assign(model_cause_id=name), "model_cause_id", 0)["accuracy"]["value"] == value


def test_too_few_texts_get_no_bootstrap_and_none_no_share() -> None:
    assert cause_figures(made(19), "model_cause_id", 0)["macro_f1"] is None
    assert cause_figures(made(0), "model_cause_id", 0)["accuracy"] is None
    assert np.isnan(macro_f1(np.array([], dtype=np.int64), np.array([], dtype=np.int64)))


def test_severity_is_judged_by_quadratic_kappa_and_by_grave_ones_missed() -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(1, 5, 300)
    guess = np.clip(truth + rng.integers(-1, 3, 300), 1, 4)
    rows = pd.DataFrame({"true_severity": truth.astype(float), "severity": guess})
    rows.loc[:9, "true_severity"] = None
    figures = severities(rows, seed=0)
    assert figures["texts"] == 290
    assert figures["kappa"]["value"] == pytest.approx(
        cohen_kappa_score(truth[10:], guess[10:], weights="quadratic"), abs=1e-4
    )
    assert figures["grave_taken_for_mild"]["value"] == pytest.approx(
        (guess[10:][truth[10:] <= 2] >= 3).mean(), abs=1e-4
    )
    assert np.sum(figures["confusion"]) == 290


def test_themes_that_are_the_causes_agree_fully_and_random_ones_not_at_all() -> None:
    rows = made(400)
    assert themes(rows, 0)["v_measure"]["value"] == 1
    lost = themes(rows.assign(theme_id=np.random.default_rng(9).choice(["T-1", "T-2", "T-3"], 400)), 0)
    assert abs(lost["ami"]["value"]) < 0.03
    assert themes(rows.assign(theme_id=None), 0)["assigned"]["value"] == 0


def test_mis_coding_is_judged_by_codes_that_are_no_cause_of_their_text() -> None:
    rows = made(4).assign(causes=[["fees"], ["app"], ["app", "fees"], ["card"]], cause=["fees", "app", "app", "card"])
    found = pd.DataFrame({
        "signal_id": ["s0", "s1", "s2", "s3", "unknown"], "coded_cause_id": ["fees"] * 5,
        "suggested_cause_id": ["app", "app", None, None, "app"], "is_finding": [True, True, False, False, True],
    })  # fmt: skip
    figures = miscoded(rows, found)
    assert (figures["judged"], figures["findings"]) == (4, 2)
    assert [figures[name]["value"] for name in ("wrong_codes", "precision", "recall")] == [0.5, 0.5, 0.5]
    assert figures["suggestion_right"] == {"value": 1.0, "low": pytest.approx(0.2065, abs=1e-3), "high": 1.0, "n": 1}


def test_tone_is_scored_by_what_the_prediction_has() -> None:
    rows = pd.DataFrame({"tone": ["complaint", "praise", "mild", None] * 20})
    assert "note" in tones(rows, 0)
    sentiment = rows["tone"].map({"complaint": -0.8, "praise": 0.9, "mild": 0.0})
    kind = rows["tone"].map({"complaint": "problem", "praise": "problem"})
    figures = tones(rows.assign(sentiment=sentiment, feedback_kind=kind), 0)
    assert figures["sentiment_auc"]["value"] == 1
    assert figures["kind_right"]["value"] == 0.5


WORDS = st.text(alphabet=st.characters(categories=["L", "N", "P", "Z"]), max_size=80)


@given(WORDS, st.integers(0, 1_000))
def test_no_errors_leave_a_text_as_it_is_and_all_errors_leave_short_words_and_masks(text: str, seed: int) -> None:
    assert with_typos(text, 0.0, np.random.default_rng(seed)) == text
    assert with_typos("at [EMAIL ADDRESS] by me", 1.0, np.random.default_rng(seed)) == "at [EMAIL ADDRESS] by me"


@given(st.integers(0, 1_000))
def test_a_higher_rate_spoils_more_of_the_same_words(seed: int) -> None:
    text = ["several", "customers", "complained", "about", "unexpected", "charges", "yesterday", "evening"]
    few, many = (with_typos(" ".join(text), rate, np.random.default_rng(seed)).split() for rate in (0.3, 0.8))
    assert [b for a, b in zip(text, few, strict=True) if a != b] == [
        m for a, b, m in zip(text, few, many, strict=True) if a != b
    ]


def test_the_curve_reads_the_same_texts_at_each_rate_uncoded_ones_first() -> None:
    rows = made(100)
    asked: list[list[str]] = []

    def predict(texts: Any) -> list[str | None]:
        asked.append(list(texts))
        return [cause if "charged" in text else None for cause, text in zip(["fees"] * len(texts), texts, strict=True)]

    curve = noise_curve(rows, predict, rates=(0.0, 1.0), sample=40)
    assert [point["texts"] for point in curve] == [40, 40]
    assert curve[0]["unseen"] == 40
    assert curve[0]["answered"]["value"] == 1 and curve[1]["answered"]["value"] < 0.7
    assert set(asked[0]) == {"they charged me twice for the same thing"}


def test_a_rate_that_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        with_typos("anything", 1.5, np.random.default_rng(0))


@pytest.fixture(scope="module")
def scored_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that understood every second text of a small world as it is, and nothing of the rest."""
    home = tmp_path_factory.mktemp("home")
    out = home / "world" / "bank"
    build_world(company="bank", customers=300, weeks=6, seed=5, out=out)
    truth = pd.read_parquet(out / "truth" / "text_truth.parquet").query("column in ('description', 'Q2', 'body')")
    rows = truth.drop_duplicates(["source", "entity", "key"]).reset_index(drop=True)
    first = rows["causes"].map(lambda causes: causes[0] if len(causes) else None)
    signals = pd.DataFrame({
        "signal_id": [f"s{n}" for n in rows.index], "source": rows["source"], "entity": rows["entity"],
        "source_key": rows["key"], "customer_id": rows["customer_id"], "text": "words", "coded_cause_id": None,
        "model_cause_id": first.where(rows.index % 2 == 0), "model_confidence": 0.9,
        "cause_id": first.where(rows.index % 2 == 0), "severity": 3, "theme_id": "T-" + first.astype(str),
    })  # fmt: skip
    before = dict(os.environ)
    os.environ["AMENDS_HOME"] = str(home)
    try:
        settings = load_settings()
        settings.handoff.mkdir(parents=True)
        signals.to_parquet(settings.handoff / "fct_signal.parquet")
        prediction = pa.Table.from_pylist([{"signal_id": one} for one in signals["signal_id"]], schema=PREDICTION)
        write_output(settings.ml_outputs, "ml_root_cause__prediction", prediction)
        write_output(settings.ml_outputs, "ml_root_cause__miscoding", MISCODING.empty_table())
    finally:
        os.environ.clear()
        os.environ.update(before)
    return home


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["world", "score", "text", *words], env={"AMENDS_HOME": str(home)})


def test_the_command_joins_texts_with_their_truth_and_tells_every_slice(scored_home: Path) -> None:
    document = json.loads(run(scored_home, "--json").stdout)
    assert document["world"] == {"company": "bank", "customers": 300, "weeks": 6, "seed": 5}
    cause = document["cause"]
    assert 0.4 < cause["model"]["answered"]["value"] < 0.6
    assert cause["model"]["precision"]["value"] == 1
    assert "en" in cause["by_language"] and set(cause["by_noise"]) >= {
        "vague",
        "misspelt",
        "sarcastic",
        "several issues",
    }
    assert cause["code"]["texts"] == 0
    assert document["themes"]["homogeneity"] == 1
    assert document["severity"]["texts"] > 50
    assert document["miscoding"]["judged"] == 0


def test_another_home_is_scored_by_naming_it(scored_home: Path, tmp_path: Path) -> None:
    there = run(tmp_path, "--home", str(scored_home), "--json")
    assert json.loads(there.stdout) == json.loads(run(scored_home, "--json").stdout)


def test_the_command_shows_tables_to_people(scored_home: Path) -> None:
    shown = run(scored_home)
    assert shown.exit_code == 0
    for words in ("language en", "sarcastic texts", "grave taken for mild", "themes"):
        assert words in shown.stdout


def test_a_home_without_a_world_says_how_to_get_one(tmp_path: Path) -> None:
    refused = run(tmp_path, "--json")
    assert refused.exit_code == 1
    assert "amends demo" in " ".join(refused.stderr.split())


def test_typing_errors_need_a_model_to_read_them(scored_home: Path) -> None:
    refused = run(scored_home, "--noise", "--json")
    assert refused.exit_code == 1
    assert "No cause model" in refused.stderr


def test_the_truth_of_another_world_is_refused(
    scored_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMENDS_HOME", str(scored_home))
    settings = load_settings()
    with pytest.raises(NoTruth, match=r"holds no text_truth"):
        truth_folder(settings, tmp_path)
    build_world(company="telecom", customers=60, weeks=4, seed=1, out=tmp_path)
    table = pd.read_parquet(tmp_path / "truth" / "text_truth.parquet").assign(key="nobody's")
    table.to_parquet(tmp_path / "truth" / "text_truth.parquet")
    with pytest.raises(NoTruth, match="another world"):
        joined(settings, truth_folder(settings, tmp_path))
