"""How soon cases come: the register of deliveries as a source of the warehouse, and the check against the targets."""

import dagster as dg

from orchestration.defs.resources import Stores


@dg.asset(
    key=dg.AssetKey(["raw_intake__delivery"]),
    group_name="listen",
    owners=["team:data-platform"],
    kinds={"parquet", "sqlite"},
    description="One row per finished delivery: when it arrived, under which file, what became of it. Copied whole from the "
    "register of intake; nothing of a row that was delivered is in it.",
)
def export_register(context: dg.AssetExecutionContext, stores: Stores) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Copy the register for the tables of this run."""
    from intake.deliveries import export_deliveries

    return dg.MaterializeResult(metadata={"dagster/row_count": export_deliveries(stores.settings())})


@dg.asset_check(
    asset=dg.AssetKey(["agg_latency_week"]),
    name="case_within_target",
    blocking=False,
    pool="warehouse",
    description="In the newest week of each lane and source, 19 of 20 cases are open within the lane's target after their "
    "signal arrived. Historic loads, cases opened by hand and rules that wait by design do not count.",
)
def case_within_target(stores: Stores) -> dg.AssetCheckResult:
    """Warn when cases come late."""
    from publishing.latency import newest_paces
    from publishing.publish import open_warehouse

    settings = stores.settings()
    with open_warehouse(settings.warehouse) as warehouse:
        paces = newest_paces(warehouse, settings)
    late = [pace for pace in paces if pace.is_late]
    rows = [
        dg.TableRecord(
            {"lane": p.lane, "source": p.source, "week_start": str(p.week_start), "cases": p.cases,
             "p95_seconds": round(p.p95, 3), "target_seconds": p.target, "late": p.is_late}
        )
        for p in paces
    ]  # fmt: skip
    return dg.AssetCheckResult(
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"judged": len(paces), "late": len(late), **({"lanes": dg.MetadataValue.table(rows)} if rows else {})},
    )
