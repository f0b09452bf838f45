"""Running the loop in its own process and showing its stages: live on a terminal, one line per stage everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.status import Status

from amends.console import answer, console
from amends.home import apply_environment, prepare_home
from models.settings import ROOT, Settings

STAGES = ("listen", "classify", "detect", "route", "respond", "track", "report")


def run_and_show(settings: Settings, *, refit: bool = False, as_of: str = "", as_json: bool = False) -> int:
    """Run the loop once; prints one line per stage with counts read back from the stores. Returns the exit code."""
    prepare_home(settings)
    if as_of:
        os.environ["AMENDS_AS_OF"] = as_of
    started = time.monotonic()
    finished, failure = _show(_events(settings, refit), live=not as_json)
    from publishing.stages import stage_facts

    facts = {} if failure else stage_facts(settings)
    if not as_json:
        for stage in STAGES:
            _line(stage, facts.get(stage, ""), finished.get(stage))
    document = {"ok": failure is None, "failure": failure, "seconds": round(time.monotonic() - started, 1),
                "stages": {s: {"seconds": finished.get(s, (0.0, ""))[0], "note": finished.get(s, (0.0, ""))[1],
                               "facts": facts.get(s, "")} for s in STAGES}}  # fmt: skip
    answer(document, as_json, text=f"[bold red]The loop failed:[/] {failure}" if failure else "")
    return 1 if failure else 0


def _events(settings: Settings, refit: bool) -> Iterator[dict[str, Any]]:
    """Start `python -m orchestration.run` and yield its events; its log is kept under logs/."""
    log_path = settings.logs / f"run-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    command = [sys.executable, "-m", "orchestration.run", *(["--refit"] if refit else [])]
    environment = {**os.environ, **apply_environment(settings)}
    told_failure = False
    with (
        log_path.open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=ROOT, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                event = json.loads(line)
                told_failure = told_failure or event["status"] == "failed"
                yield event
        process.wait()
    if process.returncode != 0 and not told_failure:
        yield {"stage": "loop", "status": "failed", "seconds": 0.0, "note": f"the run died: {_last_words(log_path)}"}


def _last_words(log_path: Path) -> str:
    lines = log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"{lines[-1] if lines else 'no output'} (log: {log_path})"


def _show(events: Iterator[dict[str, Any]], live: bool) -> tuple[dict[str, tuple[float, str]], str | None]:
    """Follow the events; returns seconds and note per finished stage, and the failure if there was one."""
    finished: dict[str, tuple[float, str]] = {}
    failure: str | None = None
    with Status("starting", console=console) if live else _Silent() as status:
        for event in events:
            stage, note = str(event["stage"]), str(event["note"])
            if event["status"] == "failed":
                failure = note or failure or f"stage {stage}"
            elif event["status"] == "done":
                seconds, _ = finished.get(stage, (0.0, ""))
                finished[stage] = (seconds + float(event["seconds"]), note)
                if live and not console.is_terminal:
                    console.print(f"  {stage} finished after {finished[stage][0]:.1f} s")
            status.update(f"[bold]{stage}[/] {note}")
    return finished, failure


class _Silent:
    """Stands in for the live status when a program reads along."""

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, _: str) -> None:
        """Say nothing."""


def _line(stage: str, fact: str, timing: tuple[float, str] | None) -> None:
    mark = "[green]✓[/]" if timing else "[dim]–[/]"
    seconds = f"[dim]{timing[0]:6.1f} s[/]" if timing and timing[0] else " " * 8
    said = "" if timing is None else timing[1]
    console.print(f"{mark} [bold]{stage:<9}[/]{seconds}  {fact or said or 'no data for this stage'}", soft_wrap=True)
