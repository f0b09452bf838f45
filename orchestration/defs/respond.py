"""Groups `route` and `respond`: giving cases to people, what the clocks ask for, and letting messages out.

Each asset is one call into `casework`, which may run twice, late, or beside the command line without doing anything a
second time.
"""

from dataclasses import asdict

import dagster as dg

from orchestration.defs.resources import Stores
from orchestration.defs.track import case_ledger

OWNERS = ["team:case-desk"]


@dg.asset(
    deps=[case_ledger],
    group_name="route",
    owners=OWNERS,
    kinds={"sqlite", "python"},
    check_specs=[dg.AssetCheckSpec("nobody_absent_has_new_cases", asset="case_assignment", blocking=False)],
    description="Waiting cases to present owners by a minimum-cost plan under capacity; cases of absent owners go back to "
    "the queue. Says why each case that still waits does, and what one more unit of capacity would be worth per team.",
)
def case_assignment(context: dg.AssetExecutionContext, stores: Stores) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One round of assignment."""
    from casework import assignment
    from casework.engine import start

    engine = start(stores.settings())
    report = assignment.run(engine)
    absent = assignment.owners_absent(engine)
    return dg.MaterializeResult(
        metadata={
            "assigned": report.assigned, "released": report.released, "expired": report.expired,
            "still_waiting": len(report.unassigned),
            "optimality_gap": report.optimality_gap, "shadow_price": dg.MetadataValue.json(report.shadow_price),
            "refused": len(report.refused), "as_of": engine.at.isoformat(),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="nobody_absent_has_new_cases", passed=not absent, severity=dg.AssetCheckSeverity.WARN,
                metadata={"absent_owners": len(absent)},
            )
        ],
    )  # fmt: skip


@dg.asset(
    deps=[case_assignment],
    group_name="respond",
    owners=OWNERS,
    kinds={"sqlite", "python"},
    description="Reminders at 50, 80 and 100 % of the time in force, the escalation ladder, expiry and the daily digest, "
    "as of one moment. Nothing is sent here: each step is an event and a message in the outbox, once.",
)
def case_clocks(context: dg.AssetExecutionContext, stores: Stores) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One tick."""
    from casework import ticks
    from casework.engine import start

    engine = start(stores.settings())
    report = asdict(ticks.run(engine))
    return dg.MaterializeResult(metadata={**report, "refused": len(report["refused"]), "as_of": engine.at.isoformat()})


@dg.asset(
    deps=[case_clocks],
    group_name="respond",
    owners=OWNERS,
    kinds={"sqlite", "python"},
    description="What is due in the outbox goes out: alerts at least once, messages to customers at most once; whatever "
    "is uncertain is parked for a person.",
)
def outbox_delivery(context: dg.AssetExecutionContext, stores: Stores) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Send what is due."""
    from casework import delivery
    from casework.engine import start

    report = asdict(delivery.send_due(start(stores.settings())))
    return dg.MaterializeResult(metadata=report)
