"""The JSON Schemas for editors: up to date, named in every file, and of one mind with the types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from intake.programme_schemas import PARTS, schema_texts, write_schemas
from models.settings import ROOT

SCHEMAS = ROOT / "programme" / "schemas"
COMPANIES = ("bank", "telecom")
FILES = [path for company in COMPANIES for path in sorted((ROOT / "programme" / company).rglob("*.yml"))]
ROOMS = {"triggers": "trigger", "playbooks": "playbook", "messages": "message"}


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


def faults(name: str, data: Any) -> list[str]:
    """What an editor would underline; dates are text to it."""
    plain = json.loads(json.dumps(data, default=str))
    return [error.message for error in Draft202012Validator(schema(name)).iter_errors(plain)]


def test_the_schemas_in_the_repository_are_those_of_the_types() -> None:
    stored = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*.schema.json")}
    assert stored == schema_texts(), "run `amends programme schemas`"


def test_writing_them_again_writes_nothing(tmp_path: Path) -> None:
    assert len(write_schemas(tmp_path)) == len(PARTS)
    assert write_schemas(tmp_path) == []


@pytest.mark.parametrize("name", PARTS)
def test_every_schema_is_a_valid_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_every_file_names_its_schema_in_its_first_line_and_fits_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    marker, _, target = text.splitlines()[0].partition("$schema=")
    assert marker == "# yaml-language-server: "
    name = ROOMS.get(path.parent.name, path.stem)
    assert (path.parent / target).resolve() == SCHEMAS / f"{name}.schema.json"
    assert faults(name, yaml.safe_load(text)) == []


@pytest.mark.parametrize("company", COMPANIES)
@pytest.mark.parametrize("room", ["playbooks", "messages"])
def test_every_head_of_a_text_file_fits_its_schema(company: str, room: str) -> None:
    for path in sorted((ROOT / "programme" / company / room).glob("*.md")):
        head = path.read_text(encoding="utf-8").split("---\n", 2)[1]
        assert faults(ROOMS[room], yaml.safe_load(head)) == [], path.name


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("sla", {"targets": [{"metric": "resolve", "severity": 1, "hours": -30}]}),
        ("sla", {"targets": [{"metric": "resolv", "severity": 1, "hours": 3}]}),
        ("sla", {"targets": [], "target": []}),
        ("programme", {"name": "bank", "titel": "Bank"}),
        ("routing", {"root": {"name": "all", "owner": "agent"}}),
        ("trigger", {"id": "x_y", "title": "A rule", "status": "on", "kind": "recovery", "signal": "any"}),
    ],
)
def test_what_the_types_refuse_for_its_shape_an_editor_underlines(name: str, data: Any) -> None:
    with pytest.raises(ValueError):
        PARTS[name].model_validate(data)
    assert faults(name, data) != []


@pytest.mark.parametrize(
    ("written", "fits"), [("30d", True), ("12h", True), ("P30D", False), ("0d", False), (30, False)]
)
def test_a_duration_is_written_as_people_write_it_here(written: Any, fits: bool) -> None:
    rule = {
        "id": "x_y", "title": "A rule", "status": "draft", "kind": "recovery", "signal": "any",
        "when": {"field": "severity", "op": "lte", "value": 2},
        "open_case": {"severity": 2, "dedupe": {"within": written}},
    }  # fmt: skip
    assert (faults("trigger", rule) == []) is fits
