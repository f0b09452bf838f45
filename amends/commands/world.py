"""`amends world`: build the planted-truth company."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amends.console import answer, fail

app = typer.Typer(
    no_args_is_help=True, help="The planted-truth world: a synthetic company whose right answers are known."
)


score = typer.Typer(no_args_is_help=True, help="Hold what was understood against what is true.")
app.add_typer(score, name="score")


@app.command()
def build(
    company: Annotated[str, typer.Option(help="bank or telecom")] = "bank",
    customers: Annotated[int, typer.Option(min=50)] = 4000,
    weeks: Annotated[int, typer.Option(min=4)] = 26,
    seed: int = 7,
    out: Annotated[
        Path, typer.Option(help="Gets sources/ (what systems export) and truth/ (the right answers).")
    ] = Path("world-out"),
    faults: Annotated[bool, typer.Option(help="Plant broken, late, doubled and corrected rows.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="Nothing breaks down: whatever is found is false.")] = False,
    json_: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Write source files exactly as real systems export them, and the truth beside them."""
    from world.build import build_world

    summary = build_world(
        company=company, customers=customers, weeks=weeks, seed=seed, out=out, faults=faults, quiet=quiet
    )  # type: ignore[arg-type]
    document = {"ok": True, "company": company, "rows": summary.rows, "files": len(summary.sources), "out": str(out)}
    answer(
        document,
        json_,
        text=f"{summary.rows:,} rows in {len(summary.sources)} files under {out}/sources; truth in {out}/truth",
    )


@score.command()
def text(
    truth: Annotated[
        Path | None, typer.Option(help="Folder of the truth tables; default: the home's newest world.")
    ] = None,
    home: Annotated[Path | None, typer.Option(help="Home to score; default: the active one.")] = None,
    noise: Annotated[
        bool, typer.Option(help="Also read a sample again with typing errors (needs the cause model).")
    ] = False,
    seed: int = 0,
    json_: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """How well causes, severity, tone, themes and wrong codes were understood, with intervals."""
    from amends.scoring.command import score_text

    score_text(home, truth, noise=noise, seed=seed, as_json=json_)


@score.callback()
def _group() -> None:
    """Keep the scores named commands while there is only one."""


@score.command()
def detection(
    truth: Annotated[Path | None, typer.Option(help="Folder of the truth; default: the home's newest world.")] = None,
    home: Annotated[Path | None, typer.Option(help="Home to score; default: the active one.")] = None,
    quiet_home: Annotated[
        Path | None, typer.Option(help="Home of a world built with --quiet: whatever is found there is false.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Every planted breakdown with its delay, and the false ones a week, with intervals."""
    from amends.scoring.detection_command import score_detection

    score_detection(home, truth, quiet_home, as_json=json_)


@score.command()
def effects(
    truth: Annotated[Path | None, typer.Option(help="Folder of the truth; default: the home's newest world.")] = None,
    home: Annotated[Path | None, typer.Option(help="Home to score; default: the active one.")] = None,
    json_: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """What each playbook really did beside the estimate and the naive figure, in all and by part of the cases."""
    from amends.scoring.effects_command import score_effects

    score_effects(home, truth, as_json=json_)


@score.command()
def redaction(
    truth: Annotated[Path | None, typer.Option(help="Folder of the truth; default: the newest world here.")] = None,
    json_: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Recall and precision of redaction on what the world planted, per kind and language, with intervals."""
    from amends.scoring.joined import NoTruth, truth_folder
    from amends.scoring.redaction import redaction_scores, show
    from models.settings import load_settings

    settings = load_settings()
    try:
        figures = redaction_scores(settings, truth_folder(settings, truth))
    except NoTruth as error:
        fail(f"{error}.")
    answer({"ok": True, **figures}, json_, show=show)
