"""Runs the case engine: programme, clock, staff and ledger put together once, for command line, API and Dagster alike."""
