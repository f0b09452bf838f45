"""The fast lane in the graph: what it decided, judged by the batch lane, and the sensor that keeps it running.

Belongs here: those two, thin. Not here: a step of the lane (`fast_lane/lane.py`), the comparison (`fast_lane/agreement.py`).
"""

from collections import Counter

import dagster as dg

from orchestration.defs.detect import detect_triggers
from orchestration.defs.resources import Stores
from orchestration.programme import rules_in_force

_SHOWN = 50


@dg.asset(
    key=dg.AssetKey(["ml_detection__lane_decision"]),
    deps=[detect_triggers],
    group_name="detect",
    owners=["team:cx-programme"],
    kinds={"parquet", "python"},
    check_specs=[
        dg.AssetCheckSpec(
            "lanes_agree", asset=dg.AssetKey(["ml_detection__lane_decision"]), blocking=False,
            description="The batch lane, on the same rows, decides as the fast lane did; each difference has its reason.",
        )
    ],
    description="One row per signal the fast lane decided on and trigger it set off, with what the batch lane made of the "
    "same rows: agreed, changed, only_fast, only_batch.",
)  # fmt: skip
def lane_decisions(context: dg.AssetExecutionContext, stores: Stores) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Judge what the newest detection has surely seen."""
    from fast_lane.agreement import settle

    settings = stores.settings()
    rules = rules_in_force(settings).live
    verdicts = settle(settings, not_asked={rule.id for rule in rules if not rule.is_about_signals}).to_pylist()
    counts = Counter(row["verdict"] for row in verdicts)
    differing = [row for row in verdicts if row["verdict"] != "agreed"]
    told = [
        dg.TableRecord({name: str(row[name]) for name in ("verdict", "reason", "rule_id", "signal_id", "trigger_id")})
        for row in differing[:_SHOWN]
    ]
    metadata = {
        **{name: counts.get(name, 0) for name in ("agreed", "changed", "only_fast", "only_batch")},
        **({"differences": dg.MetadataValue.table(told)} if told else {}),
    }
    check = dg.AssetCheckResult(
        check_name="lanes_agree", passed=not differing, severity=dg.AssetCheckSeverity.WARN, metadata=metadata
    )
    return dg.MaterializeResult(metadata={"dagster/row_count": len(verdicts), **metadata}, check_results=[check])


@dg.sensor(
    name="fast_lane",
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps the fast lane running in the code server: rows that arrive become cases within a second or two. "
    "Each look renews its lease and tells what was opened; stopped, the lane ends by itself within two minutes.",
)
def fast_lane(context: dg.SensorEvaluationContext, stores: Stores) -> dg.SensorResult | dg.SkipReason:
    """Renew the lease; report the steps since the last look. Raises when a step failed, so that the tick shows it."""
    from fast_lane.keeper import keeper_of

    told = keeper_of(stores.settings()).renew()
    if told.failure is not None and not told.steps:
        raise dg.Failure(f"The last step failed and is tried again: {told.failure}")
    if not told.steps:
        return dg.SkipReason(f"Waits for {told.waits_for}." if told.waits_for else "Nothing has arrived.")
    sums = {
        name: sum(getattr(step, name) for step in told.steps)
        for name in ("signals", "triggers", "opened", "attached", "already_known")
    }
    event = dg.AssetMaterialization(
        asset_key=dg.AssetKey(["case_ledger"]),
        description="Cases opened or added to by the fast lane",
        metadata={**sums, "slowest_seconds": round(max(step.slowest_seconds for step in told.steps), 3)},
    )
    return dg.SensorResult(asset_events=[event])
