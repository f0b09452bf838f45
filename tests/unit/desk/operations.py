"""Every operation of the API, read from its own description, with the means to ask it something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path of the description."""

    method: str
    path: str
    name: str

    def __str__(self) -> str:
        return self.name


def described() -> tuple[Operation, ...]:
    """All of them."""
    from desk.api import api

    paths: dict[str, Any] = api.get_openapi_schema()["paths"]
    return tuple(
        Operation(method.upper(), path, said["operationId"]) for path, said_by in paths.items() for method, said in said_by.items()
    )  # fmt: skip


OPERATIONS = described()
_USUAL = {
    "subject_type": "case",
    "subject_id": "C-NOSUCHCASE",
    "case_id": "C-NOSUCHCASE",
    "message_no": "1",
    "uid": "u",
    "receipt": "F-NOSUCH",
}


def address(operation: Operation, values: dict[str, str]) -> str:
    """The path with its parameters filled in."""
    return operation.path.format(**(_USUAL | values))
