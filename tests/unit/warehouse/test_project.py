"""What every file of the warehouse project keeps to: described, under contract, one YAML beside each model, no wall clock."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT

PROJECT = ROOT / "dbt_project"
VARIABLES = ("WAREHOUSE", "LANDING", "HANDOFF", "ML_OUTPUTS", "PROGRAMME_TABLES", "LEDGER_EXPORT")
WALL_CLOCK = re.compile(
    r"\b(now\s*\(|current_timestamp|current_date|current_time|localtimestamp|today\s*\(|getdate|sysdate)", re.I
)
MODEL_NAME = re.compile(
    r"^(stg_[a-z0-9]+__[a-z0-9_]+|int_[a-z0-9]+(_[a-z0-9]+)*(__[a-z0-9_]+)?|(dim|fct|agg)_[a-z0-9_]+)$"
)
STAGES = {"listen", "classify", "detect", "route", "respond", "track", "prevent", "report"}
TYPES = {
    "text": "varchar", "integer": "bigint", "number": "double", "money": "decimal(18,2)", "date": "date",
    "timestamp": "timestamp with time zone", "boolean": "boolean", "json_text": "varchar",
}  # fmt: skip


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The parsed project, with stores that do not exist: parsing must need none."""
    from dbt.cli.main import dbtRunner

    target = tmp_path_factory.mktemp("parse")
    before = dict(os.environ)
    os.environ.update({f"AMENDS_{name}": str(target / name.lower()) for name in VARIABLES})
    try:
        outcome = dbtRunner().invoke(
            ["--quiet", "parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
             "--target-path", str(target), "--log-path", str(target)]
        )  # fmt: skip
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert outcome.success, outcome.exception
    return json.loads((target / "manifest.json").read_text(encoding="utf-8"))


