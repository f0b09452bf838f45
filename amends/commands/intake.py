"""`amends intake`: take files in and account for every row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from amends.console import answer, console
from amends.home import prepare_home
from models.settings import load_settings


def take(source: str, path: Path, entity: str | None, as_json: bool) -> int:
    """Take a file or folder in; prints per file `rows, loaded, quarantined, duplicates`. Returns the exit code."""
    from intake.service import take_path

    settings = load_settings()
    prepare_home(settings)
    reports = take_path(settings, source, path, entity=entity)
    files = [report.model_dump(mode="json") for report in reports]
    refused = [f for f in files if f["status"] == "refused"]
    answer({"ok": not refused, "files": files}, as_json, show=_show)
    return 1 if refused else 0


def _show(document: dict[str, Any]) -> None:
    table = Table(
        "file", "entity", "status", "rows", "loaded", "quarantined", "duplicates", box=None, header_style="bold"
    )
    for column in table.columns[3:]:
        column.justify = "right"
    for f in document["files"]:
        numbers = [f"{f[name]:,}" for name in ("rows", "loaded", "quarantined", "duplicates")]
        table.add_row(f["file"], str(f["entity"]), f["status"], *numbers)
    console.print(table)
    for f in document["files"]:
        if f["message"]:
            console.print(f"  {f['file']}: {f['message']}", soft_wrap=True)
        for reason, count in sorted((f.get("faults") or {}).items()):
            console.print(f"  {f['file']}: {count} × {reason}", soft_wrap=True)
