"""Dagster and nothing else: thin assets, checks, sensors, schedules, resources. No SQL, no model maths, no rules."""
