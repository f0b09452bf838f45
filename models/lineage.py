"""The way back from a case to the raw row, the model and the run that produced it.

Belongs here: the typed record stored beside every trigger and the walk printed by `amends case explain`. Not here:
reading files or tables to follow the walk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where one trigger came from. `line` is the 1-based physical line (row number for Parquet); unknown stays None."""

    source: str | None = None
    entity: str | None = None
    source_key: str | None = None
    source_file: str | None = None
    line: int | None = None
    row_hash: str | None = None
    batch_id: int | None = None
    model_id: str | None = None
    topic_model_id: str | None = None
    dagster_run_id: str | None = None
    rule_hash: str | None = None
    lane: str | None = None

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Lineage:
        """Lineage from a mapping; keys it does not know are left out."""
        return cls(**{item.name: values[item.name] for item in fields(cls) if item.name in values})

    def as_dict(self) -> dict[str, Any]:
        """The known parts only, in the order of the class."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class LineageStep:
    """One stop on the way back: what it is, its identifier and a sentence about it."""

    what: str
    identifier: str | None
    detail: str


def walk(case_id: str, trigger: Mapping[str, Any], lineage: Lineage) -> tuple[LineageStep, ...]:
    """Steps from a case to the raw row and the runs behind it; a step that is unknown says so instead of vanishing."""
    place = f"{lineage.source_file}, line {lineage.line}" if lineage.source_file else "not recorded"
    rule = f"rule {trigger.get('rule_id')} at {trigger.get('rule_hash')}"
    return (
        LineageStep("case", case_id, "opened or joined by the trigger"),
        LineageStep("trigger", trigger.get("trigger_id"), rule),
        LineageStep("signal", trigger.get("signal_id"), f"from source {lineage.source or 'not recorded'}"),
        LineageStep("raw row", lineage.row_hash, f"{place}; batch {_known(lineage.batch_id)}"),
        LineageStep("model", lineage.model_id, "version that classified the signal"),
        LineageStep("run", lineage.dagster_run_id, _lane(lineage)),
    )


def _known(value: object) -> str:
    return "not recorded" if value is None else str(value)


def _lane(lineage: Lineage) -> str:
    if lineage.lane == "fast":
        return "the fast lane evaluated the rule, before any run"
    return "Dagster run that evaluated the rule"
