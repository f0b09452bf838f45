"""`amends programme`: what the business decides, checked, compared, put in force and looked up again."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.markup import escape

from amends.console import answer, console, errors, fail
from amends.working import By, Json, actor, ledger
from models.settings import ROOT, Settings, load_settings

if TYPE_CHECKING:
    from casework.programme_plan import Plan

app = typer.Typer(no_args_is_help=True, help="The programme: check a folder, see what it would change, apply it.")
Dir = Annotated[Path | None, typer.Option("--dir", help="Folder of the programme; default: AMENDS_PROGRAMME.")]


@app.command()
def check(dir_: Dir = None, json_: Json = False) -> None:
    """Check every file of a folder, and the files against each other. Changes nothing."""
    from intake.programme import ProgrammeError, load_programme

    folder = _folder(load_settings(), dir_)
    try:
        programme = load_programme(folder)
    except ProgrammeError as error:
        _refuse(error, json_)
    document = {
        "ok": True, "programme": programme.company.title, "folder": str(folder),
        "rules": len(programme.triggers), "playbooks": len(programme.playbooks), "messages": len(programme.messages),
        "targets": len(programme.sla.targets),
    }  # fmt: skip
    text = (
        f"[green]✓[/] {document['programme']}: {document['rules']} trigger rules, {document['targets']} targets, "
        f"{document['playbooks']} playbooks, {document['messages']} messages"
    )
    answer(document, json_, text=text)


@app.command()
def plan(dir_: Dir = None, json_: Json = False) -> None:
    """Compare a folder with the programme in force, and say which open cases it would touch. Changes nothing."""
    from amends.programme_view import show_plan
    from casework import moment, programme_plan
    from intake.programme import ProgrammeError

    settings = load_settings()
    ledger()
    try:
        found = programme_plan.plan(settings, _folder(settings, dir_), at=moment.now(settings))
    except ProgrammeError as error:
        _refuse(error, json_, active=_in_force(settings))
    except programme_plan.NothingInForce as error:
        fail(f"{error}.")
    answer(_document(settings, found), json_, show=show_plan)


@app.command()
def apply(
    dir_: Dir = None,
    effective_from: Annotated[
        str, typer.Option(help="UTC instant or day from which it holds; default: the engine's present moment.")
    ] = "",
    by: By = "",
    json_: Json = False,
) -> None:
    """Put a folder in force. A faulty one changes nothing: the version in force stays."""
    settings = load_settings()
    ledger()
    from cases.programmes import NotAfterTheLast
    from casework import moment
    from casework.programme import StillInUse, active_programme, apply_folder
    from intake.programme import ProgrammeError, write_tables

    folder, now = _folder(settings, dir_), moment.now(settings)
    since = _instant(effective_from) if effective_from else now
    try:
        applied = apply_folder(settings, folder, effective_from=since, by=actor(by).id)
    except (ProgrammeError, StillInUse, NotAfterTheLast) as error:
        _refuse(error, json_, active=_in_force(settings))
    if applied.effective_from <= now:
        write_tables(active_programme(settings, now).programme, settings.programme_tables)
    document = {"ok": True, "version": applied.version, "effective_from": applied.effective_from.isoformat(),
                "is_new": applied.is_new}  # fmt: skip
    answer(document, json_, text=_applied_text(document, is_future=applied.effective_from > now))


@app.command()
def show(
    version: Annotated[str, typer.Argument(help="A version, or its first characters; default: the one in force.")] = "",
    file: Annotated[str, typer.Option(help="Print this file as it was applied, such as sla.yml.")] = "",
    json_: Json = False,
) -> None:
    """One version as it was applied: when, by whom, which files; with --file the text of one."""
    settings = load_settings()
    ledger()
    from cases import programmes
    from casework import moment

    fitting = [item for item in programmes.history() if item.version.startswith(version)] if version else []
    stored = fitting[0] if fitting else None if version else programmes.in_force(moment.now(settings))
    if stored is None:
        fail(f"There is no version {version}; `amends programme versions` lists them.")
    if file and file not in stored.files:
        fail(f"Version {stored.version[:12]} has no file {file}; it has {', '.join(sorted(stored.files))}.")
    document = {
        "ok": True,
        **_version(stored),
        "files": {name: len(stored.files[name]) for name in sorted(stored.files)},
    }
    if file:
        document["text"] = stored.files[file]
    lines = [f"[bold]{document['version']}[/] {stored.company}, {_since(document)}", *document["files"]]
    answer(document, json_, text=escape(stored.files[file]) if file else "\n".join(lines))


@app.command()
def versions(json_: Json = False) -> None:
    """Every version that was applied, the newest first."""
    settings = load_settings()
    ledger()
    from cases import programmes
    from casework import moment

    current = programmes.in_force(moment.now(settings))
    rows = [_version(item) | {"in_force": item == current} for item in programmes.history()]
    lines = [f"{'[green]●[/]' if row['in_force'] else ' '} {row['version']}  {_since(row)}" for row in rows]
    answer({"ok": True, "versions": rows}, json_, text="\n".join(lines) or "No programme was applied yet.")


@app.command()
def schemas(
    out: Annotated[Path | None, typer.Option(help="Folder to write to; default: programme/schemas.")] = None,
    json_: Json = False,
) -> None:
    """Write the JSON Schemas that editors check and complete the files with."""
    from intake.programme_schemas import write_schemas

    folder = out or ROOT / "programme" / "schemas"
    written = write_schemas(folder)
    text = f"{len(written)} schemas written to {folder}" if written else f"The schemas in {folder} are up to date."
    answer({"ok": True, "folder": str(folder), "written": written}, json_, text=text)


def _folder(settings: Settings, dir_: Path | None) -> Path:
    return dir_.expanduser().resolve() if dir_ else settings.programme_dir


def _refuse(error: ValueError, as_json: bool, *, active: dict[str, Any] | None = None) -> NoReturn:
    """One line per fault, what stays in force, exit code 1."""
    faults = str(error).splitlines()
    document: dict[str, Any] = {"ok": False, "faults": [_fault(fault) for fault in faults]}
    if active is not None:
        document["in_force"] = active
    if as_json:
        answer(document, True)
    else:
        for fault in faults:
            console.print(f"[red]✗[/] {escape(fault)}", soft_wrap=True)
        if active is not None:
            by = f"applied by {active['applied_by']} at {active['applied_at'][:16]} UTC"
            errors.print(
                f"Nothing has changed: version [bold]{active['version']}[/] stays in force, {by}.", soft_wrap=True
            )
    raise typer.Exit(1) from error


def _fault(text: str) -> dict[str, Any]:
    """A fault as JSON-ready values; file and line are None where it has none."""
    found = re.match(r"([^\s:]+):(?:(\d+):)? (.+)", text)
    if found is None:
        return {"file": None, "line": None, "reason": text}
    return {"file": found[1], "line": int(found[2]) if found[2] else None, "reason": found[3]}


def _in_force(settings: Settings) -> dict[str, Any] | None:
    from cases import programmes
    from casework import moment

    stored = programmes.in_force(moment.now(settings))
    return None if stored is None else _version(stored)


def _version(stored: Any) -> dict[str, Any]:
    return {
        "version": stored.version[:12], "company": stored.company, "applied_at": stored.applied_at.isoformat(),
        "effective_from": stored.effective_from.isoformat(), "applied_by": stored.applied_by,
    }  # fmt: skip


def _since(version: dict[str, Any]) -> str:
    since = version["effective_from"][:16]
    begins = "for all the past" if since.startswith("1970") else f"from {since} UTC"
    return f"in force {begins}, applied by {version['applied_by']} at {version['applied_at'][:16]} UTC"


def _instant(text: str) -> datetime:
    """A UTC instant from what a person typed: a day, or an ISO instant with or without an offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text} is no day or instant: write 2026-12-01 or 2026-12-01T08:00.")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _applied_text(document: dict[str, Any], *, is_future: bool) -> str:
    if not document["is_new"]:
        return f"The folder is version [bold]{document['version']}[/], which was applied already; nothing has changed."
    since = document["effective_from"][:16]
    if is_future:
        return f"Version [bold]{document['version']}[/] takes over at {since} UTC."
    return f"Version [bold]{document['version']}[/] is in force from {since} UTC on."


