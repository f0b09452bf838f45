"""`amends rules`: trigger rules checked, tried on their own examples, compared, and explained."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amends.commands.rules_backtest import backtest, shadow
from amends.commands.rules_explain import explain
from amends.console import answer, console, errors, fail
from models.settings import Settings, load_settings

if TYPE_CHECKING:
    from intake.rule_files import RuleFile
    from models.taxonomy import Taxonomy

app = typer.Typer(no_args_is_help=True, help="The trigger rules of the active programme, or of a folder.")
app.command()(backtest)
app.command()(shadow)
app.command()(explain)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Rules = Annotated[
    Path | None,
    typer.Option("--rules", help="Programme folder, or a folder of trigger files. Default: the active one."),
]


@app.command()
def check(rules: Rules = None, json_: Json = False) -> None:
    """Read every rule and name every fault of every file, with its line and reason. Exit code 1 when there is one."""
    from intake.rule_files import is_programme, programme_faults

    folder = _folder(rules)
    files = _files(folder)
    faults = [fault for item in files for fault in item.faults]
    if not faults and is_programme(folder):
        faults += programme_faults(folder)
    known = [item.rule for item in files if item.rule is not None]
    document: dict[str, Any] = {
        "ok": not faults, "programme": folder.name, "faults": faults,
        "rules": [{"id": rule.id, "status": rule.status, "title": rule.title} for rule in known],
    }  # fmt: skip
    if faults:
        document["error"] = "\n".join(faults)

    def show(found: dict[str, Any]) -> None:
        for rule in found["rules"]:
            console.print(f"[green]✓[/] {rule['id']:<32} {rule['status']:<8} {rule['title']}", soft_wrap=True)
        for fault in found["faults"]:
            console.print(f"✗ {fault}", style="red", markup=False, soft_wrap=True)

    answer(document, json_, show=show)
    raise typer.Exit(1 if faults else 0)


@app.command()
def test(rules: Rules = None, json_: Json = False) -> None:
    """Run the examples written inside the rules (given these signals, does a case open?)."""
    from ml.detection.compiled import likenesses
    from ml.detection.encoder import LazyEncoder
    from ml.detection.triggers import failing_rule_tests

    files = _files(_folder(rules))
    if faults := [fault for item in files for fault in item.faults]:
        fail("\n".join(faults))
    known = [item.rule for item in files if item.rule is not None]
    encode = LazyEncoder(load_settings()) if likenesses(known) else None
    failures, examples = failing_rule_tests(known, encode), sum(len(rule.tests) for rule in known)
    document = {"ok": not failures, "examples": examples, "failures": failures}

    def show(_: dict[str, Any]) -> None:
        for failure in failures:
            console.print(f"[red]✗[/] {failure}", soft_wrap=True)
        console.print(f"{examples - len(failures)} of {examples} examples hold.")

    answer(document, json_, show=show)
    raise typer.Exit(1 if failures else 0)


@app.command()
def preview(rules: Rules = None, json_: Json = False) -> None:
    """What a folder's rules would find in the newest evidence that those in force do not, and the other way about.

    Drafts and shadow rules of the folder count as if they were live. Nothing is opened or written.
    """
    from casework import moment
    from casework.backtest.rule_sets import rule_sets
    from intake.programme import ProgrammeError
    from ml.detection.evidence import has_evidence

    settings = load_settings()
    if not has_evidence(settings.handoff):
        fail("there is no evidence yet; `amends run` makes it")
    try:
        sets = rule_sets(settings, rules.expanduser().resolve() if rules else None, moment.now(settings))
    except ProgrammeError as error:
        fail(str(error))
    before = {rule.id: rule for rule in sets.live}
    changed = [rule for rule in sets.candidate if before.get(rule.id) is None or _differs(before[rule.id], rule)]
    kept = {rule.id for rule in sets.candidate}
    touched = {rule.id for rule in changed} | {rule.id for rule in sets.live if rule.id not in kept}
    rows = _compared(
        settings,
        [rule for rule in sets.live if rule.id in touched],
        changed,
        sets.programme.company.historic_after_days,
    )
    document = {"changed": sorted(touched), "rules": rows}

    def show(_: dict[str, Any]) -> None:
        if not touched:
            console.print("No rule differs from those in force.")
        for row in rows:
            console.print(
                f"{row['rule_id']:<32} {row['before']:>7} -> {row['after']:>7}   gained {row['gained']} "
                f"({row['gained_recent']} recent), lost {row['lost']}",
                soft_wrap=True,
            )

    answer(document, json_, show=show)


def _compared(settings: Settings, old: list[Any], new: list[Any], historic_after_days: int) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from intake.watermark import resolve_as_of
    from ml.detection.encoder import LazyEncoder
    from ml.detection.evidence import read_evidence
    from ml.detection.preview import preview
    from ml.detection.triggers import Window

    as_of = datetime.fromisoformat(f"{resolve_as_of(settings)}+00:00").astimezone(UTC)
    evidence = read_evidence(settings.handoff, encode=LazyEncoder(settings))
    return [asdict(row) for row in preview(evidence, old, new, Window(as_of, historic_after_days))]


def _differs(old: Any, new: Any) -> bool:
    """Whether two wordings of a rule find different things: status and dates aside."""
    same = {"status": "live", "effective_from": None}
    return bool(old.model_copy(update=same).rule_hash != new.model_copy(update=same).rule_hash)


def _folder(rules: Path | None) -> Path:
    return rules.expanduser().resolve() if rules is not None else load_settings().programme_dir


def _files(folder: Path) -> tuple[RuleFile, ...]:
    from intake.programme import ProgrammeError
    from intake.rule_files import rule_files

    try:
        return rule_files(folder, _taxonomy(folder))
    except ProgrammeError as error:
        errors.print(f"[bold red]amends:[/] {error}")
        raise typer.Exit(1) from error


def _taxonomy(folder: Path) -> Taxonomy | None:
    """Causes rules may name: of the folder's programme, else of the active one; None where neither can be read."""
    from intake.programme import ProgrammeError, taxonomy_of

    for place in (folder, load_settings().programme_dir):
        try:
            if (place / "taxonomy.yml").exists():
                return taxonomy_of(place)
        except ProgrammeError:
            return None
    return None
