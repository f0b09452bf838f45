"""Group `detect`: the trigger rules of the programme over the classified evidence."""

from collections.abc import Iterator

import dagster as dg

from intake.watermark import resolve_as_of
from orchestration import watermark
from orchestration.defs.listen import detect_fingerprint
from orchestration.defs.resources import Stores
from orchestration.ml_runs import run_detection

OUTPUTS = {
    "ml_detection__trigger": "One row per rule that fired on one signal, or on one breakdown. Opening the cases is "
    "the sensor's work; a trigger without a case is found by `case_reconciliation`.",
    "ml_detection__shadow": "What shadow rules found: the same rows, which open nothing. `amends rules shadow` counts them, "
    "`amends rules backtest` says what cases they would open.",
    "ml_detection__breakdown": "One row per breakdown that the control charts of live rules found: what got worse, where, "
    "since when, by how much with its interval, and how rarely chance does that.",
    "ml_detection__affected": "One row per breakdown and signal that tells of it: whom it has hit.",
}


@dg.multi_asset(
    name="ml_detection__trigger",
    specs=[
        dg.AssetSpec(
            key=dg.AssetKey([name]),
            deps=[
                dg.AssetKey([table])
                for table in ("fct_signal", "int_exposure_day", "int_resolution", "ml_detection__risk")
            ],
            group_name="detect",
            owners=["team:cx-programme"],
            kinds={"duckdb", "parquet"},
            description=description,
        )
        for name, description in OUTPUTS.items()
    ],
)
def detect_triggers(context: dg.AssetExecutionContext, stores: Stores) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
    """Evaluate the rules; the same compiled SQL serves the fast lane."""
    settings = stores.settings()
    metadata = run_detection(settings, as_of=resolve_as_of(settings), run_id=context.run_id)
    # What the fast lane took in meanwhile is not in this detection: the next run must not think so.
    watermark.write(settings, "detect", detect_fingerprint(stores, watermark.taken_batch(settings)))
    for name in OUTPUTS:
        yield dg.MaterializeResult(asset_key=dg.AssetKey([name]), metadata=metadata[name])
