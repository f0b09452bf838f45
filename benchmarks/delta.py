"""The delta path with nothing new: ours against the stock way, which materialises every asset again.

Both run the same small company in process, in fresh processes of their own. Ours compares fingerprints and skips; the
stock way forgets that the stages had finished (their watermarks are removed before each run). Claim: under 10 CPU-seconds
with nothing new. Guard: that limit, and the published hashes are the same after every run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.harness import Child, child, finish, ratio
from models.settings import ROOT, Settings
from publishing.hashes import hashes
from world.build import build_world

LIMIT_CPU_SECONDS = 10.0


def main(rounds: int = 3) -> None:
    """Prepare a company, then alternate runs with nothing new."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home")
        _prepare(settings, Path(folder) / "world")
        before = hashes(settings.published)
        ours, stock, same = [], [], True
        for _ in range(rounds):
            ours.append(_loop(settings))
            same = same and hashes(settings.published) == before
            shutil.rmtree(settings.state)
            stock.append(_loop(settings))
            same = same and hashes(settings.published) == before
    mine, theirs = median(c.cpu for c in ours), median(c.cpu for c in stock)
    print("one loop with nothing new: skipping what has nothing new against making every asset again")
    for name, runs in (("ours", ours), ("stock", stock)):
        print(f"  {name:<6} cpu {median(c.cpu for c in runs):6.2f} s  wall {median(c.wall for c in runs):6.2f} s")
    finish(
        "delta", ratio(theirs, mine), guard=same and mine < LIMIT_CPU_SECONDS,
        cpu_s=mine, stock_cpu_s=theirs, wall_s=median(c.wall for c in ours), same_hashes=same,
    )  # fmt: skip


def _prepare(settings: Settings, world: Path) -> None:
    build_world(company="bank", customers=1000, weeks=20, seed=7, out=world)
    shutil.copytree(world / "sources", settings.inbox)
    command = [str(Path(sys.executable).with_name("amends")), "run", "--json"]
    subprocess.run(command, env={**os.environ, **_environment(settings)}, check=True, stdout=subprocess.DEVNULL)


def _loop(settings: Settings) -> Child:
    return child(["-m", "orchestration.run"], env=_environment(settings))


def _environment(settings: Settings) -> dict[str, str]:
    from amends.home import apply_environment

    return {**apply_environment(settings), "PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    main()
