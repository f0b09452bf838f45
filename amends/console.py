"""Talking to people and programs: one console, one way to answer, one way to fail."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import typer
from rich.console import Console

# Read by a file or a program, a table is not folded to 80 columns: a cut-off case number helps nobody.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
errors = Console(stderr=True, highlight=False)


def answer(
    document: dict[str, Any], as_json: bool, *, text: str = "", show: Callable[[dict[str, Any]], None] | None = None
) -> None:
    """Print the document as JSON, or its text form for a person."""
    if as_json:
        sys.stdout.write(json.dumps(document, default=str, ensure_ascii=False) + "\n")
    elif show is not None:
        show(document)
    elif text:
        console.print(text)


def fail(message: str) -> NoReturn:
    """End with a plain sentence on stderr and exit code 1."""
    errors.print(f"[bold red]amends:[/] {message}")
    raise typer.Exit(1)
