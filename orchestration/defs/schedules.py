"""Schedules: what must happen even when nothing arrives."""

import dagster as dg

from orchestration.defs.jobs import estimate_effects, retrain_root_cause, track_and_publish, work_cases

daily_tracking = dg.ScheduleDefinition(
    name="daily_tracking",
    job=track_and_publish,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    cron_schedule="0 5 * * *",
    description="Outcome windows mature and cases become overdue by time alone: once a day before work starts.",
)

weekly_retraining = dg.ScheduleDefinition(
    name="weekly_retraining",
    job=retrain_root_cause,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    cron_schedule="0 3 * * 0",
    description="Themes and the root-cause classifier are fitted anew on Sunday night.",
)

weekly_effects = dg.ScheduleDefinition(
    name="weekly_effects",
    job=estimate_effects,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    cron_schedule="0 4 * * 1",
    description="What recovery saved is estimated anew on Monday morning, whether or not anything arrived.",
)

working_cases = dg.ScheduleDefinition(
    name="working_cases",
    job=work_cases,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    cron_schedule="*/10 * * * *",
    description="Time alone makes reminders due, people come back, and messages may go out: every ten minutes.",
)
