"""`python -m benchmarks` names every benchmark, one a line; `make bench` runs them all."""

from __future__ import annotations

from pathlib import Path

# What ends with a closing line is a benchmark; the rest of the folder helps one.
for path in sorted(Path(__file__).parent.glob("*.py")):
    if path.stem not in ("__main__", "harness") and "finish(" in path.read_text(encoding="utf-8"):
        print(path.stem)