def _document(settings: Settings, found: Plan) -> dict[str, Any]:
    """A plan as JSON-ready values."""
    cases = {row.case_id for row in found.touched}
    moved = {row.case_id for row in found.touched if row.effect == "moves"}
    return {
        "ok": True, "version": found.version, "effective_from": found.effective_from.isoformat(),
        "new_version": found.new_version, "is_same": found.is_same_text, "as_of": found.at.isoformat(),
        "changes": [asdict(change) | {"sentence": change.sentence} for change in found.changes],
        "counts_from": found.counts, "triggers": _triggers(settings, found),
        "touched": [asdict(row) for row in found.touched], "refused": found.refused, "pending": _pending(found.at),
        "counts": {"changes": len(found.changes), "open_cases": found.open_cases, "cases_touched": len(cases),
                   "cases_moved": len(moved)},
    }  # fmt: skip


def _pending(at: datetime) -> str | None:
    """A version that was applied but does not hold yet."""
    from cases import programmes

    later = [item for item in programmes.history() if item.effective_from > at]
    return f"{later[-1].version[:12]} at {later[-1].effective_from:%Y-%m-%d %H:%M} UTC" if later else None


def _triggers(settings: Settings, found: Plan) -> list[dict[str, Any]] | None:
    """What changed rules would find in the evidence of the newest detection; None without a changed rule or evidence."""
    from ml.detection.evidence import has_evidence, read_evidence

    if not found.changed_rules or not has_evidence(settings.handoff):
        return None
    from casework.rules import dated
    from intake.watermark import resolve_as_of
    from ml.detection.preview import preview
    from ml.detection.triggers import Window

    as_of = datetime.fromisoformat(f"{resolve_as_of(settings)}+00:00")
    window = Window(as_of, found.new.company.historic_after_days)
    old = [rule for rule in found.old.live_rules if rule.id in found.changed_rules]
    new = [dated(rule, found.at) for rule in found.new.live_rules if rule.id in found.changed_rules]
    return [asdict(row) for row in preview(read_evidence(settings.handoff), old, new, window)]
