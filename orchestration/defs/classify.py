"""Group `classify`: themes, root causes, severity and tone of every signal, then the classified tables."""

from collections.abc import Iterator
from typing import NamedTuple

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from intake.watermark import resolve_as_of
from orchestration import warehouse
from orchestration.defs.resources import Stores
from orchestration.ml_runs import ClassifyConfig, run_classification


class _Output(NamedTuple):
    """How one table of the classification is shown in the graph."""

    name: str
    description: str
    kinds: set[str]


OUTPUTS = (
    _Output(
        "ml_root_cause__prediction",
        "One row per classified signal: root cause with its probability and the set it may be, failure type, severity with "
        "the rule that set it, sentiment, urgency, kind, topic, the places in the text that carried each decision, and the "
        "versions of all models.",
        {"scikitlearn", "mlflow", "parquet"},
    ),
    _Output(
        "ml_root_cause__topic",
        "One row per topic the topic model found, with the theme it is registered under.",
        {"bertopic", "mlflow", "parquet"},
    ),
    _Output(
        "ml_root_cause__theme_event",
        "One row per thing that happened to a theme: born, kept, split, merged, retired, renamed by a person.",
        {"bertopic", "parquet"},
    ),
    _Output(
        "ml_root_cause__aspect",
        "One row per part of a text that speaks of several causes: where it is, which cause, how it feels.",
        {"scikitlearn", "parquet"},
    ),
    _Output(
        "ml_root_cause__miscoding",
        "One row per coded text the model judged without having learnt from it: the code, what the words suggest, and "
        "whether that is a finding.",
        {"scikitlearn", "parquet"},
    ),
    _Output(
        "ml_root_cause__review",
        "One row per question to a reviewer: the unsure, the unlike, the findings, and a random slice that stays fair.",
        {"scikitlearn", "parquet"},
    ),
    _Output(
        "ml_root_cause__drift",
        "One row per week and measure: how far texts and predictions have moved since the models were fitted.",
        {"scikitlearn", "parquet"},
    ),
)


@dg.multi_asset(
    name="classify_signals",
    specs=[
        dg.AssetSpec(
            key=dg.AssetKey([output.name]),
            deps=[dg.AssetKey(["int_signal"]), dg.AssetKey(["int_signal_label"])],
            group_name="classify",
            description=output.description,
            owners=["team:ml"],
            kinds=output.kinds,
        )
        for output in OUTPUTS
    ],
    pool="ml",
)
def classify_signals(
    context: dg.AssetExecutionContext, stores: Stores, config: ClassifyConfig
) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
    """Score what is new; fit only when there is no active model or when asked to."""
    settings = stores.settings()
    outcome = run_classification(
        settings, config, as_of=resolve_as_of(settings), run_id=context.run_id, log=context.log.info
    )
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
