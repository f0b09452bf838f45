"""Entry point of the loop for other processes: `python -m orchestration.run [--refit]`, one JSON event per line.

Nothing imports orchestration, so the command line starts this and reads its lines. Whatever else would be printed
(dbt's log, Dagster's log) goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys

from orchestration.loop import LoopFailed, run_loop


def main(arguments: list[str]) -> int:
    """Run the loop once; 0 when every stage finished, 1 when one failed (its event says why)."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as out:
        os.dup2(2, 1)
        try:
            for event in run_loop(refit="--refit" in arguments):
                out.write(json.dumps(event.as_dict()) + "\n")
        except LoopFailed as failure:
            out.write(json.dumps({"stage": "loop", "status": "failed", "note": str(failure), "seconds": 0.0}) + "\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
