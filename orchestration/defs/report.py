"""Group `report`: what the evidence says about scores."""

import dagster as dg

from intake.watermark import resolve_as_of
from orchestration.defs.resources import Stores
from orchestration.ml_runs import run_drivers


@dg.asset(
    key=dg.AssetKey(["ml_root_cause__driver"]),
    deps=[
        dg.AssetKey(["fct_signal"]),
        dg.AssetKey(["ml_root_cause__topic"]),
        dg.AssetKey(["ml_detection__trigger"]),
    ],
    group_name="report",
    owners=["team:ml"],
    kinds={"python", "parquet"},
    description="One row per metric and theme or cause: its adjusted difference in score with interval, the share of "
    "answers that mention it, and the sentence that says so. An association, adjusted; not an experiment.",
)
def score_drivers(context: dg.AssetExecutionContext, stores: Stores) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """What goes with low and high scores."""
    settings = stores.settings()
    return dg.MaterializeResult(metadata=run_drivers(settings, as_of=resolve_as_of(settings)))
