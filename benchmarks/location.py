"""Loading the code location: ours against the same location with the heavy libraries imported as modules usually do.

Claim: under 5 CPU-seconds, because bertopic, sentence-transformers, Great Expectations and MLflow are imported inside the
functions that need them and the dbt manifest is parsed at set-up.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from amends.manifest import parse_if_stale
from benchmarks.harness import child, finish, ratio
from models.settings import Settings

LIMIT_CPU_SECONDS = 5.0
OURS = "from orchestration.definitions import defs; defs().get_repository_def()"
STOCK = f"import bertopic, sentence_transformers, great_expectations, mlflow, sklearn; {OURS}"


def main(rounds: int = 3) -> None:
    """Interleave both in fresh processes; the guard is the limit on ours."""
    with tempfile.TemporaryDirectory() as home:
        parse_if_stale(Settings(home=Path(home)))
        environment = {"AMENDS_HOME": home}
        print("loading the code location in a fresh process: heavy imports inside functions against at module level")
        ours, stock = [], []
        for _ in range(rounds):
            ours.append(child(["-c", OURS], env=environment))
            stock.append(child(["-c", STOCK], env=environment))
    mine, theirs = median(c.cpu for c in ours), median(c.cpu for c in stock)
    for name, runs in (("ours", ours), ("stock", stock)):
        print(f"  {name:<6} cpu {median(c.cpu for c in runs):6.2f} s  wall {median(c.wall for c in runs):6.2f} s")
    finish(
        "location", ratio(theirs, mine), guard=mine < LIMIT_CPU_SECONDS,
        cpu_s=mine, stock_cpu_s=theirs, wall_s=median(c.wall for c in ours), peak_mb=median(c.peak_mb for c in ours),
    )  # fmt: skip


if __name__ == "__main__":
    main()
