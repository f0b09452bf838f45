"""Opening cases in batches against one transaction per case, over 200,000 triggers of which 30 % are duplicates.

The mix, in time order: 70 of 100 triggers open a case; 20 come a second time (the same trigger id, as an overlapping or
repeated delivery brings them); 10 are new ones about a customer and cause whose case is open, at most five days old (they
are attached). Ours: `cases.services.open_cases` in batches of 40,000. Stock: the same call for every trigger of a sample by
itself, so one durable transaction each, on the same kind of ledger: SQLite in WAL mode with `synchronous=FULL`. A third arm
opens a tenth as an installation does: routed, under targets, with a recommended playbook and a word to the team.

Guard: as many cases as there are episodes, the chain verifies, a replay opens none, at least 10,000 cases per CPU second
and a ratio of at least 20. Wall time is printed too, but this machine may be shared. Run: `python -m benchmarks.open_cases`.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import finish, interleave, ratio

if TYPE_CHECKING:
    from models.facts import TriggerFact
    from models.settings import Settings

TRIGGERS = 200_000
# A bulk load: each batch is one durable commit and holds the write lock for some seconds. The sensor hands over half as much.
BATCH = 40_000
# Of a hundred triggers so many come a second time, and so many are more about an open case, among the last few thousand.
AGAIN, MORE, RECENT = 20, 10, 5_000
START = datetime(2026, 1, 5, tzinfo=UTC)
NOW = datetime(2026, 12, 31, tzinfo=UTC)
LEAST_PER_CPU_SECOND = 10_000
LEAST_RATIO = 20


def facts(count: int) -> list[TriggerFact]:
    """The mix described above, from a fixed seed; every trigger about one ticket, with evidence and lineage."""
    dice = random.Random(7)
    found: list[TriggerFact] = []
    for number in range(count):
        kind = dice.choices(("new", "again", "more"), (100 - AGAIN - MORE, AGAIN, MORE))[0] if number else "new"
        recent = found[dice.randrange(max(0, number - RECENT), number)] if number else None
        if recent is None or kind == "new":
            found.append(_trigger(number, f"C{number:07d}"))
        else:
            found.append(recent if kind == "again" else _trigger(number, recent.subject_id))
    return found


def _trigger(number: int, customer: str) -> TriggerFact:
    from models.facts import TriggerFact

    return TriggerFact(
        trigger_id=f"T{number:024d}", rule_id="detractor", rule_hash="a1b2c3d4e5f6", kind="recovery",
        subject_type="customer", subject_id=customer, severity=3, occurred_at=START + timedelta(seconds=90 * number),
        signal_id=f"S{number:024d}", customer_id=customer, journey="pay", cause_id="fee_dispute", value_usd=1234.5,
        segment="mass", region="north", branch_id="B001", source="zendesk", dedupe_days=0,
        evidence='{"nps":3,"text":"long words"}', subject_refs=(("ticket", f"K{number}"),),
        lineage={"signal_id": f"S{number:024d}", "source": "zendesk", "entity": "ticket", "source_key": f"K{number}",
                 "source_file": "tickets.csv", "line": number, "row_hash": "0123456789abcdef", "batch_id": 1,
                 "model_id": None, "topic_model_id": None, "rule_hash": "a1b2c3d4e5f6", "dagster_run_id": None},
    )  # fmt: skip


@dataclass
class Bench:
    """New ledgers for every run, copied from one that was migrated before anything is measured."""

    folder: Path
    made: int = 0

    def __post_init__(self) -> None:
        from django.db import connections

        from cases import services
        from casework.engine import start
        from models.settings import Settings

        self.template = Settings(home=self.folder / "template", programme="bank")
        services.migrate(self.template)
        self.engine = start(self.template, at=NOW)
        connections.close_all()

    def ledger(self) -> Settings:
        """An empty ledger with a programme in force, in use."""
        from cases import conf
        from models.settings import Settings

        self.made += 1
        settings = Settings(home=self.folder / f"ledger-{self.made}", programme="bank")
        settings.home.mkdir()
        shutil.copy(self.template.ledger_path, settings.ledger_path)
        conf.setup(settings)
        return settings

    def batches(self, triggers: list[TriggerFact]) -> Settings:
        """Ours; the ledger it made."""
        from cases import services

        settings = self.ledger()
        services.open_cases(triggers, recorded_at=NOW, batch_size=BATCH)
        return settings

    def one_by_one(self, triggers: list[TriggerFact]) -> int:
        """Stock: a durable transaction for every trigger; how many cases."""
        from cases import services

        self.ledger()
        return sum(services.open_cases([trigger], recorded_at=NOW).opened for trigger in triggers)

    def as_installed(self, triggers: list[TriggerFact]) -> int:
        """With routing, SLA, recommendation and the first word to the team; how many cases."""
        from casework.opening import open_with

        settings = self.ledger()
        return open_with(replace(self.engine, settings=settings), triggers, ()).opened


def main() -> None:
    """Measure, print, and end with the closing line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--triggers", type=int, default=TRIGGERS)
    parser.add_argument("--sample", type=int, default=2_000, help="triggers opened one by one")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(__doc__)
    with tempfile.TemporaryDirectory(prefix="amends-bench-") as folder:
        compare(Bench(Path(folder)), options.triggers, options.sample, options.rounds)


