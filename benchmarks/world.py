"""The world's column-wise writing against a straightforward row-at-a-time generator, for the same complaint log.

Ours: `write_complaints` for a bank of 20,000 customers (texts, labels, spans of planted personal data, monthly files,
updated versions). Stock: a loop that makes each complaint of 2,000 customers with `random.choice` over the same phrases
and writes it with the csv module, with the same columns and the same planted values; it keeps no versions and plants no
faults, so it does less per row. Both are divided by the rows they wrote. Guard: the same seed gives the same bytes, row
counts lie within bounds, and fewer than one text in ten is an exact copy. Run: `python -m benchmarks.world`.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.harness import child, finish, interleave, ratio
from world.build import build_world, draw_scene
from world.clock import horizon
from world.config import COMPANIES, RATES
from world.exports.complaints import LAYOUT, write_complaints
from world.phrases import bank_en, people_en, shared
from world.phrases.names import FIRST, LAST
from world.scene import Scene
from world.truth import TruthStore

WEEKS = 26
SIZES = (20_000, 60_000)
START = date(2026, 1, 5)
CARRIERS = ("carrier_email", "carrier_phone", "carrier_card", "carrier_name")
SIZED = (
    "import sys; from pathlib import Path; from world.build import build_world; "
    "build_world(company='bank', customers=int(sys.argv[1]), weeks=26, seed=3, out=Path(sys.argv[2]))"
)


def ours(scene: Scene, folder: Path) -> int:
    """Rows written by the world's own writer."""
    with TruthStore(folder / "truth") as truth:
        return sum(write_complaints(scene, folder, truth).values())


def stock(customers: int, path: Path) -> int:
    """Rows written one at a time."""
    rng = random.Random(3)
    causes = {**people_en.CAUSES, **bank_en.CAUSES}
    spans = []
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(LAYOUT.columns)
        rows = int(customers * WEEKS * 0.0245)
        for number in range(rows):
            cause = rng.choice(list(causes))
            text, found = _text(causes, cause, rng)
            spans += [(number, *span) for span in found]
            at = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=rng.randrange(WEEKS * 7 * 86_400))
            closed = at + timedelta(hours=rng.lognormvariate(3, 1))
            code = f"{cause[:3].upper()}-0{rng.randint(1, 2)}" if rng.random() < RATES.category_known else ""
            writer.writerow(
                [
                    f"CMP-{number:07d}",
                    f"{at:%Y-%m-%d %H:%M:%S}",
                    f"CU{rng.randrange(customers):08d}",
                    rng.choice(["phone", "email", "web"]),
                    "savings",
                    f"BR{rng.randrange(30):03d}",
                    "west",
                    code,
                    text,
                    "closed",
                    f"{closed:%Y-%m-%d %H:%M:%S}",
                    f"{closed:%Y-%m-%d %H:%M:%S}",
                ]
            )
    return rows


def _text(causes: dict[str, dict[str, str]], cause: str, rng: random.Random) -> tuple[str, list[tuple[int, int]]]:
    """One text and the spans planted in it."""
    parts = [_line(shared.EN["opener"], rng)] if rng.random() < 0.72 else []
    parts.append(_line(causes[cause]["core"], rng) + rng.choice([".", "!", "..."]))
    parts += [_line(causes[cause]["detail"], rng)] if rng.random() < 0.75 else []
    if rng.random() < RATES.multi_issue_share:
        parts += [_line(shared.EN["link"], rng), _line(causes[rng.choice(list(causes))]["core"], rng) + "."]
    found = []
    if rng.random() < RATES.pii_share:
        before, value, after = _planted(rng)
        start = len(" ".join([*parts, before]))
        found.append((start, start + len(value)))
        parts.append(before + value + after)
    parts += [
        _line(shared.EN[name], rng)
        for name, chance in (("consequence", 0.72), ("ask", 0.66), ("closer", 0.6))
        if rng.random() < chance
    ]
    if rng.random() < RATES.typo_share:
        parts[0] = _misspell(parts[0], rng)
    return " ".join(parts), found


