"""`amends rules explain`: a rule in plain English, the SQL it compiles to, and why it fired on a signal or did not."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amends.console import answer, console, fail
from models.settings import Settings, load_settings

if TYPE_CHECKING:
    from models.trigger import TriggerRule

_MARKS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]?[/]"}


def explain(
    rule: Annotated[str, typer.Argument(help="Id of a rule, or a trigger file.")],
    rules: Annotated[
        Path | None,
        typer.Option("--rules", help="Programme folder, or a folder of trigger files, the id is looked up in."),
    ] = None,
    signal: Annotated[
        str | None, typer.Option("--signal", help="Id of a signal: why did the rule fire on it or not?")
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Show the SQL, too (always part of --json).")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Say in plain English what a rule looks for and what it opens; with --signal, clause by clause what was seen.

    Texts of customers are never shown, only whether there is one.
    """
    from ml.detection.wording import sentences

    settings = load_settings()
    found = _rule(settings, rule, rules)
    document: dict[str, Any] = {
        "id": found.id, "title": found.title, "status": found.status, "says": sentences(found), "sql": _sql(found),
        "opens": {"kind": found.kind, "severity": found.open_case.severity, "dedupe_days": found.dedupe_days,
                  "cool_off_days": found.cool_off_days},
    }  # fmt: skip
    if signal is not None:
        document["signal"] = {"signal_id": signal, **_why(settings, found, signal)}

    def show(_: dict[str, Any]) -> None:
        console.print(f"[bold]{found.id}[/] ({found.status}): {found.title}", soft_wrap=True)
        for sentence in document["says"]:
            console.print(sentence, markup=False, soft_wrap=True)
        if signal is not None:
            _show_reading(document["signal"])
        if sql and document["sql"]:
            console.print(document["sql"], markup=False, soft_wrap=True)

    answer(document, json_, show=show)


def _show_reading(reading: dict[str, Any]) -> None:
    said = "fires" if reading["fired"] else "does not fire"
    kind = "" if reading["is_of_kind"] else " (the signal is not of the kinds the rule looks at)"
    console.print(f"On {reading['signal_id']} it {said}{kind}:", soft_wrap=True)
    for verdict in reading["verdicts"]:
        seen = "" if verdict["seen"] is None else f"  [dim]seen: {verdict['seen']}[/]"
        console.print(
            f"{'  ' * (verdict['depth'] + 1)}{_MARKS[verdict['holds']]} {verdict['condition']}{seen}", soft_wrap=True
        )


def _rule(settings: Settings, name: str, folder: Path | None) -> TriggerRule:
    from intake.programme import ProgrammeError
    from intake.rule_files import rule_file, rule_files
    from models.signal import did_you_mean

    path = Path(name).expanduser()
    try:
        is_file = path.suffix == ".yml" and path.is_file()
        files = (rule_file(path),) if is_file else rule_files(folder.expanduser() if folder else settings.programme_dir)
    except ProgrammeError as error:
        fail(str(error))
    found = {item.rule.id: item.rule for item in files if item.rule is not None}
    if is_file and files[0].rule is None:
        fail("\n".join(files[0].faults))
    if is_file:
        return next(iter(found.values()))
    if name not in found:
        fail(f"no rule {name}{did_you_mean(name, list(found))}")
    return found[name]


def _sql(rule: TriggerRule) -> str | None:
    """The statement the rule compiles to, as of now; None for a rule on series."""
    from casework import moment
    from ml.detection.compiled import compile_rules

    if rule.when is None:
        return None
    return compile_rules([rule], as_of=moment.now(load_settings()), historic_after_days=0)


def _why(settings: Settings, rule: TriggerRule, signal: str) -> dict[str, Any]:
    from intake.watermark import resolve_as_of
    from ml.detection.compiled import likenesses
    from ml.detection.encoder import LazyEncoder
    from ml.detection.evidence import has_evidence, read_evidence
    from ml.detection.wording import why

    if not has_evidence(settings.handoff):
        fail("there is no evidence yet; `amends run` makes it")
    encode = LazyEncoder(settings) if likenesses([rule]) else None
    as_of = datetime.fromisoformat(f"{resolve_as_of(settings)}+00:00")
    try:
        return asdict(why(rule, signal, read_evidence(settings.handoff).signals(), as_of=as_of, encode=encode))
    except (LookupError, ValueError) as error:
        fail(str(error))
