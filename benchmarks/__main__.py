"""`python -m benchmarks` names every benchmark, one a line; `make bench` runs them all."""

from __future__ import annotations

from pathlib import Path

NOT_BENCHMARKS = {"__init__", "__main__", "corpora", "harness"}

for path in sorted(Path(__file__).parent.glob("*.py")):
    if path.stem not in NOT_BENCHMARKS:
        print(path.stem)
