"""Definitions, loaded folder-wise by `orchestration.definitions`. Everything in here is imported on every load.

No postponed annotations in these modules: Dagster reads contexts, resources and config from the annotations themselves.
"""
