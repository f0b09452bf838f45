"""What recovery saved, held against truth, published figures, other people's implementations and other people's budgets.

Five parts, each runnable alone (`--part`):
worlds  200 seeded worlds of the synthetic bank (`--worlds`), seen as the company would see them. Revenue saved: net margin over
        90 days of the treated with overlap against nothing done; truth on the same attempts. Our bias is to be at most a tenth
        of the naive difference's, and the 95 % interval to hold the truth in 93 to 97 % of worlds; so for every playbook, too.
cfpb    Relief and disputes on the bureau's published outcomes, where at hand; observational.
oracle  The same scores as EconML and DoubleML to three decimals, live where `AMENDS_ORACLE_PYTHON` names a python that has
        them (they cannot be installed beside dbt), else against their stored answers.
ihdp    Individual effects on the IHDP files, or on made tables of their kind: in-sample root PEHE, CPU a table.
scale   A million cases (`--cases`) in a child process: CPU, peak memory, and the ratio against EconML's LinearDRLearner on the
        same work, or, without it, against scikit-learn's own models fitted the plain way.

`ratio` is naive bias over ours for revenue saved; as ours is near zero that is mostly luck, so `ratio_at_least` takes the far
end of our bias's own 95 % interval. Run: `python -m benchmarks.effect` (two to four minutes).
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpora import data_folder
from benchmarks.harness import cpu_seconds, finish

Floats = NDArray[np.float64]
Figures = dict[str, Any]

PARTS = ("worlds", "cfpb", "oracle", "ihdp", "scale")
MOST_BIAS, COVERS = 0.1, (0.93, 0.97)
MOST_PEHE, MOST_CPU = 0.9, 2.0
_CUSTOMERS, _WEEKS = 8_000, 26


def worlds(count: int) -> tuple[bool, Figures]:
    """Bias and coverage over seeded worlds, all playbooks together and each alone."""
    from benchmarks.effect_worlds import seen_world
    from ml.recovery.attempts import MONEY, TOGETHER, together
    from ml.recovery.effect import Effect, effect

    told: dict[str, list[tuple[float, ...]]] = {}

    def note(found: Effect, gain: Floats) -> None:
        about = ~np.isnan(found.per_case)
        if found.reason is None:
            truth = float(gain[about].mean())
            held = found.low <= truth <= found.high, found.naive_low <= truth <= found.naive_high
            told.setdefault(found.arm, []).append((truth, found.point - truth, found.naive - truth, *map(float, held)))

    before = cpu_seconds()
    for seed in range(count):
        seen = seen_world(seed, customers=_CUSTOMERS, weeks=_WEEKS)
        attempts, without = seen.attempts, seen.potential[:, 0]
        lived = seen.potential[np.arange(len(attempts)), attempts.arm]
        note(effect(together(attempts), MONEY, TOGETHER), lived - without)
        for place, arm in enumerate(attempts.arms[1:], start=1):
            note(effect(attempts, MONEY, arm), seen.potential[:, place] - without)
    spent = (cpu_seconds() - before) / count
    print(f"  {count} worlds of {_CUSTOMERS:,} customers, {spent:.2f} CPU-s each; US dollars an attempt")
    for arm, rows in told.items():
        _world_line(arm, np.asarray(rows))
    rows = np.asarray(told[TOGETHER])
    bias, naive, covers, naive_covers = rows[:, 1].mean(), rows[:, 2].mean(), rows[:, 3].mean(), rows[:, 4].mean()
    arms = np.concatenate([np.asarray(each)[:, 3] for arm, each in told.items() if arm != TOGETHER])
    error = rows[:, 1].std(ddof=1) / np.sqrt(len(rows))
    guard = abs(bias) <= MOST_BIAS * abs(naive) and _in(covers, count)
    return guard, {
        "worlds": count, "bias_usd": float(bias), "bias_se": float(error),
        "ratio_at_least": float(abs(naive) / (abs(bias) + 1.96 * error)), "naive_bias_usd": float(naive),
        "covers": float(covers), "naive_covers": float(naive_covers), "playbook_covers": float(arms.mean()),
    }  # fmt: skip


def _in(covers: float, count: int) -> bool:
    """Within the stated band; with fewer than 200 worlds chance alone leaves it, so two standard errors are allowed."""
    slack = 0.0 if count >= 200 else 2 * np.sqrt(0.05 * 0.95 / count)
    return bool(COVERS[0] - slack <= covers <= COVERS[1] + slack)


def _world_line(arm: str, rows: Floats) -> None:
    truth, bias, naive, held, naive_held = rows.mean(axis=0)
    error = rows[:, 1].std(ddof=1) / np.sqrt(len(rows))
    print(f"  {arm:<13} truth {truth:8.2f}  bias {bias:6.2f} (se {error:4.2f})  covers {held:6.1%}   "
          f"naive bias {naive:7.2f}  covers {naive_held:6.1%}   ({len(rows)} worlds)")  # fmt: skip


def cfpb(folder: Path) -> tuple[bool, Figures]:
    """Relief against an explanation; agrees with plain stratification of the same file, and with the published figures."""
    from benchmarks.effect_cfpb import relief

    files = sorted((folder / "cfpb").glob("cfpb_outcomes*.parquet"))
    if not files:
        print("  the bureau's outcomes are not at hand: skipped")
        return True, {}
    figures: Figures = {}
    guard = True
    for found in relief(files[0]):
        ours = found.ours
        print(
            f"  {found.name:<13} observational: {100 * ours.point:6.2f} points ({100 * ours.low:.2f} to {100 * ours.high:.2f}), "
            f"stratified {found.stratified:6.2f}, naive {100 * ours.naive:6.2f}; {ours.n_treated:,} complaints"
        )
        guard &= found.agrees
        figures[f"cfpb_{found.name}"] = 100 * ours.point
    return guard, figures


def oracle() -> tuple[bool, Figures]:
    """Largest distance from EconML and DoubleML on the fixture."""
    from benchmarks.effect_oracle_check import distances, fixture

    found, is_live = fixture()
    apart = distances(found)
    for name, distance in apart.items():
        print(f"  {name:<24} {distance:.1e} apart {'(live)' if is_live else '(stored)'}")
    worst = max(apart.values())
    return worst < 5e-4, {"oracle_apart": worst, "oracle_live": int(is_live)}


def ihdp(folder: Path) -> tuple[bool, Figures]:
    """In-sample root PEHE of individual effects, table by table."""
    from benchmarks.effect_ihdp import made, realisations
    from ml.recovery.individual import individual_effects

    tables = realisations(folder / "ihdp")
    warm = made(99)
    # Importing the learners costs a second, once; it is no table's.
    individual_effects(warm.covariates, warm.treated, warm.outcome)
    misses, spent = [], []
    for table in tables:
        before = cpu_seconds()
        found = individual_effects(table.covariates, table.treated, table.outcome)
        spent.append(cpu_seconds() - before)
        misses.append(float(np.sqrt(np.mean((found.effect - table.effect) ** 2))))
    mean, kind = float(np.mean(misses)), "made" if tables[0].name.startswith("made") else "published"
    print(f"  {len(tables)} {kind} tables: root PEHE mean {mean:.3f}, median {np.median(misses):.3f}, worst {max(misses):.2f}; "
          f"{np.mean(spent):.2f} CPU-s each, most {max(spent):.2f}")  # fmt: skip
    figures = {
        "pehe": mean,
        "pehe_median": float(np.median(misses)),
        "pehe_cpu_s": float(np.mean(spent)),
        "pehe_tables": kind,
    }
    return mean <= MOST_PEHE and max(spent) <= MOST_CPU, figures


def scale(cases: int) -> tuple[bool, Figures]:
    """Minutes and memory for so many cases, and how many times less than the other way."""
    from benchmarks.effect_scale import compare

    ours, other, name = compare(cases)
    print(f"  {cases:,} cases: ours {ours.cpu:.0f} CPU-s, {ours.wall:.0f} s, peak {ours.peak_mb:,.0f} MB; "
          f"{name} {other.cpu:.0f} CPU-s, {other.wall:.0f} s, peak {other.peak_mb:,.0f} MB")  # fmt: skip
    return ours.wall < 600, {
        "cases": cases, "scale_cpu_s": ours.cpu, "scale_mb": ours.peak_mb, "scale_ratio": other.cpu / ours.cpu, "scale_other": name,
    }  # fmt: skip


def main() -> None:
    """Run the parts asked for and print the closing line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=data_folder())
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    runs = {
        "worlds": lambda: worlds(options.worlds), "cfpb": lambda: cfpb(options.data), "oracle": oracle,
        "ihdp": lambda: ihdp(options.data), "scale": lambda: scale(options.cases),
    }  # fmt: skip
    guard, figures = True, Figures()
    for part in options.part or PARTS:
        print(part, flush=True)
        holds, found = runs[part]()
        print(f"  {'holds' if holds else 'DOES NOT HOLD'}", flush=True)
        guard, figures = guard and holds, figures | found
    ratio = abs(figures["naive_bias_usd"] / figures["bias_usd"]) if "bias_usd" in figures else 1.0
    finish("effect", float(ratio), guard=guard, **figures)


if __name__ == "__main__":
    main()
