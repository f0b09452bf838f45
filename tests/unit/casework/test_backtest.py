"""A backtest opens what the live loop would have opened, and says what became of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cases import conf, services
from cases.acting import Change, Move
from casework import expiry
from casework.backtest.apart import Opened, WouldBe
from casework.backtest.report import Backtest, Request, backtest
from casework.backtest.rule_sets import RuleSets, rule_sets
from casework.engine import start
from casework.programme import BEGINNING, apply_folder
from intake.programme import ProgrammeError
from ml.detection.replay import finder
from models.case import OPEN_STATES, Actor, EventKind
from models.settings import ROOT, Settings
from tests.unit.casework.evidence_days import FIRST, hand_over, resolutions_of, signal, weeks_of_signals

WEEKS = 2
END = FIRST + timedelta(weeks=WEEKS)

DETRACTOR = """
id: any_detractor
title: Any detractor whatever they are worth
status: shadow
kind: recovery
signal: survey_response
when: {all: [{field: score_metric, op: is, value: nps}, {field: score_value, op: lte, value: 6}]}
open_case: {severity: 4, dedupe: {within: 30d}}
tests:
  - {given: {score_metric: nps, score_value: 3}, then: opens}
"""


OFTEN = """
id: often
title: Three complaints within a week
status: live
kind: recovery
signal: complaint
when: {window: {measure: count, within: 7d, by: [customer_id]}, op: gte, value: 3}
open_case: {severity: 3, dedupe: {within: 7d}}
tests:
  - {given: [{customer_id: C1}, {customer_id: C1}, {customer_id: C1}], then: opens}
"""

UNANSWERED = """
id: unanswered
title: A grave complaint after which no ticket came
status: live
kind: recovery
signal: complaint
when: {field: severity, op: lte, value: 2}
absence: {of: {signal: ticket}, within: 3d, by: [customer_id]}
open_case: {severity: 3, dedupe: {within: 7d}}
tests:
  - {given: {customer_id: C1, severity: 1}, as_of: 4d, then: opens}
"""


def bank_with(folder: Path, **rules: str) -> Path:
    """A copy of the bank's programme with more rules, by file name."""
    source, copy = ROOT / "programme" / "bank", folder / "bank"
    for path in source.rglob("*.*"):
        target = copy / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    for name, text in rules.items():
        (copy / "triggers" / f"{name}.yml").write_text(text, encoding="utf-8")
    return copy


@pytest.fixture
def shadow(tmp_path: Path) -> Path:
    """A folder with one shadow rule."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "any_detractor.yml").write_text(DETRACTOR, encoding="utf-8")
    return folder


def run(home: Settings, sets: RuleSets, *, begin: date | None = None, last: date | None = None) -> Backtest:
    find = finder(home.handoff, sets.programme.taxonomy, sets.programme.company.historic_after_days)
    return backtest(home, sets, Request(begin or FIRST.date(), last or (END - timedelta(days=1)).date(), END), find)


def episodes(opened: Opened) -> set[tuple[Any, ...]]:
    return {
        (
            case.rule_id,
            case.subject_type,
            case.subject_id,
            case.opened_at,
            frozenset(hit.trigger_id for hit in case.hits),
        )
        for case in opened.cases
    }


def live_episodes(home: Settings) -> set[tuple[Any, ...]]:
    """Cases of a real ledger as (rule, subject, episode, triggers)."""
    services.export(home)
    question = """
        select c.rule_id, c.subject_type, c.subject_id, c.episode_started_at, list(t.trigger_id)
        from read_parquet($cases) as c join read_parquet($triggers) as t using (case_id)
        group by all
    """
    export = home.ledger_export
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.execute(
            question, {"cases": f"{export}/case/*.parquet", "triggers": f"{export}/case_trigger/*.parquet"}
        ).fetchall()
    return {(*head, frozenset(triggers)) for *head, triggers in found}


def work_at_the_desk(evening: datetime) -> None:
    """Next morning somebody resolves a third of the open cases, holds one for nothing, and takes one up again."""
    morning = evening + timedelta(hours=8)
    cases = sorted(services.list_cases(limit=500), key=lambda item: item.case_id)
    still_open = [item for item in cases if item.state in OPEN_STATES]
    moves = [(item, EventKind.RESOLVED) for item in still_open[::3]]
    moves += [(item, EventKind.INVALIDATED) for item in still_open[1:2]]
    moves += [(item, EventKind.REOPENED) for item in cases if item.state == "resolved"][:1]
    for item, kind in moves:
        services.change(
            Change(item.case_id, [Move(kind, {"reason": "looked at"})], Actor("person", "E-ann"), morning),
            recorded_at=morning,
        )


def live(home: Settings, rows: list[dict[str, Any]], resolutions: list[dict[str, Any]]) -> None:
    """Two weeks of the loop itself: each day's delivery is detected on and opened in the real ledger."""
    from orchestration.case_opening import open_next_slice
    from orchestration.ml_runs import run_detection

    cursor = None
    for number in range(1, WEEKS * 7 + 1):
        evening = FIRST + timedelta(days=number)
        now = home.model_copy(update={"as_of": evening})
        hand_over(home.home, rows, resolutions, evening)
        run_detection(now, as_of=f"{evening:%Y-%m-%d %H:%M:%S}", run_id=f"run-{number}")
        step = open_next_slice(now, cursor)
        assert step is not None
        cursor = step.cursor
        expiry.run(start(now, at=evening))
        if evening < END:
            work_at_the_desk(evening)
    services.export(home)


