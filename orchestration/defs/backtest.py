"""The backtest in the graph: an asset with plots, its own job, and a nightly look whether anything has changed.

Belongs here: those three, thin. Not here: the backtest (`orchestration/backtesting.py`). It is no step of the loop: it
takes half a minute, and nothing waits for it.
"""

from pathlib import Path

import dagster as dg
from pydantic import Field

from orchestration import watermark
from orchestration.backtesting import run_backtest
from orchestration.defs.detect import detect_triggers
from orchestration.defs.listen import detect_fingerprint
from orchestration.defs.resources import Stores

STAGE = "backtest"


class BacktestConfig(dg.Config):
    """What is asked; shown with its description in the launchpad."""

    days: int = Field(default=90, ge=7, le=730, description="Days up to the newest evidence.")
    budget: int = Field(default=30, ge=1, description="Immediate alerts per team and week.")
    rules: str = Field(
        default="", description="Folder of rules to ask about; empty for the drafts and shadows in force."
    )


@dg.asset(
    key=dg.AssetKey(["rule_backtest"]),
    deps=[detect_triggers],
    group_name="detect",
    owners=["team:cx-programme"],
    kinds={"python", "duckdb", "sqlite"},
    description="What the programme's draft and shadow rules would have opened in the last days beside the live ones: cases "
    "per week with intervals, load by team, how often rightly, cases gained and lost. Opened by the live code on a ledger "
    "that is thrown away.",
)
def rule_backtest(context: dg.AssetExecutionContext, stores: Stores, config: BacktestConfig) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One backtest; `amends rules backtest` asks the same of any folder."""
    seen = detect_fingerprint(stores)
    folder = Path(config.rules).expanduser().resolve() if config.rules else None
    metadata = run_backtest(stores.settings(), days=config.days, budget=config.budget, folder=folder)
    if folder is None:
        watermark.write(stores.settings(), STAGE, seen)
    return dg.MaterializeResult(metadata=metadata)


backtest_rules = dg.define_asset_job(
    name="backtest_rules",
    selection=dg.AssetSelection.assets(rule_backtest),
    description="Try the draft and shadow rules on the last days, beside the live ones.",
)


@dg.schedule(
    name="nightly_backtest",
    job=backtest_rules,
    cron_schedule="30 3 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Tries the rules again when programme, evidence, labels or models have changed since the last time.",
)
def nightly_backtest(context: dg.ScheduleEvaluationContext, stores: Stores) -> dg.RunRequest | dg.SkipReason:
    """Half a minute of work each night only where something would come out differently."""
    settings = stores.settings()
    if not (settings.handoff / "fct_signal.parquet").exists():
        return dg.SkipReason("There is no evidence yet.")
    seen = detect_fingerprint(stores)
    if watermark.read(settings, STAGE) == seen:
        return dg.SkipReason("Nothing has changed since the last backtest.")
    return dg.RunRequest(run_key=f"{STAGE}-{seen}")
