"""Jobs, named for what people do. The sensor that opens cases stands between the first two."""

import dagster as dg

from orchestration.defs.classify import classify_signals, dbt_detect
from orchestration.defs.detect import detect_triggers
from orchestration.defs.early_warning import score_risks
from orchestration.defs.lanes import lane_decisions
from orchestration.defs.latency import export_register
from orchestration.defs.listen import dbt_prepare, take_in
from orchestration.defs.prove import dbt_prove, prove_recovery
from orchestration.defs.report import score_drivers
from orchestration.defs.respond import case_assignment, case_clocks, outbox_delivery
from orchestration.defs.track import case_reconciliation, dbt_track, export_ledger, publish_build

detect_breakdowns = dg.define_asset_job(
    name="detect_breakdowns",
    selection=dg.AssetSelection.assets(
        take_in, dbt_prepare, classify_signals, dbt_detect, score_risks, detect_triggers, lane_decisions
    ),
    description="Take in what lies in the inbox, classify it and hold the trigger rules against it.",
)

track_and_publish = dg.define_asset_job(
    name="track_and_publish",
    selection=dg.AssetSelection.assets(
        case_reconciliation,
        export_ledger,
        export_register,
        score_drivers,
        dbt_track,
        prove_recovery,
        dbt_prove,
        publish_build,
    ),
    description="Reconcile triggers with cases, copy the ledger back as a source, rebuild the case tables, estimate what "
    "recovery saved where the last estimate is a week old, publish.",
)

estimate_effects = dg.define_asset_job(
    name="estimate_effects",
    selection=dg.AssetSelection.assets(dbt_track, prove_recovery, dbt_prove, publish_build),
    description="Estimate anew what recovery saved, and publish it.",
    config={"ops": {"prove_recovery": {"config": {"again": True}}}},
)

retrain_root_cause = dg.define_asset_job(
    name="retrain_root_cause",
    selection=dg.AssetSelection.assets(classify_signals),
    description="Fit topics and the root-cause classifier anew on all evidence and score every signal with them.",
    config={"ops": {"classify_signals": {"config": {"refit": True}}}},
)

work_cases = dg.define_asset_job(
    name="work_cases",
    selection=dg.AssetSelection.assets(case_assignment, case_clocks, outbox_delivery),
    description="Give waiting cases to people, see what the clocks ask for, and let the outbox out.",
)
