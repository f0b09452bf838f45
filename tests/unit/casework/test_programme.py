"""The programme in the ledger: what is in force when, what a new one would change, and that a broken one stops nothing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cases import programmes, queue, services
from cases.feed import DETECTION, TRIGGERS
from casework.engine import start
from casework.opening import open_with
from casework.programme import BEGINNING, StillInUse, active_programme, apply_folder
from casework.programme_diff import changes
from casework.programme_plan import NothingInForce, Plan, plan, touched
from casework.rules import rules_in_force
from intake.programme import ProgrammeError, parse_programme, read_files
from ml.outputs import TRIGGER
from models.case import Actor, EventKind
from models.clocks import clocks
from models.facts import TriggerFact
from models.settings import ROOT, Settings
from orchestration.case_opening import open_next_slice

# Monday morning, half past nine in New York: the bank is open.
MONDAY = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
TUESDAY, LATER = MONDAY + timedelta(days=1), MONDAY + timedelta(days=30)
SOURCE = ROOT / "programme" / "bank"

Edit = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bank's programme to edit."""
    return Path(shutil.copytree(SOURCE, tmp_path / "bank"))


@pytest.fixture
def home(tmp_path: Path, folder: Path) -> Settings:
    """An installation of its own whose programme is the copy, not applied yet."""
    settings = Settings(home=tmp_path / "home", programme=str(folder))
    settings.state.mkdir(parents=True)
    services.migrate(settings)
    return settings


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Replace one text in one file of the copy."""

    def change(name: str, old: str, new: str) -> Path:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return folder

    return change


def trigger(name: str, **more: object) -> TriggerFact:
    values: dict[str, object] = {
        "trigger_id": name, "rule_id": "low_csat", "rule_hash": "r1", "kind": "recovery", "subject_type": "customer",
        "subject_id": f"C-{name}", "customer_id": f"C-{name}", "severity": 2, "occurred_at": MONDAY,
        "cause_id": "fee_dispute", "journey": "everyday", "source": "surveys",
    }  # fmt: skip
    return TriggerFact(**(values | more))  # type: ignore[arg-type]


def opened(settings: Settings, *facts: TriggerFact) -> list[str]:
    open_with(start(settings, at=MONDAY), facts, [])
    return [services.case_of_trigger(fact.trigger_id) for fact in facts]


def rows(found: Plan) -> list[tuple[str, str, str, str, str]]:
    return [(row.case_id, row.what, row.effect, row.old, row.new) for row in found.touched]


def sentences(found: Plan) -> list[str]:
    return [change.sentence for change in found.changes]


# --- versions ------------------------------------------------------------------------------------------------------


def test_the_first_use_of_an_installation_applies_its_folder_for_all_the_past(home: Settings) -> None:
    active = active_programme(home, datetime(1999, 1, 1, tzinfo=UTC))
    assert active.effective_from == BEGINNING
    assert [item.applied_by for item in programmes.history()] == ["setup"]


def test_a_version_holds_from_its_own_day_and_the_one_before_it_until_then(home: Settings, edit: Edit) -> None:
    first = active_programme(home, MONDAY)
    folder = edit("sla.yml", "severity: 2, clock: business, hours: 25.5", "severity: 2, clock: business, hours: 30")
    apply_folder(home, folder, effective_from=TUESDAY, by="anna")
    assert active_programme(home, TUESDAY - timedelta(seconds=1)) == first
    assert active_programme(home, TUESDAY).version != first.version
    assert active_programme(home, TUESDAY).programme.sla.version == active_programme(home, TUESDAY).version


def test_one_letter_or_the_name_of_a_file_makes_another_version_and_a_line_ending_does_not() -> None:
    files = {"triggers/low_nps.yml": "value: 6\n", "sla.yml": "x\n"}
    version = programmes.content_hash(files)
    assert programmes.content_hash(files | {"triggers/low_nps.yml": "value: 5\n"}) != version
    assert programmes.content_hash({"triggers/nps.yml": "value: 6\n", "sla.yml": "x\n"}) != version
    assert programmes.content_hash({"sla.yml": "x\r\n", "triggers/low_nps.yml": "value: 6\r\n"}) == version


def test_the_same_files_applied_again_are_the_version_that_is_there(home: Settings, folder: Path) -> None:
    version = active_programme(home, MONDAY).version
    again = apply_folder(home, folder, effective_from=TUESDAY, by="anna")
    assert (again.version, again.is_new) == (version, False)
    assert len(programmes.history()) == 1


def test_a_version_cannot_take_over_before_the_one_applied_last(home: Settings, edit: Edit) -> None:
    active_programme(home, MONDAY)
    apply_folder(home, edit("teams.yml", "ageing_hours: 72", "ageing_hours: 48"), effective_from=LATER, by="anna")
    folder = edit("teams.yml", "ageing_hours: 48", "ageing_hours: 24")
    with pytest.raises(programmes.NotAfterTheLast):
        apply_folder(home, folder, effective_from=TUESDAY, by="anna")
    assert len(programmes.history()) == 2


def test_a_team_that_open_cases_lie_with_cannot_be_left_out(home: Settings, edit: Edit) -> None:
    opened(home, trigger("t1", severity=1))
    folder = edit("routing.yml", "team: executive-care", "team: service-desk")
    text = (folder / "teams.yml").read_text(encoding="utf-8")
    start_, end = text.index("  - code: executive-care"), text.index("  - code: service-operations")
    (folder / "teams.yml").write_text(text[:start_] + text[end:], encoding="utf-8")
    with pytest.raises(StillInUse, match="team executive-care"):
        apply_folder(home, folder, effective_from=TUESDAY, by="anna")
    assert plan(home, folder, at=MONDAY).refused == "open cases still use team executive-care; move or close them first"


# --- a broken folder stops nothing (RELIABILITY F20) ---------------------------------------------------------------


def detected(settings: Settings, count: int) -> None:
    """The hand-over of a detection with so many triggers, as files."""
    settings.ml_outputs.mkdir(parents=True, exist_ok=True)
    settings.handoff.mkdir(parents=True, exist_ok=True)
    found = [
        {"trigger_id": f"t{n}", "rule_id": "low_csat", "rule_hash": "r", "kind": "recovery", "signal_id": f"s{n}",
         "subject_type": "customer", "subject_id": f"C{n}", "customer_id": f"C{n}", "severity": 3,
         "occurred_at": MONDAY, "dedupe_days": 21, "is_historic": False, "evidence": "{}"}
        for n in range(count)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(found, schema=TRIGGER), settings.ml_outputs / TRIGGERS)
    note = {"token": "d1", "triggers": count, "dagster_run_id": "run"}
    (settings.ml_outputs / DETECTION).write_text(json.dumps(note), encoding="utf-8")
    texts = ("signal_id", "entity", "source_key", "related_type", "related_id", "source", "_source_file", "_row_hash")
    signals = pa.schema([*((name, pa.string()) for name in texts), ("_line", pa.int64()), ("_batch_id", pa.int64())])
    pq.write_table(signals.empty_table(), settings.handoff / "int_signal.parquet")
    models = pa.schema([(name, pa.string()) for name in ("signal_id", "model_id", "topic_model_id")])
    pq.write_table(models.empty_table(), settings.ml_outputs / "ml_root_cause__prediction.parquet")
    aspects = ("resolution_id", "subject_type", "subject_id", "outcome", "customer_id", "playbook_code", "owner_id")
    ends = pa.schema([*((name, pa.string()) for name in aspects), ("resolved_at", pa.timestamp("us", tz="UTC"))])
    pq.write_table(ends.empty_table(), settings.handoff / "int_resolution.parquet")


@pytest.mark.parametrize(
    ("name", "text"),
    [("sla.yml", "targets: [\n"), ("routing.yml", ""), ("triggers/low_csat.yml", "id: low_csat\non: live\n"),
     ("playbooks/refund.md", "no head"), ("teams.yml", "teams: []\n")],
)  # fmt: skip
def test_a_broken_folder_stops_no_case_from_opening(home: Settings, folder: Path, name: str, text: str) -> None:
    version = active_programme(home, MONDAY).version
    detected(home, 5)
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(ProgrammeError, match=Path(name).name):
        apply_folder(home, folder, effective_from=TUESDAY, by="anna")
    step = open_next_slice(home, None)
    assert step is not None
    assert step.metadata["opened"] == 5
    assert {case.state.team for case in queue.waiting()} == {"service-desk"}
    assert {event.payload["policy_version"] for case in queue.waiting() for event in case.events
            if event.kind is EventKind.ROUTED} == {version}  # fmt: skip


def test_a_folder_that_is_gone_stops_no_case_from_opening(home: Settings, folder: Path) -> None:
    active_programme(home, MONDAY)
    detected(home, 3)
    shutil.rmtree(folder)
    step = open_next_slice(home, None)
    assert step is not None and step.metadata["opened"] == 3


# --- rules count from the day of their wording ---------------------------------------------------------------------


def test_a_changed_rule_counts_from_the_day_its_version_holds_and_the_others_as_before(
    home: Settings, edit: Edit
) -> None:
    active_programme(home, MONDAY)
    folder = edit("triggers/low_csat.yml", "op: lte, value: 0.25}\nopen", "op: lte, value: 0.5}\nopen")
    edit(
        "triggers/low_csat.yml",
        "  - {given: {score_metric: csat, score_value: 3, score_normalised: 0.5}, then: nothing}\n",
        "",
    )
    apply_folder(home, folder, effective_from=TUESDAY, by="anna")
    before = {rule.id: rule.effective_from for rule in rules_in_force(home, MONDAY).live}
    after = {rule.id: rule.effective_from for rule in rules_in_force(home, LATER).live}
    assert set(before.values()) == {None}
    assert after.pop("low_csat") == TUESDAY.date()
    assert set(after.values()) == {None}


def test_a_comment_or_an_example_is_no_new_wording_of_a_rule(home: Settings, edit: Edit) -> None:
    active_programme(home, MONDAY)
    folder = edit("triggers/low_csat.yml", "status: live", "# as agreed in May\nstatus: live")
    edit("triggers/low_csat.yml", "  - {given: {score_metric: csat}, then: nothing}\n", "")
    apply_folder(home, folder, effective_from=TUESDAY, by="anna")
    assert {rule.effective_from for rule in rules_in_force(home, LATER).live} == {None}


def test_a_rule_taken_back_to_an_older_wording_counts_from_when_it_was_taken_back(home: Settings, edit: Edit) -> None:
    active_programme(home, MONDAY)
    apply_folder(home, edit("triggers/high_effort.yml", "value: 0.2}", "value: 0.19}"), effective_from=TUESDAY, by="a")
    apply_folder(home, edit("triggers/high_effort.yml", "value: 0.19}", "value: 0.2}"), effective_from=LATER, by="a")
    dates = {rule.id: rule.effective_from for rule in rules_in_force(home, LATER).live}
    assert dates["high_effort"] == LATER.date()
    former = rules_in_force(home, LATER).former
    assert [(item.rule.id, item.begins, item.ends) for item in former] == [
        ("high_effort", BEGINNING, TUESDAY), ("high_effort", TUESDAY, LATER),
    ]  # fmt: skip


# --- the plan ------------------------------------------------------------------------------------------------------


def test_before_anything_is_in_force_there_is_nothing_to_compare_with_and_nothing_is_applied(
    home: Settings, folder: Path
) -> None:
    with pytest.raises(NothingInForce):
        plan(home, folder, at=MONDAY)
    assert programmes.history() == []


def test_a_folder_equal_to_the_version_in_force_changes_nothing(home: Settings, folder: Path) -> None:
    opened(home, trigger("t1"))
    found = plan(home, folder, at=MONDAY)
    assert (found.is_same_text, found.changes, found.touched, found.open_cases) == (True, (), (), 1)


def test_a_comment_is_another_text_but_no_change(home: Settings, edit: Edit) -> None:
    active_programme(home, MONDAY)
    found = plan(home, edit("sla.yml", "targets:", "# reviewed\ntargets:"), at=MONDAY)
    assert (found.is_same_text, found.changes) == (False, ())


def test_a_longer_target_is_shown_with_the_cases_that_keep_the_shorter_one(home: Settings, edit: Edit) -> None:
    graver, milder = opened(home, trigger("t1", severity=2), trigger("t2", severity=3))
    folder = edit("sla.yml", "severity: 2, clock: business, hours: 25.5", "severity: 2, clock: business, hours: 30")
    found = plan(home, folder, at=MONDAY)
    assert sentences(found) == ["sla.yml: resolve, severity 2: 25.5 h -> 30 h"]
    # 25.5 business hours are three days of 8.5; 30 are four and a half hours more of the fourth.
    assert rows(found) == [
        (graver, "resolve due", "keeps", "2026-01-08 14:30 UTC", "2026-01-08 19:00 UTC"),
    ]
    assert milder not in {row.case_id for row in found.touched}


def test_what_the_plan_says_a_new_case_would_get_is_what_a_new_case_gets(home: Settings, edit: Edit) -> None:
    opened(home, trigger("t1", severity=2))
    folder = edit("sla.yml", "severity: 2, clock: business, hours: 25.5", "severity: 2, clock: business, hours: 30")
    promised = plan(home, folder, at=MONDAY).touched[0].new
    apply_folder(home, folder, effective_from=MONDAY, by="anna")
    (case_id,) = opened(home, trigger("t2", severity=2))
    case = queue.one(case_id)
    assert case is not None
    policy = active_programme(home, MONDAY).programme.sla
    (resolve,) = [clock for clock in clocks(case.events, policy, MONDAY) if clock.metric == "resolve"]
    assert f"{resolve.due_at:%Y-%m-%d %H:%M} UTC" == promised


def test_applying_moves_no_promise_that_was_made(home: Settings, edit: Edit) -> None:
    (case_id,) = opened(home, trigger("t1", severity=2))
    before = {
        c.metric: c.due_at
        for c in clocks(queue.one(case_id).events, active_programme(home, MONDAY).programme.sla, MONDAY)
    }  # type: ignore[union-attr]
    folder = edit("sla.yml", "severity: 2, clock: business, hours: 25.5", "severity: 2, clock: business, hours: 1")
    apply_folder(home, folder, effective_from=MONDAY, by="anna")
    case, policy = queue.one(case_id), active_programme(home, MONDAY).programme.sla
    assert case is not None
    assert {c.metric: c.due_at for c in clocks(case.events, policy, MONDAY)} == before


def test_other_opening_hours_move_the_due_times_of_open_cases_and_the_plan_says_so(home: Settings, edit: Edit) -> None:
    (case_id,) = opened(home, trigger("t1", severity=2))
    folder = edit("calendars.yml", 'tue: [["09:00", "17:30"]]', "tue: []")
    found = plan(home, folder, at=MONDAY)
    moved = {row.what: (row.old, row.new) for row in found.touched if row.effect == "moves"}
    assert moved["resolve due"] == ("2026-01-08 14:30 UTC", "2026-01-09 14:30 UTC")
    assert sentences(found) == ["calendars.yml: default: week: tue: 09:00-17:30 -> closed"]
    apply_folder(home, folder, effective_from=MONDAY, by="anna")
    case, policy = queue.one(case_id), active_programme(home, MONDAY).programme.sla
    assert case is not None
    dues = {clock.metric: f"{clock.due_at:%Y-%m-%d %H:%M} UTC" for clock in clocks(case.events, policy, MONDAY)}
    assert dues["resolve"] == moved["resolve due"][1]


def test_a_branch_with_another_team_names_the_cases_that_stay_where_they_are(home: Settings, edit: Edit) -> None:
    opened(home, trigger("t1", journey="everyday"))
    (security,) = opened(home, trigger("t2", journey="security"))
    found = plan(home, edit("routing.yml", "team: fraud-care", "team: premium-care"), at=MONDAY)
    assert rows(found) == [(security, "team", "keeps", "fraud-care (agent)", "premium-care (agent)")]
    assert sentences(found) == ["routing.yml: service desk / fraud and security: team: fraud-care -> premium-care"]


def test_another_recommendation_names_the_cases_whose_advice_stays(home: Settings, edit: Edit) -> None:
    (case_id,) = opened(home, trigger("t1", severity=3, journey="everyday", source="surveys"))
    folder = edit("recommendation.yml", "playbook: refund\n    alternatives: [callback]", "playbook: callback")
    found = plan(home, folder, at=MONDAY)
    assert rows(found) == [(case_id, "recommended playbook", "keeps", "refund 90%, callback 10%", "callback")]


def test_cases_of_a_removed_rule_are_named_and_stay_open(home: Settings, folder: Path) -> None:
    mine, _ = opened(home, trigger("t1", rule_id="low_csat"), trigger("t2", rule_id="high_effort"))
    (folder / "triggers" / "low_csat.yml").unlink()
    found = plan(home, folder, at=MONDAY)
    assert rows(found) == [(mine, "rule", "keeps", "low_csat", "removed; the case stays open")]
    assert found.changed_rules == {"low_csat"}
    apply_folder(home, folder, effective_from=MONDAY, by="anna")
    assert services.state_of(mine).is_open


def test_a_deadline_narrowed_by_any_fact_of_a_case_touches_the_cases_it_fits(home: Settings, edit: Edit) -> None:
    opened(home, trigger("t1", source="complaints", journey="everyday"))
    (security,) = opened(home, trigger("t2", source="complaints", journey="security"))
    narrow = (
        "  - {metric: final_response, clock: wall, hours: 24, "
        "applies: {all: [{field: journey, op: is, value: security}]}}\n"
    )
    # Of two equally particular deadlines the newer one holds, so the general one is made the older.
    folder = edit("sla.yml", "regulation:\n", "regulation:\n" + narrow)
    edit(
        "sla.yml",
        "  - {metric: final_response, clock: wall, hours: 1344",
        "  - {metric: final_response, clock: wall, hours: 1344, effective_from: 1969-01-01",
    )
    assert {row.case_id for row in plan(home, folder, at=MONDAY).touched} == {security}


def test_closed_cases_are_not_touched(home: Settings, edit: Edit) -> None:
    (case_id,) = opened(home, trigger("t1", severity=2))
    services.act(
        case_id, EventKind.RESOLVED, {}, actor=Actor("person", "E1"), expected_version=services.state_of(case_id).version,
        occurred_at=MONDAY + timedelta(hours=1), recorded_at=LATER,
    )  # fmt: skip
    found = plan(home, edit("sla.yml", "hours: 34", "hours: 35"), at=MONDAY + timedelta(hours=2))
    assert (found.open_cases, found.touched) == (0, ())


def test_praise_is_under_no_target_so_no_target_touches_it(home: Settings, edit: Edit) -> None:
    opened(home, trigger("t1", kind="excellence", severity=4, rule_id="excellence"))
    found = plan(
        home,
        edit("sla.yml", "severity: 4, clock: business, hours: 17", "severity: 4, clock: business, hours: 5"),
        at=MONDAY,
    )
    assert len(found.changes) == 1
    assert found.touched == ()


def test_every_changed_file_says_from_when_on_it_counts(home: Settings, edit: Edit) -> None:
    active_programme(home, MONDAY)
    edit("teams.yml", "ageing_hours: 72", "ageing_hours: 48")
    edit("contact.yml", "pause_days: 3", "pause_days: 4")
    found = plan(home, edit("triggers/low_csat.yml", "within: 21d", "within: 14d"), at=MONDAY)
    assert list(found.counts) == ["teams.yml", "contact.yml", "triggers/low_csat"]
    assert "history" in found.counts["triggers/low_csat"]


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    severity=st.integers(1, 4),
    wanted=st.sampled_from(["first_action", "update", "resolve", "inform_customer"]),
    # Steps of three minutes: due times are told to the minute.
    hours=st.integers(10, 2000).map(lambda steps: steps / 20),
)
def test_a_changed_target_touches_the_cases_of_its_severity_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, severity: int, wanted: str, hours: float
) -> None:
    settings = Settings(home=tmp_path_factory.mktemp("home"), programme="bank")
    files = read_files(SOURCE)
    line = re.search(rf"metric: {wanted}, severity: {severity}, clock: \w+, hours: ([\d.]+)", files["sla.yml"])
    assert line is not None
    fresh = line[0].replace(f"hours: {line[1]}", f"hours: {hours}")
    old, new = (
        parse_programme("bank", files),
        parse_programme("bank", files | {"sla.yml": files["sla.yml"].replace(line[0], fresh)}),
    )
    services.migrate(settings)
    ids = opened(settings, *(trigger(f"t{level}", severity=level) for level in (1, 2, 3, 4)))
    found = changes(old, new)
    got = list(touched([queue.one(case_id) for case_id in ids], old, new, MONDAY, found))  # type: ignore[arg-type]
    assert {(row.case_id, row.what) for row in got} == ({(ids[severity - 1], f"{wanted} due")} if found else set())
