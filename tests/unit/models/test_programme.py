"""The programme: what ships is sound, what is wrong is refused at its line, and compiling is repeatable."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from intake.programme import ProgrammeError, compile_programme, load_programme

ROOT = Path(__file__).resolve().parents[3]
COMPANIES = ("bank", "telecom")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the bank's programme to spoil."""
    return Path(shutil.copytree(ROOT / "programme" / "bank", tmp_path / "bank"))


@pytest.mark.parametrize("company", COMPANIES)
def test_a_shipped_programme_knows_every_cause_and_every_survey_of_its_world(company: str) -> None:
    programme = load_programme(ROOT / "programme" / company)
    assert len(programme.taxonomy.causes) == 10
    assert all(len(cause.reason_codes) == 2 for cause in programme.taxonomy.causes)
    assert {survey.survey_id for survey in programme.surveys} == {"SV_NPS", "SV_CSAT", "SV_CES", "SV_CES1"}
    assert {play.code for play in programme.playbooks} >= {"apology", "callback", "refund", "specialist", "none"}
    assert {rule.kind for rule in programme.live_rules} == {"recovery", "excellence", "breakdown"}


@pytest.mark.parametrize("company", COMPANIES)
def test_every_severity_has_a_target_for_every_step(company: str) -> None:
    targets = load_programme(ROOT / "programme" / company).sla.targets
    general = {(target.metric, target.severity) for target in targets if target.segment is None and target.severity}
    assert len(general) == 4 * 4


@pytest.mark.parametrize("company", COMPANIES)
def test_compiling_twice_gives_the_same_bytes(tmp_path: Path, company: str) -> None:
    for name in ("first", "second"):
        compile_programme(ROOT / "programme" / company, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == [
        f"{n}.parquet"
        for n in ("business_interval", "cause", "playbook", "reason_code", "severity_rule", "sla_target", "survey")
    ]
    for name in files:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_the_compiled_tables_say_what_the_files_say(tmp_path: Path) -> None:
    compile_programme(ROOT / "programme" / "bank", tmp_path)
    codes = {
        (row["source"], row["code"]): row["cause_id"]
        for row in pq.read_table(tmp_path / "reason_code.parquet").to_pylist()
    }
    assert codes["complaints", "FEE-01"] == "fee_dispute"
    assert codes["cfpb", "Fraud or scam"] == "fraud_handling"
    assert ("cfpb", "FEE-01") not in codes
    assert ("cfpb", "Incorrect information on your report") not in codes
    targets = pq.read_table(tmp_path / "sla_target.parquet").to_pylist()
    gravest = next(row for row in targets if (row["metric"], row["severity"]) == ("first_action", 1))
    assert (gravest["clock"], gravest["target_seconds"]) == ("wall", 3600)


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("programme.yml", "timezone: America/New_York", "timezone: America/New_Yrok", "programme.yml:4: timezone"),
        ("programme.yml", "historic_after_days", "historic_after_day", "programme.yml:7: .*did you mean 'historic_after_days'"),
        ("surveys.yml", "metric: csat, min: 1", "metric: csat, min: 9", "surveys.yml:5:"),
        ("triggers/low_csat.yml", "field: score_normalised", "field: score_normalized", "csat.yml:10: .*mean 'score_normalised'"),
        ("triggers/low_csat.yml", "status: live", "on: live", "low_csat.yml:4: YAML reads the key 'on'"),
        ("triggers/low_csat.yml", "kind: recovery", "kind: recovery\nkind: excellence", "csat.yml:6: 'kind' is given twice"),
        ("triggers/low_csat.yml", "status: live", "status: &x live", "low_csat.yml:4: anchors"),
        ("triggers/low_csat.yml", "status: live", "status: [live", "low_csat.yml:\\d+: "),
        ("severity.yml", "any_of:", "anyof:", "unknown key 'anyof'; did you mean 'any_of'"),
        ("taxonomy.yml", "reason_codes: [CRD-01, CRD-02]", "reason_codes: [FEE-01, CRD-02]", "FEE-01"),
        ("taxonomy.yml", "id: card_declined", "id: fee_dispute", "used twice: fee_dispute"),
        ("calendars.yml", "timezone: America/New_York", "timezone: Mars/Olympus", "unknown time zone"),
        ("sla.yml", "severity: 1, clock: wall", "severity: 7, clock: wall", "sla.yml:5:"),
        ("routing.yml", "op: is, value: 1", "op: equals, value: 1", "routing.yml:9:"),
        ("playbooks/callback.md", "code: callback", "code: call_back", "callback.md:2: code 'call_back'"),
        ("playbooks/callback.md", "channel: phone", "chanel: phone", "callback.md:7: .*mean 'channel'"),
    ],
)  # fmt: skip
def test_a_fault_is_reported_with_file_line_and_reason(
    copy: Path, file: str, old: str, new: str, expected: str
) -> None:
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProgrammeError, match=expected):
        load_programme(copy)


def test_nothing_is_written_when_a_file_is_faulty(copy: Path, tmp_path: Path) -> None:
    (copy / "sla.yml").unlink()
    with pytest.raises(ProgrammeError, match=r"sla\.yml: the file is missing"):
        compile_programme(copy, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_code_that_is_used_by_two_trigger_files_is_refused(copy: Path) -> None:
    shutil.copy(copy / "triggers" / "low_csat.yml", copy / "triggers" / "again.yml")
    with pytest.raises(ProgrammeError, match="id used twice: low_csat"):
        load_programme(copy)