def nodes(manifest: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    found = [n for n in manifest["nodes"].values() if n["resource_type"] == kind and n["package_name"] == "amends"]
    assert found, f"no {kind} in the project"
    return found


def is_mart(node: dict[str, Any]) -> bool:
    return "marts" in node["fqn"]


def attached_tests(manifest: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    return [t for t in nodes(manifest, "test") if t.get("attached_node") == node["unique_id"]]


def model_files() -> list[Path]:
    return sorted((PROJECT / "models").rglob("*.sql"))


def without_comments(text: str) -> str:
    return re.sub(r"{#.*?#}|/\*.*?\*/|--[^\n]*", "", text, flags=re.S)


def test_everything_an_analyst_can_open_is_described(manifest: dict[str, Any]) -> None:
    described = [*nodes(manifest, "model"), *nodes(manifest, "snapshot"), *manifest["sources"].values()]
    silent = [n["unique_id"] for n in [*described, *manifest["exposures"].values()] if not n["description"].strip()]
    silent += [
        f"{n['unique_id']}.{c['name']}"
        for n in described
        for c in n["columns"].values()
        if not c["description"].strip()
    ]
    assert silent == []


def test_column_descriptions_begin_with_plain_words_because_lists_cut_them_short(manifest: dict[str, Any]) -> None:
    odd = [
        f"{n['name']}.{c['name']}: {c['description'][:20]}"
        for n in nodes(manifest, "model")
        for c in n["columns"].values()
        if not re.match(r"^[A-Z][A-Za-z]+[ ,:;.-]", c["description"])
    ]
    assert odd == []


def test_every_model_says_its_grain_in_its_first_line_and_in_its_description(manifest: dict[str, Any]) -> None:
    assert [p.name for p in model_files() if not p.read_text(encoding="utf-8").startswith("-- one row per ")] == []
    assert [n["name"] for n in nodes(manifest, "model") if not n["description"].startswith("One row per ")] == []


def test_one_yaml_lies_beside_each_model_and_speaks_of_it_alone() -> None:
    for path in model_files():
        beside = path.with_suffix(".yml")
        assert beside.exists(), f"{path.name} has no YAML beside it"
        (model,) = yaml.safe_load(beside.read_text(encoding="utf-8"))["models"]
        assert model["name"] == path.stem


def test_names_follow_the_grammar(manifest: dict[str, Any]) -> None:
    assert [n["name"] for n in nodes(manifest, "model") if not MODEL_NAME.match(n["name"])] == []
    columns = {c for n in nodes(manifest, "model") for c in n["columns"]}
    assert "at" not in columns
    assert [c for c in columns if not re.match(r"^_?[a-z][a-z0-9_]*$", c)] == []


def test_time_columns_say_what_they_are(manifest: dict[str, Any]) -> None:
    allowed = {"valid_from", "valid_to", "as_of", "effective_from", "week_start", "month_start"}
    odd = [
        f"{n['name']}.{c['name']}"
        for n in nodes(manifest, "model")
        for c in n["columns"].values()
        if c["name"] not in allowed
        and (
            (c["data_type"] == "timestamp" and not c["name"].endswith("_at"))
            or (c["data_type"] == "date" and not c["name"].endswith("_on"))
            or (c["data_type"] == "boolean" and not c["name"].startswith(("is_", "has_")))
        )
    ]
    assert odd == []


def test_no_sql_looks_at_the_wall_clock() -> None:
    files = [*model_files(), *(PROJECT / "macros").rglob("*.sql"), *(PROJECT / "tests").rglob("*.sql")]
    assert [p.name for p in files if WALL_CLOCK.search(without_comments(p.read_text(encoding="utf-8")))] == []


def test_only_staging_and_read_back_models_read_sources(manifest: dict[str, Any]) -> None:
    readers = [n for n in nodes(manifest, "model") if any(d.startswith("source.") for d in n["depends_on"]["nodes"])]
    assert readers
    assert [n["name"] for n in readers if not n["name"].startswith("stg_")] == []


def test_every_model_has_an_owner_a_stage_and_exactly_one_build(manifest: dict[str, Any]) -> None:
    for node in [*nodes(manifest, "model"), *nodes(manifest, "snapshot")]:
        dagster = node["meta"]["dagster"]
        assert dagster["group"] in STAGES, node["name"]
        assert dagster["owners"] and dagster["kinds"], node["name"]
        assert node["config"]["group"] in STAGES, node["name"]
        assert len({"prepare", "detect", "track", "prove"} & set(node["tags"])) == 1, node["name"]


def test_no_build_needs_a_table_of_a_later_build(manifest: dict[str, Any]) -> None:
    order = {"prepare": 0, "detect": 1, "track": 2, "prove": 3}
    stage = {
        n["unique_id"]: next(order[t] for t in n["tags"] if t in order)
        for n in [*nodes(manifest, "model"), *nodes(manifest, "snapshot")]
    }
    late = [
        f"{user} needs {needed}"
        for user in stage
        for needed in manifest["nodes"][user]["depends_on"]["nodes"]
        if stage.get(needed, 0) > stage[user]
    ]
    assert late == []


def test_marts_are_public_under_contract_and_unique_by_key(manifest: dict[str, Any]) -> None:
    marts = [n for n in nodes(manifest, "model") if is_mart(n)]
    assert len(marts) >= 10
    for mart in marts:
        assert mart["contract"]["enforced"], mart["name"]
        assert mart["access"] == "public", mart["name"]
        kinds = {t["test_metadata"]["name"] for t in attached_tests(manifest, mart) if t.get("test_metadata")}
        assert kinds & {"unique", "unique_combination"}, f"{mart['name']} has no test of its key"
        constrained = [c for c in mart["columns"].values() if c["constraints"]]
        assert constrained, f"{mart['name']} has no column that must be filled"
        assert all(k["type"] == "not_null" for c in constrained for k in c["constraints"]), mart["name"]


def test_every_table_with_rows_of_its_own_has_a_test_of_its_key(manifest: dict[str, Any]) -> None:
    untested = []
    for node in nodes(manifest, "model"):
        if node["config"]["materialized"] == "ephemeral":
            continue
        kinds = {t["test_metadata"]["name"] for t in attached_tests(manifest, node) if t.get("test_metadata")}
        if not kinds & {"unique", "unique_combination"}:
            untested.append(node["name"])
    assert untested == []


def test_there_are_few_enough_tests_to_show_each_as_a_check(manifest: dict[str, Any]) -> None:
    # About ten per table under contract and what it is made of; the hundredth check of one column is not worth a line.
    marts = [n for n in nodes(manifest, "model") if is_mart(n)]
    assert 100 <= len(nodes(manifest, "test")) <= 11 * len(marts)
    assert len(manifest["unit_tests"]) >= 50


def test_each_source_is_read_from_where_its_owner_writes_it(manifest: dict[str, Any]) -> None:
    for source in manifest["sources"].values():
        location = source["config"]["meta"]["external_location"]
        (key,) = source["config"]["meta"]["dagster"]["asset_key"]
        name = f"{source['source_name']}__{source['name']}"
        assert location.startswith("read_parquet('"), name
        assert key == (source["name"] if source["source_name"] == "ml" else f"raw_{name}"), name


def contracts() -> list[Path]:
    return sorted((ROOT / "models" / "contracts").glob("*.yml"))


@pytest.mark.parametrize("path", contracts(), ids=lambda path: path.stem)
def test_a_declared_source_has_the_columns_its_contract_lands(path: Path) -> None:
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    declared = declared_columns(contract["source"], contract["entity"])
    landed = {}
    for column in contract["columns"]:
        privacy = column.get("pii", "none")
        if privacy != "name":
            landed[column["name"] + ("_key" if privacy == "identity" else "")] = TYPES[column["type"]]
        if privacy == "text":
            landed[f"{column['name']}_redactions"] = "integer"
    if contract.get("names_land_as"):
        landed[contract["names_land_as"]] = "varchar"
    own = {name: kind for name, kind in declared.items() if not name.startswith("_")}
    assert {name: kind for name, kind in own.items() if landed.get(name) != kind} == {}


def declared_columns(source: str, entity: str) -> dict[str, str]:
    path = PROJECT / "models" / "staging" / source / f"_{source}__sources.yml"
    (declared,) = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
    (table,) = [t for t in declared["tables"] if t["name"] == entity]
    return {column["name"]: column["data_type"] for column in table["columns"]}


def test_every_contract_has_a_staging_model_and_a_line_in_the_load_report(manifest: dict[str, Any]) -> None:
    names = {n["name"] for n in nodes(manifest, "model")}
    report = next(n for n in nodes(manifest, "model") if n["name"] == "agg_source_load")
    loaded = {d.split(".")[-1] for d in report["depends_on"]["nodes"]}
    assert contracts()
    for path in contracts():
        assert f"stg_{path.stem}" in names
        assert f"stg_{path.stem}" in loaded


def test_the_metric_numbers_in_sql_are_those_of_the_criterion_in_python() -> None:
    from models.outcome import RecoveredCriterion

    text = (PROJECT / "macros" / "definitions.sql").read_text(encoding="utf-8")
    numbers = {name: int(value) for name, value in re.findall(r"macro (\w+)\(\) -%} (\d+) {%- endmacro", text)}
    criterion = RecoveredCriterion()
    assert numbers["recovered_nps"] == criterion.nps_at_least
    assert numbers["recovered_csat"] == criterion.csat_at_least
    assert numbers["response_window_days"] == criterion.response_window_days
    assert numbers["recovered_recontact_days"] == criterion.recontact_window_days


def test_signals_have_every_column_a_rule_may_ask_about(manifest: dict[str, Any]) -> None:
    from models.signal import FIELDS

    (signal,) = [n for n in nodes(manifest, "model") if n["name"] == "fct_signal"]
    # `risk` is of what is foreseen (signals made of ml_detection__risk), which no row of the mart is.
    assert set(FIELDS) - set(signal["columns"]) == {"risk"}


def test_states_and_event_kinds_are_those_of_the_case_model(manifest: dict[str, Any]) -> None:
    from models.case import EventKind, State

    accepted = {
        (t["attached_node"].split(".")[-1], t["column_name"]): set(t["test_metadata"]["kwargs"]["values"])
        for t in nodes(manifest, "test")
        if t.get("test_metadata") and t["test_metadata"]["name"] == "accepted_values"
    }
    assert accepted["fct_case", "state"] == {state.value for state in State}
    assert accepted["fct_case_event", "event_kind"] == {kind.value for kind in EventKind}
