"""The one door into the platform: files become typed, counted, redacted landing tables. No Dagster, no dbt, no models."""
