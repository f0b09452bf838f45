"""The demo after installation: 4,000 customers over 26 weeks through the whole loop, and a second run over the same data.

There is no stock way to compare with; the ratio is first run against second run, that is: what knowing that nothing is
new saves. Claim and guard: the demo ends well under 4 minutes on 2 cores and under 4 GB.
"""

from __future__ import annotations

import tempfile

from benchmarks.harness import child, finish, ratio

LIMIT_SECONDS, LIMIT_MB = 240.0, 4096.0
COMMAND = ["-m", "amends.cli"]


def main() -> None:
    """Run `amends demo` in a new home, then `amends run`."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"AMENDS_HOME": home}
        first = child([*COMMAND, "demo"], env=environment)
        second = child([*COMMAND, "run"], env=environment)
    print("amends demo in a new home, then amends run with nothing new")
    print(f"  demo   cpu {first.cpu:7.1f} s  wall {first.wall:7.1f} s  peak {first.peak_mb:7.0f} MB")
    print(f"  again  cpu {second.cpu:7.1f} s  wall {second.wall:7.1f} s  peak {second.peak_mb:7.0f} MB")
    finish(
        "demo", ratio(first.cpu, second.cpu), guard=first.wall < LIMIT_SECONDS and first.peak_mb < LIMIT_MB,
        wall_s=first.wall, cpu_s=first.cpu, peak_mb=first.peak_mb, again_wall_s=second.wall,
    )  # fmt: skip


if __name__ == "__main__":
    main()
