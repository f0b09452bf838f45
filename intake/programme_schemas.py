"""JSON Schemas of the programme's files, so that an editor completes and checks them while they are written.

Belongs here: which type describes which file, and the schema as text. Not here: the types (`models/`), checking a
programme (`intake/programme.py`), which also holds the files against each other; a schema sees one file at a time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from models.alerts import AlertPolicy
from models.contact import ContactPolicy
from models.escalation import EscalationRules
from models.playbook import Playbook
from models.programme import Calendars, Company, SeverityRules, SlaRows, Surveys
from models.questionnaire import Questionnaire
from models.recommendation import RecommendationPolicy
from models.routing import RoutingTree
from models.staff import Teams
from models.taxonomy import Taxonomy
from models.texts import MessageHead
from models.trigger import TriggerRule

# By the name of the schema: a file of a company, or (the last three) every file of a folder; of the Markdown files it
# is the head between the two lines of ---.
PARTS: dict[str, type[BaseModel]] = {
    "programme": Company,
    "taxonomy": Taxonomy,
    "surveys": Surveys,
    "severity": SeverityRules,
    "routing": RoutingTree,
    "teams": Teams,
    "escalation": EscalationRules,
    "calendars": Calendars,
    "sla": SlaRows,
    "recommendation": RecommendationPolicy,
    "contact": ContactPolicy,
    "questionnaire": Questionnaire,
    "alerts": AlertPolicy,
    "trigger": TriggerRule,
    "playbook": Playbook,
    "message": MessageHead,
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What these formats mean to JSON Schema is not what people write here: `30d`, not `P30D`, and `08:30`, not `08:30:00Z`.
_WRITTEN = {
    "duration": {"pattern": r"^[1-9]\d{0,3}[hdw]$", "examples": ["12h", "30d", "8w"]},
    "time": {"pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$", "examples": ["08:30"]},
}


def schema_texts() -> dict[str, str]:
    """File name -> schema as text; the same types give the same bytes."""
    return {f"{name}.schema.json": schema_text(part) for name, part in PARTS.items()}


def schema_text(part: type[BaseModel]) -> str:
    """The JSON Schema (2020-12) of one file, keys sorted."""
    schema = {"$schema": _DIALECT, **_as_written(part.model_json_schema(by_alias=True))}
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write_schemas(folder: Path) -> list[str]:
    """Write every schema into a folder; the names of those that were missing or different."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in schema_texts().items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            written.append(name)
    return written


def _as_written(node: Any) -> Any:
    if isinstance(node, list):
        return [_as_written(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _as_written(value) for key, value in node.items()}
    if isinstance(found.get("format"), str) and (written := _WRITTEN.get(found["format"])):
        found = {key: value for key, value in found.items() if key != "format"} | written
    return found
