"""Group `listen`: source files and the programme come in, and dbt prepares the evidence.

Add an asset here when something new can be heard. A new source needs no asset of its own: its contract in
`models/contracts/` makes one.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from intake.contracts import load_contracts
from intake.watermark import last_batch, resolve_as_of
from models.contract import SourceContract
from models.settings import Settings
from orchestration import warehouse, watermark
from orchestration.defs.resources import Stores
from orchestration.ml_runs import models_in_use
from orchestration.programme import in_force

PROGRAMME_TABLES = ("cause", "reason_code", "survey", "severity_rule", "sla_target", "business_interval", "playbook")

if TYPE_CHECKING:
    from cases.labels import LabelExport
    from intake.report import FileReport

_DUCKDB_TYPES = {
    "text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "money": "DECIMAL(18,2)",
    "timestamp": "TIMESTAMPTZ", "date": "DATE", "boolean": "BOOLEAN", "json_text": "VARCHAR",
}  # fmt: skip


def _raw_key(source: str, entity: str) -> dg.AssetKey:
    return dg.AssetKey([f"raw_{source}__{entity}"])


def _raw_spec(contract: SourceContract) -> dg.AssetSpec:
    columns = [
        dg.TableColumn(
            name=column.name,
            type=_DUCKDB_TYPES.get(str(column.type), "VARCHAR"),
            description=column.description,
            constraints=dg.TableColumnConstraints(nullable=not column.required),
        )
        for column in contract.columns
        if column.pii not in ("identity", "name")
    ]
    return dg.AssetSpec(
        key=_raw_key(contract.source, contract.entity),
        group_name="listen",
        description=f"{contract.grain}\n\n{contract.description}",
        owners=[f"team:{contract.owner}"],
        kinds={"parquet", "python"},
        tags={"source": contract.source},
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
        skippable=True,
    )


def _programme_spec(table: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=dg.AssetKey([f"raw_programme__{table}"]),
        group_name="listen",
        description=f"The programme's `{table}` as the business wrote it, validated and compiled to one table.",
        owners=["team:cx-programme"],
        kinds={"yaml", "parquet"},
        skippable=True,
    )


def _labels_spec() -> dg.AssetSpec:
    return dg.AssetSpec(
        key=dg.AssetKey(["raw_ledger__label"]),
        group_name="listen",
        description="What people said a signal is about: in review, on closing a case, in a questionnaire, by calling a "
        "case invalid. The newest copy of the ledger's labels, read by the first build of the loop.",
        owners=["team:ml"],
        kinds={"parquet", "python"},
        skippable=True,
    )


@dg.multi_asset(
    name="take_in",
    specs=[
        *(_raw_spec(contract) for _, contract in sorted(load_contracts().items())),
        *(_programme_spec(t) for t in PROGRAMME_TABLES),
        _labels_spec(),
    ],
    pool="intake",
)
def take_in(context: dg.AssetExecutionContext, stores: Stores) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
    """Read everything that lies in the inbox, and the programme. Yields nothing when neither holds anything new."""
    # Reading files brings Arrow and DuckDB along; declaring the assets does not need them.
    from casework import notes
    from intake.programme import write_tables
    from intake.service import take_inbox

    settings = stores.settings()
    notes.write_back(settings)
    reports = take_inbox(settings, timezone=in_force(settings).programme.company.timezone)
    watermark.remember_taken(settings, last_batch(settings))
    if watermark.read(settings, "detect") == detect_fingerprint(stores):
        context.log.info("Nothing new since the last finished detection: no asset is made, what follows is skipped.")
        return
    write_tables(in_force(settings).programme, settings.programme_tables)
    for source, entity in sorted(load_contracts()):
        mine = [r for r in reports if (r.source, r.entity) == (source, entity)]
        yield dg.MaterializeResult(asset_key=_raw_key(source, entity), metadata=_intake_metadata(mine))
    yield dg.MaterializeResult(
        asset_key=dg.AssetKey(["raw_ledger__label"]), metadata={"labels": _labels(settings).labels}
    )
    for table in PROGRAMME_TABLES:
        yield dg.MaterializeResult(asset_key=dg.AssetKey([f"raw_programme__{table}"]))


def detect_fingerprint(stores: Stores, batch: int | None = None) -> str:
    """Hash of all that detection depends on: deliveries, programme, labels, models, warehouse code, reporting instant.

    `batch` is the newest delivery that was surely seen (default: the newest there is).
    """
    settings = stores.settings()
    return watermark.fingerprint(
        batch=last_batch(settings) if batch is None else batch,
        programme=in_force(settings).version,
        labels=_labels(settings).digest,
        models=models_in_use(settings),
        warehouse=warehouse.code_version(),
        as_of=resolve_as_of(settings),
    )


def _labels(settings: Settings) -> "LabelExport":
    """The copy of the ledger's labels, brought up to date."""
    from casework import review
    from casework.engine import start

    return review.write_labels(start(settings))


def _intake_metadata(reports: "list[FileReport]") -> dict[str, dg.MetadataValue | int]:
    """Sums and one table of the deliveries of this run; the identity rows = loaded + quarantined + duplicates shows."""
    rows = [
        dg.TableRecord(
            {"file": r.file, "status": r.status, "rows": r.rows, "loaded": r.loaded,
             "quarantined": r.quarantined, "duplicates": r.duplicates}
        )
        for r in reports[:200]
    ]  # fmt: skip
    sums = {name: sum(getattr(r, name) for r in reports) for name in ("rows", "loaded", "quarantined", "duplicates")}
    return {**sums, **({"deliveries": dg.MetadataValue.table(rows)} if rows else {})}


@dbt_assets(
    manifest=warehouse.manifest(),
    select="tag:prepare",
    exclude="tag:detect tag:track",
    name="dbt_prepare",
    project=warehouse.PROJECT,
    dagster_dbt_translator=warehouse.LoopTranslator(),
    pool="warehouse",
)
def dbt_prepare(context: dg.AssetExecutionContext, dbt: DbtCliResource, stores: Stores) -> Iterator[object]:
    """Staging, the evidence table `int_signal` and the customers, incremental by delivery."""
    settings = stores.settings()
    yield from warehouse.build(context, dbt, settings, resolve_as_of(settings))
