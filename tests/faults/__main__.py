"""`python -m tests.faults`: one line per fault, then the total; exit code 1 unless ours lost and doubled nothing and
the naive control did.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

from cases import conf
from models.settings import Settings

LEAST_KILLS = 200


def main() -> int:
    """Run every fault and print what it came to. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Kill, fill up, repeat, and count.")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--kills", type=int, default=8, help="kills per crash point")
    options = parser.parse_args()
    print(f"seed={options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="amends-faults-") as folder:
        return run(Path(folder), seed=options.seed, kills=options.kills)


def run(folder: Path, *, seed: int, kills: int) -> int:
    """All faults in one folder."""
    # Tables can only be imported once Django knows of a ledger; each fault names its own.
    conf.setup(Settings(home=folder / "nowhere"))
    from tests.faults import deliveries, media, naive, races
    from tests.faults.arena import Arena
    from tests.faults.jobs import crash_points
    from tests.faults.kills import at_point
    from tests.faults.tally import Score

    started = time.perf_counter()
    arena = Arena(folder, seed)
    total, is_ok = Score(), True

    def tell(name: str, fault: Callable[[], Score]) -> Score:
        nonlocal is_ok
        already = len(arena.recoveries)
        score = fault()
        if recovered := arena.recoveries[already:]:
            score.told["recover_p95"] = f"{_p95(recovered):.2f}s"
        print(score.line(name), flush=True)
        is_ok = is_ok and score.ok
        total.add(score)
        return score

    points = crash_points()
    hit = sum(tell(point, lambda point=point: at_point(arena, point, kills=kills)).kills > 0 for point in points)
    tell("racing_openers", lambda: races.racing_openers(arena, kills=30))
    tell("many_editors", lambda: races.many_editors(arena))
    tell("disk_full", lambda: media.disk_full(arena))
    tell("restored_backup", lambda: media.restored_backup(arena))
    for fault in (
        deliveries.duplicate_delivery,
        deliveries.replay,
        deliveries.cut_elsewhere,
        deliveries.shuffled_increments,
    ):
        tell(fault.__name__, lambda fault=fault: fault(arena))

    controls = {school: naive.control(arena, retries=school == "retries") for school in ("retries", "gives_up")}
    for school, score in controls.items():
        print(score.line(f"control_naive_{school}"), flush=True)
    naive_dup, naive_lost = controls["retries"].dup, controls["gives_up"].lost
    is_ok = is_ok and hit == len(points) and total.kills >= LEAST_KILLS and naive_dup > 0 and naive_lost > 0
    print(
        f"total kills={total.kills} crash_points={hit}/{len(points)} expected={total.expected} got={total.got} "
        f"dup={total.dup} lost={total.lost} naive_dup={naive_dup} naive_lost={naive_lost} "
        f"recover_p95={_p95(arena.recoveries):.2f}s seconds={time.perf_counter() - started:.0f} "
        f"{'ok' if is_ok else 'FAILED'}",
        flush=True,
    )
    return 0 if is_ok else 1


def _p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]


if __name__ == "__main__":
    sys.exit(main())
