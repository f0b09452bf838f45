"""Group `detect`: what has not happened yet, scored before the rules look at it."""

import dagster as dg

from intake.watermark import resolve_as_of
from orchestration.defs.resources import Stores
from orchestration.early_warning import run_early_warning


@dg.asset(
    key=dg.AssetKey(["ml_detection__risk"]),
    deps=[dg.AssetKey([table]) for table in ("fct_signal", "dim_customer", "int_resolution")],
    group_name="detect",
    owners=["team:cx-programme"],
    kinds={"parquet", "scikitlearn"},
    description="One row per customer or open case and week: how likely the customer leaves or the case misses its target, "
    "with interval and reasons. Cases are those of the ledger before this detection opens new ones.",
)
def score_risks(stores: Stores) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Score with the models in use; they are fitted anew when a week old."""
    settings = stores.settings()
    return dg.MaterializeResult(metadata=run_early_warning(settings, as_of=resolve_as_of(settings)))
