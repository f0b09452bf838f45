"""Playbooks: the words that fit a case best, offers within their limits, and files that say where they are wrong."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from intake.programme import ProgrammeError, load_programme
from models.playbook import Offer, Playbook, ScriptFault, Scripts, Step, Tone
from models.programme import Programme
from models.texts import PlaybookText

ROOT = Path(__file__).resolve().parents[3] / "programme"
COMPANIES = ("bank", "telecom")
TONES = get_args(Tone)

BODY = """
## phone

plain

## phone: fee_dispute

fee

## phone: severity_1

grave

## phone: angry

angry

## phone: fee_dispute, severity_1

fee grave

## phone: fee_dispute, angry

fee angry

## email

written
"""


@pytest.mark.parametrize(
    ("cause", "severity", "tone", "expected"),
    [
        (None, 3, None, "plain"),
        ("card_declined", 3, "anxious", "plain"),
        ("fee_dispute", 3, None, "fee"),
        (None, 1, None, "grave"),
        (None, 3, "angry", "angry"),
        (None, 1, "angry", "grave"),
        ("fee_dispute", 1, None, "fee grave"),
        ("fee_dispute", 1, "angry", "fee grave"),
        ("fee_dispute", 2, "angry", "fee angry"),
    ],
)
def test_the_most_specific_words_win_and_cause_counts_before_severity_before_tone(
    cause: str | None, severity: int, tone: Tone | None, expected: str
) -> None:
    found = Scripts(BODY).find("phone", cause_id=cause, severity=severity, tone=tone)
    assert found is not None
    assert found.text == expected


@given(
    st.sampled_from([None, "fee_dispute", "card_declined"]), st.integers(1, 4), st.sampled_from([None, *TONES])
)  # fmt: skip
def test_a_channel_that_has_words_has_words_for_every_case(cause: str | None, severity: int, tone: Tone | None) -> None:
    scripts = Scripts(BODY)
    assert scripts.find("email", cause_id=cause, severity=severity, tone=tone) is not None
    found = scripts.find("phone", cause_id=cause, severity=severity, tone=tone)
    assert found is not None
    assert found.cause_id in (None, cause)
    assert found.severity in (None, severity)
    assert found.tone in (None, tone)
    assert scripts.find("letter", cause_id=cause, severity=severity, tone=tone) is None


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("words\n\n## email\n\nx", 1, "stand below a heading"),
        ("## email\n\n\n## phone\n\nx", 1, "is empty"),
        ("## email\nx\n## email\ny", 4, "given twice"),
        ("## email\nx\n## phone: angry\ny", 4, "no plain section"),
        ("## email\nx\n## E-mail!\ny", 3, "is no section"),
        ("## email\nx\n## email: angry, anxious\ny", 3, "says tone twice"),
        ("## email\nx\n## email: a, b\ny", 3, "says cause_id twice"),
        ("## email\nx\n## email: severity_1, severity_2\ny", 3, "says severity twice"),
    ],
)
def test_words_that_are_out_of_order_are_refused_at_their_line(body: str, line: int, reason: str) -> None:
    with pytest.raises(ScriptFault, match=reason) as caught:
        Scripts(body)
    assert caught.value.line == line


def test_a_playbook_whose_step_has_no_words_for_its_channel_is_refused() -> None:
    playbook = Playbook(code="p", title="P", steps=(Step(code="s", title="S", channel="sms"),))
    with pytest.raises(ValidationError, match="a step uses sms, but there is no section `## sms`"):
        PlaybookText(playbook=playbook, script="## email\n\nx")


def test_the_version_of_a_playbook_changes_with_everything_in_it() -> None:
    step = Step(code="s", title="S", channel="email")
    base = Playbook(code="p", title="P", steps=(step,))
    offer = Offer(code="o", title="O", cap_usd_by_severity={1: Decimal(10)})
    variants = [
        (base, "## email\n\nx"),
        (base, "## email\n\ny"),
        (base.model_copy(update={"title": "Q"}), "## email\n\nx"),
        (base.model_copy(update={"steps": (step.model_copy(update={"within_hours": 2.0}),)}), "## email\n\nx"),
        (base.model_copy(update={"offers": (offer,)}), "## email\n\nx"),
        (base.model_copy(update={"offers": (offer.model_copy(update={"flag_after": 2}),)}), "## email\n\nx"),
    ]
    hashes = [PlaybookText(playbook=playbook, script=script).version_hash for playbook, script in variants]
    assert len(set(hashes)) == len(variants)
    assert PlaybookText(playbook=base, script="## email\n\nx").version_hash == hashes[0]


def test_a_playbook_that_asks_for_what_no_case_has_is_refused() -> None:
    with pytest.raises(ValidationError, match="a case has no field severty"):
        Playbook.model_validate(
            {
                "code": "p",
                "title": "P",
                "steps": [{"code": "s", "title": "S"}],
                "eligibility": {"all": [{"field": "severty", "op": "is", "value": 1}]},
            }
        )
    with pytest.raises(ValidationError, match="a step code is used twice"):
        Playbook(code="p", title="P", steps=(Step(code="s", title="S"), Step(code="s", title="T")))


REFUND = Offer.model_validate(
    {
        "code": "refund",
        "title": "Refund",
        "cap_usd_by_severity": {1: 500, 2: 250, 3: 100},
        "per_customer_12_months_usd": 600,
        "max_per_customer_12_months": 3,
        "value_bands": [{"at_least_usd": 1500, "factor": 1.5}, {"at_least_usd": 5000, "factor": 2}],
        "flag_after": 2,
        "approvals": [{"above_usd": 250, "role": "manager"}, {"above_usd": 100, "role": "team_lead"}],
    }
)


@pytest.mark.parametrize(
    ("value", "expected"), [(None, 100), (1499, 100), (1500, 150), (4999, 150), (5000, 200), (90_000, 200)]
)
def test_the_cap_grows_with_the_band_the_customers_value_lies_in(value: int | None, expected: int) -> None:
    worth = None if value is None else Decimal(value)
    cap = REFUND.allowed_usd(severity=3, spent_12_months_usd=Decimal(0), given_12_months=0, value_usd=worth)
    assert cap == expected


money = st.decimals(min_value=0, max_value=2_000, places=2)


@given(
    st.integers(1, 4), money, st.integers(0, 6), st.one_of(st.none(), money), st.lists(money, min_size=1, max_size=8)
)
def test_no_run_of_offers_ever_exceeds_the_budget_the_count_or_the_cap(
    severity: int, spent: Decimal, count: int, value: Decimal | None, wishes: list[Decimal]
) -> None:
    for wish in wishes:
        most = REFUND.allowed_usd(severity=severity, spent_12_months_usd=spent, given_12_months=count, value_usd=value)
        assert most >= 0
        assert most <= REFUND.cap_usd_by_severity.get(severity, Decimal(0)) * 2
        amount = min(wish, most)
        if amount > 0:
            spent, count = spent + amount, count + 1
            assert spent <= 600
            assert count <= 3


def test_a_severity_without_a_cap_gets_no_offer() -> None:
    assert (
        REFUND.allowed_usd(severity=4, spent_12_months_usd=Decimal(0), given_12_months=0, value_usd=Decimal(9999)) == 0
    )


def test_a_customer_with_many_offers_is_flagged_and_needs_an_approval_but_is_not_refused() -> None:
    assert [REFUND.is_flagged(given) for given in range(4)] == [False, False, True, True]
    small = Decimal(5)
    assert [REFUND.approver(small, given_12_months=given) for given in range(3)] == [None, None, "team_lead"]
    assert REFUND.allowed_usd(severity=3, spent_12_months_usd=Decimal(200), given_12_months=2) > 0
    assert REFUND.approver(Decimal(300), given_12_months=2) == "manager"
    assert REFUND.model_copy(update={"approvals": ()}).approver(small, given_12_months=2) == "team_lead"


@given(money, money, st.integers(0, 5))
def test_more_money_never_needs_a_lower_approval(one: Decimal, other: Decimal, count: int) -> None:
    rank = {None: 0, "team_lead": 1, "manager": 2}
    low, high = sorted((one, other))
    assert rank[REFUND.approver(low, given_12_months=count)] <= rank[REFUND.approver(high, given_12_months=count)]


@pytest.fixture(params=COMPANIES)
def programme(request: pytest.FixtureRequest) -> Programme:
    """Each programme that ships."""
    return load_programme(ROOT / request.param)


def test_praise_gets_recognition_and_never_a_recovery(programme: Programme) -> None:
    praise = {"kind": "excellence", "severity": 4, "journey": "payments", "value_usd": 9_000.0}
    codes = {item.code for item in programme.playbooks if item.playbook.eligible(praise)}
    assert codes == {"recognition", "referral_ask", "none"}
    by_code = {item.code: item.playbook for item in programme.playbooks}
    assert "card" in {step.code for step in by_code["recognition"].steps}
    trouble = {**praise, "kind": "recovery"}
    assert not by_code["recognition"].eligible(trouble)
    assert not by_code["referral_ask"].eligible(trouble)


def test_every_step_with_a_channel_has_words_for_every_cause_severity_and_tone(programme: Programme) -> None:
    causes = [None, *(cause.id for cause in programme.taxonomy.causes)]
    for item in programme.playbooks:
        for channel in {step.channel for step in item.playbook.steps if step.channel}:
            for cause in causes:
                for severity in (1, 2, 3, 4):
                    for tone in (None, *TONES):
                        assert item.scripts.find(channel, cause_id=cause, severity=severity, tone=tone), item.code


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("playbooks/callback.md", "Listen to the end", "Listen {{ owner.name }}", r"callback\.md:18: getattr is not allowed"),
        ("playbooks/callback.md", "{{ owner_name }}", "{{ owner_nam }}", r"callback\.md:36: there is no field 'owner_nam'"),
        ("playbooks/callback.md", "## email", "## e-mail", r"callback\.md:29: `## e-mail` is no section"),
        ("playbooks/callback.md", "## email", "## letter", r"callback\.md: .*a step uses email"),
        ("playbooks/refund.md", "## email: fee_dispute", "## email: no_such_cause", "taxonomy.yml lacks: no_such_cause"),
        ("messages/closure.md", "{{ you_said }}", "{{ you_said() }}", r"closure\.md:11: call is not allowed"),
        ("messages/closure.md", "subject: \"What we did", "subject: \"{{ 1 + 1 }}", r"closure\.md:7: .*add is not allowed"),
        ("messages/closure.md", "delivery: customer", "delivery: alert", r"closure\.md:2: .*has the purpose internal"),
        ("recommendation.yml", "field: severity", "field: severty", r"recommendation\.yml:.*no field severty"),
        ("recommendation.yml", "alternatives: [referral_ask]", "alternatives: [none]", r"would try 'none', which contacts nobody"),
        ("recommendation.yml", "alternatives: [referral_ask]", "alternatives: [discount]", "not there: discount"),
        ("contact.yml", "{start: \"20:00\"", "{start: \"08:00\"", r"contact\.yml:5: .*say another time"),
        ("contact.yml", "exempt: [closure]", "exempt: [marketing]", r"contact\.yml:.*never exempt"),
        ("questionnaire.yml", "smallest_cell: 5", "smallest_cell: 2", r"questionnaire\.yml:5: "),
        ("questionnaire.yml", "kind: choice", "kind: scale", r"questionnaire\.yml:\d+: .*a choice needs options"),
    ],
)  # fmt: skip
def test_a_fault_in_a_text_file_is_reported_with_file_line_and_reason(
    tmp_path: Path, file: str, old: str, new: str, expected: str
) -> None:
    copy = Path(shutil.copytree(ROOT / "bank", tmp_path / "bank"))
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProgrammeError, match=expected):
        load_programme(copy)


@pytest.mark.parametrize("missing", ["contact.yml", "questionnaire.yml", "recommendation.yml", "messages/closure.md"])
def test_a_programme_without_one_of_its_parts_is_refused(tmp_path: Path, missing: str) -> None:
    copy = Path(shutil.copytree(ROOT / "bank", tmp_path / "bank"))
    (copy / missing).unlink()
    with pytest.raises(ProgrammeError, match=missing.removesuffix(".md").rpartition("/")[2]):
        load_programme(copy)
