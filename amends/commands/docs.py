"""`amends docs`: the warehouse documentation as one page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from amends.console import console, fail
from amends.home import apply_environment, prepare_home
from amends.manifest import PROJECT
from intake.watermark import resolve_as_of
from models.settings import Settings


def write_docs(settings: Settings) -> Path:
    """Generate the static page and return where it lies; ends with dbt's words when dbt fails."""
    prepare_home(settings)
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "docs", "generate", "--static",
               "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]  # fmt: skip
    # Compiling the models asks for the reporting instant, as building them does.
    environment = {**os.environ, **apply_environment(settings), "AMENDS_WAREHOUSE_AS_OF": resolve_as_of(settings)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"dbt docs failed:\n{(done.stdout + done.stderr)[-2000:]}")
    page = PROJECT / "target" / "static_index.html"
    console.print(f"Open {page} in any browser (it needs no server and no network).", soft_wrap=True)
    return page
