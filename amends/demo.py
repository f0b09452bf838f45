"""The demonstration: a synthetic company or real complaints through the whole loop, then where to look."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from amends.console import console, fail
from amends.home import inbox_of, prepare_home
from amends.loop_view import run_and_show
from casework.moment import follow_data
from models.settings import Settings, load_settings


def run_demo(*, company: str, customers: int, weeks: int, seed: int, cfpb: Path | None, as_json: bool) -> int:
    """Build or fetch the input, run the loop, say how to open each UI. Returns the exit code."""
    base = load_settings()
    settings = _home_of(base, company, cfpb)
    if cfpb is not None and not cfpb.exists():
        fail(f"{cfpb} does not exist; give a file of CFPB complaints (CSV, CSV.gz, JSON, NDJSON or Parquet).")
    say = (lambda _: None) if as_json else console.print
    started = time.monotonic()
    say(f"[bold]Setting up[/] {settings.home}")
    prepare_home(settings, tell=say)
    # A company of the past lives at the newest moment of its data; by the wall clock all its cases would be overdue.
    follow_data(settings)
    if cfpb is not None:
        _take_complaints(settings, cfpb)
        say(f"[bold]Real complaints[/] from {cfpb.name}: no customer identity, no scores, no costs are in them")
    else:
        say(_synthetic(settings, company, customers, weeks, seed))
    code = run_and_show(settings, as_json=as_json)
    if code == 0 and not as_json:
        _largest_themes(settings)
        _where_to_look(settings, base, time.monotonic() - started)
    return code


def _home_of(base: Settings, company: str, cfpb: Path | None) -> Settings:
    """Real complaints and the second company get homes of their own: two companies in one warehouse mean nothing."""
    if cfpb is not None:
        return base.model_copy(update={"home": base.home / "demo-cfpb", "programme": "bank"})
    if company != base.programme:
        return base.model_copy(update={"home": base.home / f"demo-{company}", "programme": company})
    return base


def _synthetic(settings: Settings, company: str, customers: int, weeks: int, seed: int) -> str:
    from world.build import build_world

    out = settings.home / "world" / f"{company}-{customers}-{weeks}-{seed}"
    summary = build_world(company=company, customers=customers, weeks=weeks, seed=seed, out=out)  # type: ignore[arg-type]
    for folder in sorted(p for p in (out / "sources").iterdir() if p.is_dir()):
        _deliver(sorted(p for p in folder.iterdir() if p.is_file()), inbox_of(settings, folder.name))
    return (
        f"[bold]A synthetic {company}[/] with {customers:,} customers over {weeks} weeks (seed {seed}): "
        f"{summary.rows:,} rows in {len(summary.sources)} files"
    )


def _take_complaints(settings: Settings, path: Path) -> None:
    """Take the file straight in: one that cannot be used should end the demo with its reason, not in an empty loop."""
    from intake.service import take_path

    for report in take_path(settings, "cfpb", path):
        if report.status not in ("loaded", "already_delivered", "nothing_new"):
            fail(f"{report.file}: {report.message}")


def _deliver(files: list[Path], inbox: Path) -> None:
    """Copy under a temporary name, then rename: a file in the inbox is always whole."""
    for path in files:
        target = inbox / path.name
        part = target.with_name(target.name + ".part")
        shutil.copyfile(path, part)
        part.replace(target)


def _largest_themes(settings: Settings, most: int = 8) -> None:
    """What customers write about most, by theme: topics in other languages count with theirs."""
    from ml.outputs import read_output

    topics = read_output(settings.ml_outputs, "ml_root_cause__topic")
    if not topics.num_rows:
        return
    themes = topics.group_by(["theme_id", "name"]).aggregate([("signals", "sum")])
    rows = sorted(themes.to_pylist(), key=lambda row: (-row["signals_sum"], row["name"]))
    texts = sum(row["signals_sum"] for row in rows)
    console.print(f"\nWhat customers write about, the largest of {len(rows)} themes:")
    for row in rows[:most]:
        share = row["signals_sum"] / max(texts, 1)
        console.print(f"  {row['signals_sum']:>6,}  {share:5.1%}  {row['name']}", soft_wrap=True, highlight=False)


def _where_to_look(settings: Settings, base: Settings, seconds: float) -> None:
    prefix = "" if settings.home == base.home else f"AMENDS_HOME={settings.home} AMENDS_PROGRAMME={settings.programme} "
    console.print(f"\n[bold]Done in {seconds:.0f} s.[/] Where to look:", soft_wrap=True)
    for line in (
        f"{prefix}make up        starts the UIs below, make down ends them",
        f"  Dagster   http://127.0.0.1:{settings.dagster_port}   assets, checks, sensors, runs",
        f"  MLflow    http://127.0.0.1:{settings.mlflow_port}   one experiment per question: topics, causes, sentiment, drift",
        "make docs      writes dbt_project/target/static_index.html: every table, column and test; opens in any browser",
        f"{prefix}amends case list        the cases; amends case show CASE: owner and why, clocks, playbook, history",
        f"{prefix}amends case explain CASE walks a case back to its raw row; amends check invariants holds the ledger to its word",
        f"{prefix}amends text try WORDS   how one text is read and why; amends themes list: what customers write about",
        f"{prefix}amends review list      what a reviewer is asked; amends world score text: every reading against the truth",
        f"{prefix}amends effect report    what recovery saved, as a page; amends world score effects: truth beside every estimate",
        f"{prefix}amends sla tick         what the clocks ask for; amends outbox list: what went to whom (as files in outgoing/)",
        f"published tables: {settings.published / 'CURRENT'} names the build; read it with any Parquet reader",
    ):
        console.print("  " + line, soft_wrap=True)
