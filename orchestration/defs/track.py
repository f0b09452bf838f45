"""Groups `route`, `track` and `report`: triggers against cases, the ledger as a source, case tables, publishing."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from intake.watermark import resolve_as_of
from orchestration import case_opening, publishing_run, warehouse, watermark
from orchestration.defs.resources import Stores

LEDGER_TABLES = {
    "case": "One row per case: the immutable head, with the rule, subject and episode that opened it.",
    "case_event": "One row per ledger event, append-only and hash-chained; state and owner derive from these alone.",
    "case_trigger": "One row per trigger the ledger knows, with the case it opened or joined and its lineage.",
}

case_ledger = dg.AssetSpec(
    key=dg.AssetKey(["case_ledger"]),
    deps=[dg.AssetKey(["ml_detection__trigger"])],
    group_name="route",
    description="The case ledger: the one transactional store. Written by `cases.services` only, materialised here by "
    "the `open_cases` sensor as it opens cases.",
    owners=["team:case-desk"],
    kinds={"sqlite", "python"},
)


@dg.asset(
    deps=[dg.AssetKey(["ml_detection__trigger"]), case_ledger],
    group_name="route",
    owners=["team:case-desk"],
    kinds={"sqlite", "python"},
    check_specs=[
        dg.AssetCheckSpec("no_trigger_without_case", asset="case_reconciliation"),
        dg.AssetCheckSpec("no_trigger_with_two_cases", asset="case_reconciliation", blocking=True),
        dg.AssetCheckSpec("no_case_without_trigger", asset="case_reconciliation"),
    ],
    description="Eligible triggers against ledger cases, in both directions. Opens what is missing, and says by a failed "
    "check that it had to.",
)
def case_reconciliation(context: dg.AssetExecutionContext, stores: Stores) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The safety net under the sensor."""
    report = case_opening.reconcile(stores.settings())
    return dg.MaterializeResult(
        metadata={**asdict(report)},
        check_results=[
            dg.AssetCheckResult(
                check_name="no_trigger_without_case",
                passed=report.missing == 0,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"missing": report.missing, "opened_here": report.opened},
            ),
            dg.AssetCheckResult(
                check_name="no_trigger_with_two_cases", passed=report.doubled == 0, metadata={"doubled": report.doubled}
            ),
            dg.AssetCheckResult(
                # History whose rule or theme has gone since is told, not blocked.
                check_name="no_case_without_trigger",
                passed=report.orphaned == 0,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"orphaned": report.orphaned},
            ),
        ],
    )


@dg.multi_asset(
    name="export_ledger",
    specs=[
        dg.AssetSpec(
            key=dg.AssetKey([f"raw_ledger__{table}"]),
            deps=[case_reconciliation.key],
            group_name="track",
            description=description,
            owners=["team:case-desk"],
            kinds={"parquet", "sqlite"},
        )
        for table, description in LEDGER_TABLES.items()
    ],
)
def export_ledger(context: dg.AssetExecutionContext, stores: Stores) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
    """Copy what the ledger gained since the last copy; all tables in one read transaction."""
    from cases import conf, services
    from casework import notes

    settings = stores.settings()
    conf.setup(settings)
    report = services.export(settings)
    # Into the inbox, whose sensor then starts detection: what people wrote is analysed with what customers said.
    notes.write_back(settings)
    for table in LEDGER_TABLES:
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey([f"raw_ledger__{table}"]), metadata={"new_rows": report.rows[table]}
        )


@dbt_assets(
    manifest=warehouse.manifest(),
    select="tag:track",
    name="dbt_track",
    project=warehouse.PROJECT,
    dagster_dbt_translator=warehouse.LoopTranslator(),
    pool="warehouse",
)
def dbt_track(context: dg.AssetExecutionContext, dbt: DbtCliResource, stores: Stores) -> Iterator[object]:
    """Cases, their events and outcomes, and the tables people report from."""
    settings = stores.settings()
    yield from warehouse.build(context, dbt, settings, resolve_as_of(settings))


@dg.asset(
    key=dg.AssetKey(["published_build"]),
    deps=[dg.AssetKey([name]) for name in warehouse.published_tables()],
    group_name="report",
    owners=["team:data-platform"],
    kinds={"parquet"},
    description="One immutable folder of Parquet per build, and the pointer CURRENT, moved only when every blocking check "
    "of the build has passed. Desk, notebooks and dashboards read this and nothing else.",
)
def publish_build(context: dg.AssetExecutionContext, stores: Stores) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Refuses, and names the checks, unless all is green."""
    settings = stores.settings()
    report = publishing_run.publish_current(settings, context.instance, run_id=context.run_id, now=datetime.now(UTC))
    watermark.write(settings, "track", publishing_run.track_fingerprint(settings))
    return dg.MaterializeResult(metadata=report)
