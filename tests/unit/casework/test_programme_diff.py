"""A difference between two programmes reads like the edit that made it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.programme_diff import changes
from casework.programme_parts import parts
from intake.programme import parse_programme, read_files
from models.settings import ROOT

FILES = read_files(ROOT / "programme" / "bank")
BANK = parse_programme("bank", FILES)


def said(*edits: tuple[str, str, str]) -> list[str]:
    """The sentences for a programme with these replacements (file, old text, new text)."""
    files = dict(FILES)
    for name, old, new in edits:
        assert old in files[name], old
        files[name] = files[name].replace(old, new, 1)
    return [change.sentence for change in changes(BANK, parse_programme("bank", files))]


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("sla.yml", "severity: 2, clock: business, hours: 25.5", "severity: 2, clock: business, hours: 30",
         "sla.yml: resolve, severity 2: 25.5 h -> 30 h"),
        ("sla.yml", "  - {metric: first_action, severity: 3, segment: private, clock: business, hours: 4}\n", "",
         "sla.yml: first_action, severity 3, segment private removed (was 4 h, clock business, on_reopen continue, "
         "calendar default)"),
        ("sla.yml", "hours: 1344, applies", "hours: 1000, applies",
         "sla.yml: final_response, where source in complaints, cfpb: 1344 h -> 1000 h"),
        ("calendars.yml", 'fri: [["09:00", "17:30"]]', 'fri: [["09:00", "12:00"], ["13:00", "17:30"]]',
         "calendars.yml: default: week: fri: 09:00-17:30 -> 09:00-12:00, 13:00-17:30"),
        ("calendars.yml", "      - 2023-01-02\n", "", "calendars.yml: default: holidays: 2023-01-02 removed"),
        ("triggers/low_csat.yml", "within: 21d", "within: 12h", "triggers/low_csat: open_case: dedupe: within: 21d -> 12h"),
        ("triggers/low_csat.yml", "status: live", "status: shadow", "triggers/low_csat: status: live -> shadow"),
        ("triggers/low_csat.yml", "status: live", "status: live\neffective_from: 2026-02-01",
         "triggers/low_csat: effective_from added: 2026-02-01"),
        ("triggers/low_nps_high_value.yml", "value: 1500}\n        -", "value: 1400}\n        -",
         "triggers/low_nps_high_value: when: all: group 1: any: annual_value_usd gte: value: 1500 -> 1400"),
        ("routing.yml", "team: fraud-care", "team: premium-care",
         "routing.yml: service desk / fraud and security: team: fraud-care -> premium-care"),
        ("routing.yml", "op: gte, value: 1500", "op: gte, value: 1000",
         "routing.yml: service desk / valuable customers: match: all: value_usd gte: value: 1500 -> 1000"),
        ("teams.yml", "ageing_hours: 72", "ageing_hours: 48", "teams.yml: ageing_hours: 72 -> 48"),
        ("escalation.yml", "share: 2.0", "share: 1.5", "escalation.yml: ladder: 3 director resolve: share: 2 -> 1.5"),
        ("escalation.yml", '"08:30"', '"09:00"', "escalation.yml: digest: at: 08:30 -> 09:00"),
        ("recommendation.yml", "share: 0.1", "share: 0.2", "recommendation.yml: exploration: share: 0.1 -> 0.2"),
        ("severity.yml", "fraud, fraudulent*", "fraudulent*", "severity.yml: phrases: fraud_report: any_of: en: fraud removed"),
        ("playbooks/refund.md", "{1: 500", "{1: 600",
         "playbooks/refund.md: offers: refund_amount: cap_usd_by_severity: 1: 500 -> 600"),
        ("messages/assigned.md", "severity {{ severity }}, team", "severity {{ severity }} team",
         "messages/assigned.md: the words: 3 lines -> 3 lines, 1 of them different, first: Case {{ case_reference }} "
         "(severity {{ severity }} team {{ team }}) is yours."),
    ],
)  # fmt: skip
def test_one_edit_is_one_sentence(name: str, old: str, new: str, sentence: str) -> None:
    assert said((name, old, new)) == [sentence]


def test_a_script_that_says_something_else_is_named_by_channel_and_scenario() -> None:
    (sentence,) = said(("playbooks/refund.md", "You were right to question this fee.", "You were right."))
    assert sentence.startswith("playbooks/refund.md: script email: fee_dispute: ")
    assert "1 of them different, first: You were right. It should" in sentence


def test_a_branch_that_is_tried_earlier_has_moved_and_nothing_else_has_changed() -> None:
    branch = "    - name: lending\n      match: {all: [{field: journey, op: is, value: borrowing}]}\n      team: lending-care\n"
    moved = said(("routing.yml", branch, ""), ("routing.yml", "  routes:\n", "  routes:\n" + branch))
    assert len(moved) == 1
    assert moved[0].startswith("routing.yml: service desk: order moved: gravest cases, ")
    assert " -> lending, gravest cases, " in moved[0]


def test_a_branch_below_another_branch_has_moved_there() -> None:
    branch = "    - name: lending\n      match: {all: [{field: journey, op: is, value: borrowing}]}\n      team: lending-care\n"
    below = "".join(f"    {line}\n" for line in branch.splitlines())
    gravest = "      team: executive-care\n      owner_role: manager\n"
    assert said(("routing.yml", branch, ""), ("routing.yml", gravest, f"{gravest}      routes:\n{below}")) == [
        "routing.yml: lending moved: service desk / lending -> service desk / gravest cases / lending"
    ]


def test_a_line_put_in_at_the_top_is_one_change() -> None:
    first = "  - {metric: first_action, severity: 1, clock: wall, hours: 1}\n"
    fresh = "  - {metric: resolve, severity: 1, segment: private, clock: wall, hours: 24}\n"
    assert said(("sla.yml", first, fresh + first)) == [
        "sla.yml: resolve, severity 1, segment private added: 24 h, clock wall, on_reopen continue"
    ]


def test_a_rule_and_a_playbook_that_come_or_go_are_named_by_their_title() -> None:
    files = {name: text for name, text in FILES.items() if name != "triggers/low_csat.yml"}
    files["triggers/new.yml"] = FILES["triggers/low_csat.yml"].replace("id: low_csat", "id: lower_csat")
    sentences = [change.sentence for change in changes(BANK, parse_programme("bank", files))]
    assert sentences == [
        "triggers/low_csat removed (was Unhappy with how it was resolved, live)",
        "triggers/lower_csat added: Unhappy with how it was resolved, live",
    ]


def test_a_programme_does_not_differ_from_itself() -> None:
    assert changes(BANK, parse_programme("bank", FILES)) == ()


def test_two_companies_differ_in_every_part_that_they_decide_differently() -> None:
    telecom = parse_programme("telecom", read_files(ROOT / "programme" / "telecom"))
    before, after = parts(BANK), parts(telecom)
    differing = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert {change.part for change in changes(BANK, telecom)} == differing


@given(st.permutations(range(6)))
def test_the_order_of_recommendation_rules_is_told_and_only_the_order(order: list[int]) -> None:
    rules = BANK.recommendation.rules
    shuffled = [rules[:-1][number] for number in order if number < len(rules) - 1]
    policy = BANK.recommendation.model_copy(update={"rules": (*shuffled, rules[-1])})
    found = changes(BANK, BANK.model_copy(update={"recommendation": policy}))
    assert [change.kind for change in found] == ([] if tuple(shuffled) == rules[:-1] else ["moved"])
