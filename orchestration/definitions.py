"""The one code location: everything under `defs/`, run in process unless a step asks otherwise.

Add nothing here but policy that holds for the whole graph. The multiprocess executor costs about five CPU-seconds a
step in imports alone, so the default is in process.
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from models.settings import load_settings, process_environment

# Started by hand (`dagster dev -w workspace.yaml`) the process has none of what `amends` sets; whoever set a variable wins.
for _name, _value in process_environment(load_settings()).items():
    os.environ.setdefault(_name, _value)


@dg.definitions
def defs() -> dg.Definitions:
    """All assets, checks, jobs, sensors, schedules and resources of Amends."""
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
        dg.Definitions(executor=dg.in_process_executor),
    )
