"""Great Expectations suites as asset checks: at the door and on what the models hand over.

One check per expectation, with numbers and at most one small table, never a value of the data. Errors block what follows
in the same run; publishing asks for every newest result again. Checks inside the warehouse are dbt's (they arrive with
`dbt_assets`); which layer checks what is said in docs/quality.md.
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from expectations.door import door_suites
from expectations.ml_outputs import ml_suites
from expectations.results import CheckResult
from expectations.suites import Suite
from intake.contracts import load_contracts
from orchestration import suite_runs
from orchestration.defs.resources import Stores

_SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


def specs(suites: Mapping[str, Suite]) -> list[dg.AssetCheckSpec]:
    """One spec per expectation, declared without importing Great Expectations."""
    return [
        dg.AssetCheckSpec(
            name=check.name,
            asset=dg.AssetKey([suite.asset]),
            blocking=check.severity == "error",
            description=f"{check.description} Expected: {check.expected}.",
        )
        for suite in suites.values()
        for check in suite.checks
    ]


def as_dagster(result: CheckResult) -> dg.AssetCheckResult:
    """A plain result in Dagster's words."""
    metadata: dict[str, dg.MetadataValue | float | int | str] = {
        "rows": result.rows,
        "missing": result.missing,
        "unexpected": result.unexpected_count,
        "unexpected_percent": result.unexpected_percent,
    }
    if result.observed is not None:
        metadata["observed"] = result.observed
    if result.note:
        metadata["note"] = result.note
    if result.table:
        rows = [dg.TableRecord({"part": part, "rows": count}) for part, count in result.table]
        metadata["broken_parts"] = dg.MetadataValue.table(rows)
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey([result.asset]),
        check_name=result.name,
        passed=result.passed,
        severity=_SEVERITY[result.severity],
        metadata=metadata,
    )


DOOR = {s.asset: s for s in door_suites(load_contracts().values()).values()}
ML = {s.asset: s for s in ml_suites().values()}
RISKS = {name: suite for name, suite in ML.items() if name == "ml_detection__risk"}
LANES = {name: suite for name, suite in ML.items() if name == "ml_detection__lane_decision"}
APART = {*RISKS, *LANES}
TRIGGERS = {name: suite for name, suite in ML.items() if name.startswith("ml_detection__") and name not in APART}
DRIVERS = {name: suite for name, suite in ML.items() if name == "ml_root_cause__driver"}
PROOF = {name: suite for name, suite in ML.items() if name.startswith("ml_recovery__")}
CLASSIFIED = {name: suite for name, suite in ML.items() if name not in {*TRIGGERS, *APART, *DRIVERS, *PROOF}}


def _run(suites: Sequence[Suite], stores: Stores) -> Iterator[dg.AssetCheckResult]:
    for result in suite_runs.run_suites(stores.settings(), suites):
        yield as_dagster(result)


@dg.multi_asset_check(name="check_the_door", specs=specs(DOOR), pool="checks")
def check_the_door(stores: Stores) -> Iterator[dg.AssetCheckResult]:
    """What landed against its contract."""
    yield from _run(list(DOOR.values()), stores)


@dg.multi_asset_check(name="check_ml_outputs", specs=specs(CLASSIFIED), pool="checks")
def check_ml_outputs(stores: Stores) -> Iterator[dg.AssetCheckResult]:
    """What was classified before anything is built on it."""
    yield from _run(list(CLASSIFIED.values()), stores)


@dg.multi_asset_check(name="check_drivers", specs=specs(DRIVERS), pool="checks")
def check_drivers(stores: Stores) -> Iterator[dg.AssetCheckResult]:
    """Drivers before they are published."""
    yield from _run(list(DRIVERS.values()), stores)


@dg.multi_asset_check(name="check_risks", specs=specs(RISKS), pool="checks")
def check_risks(stores: Stores) -> Iterator[dg.AssetCheckResult]:
    """Probabilities before rules look at them."""
    yield from _run(list(RISKS.values()), stores)


@dg.multi_asset_check(name="check_triggers", specs=specs(TRIGGERS), pool="checks")
def check_triggers(stores: Stores) -> Iterator[dg.AssetCheckResult]:
    """Triggers before cases are opened from them by a later run."""
    yield from _run(list(TRIGGERS.values()), stores)


@dg.multi_asset_check(name="check_lanes", specs=specs(LANES), pool="checks")
def check_lanes(stores: Stores) -> Iterator[dg.AssetCheckResult]:
    """What the fast lane decided beside what the batch lane made of it."""
    yield from _run(list(LANES.values()), stores)


@dg.multi_asset_check(name="check_recovery", specs=specs(PROOF), pool="checks")
def check_recovery(stores: Stores) -> Iterator[dg.AssetCheckResult]:
    """What the study says recovery saved, before anybody reads it."""
    yield from _run(list(PROOF.values()), stores)