def test_a_backtest_opens_the_very_cases_a_live_replay_of_its_days_opens(home: Settings, tmp_path: Path) -> None:
    folder = bank_with(tmp_path, often=OFTEN, unanswered=UNANSWERED)
    apply_folder(home, folder, effective_from=BEGINNING, by="test")
    rows = weeks_of_signals(WEEKS)
    resolutions = resolutions_of(rows)
    live(home, rows, resolutions)
    found = run(home, rule_sets(home, None, END), begin=date(2026, 3, 9))
    expected = live_episodes(home)
    assert len(expected) > 40
    fired = {hit.rule_id for case in found.opened["live"].cases for hit in case.hits}
    assert {"often", "unanswered", "escalation"} <= fired
    assert len(expected) < sum(len(case.hits) for case in found.opened["live"].cases), "some triggers join a case"
    assert episodes(found.opened["live"]) == expected
    assert {"wrong: marked invalid", "right: held for real"} <= found.report["live"]["precision"]["reasons"].keys()
    counted = [
        case for case in found.opened["live"].cases if case.opened_at >= datetime(2026, 3, 9, tzinfo=FIRST.tzinfo)
    ]
    assert found.report["live"]["cases"] == len(counted)


def test_the_asset_leaves_the_real_ledger_alone_even_when_the_environment_names_it(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.backtesting import REPORT, run_backtest

    now = home.model_copy(update={"as_of": END})
    hand_over(home.home, weeks_of_signals(1), [], END)
    monkeypatch.setenv("AMENDS_HOME", str(home.home))
    monkeypatch.setenv("AMENDS_LEDGER_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    before = services.counts()
    told = run_backtest(now, days=14, budget=5)
    assert told["cases_live"] > 0
    assert told["lost"] == 0, "drafts and shadows only add"
    assert sum(name.startswith("plot_") for name in told) == 4
    assert json.loads((home.state / REPORT).read_text(encoding="utf-8"))["live"]["cases"] == told["cases_live"]
    assert services.counts() == before
    assert conf.connections["default"].settings_dict["NAME"] == str(home.ledger_path)


def test_a_shadow_rule_laid_over_the_live_set_gains_cases_and_loses_none(home: Settings, shadow: Path) -> None:
    low = {"signal_kind": "survey_response", "source": "surveys", "entity": "response", "score_metric": "nps"}
    rows = [
        signal("low", FIRST + timedelta(days=1), customer_id="C1", score_value=2.0, severity=4, **low),
        signal("fine", FIRST + timedelta(days=1), customer_id="C2", score_value=8.0, severity=4, **low),
        signal("grave", FIRST + timedelta(days=2), customer_id="C3", severity=2),
        signal("again", FIRST + timedelta(days=4), customer_id="C1", severity=4),
    ]  # fmt: skip
    hand_over(home.home, rows, [], END)
    found = run(home, rule_sets(home, shadow, END))
    against = found.report["against"]
    assert (against["gained"], against["lost"], against["kept"]) == (1, 0, 1)
    (gained,) = against["gained_cases"]
    assert (gained["rule_id"], gained["signal_id"], gained["verdict"]) == ("any_detractor", "low", "right")
    (rule,) = [row for row in found.report["candidate"]["rules"] if row["rule_id"] == "any_detractor"]
    assert (rule["triggers"], rule["cases"], rule["alone"]) == (1, 1, 1)
    assert rule["lead_days"]["value"] == pytest.approx(3.0)
    assert json.dumps(found.report), "the report is JSON"


def test_without_a_folder_the_drafts_and_shadows_in_force_are_asked_about(home: Settings, tmp_path: Path) -> None:
    copy = bank_with(tmp_path, any_detractor=DETRACTOR)
    apply_folder(home, copy, effective_from=FIRST, by="test")
    sets = rule_sets(home, None, END)
    assert "any_detractor" in {rule.id for rule in sets.candidate}
    assert "any_detractor" not in {rule.id for rule in sets.live}
    other = tmp_path / "other"
    other.mkdir()
    (other / "grave.yml").write_text(DETRACTOR.replace("any_detractor", "grave"), encoding="utf-8")
    asked = {rule.id for rule in rule_sets(home, other, END).candidate}
    assert "grave" in asked
    assert "any_detractor" not in asked, "a folder is asked about alone"


def test_a_trigger_file_replaces_the_rule_of_its_id_whatever_the_file_is_called(home: Settings, tmp_path: Path) -> None:
    text = (ROOT / "programme" / "bank" / "triggers" / "low_csat.yml").read_text(encoding="utf-8")
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "low_csat.yml").write_text(text.replace("status: live", "status: retired"), encoding="utf-8")
    sets = rule_sets(home, folder, END)
    assert {rule.id for rule in sets.live} - {rule.id for rule in sets.candidate} == {"low_csat"}


def test_a_faulty_rule_is_refused_with_file_and_line(home: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "any_detractor.yml").write_text(DETRACTOR.replace("score_value, op", "score_vale, op"), encoding="utf-8")
    with pytest.raises(ProgrammeError, match=r"any_detractor\.yml:\d+:.*did you mean 'score_value'"):
        rule_sets(home, folder, END)


def test_a_folder_without_a_rule_is_refused(home: Settings, tmp_path: Path) -> None:
    with pytest.raises(ProgrammeError, match="no trigger file"):
        rule_sets(home, tmp_path, END)


def test_a_stretch_after_the_evidence_is_refused(home: Settings, shadow: Path) -> None:
    hand_over(home.home, weeks_of_signals(1), [], END)
    with pytest.raises(ValueError, match="the evidence ends on 2026-03-16"):
        run(home, rule_sets(home, shadow, END), begin=date(2027, 1, 1), last=date(2027, 2, 1))


def test_a_case_of_the_same_signal_is_the_same_episode_though_another_rule_opened_it() -> None:
    from casework.backtest.against import compare

    one = case("C-1", rule="low_csat", signals=("a", "b"))
    assert not compare([one], [replace(one, case_id="C-2", rule_id="other")]).gained
    later = replace(one, case_id="C-3", opened_at=one.opened_at + timedelta(days=20), hits=())
    assert compare([one], [later]).gained == (later,)


def case(case_id: str, *, rule: str, signals: tuple[str, ...]) -> WouldBe:
    from casework.backtest.apart import Hit

    return WouldBe(
        case_id, rule, "recovery", "customer", "C1", "C1", "fee_dispute", "everyday", None, FIRST, 3, None, "desk", "agent",
        (), None, None, tuple(Hit(f"t-{name}", rule, name, FIRST) for name in signals),
    )  # fmt: skip


def test_what_followed_is_read_from_signals_and_from_who_left_and_our_own_notes_are_nothing(home: Settings) -> None:
    from casework.backtest.aftermath import read_record

    day = timedelta(days=1)
    low = {"signal_kind": "survey_response", "source": "surveys", "entity": "response", "score_metric": "nps"}
    rows = [
        signal("left", FIRST, customer_id="C1"),
        signal("quiet", FIRST, customer_id="C2", signal_kind="ticket"),
        signal("ours", FIRST + day, customer_id="C2", source="desk"),
        signal("happy", FIRST + day, customer_id="C2", score_value=9.0, **low),
        signal("first", FIRST, customer_id="C3", signal_kind="ticket"),
        signal("low", FIRST + 2 * day, customer_id="C3", score_value=6.0, **low),
        signal("nobody", FIRST, customer_id=None),
        signal("old", FIRST, customer_id="C4", is_valid=False),
    ]  # fmt: skip
    hand_over(home.home, rows, [], END)
    customers = home.home / "customers.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select 'C1' as customer_id, true as is_current, date '2026-03-10' as churned_on) "
            f"to '{customers}' (format parquet)"
        )
    known = read_record(home, customers, FIRST, END, FIRST + 40 * day)
    found = {name: (item.what, item.followed, item.is_judged) for name, (_, item) in known.after.items()}
    assert found["left"] == ("left", True, True)
    assert found["quiet"] == (None, False, True)
    assert found["first"] == ("detractor", True, True)
    assert found["nobody"] == (None, False, False)
    assert "ours" not in found
    assert known.valid == {"old": False}
    assert known.knows_leaving
    unknown = read_record(home, None, FIRST, END, FIRST + 5 * day)
    assert not unknown.knows_leaving
    assert not unknown.after["quiet"][1].is_judged, "the time has not passed"


def test_the_command_tells_what_a_folder_would_change_and_draws_it(
    home: Settings, shadow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from amends.commands.rules import app

    monkeypatch.setenv("AMENDS_HOME", str(home.home))
    monkeypatch.setenv("AMENDS_AS_OF", END.isoformat())
    hand_over(home.home, weeks_of_signals(1), [], END)
    asked = ["backtest", "--rules", str(shadow), "--from", "2026-03-02", "--to", "2026-03-08"]
    plain = CliRunner().invoke(app, [*asked, "--plots", str(tmp_path / "plots")])
    assert plain.exit_code == 0, plain.output
    assert "any_detractor" in plain.output
    assert "What this rests on" in plain.output
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        "cases_per_week.png", "load_by_team.png", "gained_and_lost.png", "precision.png"
    }  # fmt: skip
    faulty = CliRunner().invoke(app, ["backtest", "--from", "yesterday"])
    assert faulty.exit_code == 1
