"""`amends world score detection`: read a home and its truth, show the figures.

Belongs here: reading stores and the tables for people. Not here: any figure (`detection.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from amends.console import answer, console, fail
from amends.scoring.detection import detection_scores
from amends.scoring.joined import NoTruth, truth_folder, world_of
from models.settings import Settings, load_settings


def score_detection(home: Path | None, truth: Path | None, quiet_home: Path | None, *, as_json: bool) -> None:
    """Score a home, and a quiet one beside it; ends the command with a sentence where that cannot be done."""
    settings = _settings(home)
    try:
        folder = truth_folder(settings, truth)
    except NoTruth as error:
        fail(f"{error}.")
    document: dict[str, Any] = {"ok": True, "world": world_of(folder), **_scores(settings, folder)}
    if quiet_home is not None:
        other = _settings(quiet_home)
        document["quiet"] = _scores(other, None)
    answer(document, as_json, show=_show)


def _settings(home: Path | None) -> Settings:
    settings = load_settings()
    found = settings if home is None else settings.model_copy(update={"home": home.expanduser().resolve()})
    if not (found.ml_outputs / "ml_detection__breakdown.parquet").exists():
        fail(f"Nothing was detected in {found.home} yet; `amends demo` does that.")
    return found


def _scores(settings: Settings, truth: Path | None) -> dict[str, Any]:
    """Figures of a home; without a truth nothing was planted in it."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    occurred = pq.read_table(settings.handoff / "fct_signal.parquet", columns=["occurred_at"]).column("occurred_at")
    return detection_scores(
        pq.read_table(settings.ml_outputs / "ml_detection__breakdown.parquet").to_pylist(),
        pq.read_table(truth / "breakdown.parquet").to_pylist() if truth else [],
        first=pc.min(occurred).as_py().date(),
        last=pc.max(occurred).as_py().date(),
        cases=_cases(settings),
    )


def _cases(settings: Settings) -> dict[str, str]:
    """Incident case of each breakdown that opened one."""
    import pyarrow.parquet as pq

    from cases import conf

    conf.setup(settings)
    from cases.models import CaseTrigger  # tables exist once Django knows of a ledger

    triggers = pq.read_table(
        settings.ml_outputs / "ml_detection__trigger.parquet", columns=["trigger_id", "subject_type", "subject_id"]
    ).to_pylist()
    about = {row["trigger_id"]: row["subject_id"] for row in triggers if row["subject_type"] == "breakdown"}
    pairs = CaseTrigger.objects.filter(trigger_id__in=list(about)).values_list("trigger_id", "case_id")
    return {about[trigger]: str(case) for trigger, case in pairs}


def _show(document: dict[str, Any]) -> None:
    console.print(
        f"{document['found']} of {document['looked_for']} planted breakdowns found in {document['weeks']} weeks"
    )
    table = Table()
    for heading in ("planted", "what", "began", "found", "by", "onset off by", "effect (95 %)", "case"):
        table.add_column(heading)
    for row in document["planted"]:
        what = " ".join(str(part) for part in (row["cause"], row["region"]) if part)
        found = f"after {row['delay_days']} days" if row["found"] else "not found"
        effect = row["effect"]
        told = f"{effect['value']:+.2f} ({_n(effect['low'])} to {_n(effect['high'])})" if effect else ""
        off = "" if row["onset_error_days"] is None else f"{row['onset_error_days']:+d} days"
        table.add_row(
            row["kind"], what, row["started_on"], found, row["measure"] or "", off, told, row["case_id"] or ""
        )
    console.print(table)
    _false(document, "this world")
    for row in document["breakdowns"]:
        console.print(f"  {row['detected_on']} {row['is']:<11} {row['what']}", soft_wrap=True)
    if "quiet" in document:
        _false(document["quiet"], "the quiet world")


def _false(figures: dict[str, Any], where: str) -> None:
    rate = figures["false_per_week"]
    console.print(
        f"{where}: {figures['false']} false in {figures['weeks']} weeks, {rate['value']:.2f} a week "
        f"({rate['low']:.2f} to {rate['high']:.2f}); {figures['false_cases']} cases from them; "
        f"{figures['consequences']} after-effects of planted ones"
    )


def _n(value: float | None) -> str:
    return "open" if value is None else f"{value:+.2f}"
