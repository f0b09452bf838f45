"""Group `detect`: the trigger rules of the programme over the classified evidence."""

import dagster as dg

from intake.watermark import resolve_as_of
from orchestration import watermark
from orchestration.defs.listen import detect_fingerprint
from orchestration.defs.resources import Stores
from orchestration.ml_runs import run_detection


@dg.asset(
    key=dg.AssetKey(["ml_detection__trigger"]),
    deps=[dg.AssetKey(["fct_signal"]), dg.AssetKey(["agg_theme_week"])],
    group_name="detect",
    owners=["team:cx-programme"],
    kinds={"duckdb", "parquet"},
    description="One row per rule that fired on one signal, or on one theme in one week. Opening the cases is the "
    "sensor's work; a trigger without a case is found by `case_reconciliation`.",
)
def detect_triggers(context: dg.AssetExecutionContext, stores: Stores) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Evaluate the live rules; the same compiled SQL serves the fast lane."""
    settings = stores.settings()
    metadata = run_detection(settings, as_of=resolve_as_of(settings), run_id=context.run_id)
    # What the fast lane took in meanwhile is not in this detection: the next run must not think so.
    watermark.write(settings, "detect", detect_fingerprint(stores, watermark.taken_batch(settings)))
    return dg.MaterializeResult(metadata=metadata)
