"""Texts are varied, labelled truly, and their planted personal data stands where the truth says."""

from __future__ import annotations

import math
import re
from collections import Counter

import pandas as pd
import pytest
from stdnum import iban, luhn

from tests.unit.world.conftest import Built
from world.config import COMPANIES, LANGUAGES
from world.phrase_tables import make_table, make_wording
from world.phrases import shared

KEYS = {
    ("complaints", "complaint"): "complaint_id",
    ("qualtrics", "response"): "ResponseId",
    ("zendesk", "ticket"): "id",
    ("zendesk", "ticket_comment"): "id",
    ("qa", "audit"): "audit_id",
    ("escalations", "escalation"): "escalation_id",
    ("resolutions", "resolution"): "resolution_id",
    ("reviews", "review"): "review_id",
}


def texts_of(world: Built, source: str, entity: str, column: str) -> dict[str, str]:
    rows = world.read(source, entity)
    keys = rows[KEYS[source, entity]].astype(str)
    return dict(zip(keys, rows[column], strict=True))


@pytest.mark.parametrize("name", ["bank", "telecom"])
@pytest.mark.parametrize("table", ["pii_span", "pii_decoy"])
def test_every_planted_value_stands_at_its_position(name: str, table: str, request: pytest.FixtureRequest) -> None:
    world: Built = request.getfixturevalue(name)
    spans = world.truth(table)
    assert len(spans) > 50
    for place, group in spans.groupby(["source", "entity", "column"]):
        texts = texts_of(world, *place)
        for span in group.itertuples():
            assert texts[span.key][span.start : span.end] == span.value, span


def test_cards_and_ibans_have_valid_check_digits_and_decoys_do_not(bank: Built) -> None:
    spans, decoys = bank.truth("pii_span"), bank.truth("pii_decoy")
    cards = spans.loc[spans["kind"] == "card", "value"].str.replace(r"\D", "", regex=True)
    ibans = spans.loc[spans["kind"] == "iban", "value"]
    references = decoys.loc[decoys["kind"] == "reference_number", "value"].str.replace(r"\D", "", regex=True)
    assert len(cards) > 40 and (cards.str.len() == 16).all() and cards.map(luhn.is_valid).all()
    assert len(ibans) > 40 and ibans.map(iban.is_valid).all()
    assert len(references) > 40 and (references.str.len() == 16).all() and not references.map(luhn.is_valid).any()


def test_names_and_addresses_in_texts_are_the_writers_own(bank: Built) -> None:
    people = bank.read("crm", "customer").drop_duplicates("customer_id").set_index("customer_id")
    truth = bank.truth("text_truth")[["source", "entity", "column", "key", "customer_id"]]
    spans = bank.truth("pii_span").merge(truth, on=["source", "entity", "column", "key"])
    assert spans["kind"].nunique() == 6
    for span in spans[spans["kind"].isin(["email", "person_name"])].itertuples():
        person = people.loc[span.customer_id]
        assert span.value in (person["email"], f"{person['first_name']} {person['last_name']}")


def test_employee_names_in_texts_are_on_the_org_chart(bank: Built) -> None:
    staff = bank.read("hr", "org_chart")
    names = set(staff["first_name"] + " " + staff["last_name"])
    planted = bank.truth("pii_span").query("kind == 'employee_name'")["value"]
    assert len(planted) > 20 and set(planted) <= names


def test_fewer_than_one_text_in_ten_is_an_exact_copy(bank: Built) -> None:
    columns = [
        ("complaints", "complaint", "description"),
        ("zendesk", "ticket", "description"),
        ("qualtrics", "response", "Q2"),
        ("reviews", "review", "body"),
    ]
    texts = [t for place in columns for t in texts_of(bank, *place).values() if t]
    assert len(texts) > 5000
    assert 1 - len(set(texts)) / len(texts) < 0.10


def test_no_slot_is_left_open(bank: Built, telecom: Built) -> None:
    for world in (bank, telecom):
        for place in [
            ("complaints", "complaint", "description"),
            ("zendesk", "ticket_comment", "body"),
            ("zendesk", "ticket", "subject"),
        ]:
            assert not [t for t in texts_of(world, *place).values() if "{" in t or "}" in t]


def test_languages_come_in_the_planned_shares(bank: Built) -> None:
    truth = bank.truth("text_truth").query("author == 'customer'")
    share = truth["language"].value_counts(normalize=True)
    assert 0.04 < share["es"] < 0.09 and 0.025 < share["de"] < 0.06