def _misspell(text: str, rng: random.Random) -> str:
    for right, wrong in shared.MISSPELLINGS:
        text = text.replace(right, wrong) if rng.random() < 0.22 else text
    at = rng.randrange(max(len(text) - 1, 1))
    return text[:at] + text[at + 1 :]


def _line(table: str, rng: random.Random) -> str:
    line = rng.choice(table.split("\n"))
    fillings = {
        "amount": f"${rng.uniform(3, 900):.2f}",
        "days": rng.choice(shared.DAYS["en"].split("\n")),
        "hours": "two hours",
        "place": "Boston",
        "when": rng.choice(shared.WHEN["en"].split("\n")),
        "n": str(rng.randint(2, 12)),
        "topic": "it",
    }
    return line.format(**fillings) if "{" in line else line


def _planted(rng: random.Random) -> tuple[str, str, str]:
    name = rng.choice(CARRIERS)
    person = f"{rng.choice(FIRST['en'])} {rng.choice(LAST['en'])}"
    digits = "".join(str(rng.randrange(10)) for _ in range(16))
    value = {
        "carrier_email": f"{person.replace(' ', '.').lower()}@example.com",
        "carrier_phone": f"+1 617-{digits[:3]}-{digits[:4]}",
    }.get(name)
    before, _, after = rng.choice(shared.EN[name].split("\n")).partition("{value}")
    return before, value or (digits if name == "carrier_card" else person), after


def digest(folder: Path) -> str:
    """One hash over all files of a world."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


def guards(folder: Path) -> dict[str, bool]:
    """Whether worlds repeat byte for byte, have the expected volumes, and say things in enough ways."""
    built = [build_world(company="bank", customers=4000, weeks=WEEKS, seed=3, out=folder / name) for name in ("a", "b")]
    rows = built[0].entity_rows()
    texts: dict[str, str] = {}
    for path in sorted((folder / "a" / "sources" / "complaints").glob("*.csv")):
        with path.open(encoding="utf-8", errors="replace", newline="") as handle:
            rows_read = csv.reader(line.replace("\0", "") for line in handle)
            texts |= {row[0]: row[8] for row in rows_read if len(row) == len(LAYOUT.columns) and "-F" not in row[0]}
    copies = 1 - len(set(texts.values())) / max(len(texts), 1)
    return {
        "same_bytes": digest(folder / "a") == digest(folder / "b"),
        "volumes": 2500 <= rows["complaints__complaint"] <= 4200 and 20_000 <= rows["billing__order"] <= 34_000,
        "varied": len(texts) > 2000 and copies < 0.10,
    }


def main() -> None:
    """Compare, check, and print the closing line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(__doc__)
    company = COMPANIES["bank"]
    scene = draw_scene(company, options.customers, horizon(START, WEEKS, company.timezone), 3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = interleave(
            {"ours": lambda: ours(scene, folder / "ours"), "stock": lambda: stock(2000, folder / "stock.csv")},
            rounds=options.rounds,
        )
        for run in runs.values():
            print(run.line(), f"{run.result} rows, {1e6 * run.cpu / run.result:.1f} us a row")
        per_row = {key: run.cpu / run.result for key, run in runs.items()}
        checks = guards(folder)
        small, large = (child(["-c", SIZED, str(size), str(folder / "sized")]) for size in SIZES)
        cpu_per_100k = (large.cpu - small.cpu) / 0.4
        told = ", ".join(
            f"{size:,} customers {run.cpu:.1f} cpu-s {run.peak_mb:.0f} MB"
            for size, run in zip(SIZES, (small, large), strict=True)
        )
        print("  whole worlds over 26 weeks:", told)
        print("  guards:", checks, "scene contacts:", int(np.size(scene.contacts.at)))
        finish(
            "world",
            ratio(per_row["stock"], per_row["ours"]),
            guard=all(checks.values()),
            us_per_row=1e6 * per_row["ours"],
            stock_us_per_row=1e6 * per_row["stock"],
            cpu_s_per_100k_customers_26_weeks=cpu_per_100k,
            peak_mb_60k=large.peak_mb,
        )


if __name__ == "__main__":
    main()
