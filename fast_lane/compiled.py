"""The warehouse's own SQL, compiled once for a run over a handful of rows in memory.

Belongs here: having dbt compile the way from landed files to `fct_signal` as a full refresh, and reading the result. Not
here: running it (`delta.py`). Folders are placeholders in the compiled text, so that one compilation serves every delta;
that the text is dbt's is what makes both lanes decide alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.settings import ROOT

PROJECT = ROOT / "dbt_project"
STATEMENTS = PROJECT / "target" / "fast_lane.json"
_MANIFEST = PROJECT / "target" / "manifest.json"
_GOAL, _EVIDENCE = "model.amends.fct_signal", "analysis.amends.signal_evidence"
# Environment variable of a folder -> what stands for the folder in compiled SQL.
FOLDERS = {
    "AMENDS_LANDING": "@landing@",
    "AMENDS_HANDOFF": "@handoff@",
    "AMENDS_ML_OUTPUTS": "@ml_outputs@",
    "AMENDS_PROGRAMME_TABLES": "@programme_tables@",
    "AMENDS_LEDGER_EXPORT": "@ledger_export@",
}
AS_OF = "9999-12-31 00:00:00"


class NotCompiled(RuntimeError):
    """dbt could not compile the project; the message carries the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One node of the dbt project: what it is called, and the query that makes it. Views are cheap and stay views."""

    name: str
    query: str
    is_view: bool


@dataclass(frozen=True, slots=True)
class Statements:
    """All queries on the way to `fct_signal`, each after those it reads, and the query of the hand-over `int_signal`."""

    nodes: tuple[Statement, ...]
    evidence: str


def statements() -> Statements:
    """The compiled statements, compiled now when the project has changed since. Raises NotCompiled."""
    if _is_stale():
        _keep(_compiled())
    stored = json.loads(STATEMENTS.read_text(encoding="utf-8"))
    return Statements(tuple(Statement(**node) for node in stored["nodes"]), stored["evidence"])


def _is_stale() -> bool:
    """The manifest is parsed anew whenever a file of the project changed; what is older than it is stale."""
    if not STATEMENTS.exists():
        return True
    return _MANIFEST.exists() and _MANIFEST.stat().st_mtime > STATEMENTS.stat().st_mtime


def _compiled() -> Mapping[str, Any]:
    """dbt's manifest with compiled code; a process of its own, with a target folder of its own."""
    with tempfile.TemporaryDirectory(prefix="amends-compile-") as target:
        command = [
            str(Path(sys.executable).with_name("dbt")), "--quiet", "compile", "--full-refresh", "--no-introspect",
            "--select", "+fct_signal", "signal_evidence", "--target-path", target,
            "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        ]  # fmt: skip
        environment = {**os.environ, **FOLDERS, "AMENDS_WAREHOUSE": ":memory:", "AMENDS_WAREHOUSE_AS_OF": AS_OF}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotCompiled((done.stdout + done.stderr)[-2000:])
        found: Mapping[str, Any] = json.loads((Path(target) / "manifest.json").read_text(encoding="utf-8"))
    return found["nodes"]  # type: ignore[no-any-return]


def _keep(nodes: Mapping[str, Any]) -> None:
    """Write what is needed, in one step: two processes may compile at once."""
    ordered: dict[str, Statement] = {}
    _visit(_GOAL, nodes, ordered)
    document = {
        "nodes": [asdict(node) for node in ordered.values()],
        "evidence": nodes[_EVIDENCE]["compiled_code"],
    }
    fresh = STATEMENTS.with_name(f".{STATEMENTS.name}.{os.getpid()}")
    fresh.write_text(json.dumps(document, indent=1), encoding="utf-8")
    fresh.replace(STATEMENTS)


def _visit(key: str, nodes: Mapping[str, Any], ordered: dict[str, Statement]) -> None:
    """Depth first, so that each node comes after what it reads; what is inlined has no relation of its own."""
    if key in ordered or key not in nodes:
        return
    node = nodes[key]
    for parent in node["depends_on"]["nodes"]:
        _visit(parent, nodes, ordered)
    if node["config"]["materialized"] != "ephemeral":
        ordered[key] = Statement(node["name"], node["compiled_code"], node["config"]["materialized"] == "view")
