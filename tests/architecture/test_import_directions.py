"""Imports climb no floors: each room may import only the rooms below it (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support import ROOT

ALLOWED = {
    "models": set(),
    "ml": {"models"},
    "intake": {"models", "ml"},
    "expectations": {"models"},
    "cases": {"models"},
    "world": {"models"},
    "publishing": {"models", "cases"},
    "messaging": {"models"},
    "casework": {"models", "intake", "cases", "messaging"},
    "fast_lane": {"models", "ml", "intake", "cases", "casework"},
    "desk": {"models", "intake", "cases", "casework"},
    "orchestration": {"models", "ml", "intake", "expectations", "cases", "casework", "publishing", "fast_lane"},
    "amends": {
        "models",
        "ml",
        "intake",
        "expectations",
        "cases",
        "casework",
        "desk",
        "publishing",
        "world",
        "fast_lane",
    },
}
ROOMS = {*ALLOWED, "benchmarks", "tests"}
HEAVY = {
    "bertopic",
    "sentence_transformers",
    "torch",
    "great_expectations",
    "mlflow",
    "umap",
    "hdbscan",
    "transformers",
}


def _modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def _imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    climbs = []
    for path in _modules(room):
        imported = _imported(ast.parse(path.read_text(encoding="utf-8"))) & ROOMS
        climbs += [f"{path.relative_to(ROOT)} imports {other}" for other in imported - ALLOWED[room] - {room}]
    assert climbs == []


@pytest.mark.parametrize("room", sorted({*ALLOWED} - {"orchestration", "amends"}))
def test_no_room_but_orchestration_knows_dagster(room: str) -> None:
    knowing = [
        str(path.relative_to(ROOT))
        for path in _modules(room)
        if _imported(ast.parse(path.read_text(encoding="utf-8"))) & {"dagster", "dagster_dbt"}
    ]
    assert knowing == []


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_heavy_libraries_are_imported_inside_functions_only(room: str) -> None:
    eager = []
    for path in _modules(room):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top = ast.Module(body=[n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)], type_ignores=[])
        eager += [f"{path.relative_to(ROOT)}: {name}" for name in _imported(top) & HEAVY]
    assert eager == []


def test_only_demos_tests_and_benchmarks_import_the_world() -> None:
    importing = {
        str(path.relative_to(ROOT))
        for room in ALLOWED
        for path in _modules(room)
        if room != "world" and "world" in _imported(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert importing <= {"amends/demo.py", "amends/commands/world.py"}


def test_orchestration_holds_no_sql() -> None:
    sql = []
    for path in _modules("orchestration"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = node.value.lower().split()
                if words[:1] == ["select"] and "from" in words:
                    sql.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert sql == []


def test_no_pipeline_code_names_the_truth_folder_of_a_world() -> None:
    rooms = ("models", "ml", "intake", "expectations", "cases", "publishing", "orchestration")
    texts = [
        (path, node)
        for room in rooms
        for path in _modules(room)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    naming = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, node in texts
        if node.value == "truth" or "truth/" in node.value or "/truth" in node.value
    ]
    assert naming == []
