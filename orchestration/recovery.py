"""Estimating what recovery saved, on the stores of a home: read the attempts, call the study, write its tables, tell the numbers.

Belongs here: when an estimate is made anew and what the graph shows of it. Not here: any estimate (`ml/recovery`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from models.settings import Settings
from orchestration import watermark
from orchestration.programme import in_force

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.recovery.study import Study

STAGE = "prove"
ATTEMPTS = "int_recovery_attempt"
# How old an estimate may grow before tracking makes it anew; outcomes of 90 days move slowly.
_FRESH = timedelta(days=7)
_SHOWN = 30


class RecoveryConfig(dg.Config):
    """How the study runs; shown with its description in the launchpad."""

    again: bool = Field(default=False, description="Estimate anew, however young the last estimate is.")


def run_recovery(
    settings: Settings, config: RecoveryConfig, *, as_of: str, run_id: str, log: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Estimate and write every table of the study, or keep them where they are younger than a week; metadata per table.

    Raises FileNotFoundError where no attempt was handed over yet.
    """
    import pyarrow.parquet as pq

    from ml.outputs import read_output, write_output
    from ml.recovery.study import study
    from ml.recovery.tables import RECOVERY_OUTPUTS

    at = datetime.fromisoformat(f"{as_of}+00:00")
    last = watermark.read(settings, STAGE)
    if not config.again and last is not None and at - datetime.fromisoformat(last) < _FRESH:
        kept = {name: read_output(settings.ml_outputs, name).num_rows for name in RECOVERY_OUTPUTS}
        return {name: {"dagster/row_count": rows, "kept_of": last} for name, rows in kept.items()}
    attempts = pq.read_table(settings.handoff / f"{ATTEMPTS}.parquet")
    found = study(attempts, as_of=at)
    tables = {
        **found.tables,
        **_figures(settings, attempts, at),
        "ml_recovery__owner": _owners(settings, attempts, at),
        **_policy(settings, attempts, at, log),
    }
    for name in RECOVERY_OUTPUTS:
        write_output(settings.ml_outputs, name, tables[name])
    runs = _tracked(settings, found, tables, run_id, log)
    watermark.write(settings, STAGE, at.isoformat())
    return _metadata(found, tables, runs)


def _figures(settings: Settings, attempts: pa.Table, at: datetime) -> dict[str, pa.Table]:
    """Recovery rates, recovery NPS and the three lines of revenue; all empty where nothing was attempted yet."""
    import pyarrow.parquet as pq

    from ml.recovery.at_risk import revenue_lines
    from ml.recovery.attempts import read_attempts
    from ml.recovery.nps_pairs import nps_answers, nps_table
    from ml.recovery.rates import rate_table
    from ml.recovery.tables import RECOVERY_OUTPUTS

    names = ("rate", "nps", "revenue")
    if not attempts.num_rows:
        return {f"ml_recovery__{name}": RECOVERY_OUTPUTS[f"ml_recovery__{name}"][0].empty_table() for name in names}
    read = read_attempts(attempts)
    answers = nps_answers(pq.read_table(settings.handoff / "int_signal.parquet"))
    open_cases = pq.read_table(settings.handoff / "int_case_at_risk.parquet")
    return {
        "ml_recovery__rate": rate_table(attempts, read, as_of=at),
        "ml_recovery__nps": nps_table(attempts, answers, as_of=at),
        "ml_recovery__revenue": revenue_lines(open_cases, read, as_of=at),
    }


def _owners(settings: Settings, attempts: pa.Table, at: datetime) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ml.recovery.owner_table import OWNER
    from ml.recovery.owners import owner_rows

    rows = owner_rows(
        attempts, seed=0, as_of=at, org_chart=pq.read_table(settings.handoff / "stg_hr__org_chart.parquet"),
        opted_out=in_force(settings).programme.teams.learning_opt_out,
    )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=OWNER)


def _policy(settings: Settings, attempts: pa.Table, at: datetime, log: Callable[[str], None]) -> dict[str, pa.Table]:
    """Learn a playbook policy; one that differs from the rules waits for a person, its gates beside it. Its tables."""
    from ml.recovery import roll_out
    from ml.recovery.policy import TooFewAttempts
    from ml.recovery.policy_run import learn_policy
    from ml.recovery.tables import RECOVERY_OUTPUTS
    from ml.store import ModelStore

    store, programme = ModelStore(settings.model_store), in_force(settings).programme
    used = roll_out.in_force(store)
    names = ("policy", "policy_value", "policy_curve")
    try:
        report = learn_policy(
            attempts, [item.playbook for item in programme.playbooks], programme.recommendation, as_of=at,
            current=used.champion, share=used.share,
        )  # fmt: skip
    except TooFewAttempts as error:
        log(f"no policy was learned: {error}")
        return {f"ml_recovery__{name}": RECOVERY_OUTPUTS[f"ml_recovery__{name}"][0].empty_table() for name in names}
    if report.learned.candidate != "rules":
        log(f"policy {roll_out.propose(store, report.learned.policy, report.about)} waits for a person")
    return {f"ml_recovery__{name}": report.tables[name] for name in names}


def _tracked(
    settings: Settings, found: Study, tables: dict[str, pa.Table], run_id: str, log: Callable[[str], None]
) -> list[str]:
    from ml.recovery.reports import track_owners, track_policy, track_study
    from ml.tracking import tracker_for

    tracker, tags = tracker_for(settings), {"dagster.run_id": run_id}
    others = (
        track_policy(tracker, tables, found.as_of, tags),
        track_owners(tracker, tables["ml_recovery__owner"], found.as_of, tags),
    )
    runs = [*track_study(tracker, found, tags), *(path for path in others if path)]
    log(f"{len(runs)} runs written to MLflow")
    return runs


def _metadata(found: Study, tables: dict[str, pa.Table], runs: list[str]) -> dict[str, dict[str, Any]]:
    from ml.drawing import inline
    from ml.recovery.figures import effect_figure
    from ml.recovery.study import OUTCOMES

    told: dict[str, dict[str, Any]] = {name: {"dagster/row_count": table.num_rows} for name, table in tables.items()}
    effect = told["ml_recovery__effect"]
    effect["sentences"] = dg.MetadataValue.md("\n".join(f"- {sentence}" for sentence in found.sentences[:_SHOWN]))
    effect["rests_on"] = dg.MetadataValue.md("\n".join(f"- {sentence}" for sentence in found.assumptions))
    if runs:
        effect["mlflow_runs"] = dg.MetadataValue.json(runs)
    rows = found.tables["ml_recovery__effect"].to_pylist()
    for outcome in OUTCOMES:
        if (figure := effect_figure(rows, outcome)) is not None:
            effect[f"plot_{outcome}"] = dg.MetadataValue.md(f"![{outcome.replace('_', ' ')}]({inline(figure)})")
    return told
