"""`amends`: one command for operators and scripts; every answer a program may read has `--json`.

Add a command here as a thin call into one room. Groups with several commands live in `amends/commands/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amends.commands import (
    alerts,
    api,
    case,
    check,
    drivers,
    effect,
    lane,
    models,
    offer,
    outbox,
    policy,
    programme,
    review,
    rules,
    sla,
    staff,
    text,
    themes,
    world,
)
from amends.console import answer, console, fail

app = typer.Typer(
    name="amends", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Closed-loop service recovery: detect breakdowns, open and route cases, track and prove what recovery saved.",
)  # fmt: skip
app.add_typer(world.app, name="world")
app.add_typer(case.app, name="case")
app.add_typer(staff.app, name="staff")
app.add_typer(api.app, name="api")
app.add_typer(rules.app, name="rules")
app.add_typer(programme.app, name="programme")
app.add_typer(check.app, name="check")
app.add_typer(outbox.app, name="outbox")
app.add_typer(offer.app, name="offer")
app.add_typer(sla.app, name="sla")
app.add_typer(drivers.app, name="drivers")
app.add_typer(effect.app, name="effect")
app.add_typer(themes.app, name="themes")
app.add_typer(text.app, name="text")
app.add_typer(review.app, name="review")
app.add_typer(models.app, name="models")
app.add_typer(policy.app, name="policy")
app.add_typer(lane.app, name="lane")
app.add_typer(alerts.app, name="alerts")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


@app.command()
def setup(json_: Json = False) -> None:
    """Create every store once and bring it to the current schema."""
    from amends.home import prepare_home
    from models.settings import load_settings

    done = prepare_home(load_settings(), tell=None if json_ else console.print)
    answer({"ok": True, "done": done}, json_, text="Every store is ready.")


@app.command()
def demo(
    company: Annotated[str, typer.Option(help="bank or telecom")] = "bank",
    customers: Annotated[int, typer.Option(min=50)] = 4000,
    weeks: Annotated[int, typer.Option(min=4)] = 26,
    seed: int = 7,
    cfpb: Annotated[Path | None, typer.Option(help="Real CFPB complaints (CSV, JSON or Parquet) instead.")] = None,
    json_: Json = False,
) -> None:
    """Run the whole loop on a synthetic company, or on real complaints, and say how to open each UI."""
    from amends.demo import run_demo

    raise typer.Exit(run_demo(company=company, customers=customers, weeks=weeks, seed=seed, cfpb=cfpb, as_json=json_))


@app.command()
def run(
    refit: Annotated[bool, typer.Option(help="Fit topics and the classifier anew.")] = False,
    as_of: Annotated[
        str, typer.Option(help="Report as of this UTC instant; default: the newest event in the data.")
    ] = "",
    json_: Json = False,
) -> None:
    """Take in what lies in the inbox and run the loop once."""
    from amends.loop_view import run_and_show
    from models.settings import load_settings

    raise typer.Exit(run_and_show(load_settings(), refit=refit, as_of=as_of, as_json=json_))


@app.command()
def intake(
    source: Annotated[str, typer.Argument(help="Source as named in models/contracts, such as zendesk or cfpb.")],
    path: Annotated[Path, typer.Argument(exists=True, help="A file, or a folder of files.")],
    entity: Annotated[str | None, typer.Option(help="Only needed when the headings fit two entities.")] = None,
    json_: Json = False,
) -> None:
    """Take files in: what is good lands, what is not goes to quarantine with its reason, nothing is lost."""
    from amends.commands.intake import take

    raise typer.Exit(take(source, path, entity, json_))


@app.command()
def doctor(json_: Json = False) -> None:
    """Say in plain words what is wrong with this installation and how to mend it."""
    from amends.doctor import examine, show
    from models.settings import load_settings

    report = examine(load_settings())
    answer(report, json_, show=show)
    raise typer.Exit(0 if report["ok"] else 1)


@app.command()
def publish(
    hashes: Annotated[bool, typer.Option(help="Print the content hash of every published table.")] = False,
    json_: Json = False,
) -> None:
    """Tell what is published now; with --hashes, one content hash per table."""
    from amends.commands.publish import current_build
    from models.settings import load_settings

    raise typer.Exit(current_build(load_settings(), hashes, json_))


@app.command()
def docs() -> None:
    """Write the warehouse documentation as one page that opens in any browser."""
    from amends.commands.docs import write_docs
    from models.settings import load_settings

    write_docs(load_settings())


@app.command()
def up() -> None:
    """Start the Dagster webserver and daemon and MLflow, on loopback only."""
    from amends.processes import start_all
    from models.settings import load_settings

    if not start_all(load_settings()):
        fail("A service did not start; its log is named above.")


@app.command()
def down() -> None:
    """End what `amends up` started."""
    from amends.processes import stop_all
    from models.settings import load_settings

    stop_all(load_settings())


if __name__ == "__main__":
    app()
