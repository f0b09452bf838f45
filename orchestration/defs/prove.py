"""Group `track`: what recovery saved, estimated anew each week, and the tables that tell it."""

from collections.abc import Iterator
from typing import NamedTuple

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from intake.watermark import resolve_as_of
from orchestration import warehouse
from orchestration.defs.resources import Stores
from orchestration.recovery import RecoveryConfig, run_recovery


class _Output(NamedTuple):
    """How one table of the study is shown in the graph."""

    name: str
    description: str
    kinds: set[str]


OUTPUTS = (
    _Output(
        "ml_recovery__effect",
        "One row per outcome, playbook, level and subject: the causal estimate of what the playbook does, with its interval, "
        "and the naive difference beside it. Observational: it rests on the assumptions told with it.",
        {"scikitlearn", "mlflow", "parquet"},
    ),
    _Output(
        "ml_recovery__diagnostic",
        "One row per effect, check and subject: overlap, balance, placebos, sensitivity, other estimators, drift.",
        {"scikitlearn", "parquet"},
    ),
    _Output(
        "ml_recovery__case_effect",
        "One row per attempt with a playbook: its expected effect in US dollars; sums to the totals of the effects.",
        {"scikitlearn", "parquet"},
    ),
    _Output(
        "ml_recovery__rate",
        "One row per level and subject: the recovery rate as answered, adjusted for who answers, and its worst and best case.",
        {"scikitlearn", "parquet"},
    ),
    _Output(
        "ml_recovery__nps",
        "One row per level and subject: NPS before and after recovery, what it would have been without, and the lift.",
        {"python", "parquet"},
    ),
    _Output(
        "ml_recovery__revenue",
        "Three lines that are never added up: revenue at risk in open cases, margin of those who stayed, revenue saved.",
        {"scikitlearn", "parquet"},
    ),
    _Output(
        "ml_recovery__owner",
        "One row per owner or team and outcome: what their cases came to against what an average one would have reached with "
        "the same cases, shrunken, with ranks that may be and funnel limits. Equal owners have no winner.",
        {"python", "parquet"},
    ),
    _Output(
        "ml_recovery__policy",
        "One row per leaf and playbook of the policy learned last, and the gates it passed. One that passes all waits for a "
        "person: `amends policy show`, `promote`, `rollback`.",
        {"scikitlearn", "parquet"},
    ),
    _Output(
        "ml_recovery__policy_value",
        "One row per outcome, policy and estimator: what a policy would have earned, or why nobody can tell.",
        {"python", "parquet"},
    ),
    _Output(
        "ml_recovery__policy_curve",
        "One row per share of cases that follow the policy: what following it there would gain.",
        {"python", "parquet"},
    ),
)


@dg.multi_asset(
    name="prove_recovery",
    specs=[
        dg.AssetSpec(
            key=dg.AssetKey([output.name]),
            deps=[
                dg.AssetKey(["int_recovery_attempt"]),
                dg.AssetKey(["stg_hr__org_chart"]),
                dg.AssetKey(["int_case_at_risk"]),
            ],
            group_name="track",
            description=output.description,
            owners=["team:ml"],
            kinds=output.kinds,
        )
        for output in OUTPUTS
    ],
    pool="ml",
)
def prove_recovery(
    context: dg.AssetExecutionContext, stores: Stores, config: RecoveryConfig
) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
    """Estimate when the last estimate is a week old, or when asked to; else keep what there is."""
    settings = stores.settings()
    outcome = run_recovery(settings, config, as_of=resolve_as_of(settings), run_id=context.run_id, log=context.log.info)
    for name, metadata in outcome.items():
        yield dg.MaterializeResult(asset_key=dg.AssetKey([name]), metadata=metadata)


@dbt_assets(
    manifest=warehouse.manifest(),
    select="tag:prove",
    name="dbt_prove",
    project=warehouse.PROJECT,
    dagster_dbt_translator=warehouse.LoopTranslator(),
    pool="warehouse",
)
def dbt_prove(context: dg.AssetExecutionContext, dbt: DbtCliResource, stores: Stores) -> Iterator[object]:
    """Effects, rates and comparisons as tables people report from."""
    settings = stores.settings()
    yield from warehouse.build(context, dbt, settings, resolve_as_of(settings))
