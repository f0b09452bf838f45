"""Group `classify`: themes, root causes and severity for every signal, then the classified tables."""

from collections.abc import Iterator

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from intake.watermark import resolve_as_of
from orchestration import warehouse
from orchestration.defs.resources import Stores
from orchestration.ml_runs import ClassifyConfig, run_classification


@dg.multi_asset(
    name="classify_signals",
    specs=[
        dg.AssetSpec(
            key=dg.AssetKey(["ml_root_cause__prediction"]),
            deps=[dg.AssetKey(["int_signal"])],
            group_name="classify",
            description="One row per classified signal: root cause with its probability, severity with the rule that "
            "set it, topic, and the versions of both models. Signals without text carry severity only.",
            owners=["team:ml"],
            kinds={"scikitlearn", "mlflow", "parquet"},
        ),
        dg.AssetSpec(
            key=dg.AssetKey(["ml_root_cause__topic"]),
            deps=[dg.AssetKey(["int_signal"])],
            group_name="classify",
            description="One row per topic the topic model found, with the theme it is registered under.",
            owners=["team:ml"],
            kinds={"bertopic", "mlflow", "parquet"},
        ),
    ],
    pool="ml",
)
def classify_signals(
    context: dg.AssetExecutionContext, stores: Stores, config: ClassifyConfig
) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
    """Score what is new; fit only when there is no active model or when asked to."""
    outcome = run_classification(stores.settings(), config, run_id=context.run_id, log=context.log.info)
    for name, metadata in outcome.items():
        yield dg.MaterializeResult(asset_key=dg.AssetKey([name]), metadata=metadata)


@dbt_assets(
    manifest=warehouse.manifest(),
    select="tag:detect",
    exclude="tag:track",
    name="dbt_detect",
    project=warehouse.PROJECT,
    dagster_dbt_translator=warehouse.LoopTranslator(),
    pool="warehouse",
)
def dbt_detect(context: dg.AssetExecutionContext, dbt: DbtCliResource, stores: Stores) -> Iterator[object]:
    """The classified evidence and the weekly counts by theme that the rules are held against."""
    settings = stores.settings()
    yield from warehouse.build(context, dbt, settings, resolve_as_of(settings))
