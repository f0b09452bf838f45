"""From a row's arrival to its case: the fast lane under the real daemon against the stock way of running the same work.

A small company goes through the whole loop once; its snapshot is then grown to 1,000,000 signals of 200,000 customers. In
two copies of that home two daemons run, each with its own code server: ours with the fast lane, and the stock way, a sensor
at its default of 30 seconds that asks for one run with multiprocess steps (`benchmarks/stock_lane.py`: the same SQL, models,
rules and ledger calls, so that only the orchestration differs). 500 complaints, each in a file of its own and each grave
enough for a case, arrive at random times at each, in turns (ours, stock, stock, ours, ...), so that neither waits for cores
the other's work has taken. A case counts when another process can read it from the ledger. Then our daemon is killed with
its code server while more rows arrive, and started again.

The batch sensors are stopped in both homes: a batch run would rebuild the snapshot from the small company.

Guard: p95 at most 10 s, at least 5 times faster than stock at p95, nothing lost or doubled, also over the kill.
Run: `python -m benchmarks.latency` (about 20 minutes; `--rows`, `--signals` and `--seconds` make it shorter).
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from benchmarks.harness import child, finish
from models.settings import ROOT, Settings, process_environment

MOST_P95, LEAST_RATIO = 10.0, 5.0
CUSTOMERS = 200_000
# Turns of each arm.
TURNS = 4
STOPPED = ("inbox_arrivals", "open_cases", "ledger_changed")
HEADINGS = (
    "complaint_id", "received_at", "customer_id", "channel", "product", "branch_id", "region", "category", "description",
    "status", "closed_at", "updated_at",
)  # fmt: skip


@dataclass
class Arm:
    """One home with its daemon; `sent` and `seen` are instants (seconds since 1970) by complaint."""

    name: str
    settings: Settings
    module: str
    sent: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the daemon, which starts its code server."""
        log = (self.settings.home / "daemon.log").open("ab")
        self.daemon = subprocess.Popen(
            [str(Path(sys.executable).with_name("dagster-daemon")), "run", "-m", self.module],
            env=environment(self.settings), cwd=self.settings.home, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip

    def kill(self) -> None:
        """End the daemon and its code server at once."""
        if self.daemon is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.daemon.pid, signal.SIGKILL)
            self.daemon.wait()
            self.daemon = None

    def send(self, key: str, customer: str, at: str) -> None:
        """One complaint arrives, whole, under its final name."""
        folder = self.settings.inbox / "complaints"
        folder.mkdir(parents=True, exist_ok=True)
        hidden = folder / f".{key}.csv"
        row = dict.fromkeys(HEADINGS, "") | {
            "complaint_id": key, "received_at": at, "updated_at": at, "customer_id": customer, "channel": "email",
            "product": "credit_card", "region": "midwest", "status": "open",
            "description": f"This is fraud: somebody used my card number {key[-4:]} and nobody answers.",
        }  # fmt: skip
        with hidden.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, HEADINGS)
            writer.writeheader()
            writer.writerow(row)
        hidden.rename(folder / f"{key}.csv")
        self.sent[key] = time.time()

    def look(self) -> None:
        """Note which complaints have a case by now."""
        for key in self.keys():
            if key in self.sent and key not in self.seen:
                self.seen[key] = time.time()

    def keys(self) -> list[str]:
        """Complaint of every trigger in the ledger, as another process reads it."""
        with contextlib.closing(sqlite3.connect(f"file:{self.settings.ledger_path}?mode=ro", uri=True)) as ledger:
            rows = ledger.execute("select lineage from cases_casetrigger where lineage like '%\"BENCH-%'").fetchall()
        return [json.loads(row[0])["source_key"] for row in rows]

    def delays(self) -> list[float]:
        """Seconds from arrival to case, of those that have one."""
        return [self.seen[key] - self.sent[key] for key in self.seen]

    def lost_and_doubled(self) -> tuple[int, int]:
        """Complaints without a trigger in the ledger, and triggers too many."""
        counts = Counter(self.keys())
        return sum(key not in counts for key in self.sent), sum(count - 1 for count in counts.values())