def test_hard_texts_occur_and_are_marked(bank: Built) -> None:
    truth = bank.truth("text_truth").query("entity == 'complaint'")
    assert 0.03 < truth["is_sarcastic"].mean() < 0.10
    assert 0.10 < truth["is_multi_issue"].mean() < 0.20
    assert 0.05 < truth["denied_cause"].notna().mean() < 0.12
    assert (truth["causes"].map(len) == 1 + truth["is_multi_issue"]).all()
    assert not any(row.denied_cause in row.causes for row in truth.itertuples())
    assert any("\n" in t for t in texts_of(bank, "complaints", "complaint", "description").values())


def test_words_tell_causes_apart_but_not_perfectly(bank: Built) -> None:
    """Counting words (naive Bayes) finds most causes but not all: the texts are neither noise nor labels."""
    truth = bank.truth("text_truth").query("entity == 'complaint' and column == 'description'")
    texts = texts_of(bank, "complaints", "complaint", "description")
    words = [set(re.findall(r"\w+", texts[k].lower())) for k in truth["key"]]
    causes = truth["causes"].map(lambda c: c[0]).tolist()
    cut = len(words) // 2
    seen: dict[str, Counter[str]] = {cause: Counter() for cause in set(causes)}
    for bag, cause in zip(words[:cut], causes[:cut], strict=True):
        seen[cause].update(bag)
    size = Counter(causes[:cut])

    def score(bag: set[str], cause: str) -> float:
        return math.log(size[cause]) + sum(math.log((seen[cause][w] + 0.1) / (size[cause] + 0.2)) for w in bag)

    right = sum(
        max(seen, key=lambda c: score(bag, c)) == cause for bag, cause in zip(words[cut:], causes[cut:], strict=True)
    )
    assert 0.55 < right / (len(words) - cut) < 0.96


def test_reason_codes_are_missing_and_wrong_as_planned(bank: Built) -> None:
    rows = bank.read("complaints", "complaint").drop_duplicates("complaint_id")
    assert 0.65 < (rows["category"] != "").mean() < 0.75
    miscoded = bank.truth("miscoded")
    assert (
        0.08
        < (miscoded["entity"] == "resolution").sum() / bank.read("resolutions", "resolution")["resolution_id"].nunique()
        < 0.16
    )
    codes = {cause.id: cause.codes for cause in COMPANIES["bank"].causes}
    assert not any(row.written in codes[row.true_cause] for row in miscoded.itertuples())


@pytest.mark.parametrize("company", ["bank", "telecom"])
def test_every_cause_has_words_in_every_language(company: str) -> None:
    wording = make_wording(COMPANIES[company])
    for part in ("core", "detail", "topic", "subject", "praise"):
        table = wording.cause[part]
        assert len(table.size) == len(LANGUAGES) * wording.causes
        assert (table.size > 0).all()
        assert min(len(t.as_py()) for t in table.texts[0]) >= 0


def test_an_unknown_slot_is_refused() -> None:
    with pytest.raises(ValueError):
        make_table([["an {unheard} of slot"]])


def test_staff_wording_is_never_used_in_customers_texts(bank: Built) -> None:
    staff = [line for line in shared.EN["agent_action"].split("\n") if "{" not in line]
    texts = pd.Series(texts_of(bank, "complaints", "complaint", "description"))
    assert not any(texts.str.contains(line, regex=False).any() for line in staff)


def test_the_tone_of_an_answer_follows_its_score_and_staff_have_none(bank: Built) -> None:
    truth = bank.truth("text_truth")
    answers = bank.read("qualtrics", "response").query("SurveyId == 'SV_NPS' and Q2 != ''")
    told = truth.query("entity == 'response'").merge(answers, left_on="key", right_on="ResponseId")
    score = told["Q1"].astype(int)
    expected = score.map(lambda given: "complaint" if given <= 6 else "praise" if given >= 9 else "mild")
    assert len(told) > 100
    assert (told["tone"] == expected).all()
    assert truth.loc[truth["author"] != "customer", "tone"].isna().all()
    # Praise is about no failure, and every complaint is about one.
    assert truth.loc[truth["tone"] == "praise", "causes"].map(len).eq(0).all()
    assert truth.loc[truth["tone"] == "complaint", "causes"].map(len).gt(0).all()
