"""What every benchmark shares: interleaved runs, CPU and wall time, peak memory, the closing line.

Belongs here: measuring. Not here: what is measured, or any judgement of it but the guard's verdict.

Arms are run in turns in one process (A B, B A, A B, ...), so that a busy machine or a warming cache hurts both alike.
CPU seconds count this process and every child it waited for; the machine may be shared, so CPU is the figure to quote
and wall time only accompanies it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Usage:
    """One run: CPU seconds (user and system, children included), wall seconds, and what the run returned."""

    cpu: float
    wall: float
    result: Any = None


@dataclass(frozen=True)
class Runs:
    """All measured runs of one arm; times in seconds."""

    name: str
    usages: tuple[Usage, ...]

    @property
    def cpu(self) -> float:
        """Median CPU seconds."""
        return median(usage.cpu for usage in self.usages)

    @property
    def least_cpu(self) -> float:
        """Least CPU seconds, the run least disturbed by others."""
        return min(usage.cpu for usage in self.usages)

    @property
    def wall(self) -> float:
        """Median wall seconds."""
        return median(usage.wall for usage in self.usages)

    @property
    def result(self) -> Any:
        """What the last run returned."""
        return self.usages[-1].result

    def line(self) -> str:
        """One line for a person."""
        return (
            f"  {self.name:<12} cpu median {self.cpu:8.3f} s  least {self.least_cpu:8.3f} s  "
            f"wall median {self.wall:8.3f} s  ({len(self.usages)} runs)"
        )


def cpu_seconds() -> float:
    """CPU seconds used so far by this process and the children it has waited for."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def measure(run: Callable[[], Any]) -> Usage:
    """Run once and say what it took."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    result = run()
    return Usage(cpu_seconds() - cpu, time.perf_counter() - wall, result)


def interleave(arms: Mapping[str, Callable[[], Any]], *, rounds: int = 5, warm_up: int = 1) -> dict[str, Runs]:
    """Run the arms in turns, every second round in reverse order, after `warm_up` unmeasured rounds."""
    for _ in range(warm_up):
        for run in arms.values():
            run()
    usages: dict[str, list[Usage]] = {name: [] for name in arms}
    for number in range(rounds):
        for name in list(arms) if number % 2 == 0 else list(arms)[::-1]:
            usages[name].append(measure(arms[name]))
    return {name: Runs(name, tuple(measured)) for name, measured in usages.items()}


@dataclass(frozen=True)
class Child:
    """One finished child process: CPU and wall seconds, peak resident memory in MB."""

    cpu: float
    wall: float
    peak_mb: float


# A process starts with its parent's peak until it replaces itself, so a small parent in between does the measuring.
_LAUNCHER = """
import json, os, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, code]))
"""


def child(arguments: Sequence[str], *, env: Mapping[str, str] | None = None) -> Child:
    """Run `python <arguments>` with its output hidden and say what it took. Raises `CalledProcessError` if it failed."""
    started = time.perf_counter()
    command = [sys.executable, "-S", "-c", _LAUNCHER, sys.executable, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    cpu, peak_mb, code = json.loads(done.stdout)
    if code:
        raise subprocess.CalledProcessError(code, list(arguments))
    return Child(cpu, time.perf_counter() - started, peak_mb)


def ratio(stock: float, ours: float) -> float:
    """How many times less ours takes than stock (above 1: ours is cheaper)."""
    return stock / ours if ours else float("inf")


def closing_line(name: str, value: float, *, guard: bool, **figures: Any) -> str:
    """`<name> ratio=<x> guard=pass|fail <figures>`; floats with four digits, spaces in texts become underscores."""
    told = [f"{key}={_figure(figure)}" for key, figure in figures.items()]
    return " ".join([name, f"ratio={_figure(value)}", f"guard={'pass' if guard else 'fail'}", *told])


def finish(name: str, value: float, *, guard: bool, **figures: Any) -> None:
    """Print the closing line and end the process: with 0 if the guard passed, else with 1."""
    print(closing_line(name, value, guard=guard, **figures), flush=True)
    raise SystemExit(0 if guard else 1)


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace(" ", "_")