def environment(settings: Settings) -> dict[str, str]:
    """Of a process that works in this home."""
    return {
        **os.environ, **process_environment(settings), "AMENDS_HOME": str(settings.home), "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore",
    }  # fmt: skip


def history(folder: Path, signals: int) -> Path:
    """A home that has been through the loop, with a snapshot of so many signals."""
    home = folder / "base"
    given = os.environ.get("AMENDS_BENCH_HOME")
    if given:
        shutil.copytree(given, home)
    else:
        done = child(
            ["-m", "amends.cli", "demo", "--customers", "1000", "--weeks", "12"], env={"AMENDS_HOME": str(home)}
        )
        print(f"  the small company: {done.wall:.0f} s")
    grow(Settings(home=home), signals)
    return home


def grow(settings: Settings, signals: int) -> None:
    """Repeat signals and customers under other numbers until there are so many."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        own, known = settings.handoff / "fct_signal.parquet", settings.handoff / "dim_customer.parquet"
        (rows,) = connection.execute(f"select count(*) from '{own}'").fetchone() or (1,)
        (people,) = connection.execute(f"select count(*) from '{known}'").fetchone() or (1,)
        connection.execute(
            f"copy (select s.* replace (md5(s.signal_id || '-' || k) as signal_id, s.customer_id || '-' || k as customer_id) "
            f"from '{own}' s, range({-(-signals // rows)}) t(k) order by 1 limit {signals}) to '{own}.new' (format parquet)"
        )
        connection.execute(
            f"copy (select c.* replace (md5(c.customer_version_id || k) as customer_version_id, "
            f"c.customer_id || case when k = 0 then '' else '-' || k end as customer_id) "
            f"from '{known}' c, range({-(-CUSTOMERS // people)}) t(k) order by 2) to '{known}.new' (format parquet)"
        )
    for path in (own, known):
        Path(f"{path}.new").replace(path)


def quiet(settings: Settings) -> None:
    """Stop the sensors that would ask for a batch run."""
    for name in STOPPED:
        subprocess.run(
            [str(Path(sys.executable).with_name("dagster")), "sensor", "stop", name, "-m", "orchestration.definitions"],
            env=environment(settings), cwd=settings.home, check=True, capture_output=True,
        )  # fmt: skip


def customers_of(settings: Settings, count: int) -> list[str]:
    """Known customers, one for each complaint, so that each opens a case of its own."""
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute(
            "select distinct customer_id from read_parquet($file) order by md5(customer_id) limit $count",
            {"file": str(settings.handoff / "dim_customer.parquet"), "count": count},
        ).fetchall()
    return [str(row[0]) for row in rows]


def warm(arms: list[Arm], customers: Iterator[str], at: str, patience: float = 300.0) -> None:
    """One row each until both ways work; not counted."""
    for arm in arms:
        arm.send(f"BENCH-warm-{arm.name}", next(customers), at)
    until = time.time() + patience
    while any(not arm.seen for arm in arms):
        if time.time() > until:
            raise SystemExit(f"no case after {patience:.0f} s: see daemon.log")
        for arm in arms:
            arm.look()
        time.sleep(0.2)
    for arm in arms:
        arm.sent.clear()
        arm.seen.clear()


def arrive(arms: list[Arm], rows: int, seconds: float, customers: Iterator[str], at: str, *, first: int = 0) -> None:
    """Rows at random instants of so many seconds, the same instants at every arm; then wait for the last case."""
    dice = random.Random(11 + first)
    begun = time.time()
    due = sorted((begun + dice.uniform(0, seconds), number) for number in range(first, first + rows))
    next_look = 0.0
    patience = time.time() + seconds + 180
    while due or any(len(arm.seen) < len(arm.sent) for arm in arms):
        now = time.time()
        while due and due[0][0] <= now:
            _, number = due.pop(0)
            customer = next(customers)
            for arm in arms:
                arm.send(f"BENCH-{number:05d}", customer, at)
        if now >= next_look:
            for arm in arms:
                arm.look()
            next_look = time.time() + 0.1
        if now > patience:
            break
        time.sleep(0.01)


def newest(settings: Settings) -> str:
    """A local time the day before the newest signal: news, whatever moment the company stands at."""
    import duckdb

    with duckdb.connect() as connection:
        found = connection.execute(
            "select strftime(max(occurred_at) - interval 1 day, '%Y-%m-%d %H:%M:%S') from read_parquet($file)",
            {"file": str(settings.handoff / "fct_signal.parquet")},
        ).fetchone()
    return str(found[0]) if found else ""


def p(values: list[float], share: int) -> float:
    """A percentile of at least two values."""
    return quantiles(values, n=100)[share - 1] if len(values) > 1 else float("nan")


def measure(folder: Path, rows: int, seconds: float, signals: int) -> bool:
    """Run both arms and the kill; prints the closing line and says whether the guard held."""
    base = history(folder, signals)
    ours_home, stock_home = folder / "ours", folder / "stock"
    shutil.copytree(base, stock_home)
    base.rename(ours_home)
    ours = Arm("ours", Settings(home=ours_home), "orchestration.definitions")
    stock = Arm("stock", Settings(home=stock_home), "benchmarks.stock_lane")
    quiet(ours.settings)
    customers, at = iter(customers_of(ours.settings, 3 * rows + 100)), newest(ours.settings)
    try:
        for arm in (ours, stock):
            arm.start()
        warm([ours, stock], customers, at)
        for turn, arm in enumerate((ours, stock, stock, ours) * (TURNS // 2)):
            part = rows // TURNS
            arrive([arm], part, seconds / TURNS, customers, at, first=(turn // 2) * part)
        figures = {arm.name: arm.delays() for arm in (ours, stock)}
        stock.kill()
        killed = kill_during(ours, rows // 5, customers, at, first=rows)
    finally:
        for arm in (ours, stock):
            arm.kill()
    return told(ours, stock, figures, killed, signals)


def kill_during(arm: Arm, rows: int, customers: Iterator[str], at: str, *, first: int) -> int:
    """Three kills while rows arrive, each followed by a restart; returns the number of kills."""
    for number in range(3):
        part = rows // 3
        for row in range(part):
            arm.send(f"BENCH-{first + number * part + row:05d}", next(customers), at)
            time.sleep(0.05)
        arm.kill()
        arm.start()
    until = time.time() + 240
    while len(arm.seen) < len(arm.sent) and time.time() < until:
        arm.look()
        time.sleep(0.2)
    return 3


def told(ours: Arm, stock: Arm, figures: dict[str, list[float]], kills: int, signals: int) -> bool:
    """Print both arms and the closing line."""
    for name, delays in figures.items():
        print(
            f"  {name:<6} rows {len(delays):4d}  p50 {p(delays, 50):7.2f} s  p95 {p(delays, 95):7.2f} s  most {max(delays):7.2f} s"
        )
    lost, doubled = ours.lost_and_doubled()
    stock_lost, stock_doubled = stock.lost_and_doubled()
    mine, theirs = p(figures["ours"], 95), p(figures["stock"], 95)
    guard = mine <= MOST_P95 and theirs / mine >= LEAST_RATIO and not (lost or doubled)
    finish(
        "latency", theirs / mine, guard=guard, p50_s=p(figures["ours"], 50), p95_s=mine, most_s=max(figures["ours"]),
        stock_p50_s=p(figures["stock"], 50), stock_p95_s=theirs, rows=len(figures["ours"]), signals=signals, kills=kills,
        lost=lost, doubled=doubled, stock_lost=stock_lost, stock_doubled=stock_doubled,
    )  # fmt: skip
    return guard


def main() -> None:
    """Measure in a folder that is removed afterwards."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=420.0)
    parser.add_argument("--signals", type=int, default=1_000_000)
    options = parser.parse_args()
    print(f"{options.rows} rows at random times of {options.seconds:.0f} s, beside {options.signals:,} signals")
    with tempfile.TemporaryDirectory(prefix="amends-latency-") as folder:
        measure(Path(folder), options.rows, options.seconds, options.signals)


if __name__ == "__main__":
    main()