def compare(bench: Bench, count: int, sample: int, rounds: int) -> None:
    """Measure all arms on the same facts and print the outcome."""
    triggers = facts(count)
    few, some = triggers[:sample], triggers[: count // 10]
    runs = interleave(
        {
            "batches": lambda: bench.batches(triggers),
            "one by one": lambda: bench.one_by_one(few),
            "installed": lambda: bench.as_installed(some),
        },
        rounds=rounds, warm_up=0,
    )  # fmt: skip
    for arm in runs.values():
        print(arm.line(), flush=True)
    cases = {"batches": episodes(triggers), "one by one": episodes(few), "installed": episodes(some)}
    rates = {arm: (cases[arm] / runs[arm].least_cpu, cases[arm] / runs[arm].wall) for arm in runs}
    for arm, (per_cpu, per_wall) in rates.items():
        print(f"  {arm:<12} {per_cpu:10,.0f} cases per CPU second  {per_wall:10,.0f} per wall second")
    faults = check(runs["batches"].result, triggers)
    print("\n".join(f"  FAULT {fault}" for fault in faults))
    per_case = {arm: (runs[arm].cpu / cases[arm], runs[arm].wall / cases[arm]) for arm in runs}
    cpu_ratio = ratio(per_case["one by one"][0], per_case["batches"][0])
    wall_ratio = ratio(per_case["one by one"][1], per_case["batches"][1])
    fast = rates["batches"][0] >= LEAST_PER_CPU_SECOND
    finish("open_cases", cpu_ratio, guard=not faults and fast and cpu_ratio >= LEAST_RATIO, triggers=count,
           cases=cases["batches"], cases_per_cpu_s=rates["batches"][0], cases_per_wall_s=rates["batches"][1],
           one_by_one_per_cpu_s=rates["one by one"][0], one_by_one_per_wall_s=rates["one by one"][1],
           wall_ratio=wall_ratio, installed_per_cpu_s=rates["installed"][0], faults=len(faults))  # fmt: skip


def episodes(triggers: list[TriggerFact]) -> int:
    """Cases there should be, counted without the ledger."""
    return len({trigger.episode_key for trigger in triggers})


def check(settings: Settings, triggers: list[TriggerFact]) -> list[str]:
    """What is wrong with the ledger the last run left."""
    from cases import conf, services

    conf.setup(settings)
    counts, chain = services.counts(), services.verify_chain()
    again = services.open_cases(triggers, recorded_at=NOW, batch_size=BATCH)
    faults = list(chain.problems)
    if counts.cases != episodes(triggers):
        faults.append(f"{counts.cases} cases of {episodes(triggers)} episodes")
    if counts.triggers != len({trigger.trigger_id for trigger in triggers}):
        faults.append(f"{counts.triggers} triggers are held")
    if (again.opened, again.attached) != (0, 0):
        faults.append(f"a replay opened {again.opened} and attached {again.attached}")
    return faults


if __name__ == "__main__":
    main()
