"""Builds a world: draws it whole, then writes sources and truth. The one entry point for commands, tests and benchmarks.

Belongs here: the order of steps and the summary. Not here: any rate or format.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np

from world import breakdowns
from world.clock import HOUR, Horizon, horizon, local_clock
from world.config import COMPANIES, Company
from world.customers import make_customers
from world.exports.back_office import write_audits, write_escalations, write_resolutions
from world.exports.billing import write_billing
from world.exports.company_log import write_changes, write_org_chart
from world.exports.complaints import write_complaints
from world.exports.crm import write_crm
from world.exports.qualtrics import write_qualtrics
from world.exports.reviews import write_reviews
from world.exports.truth_rows import write_truth_rows
from world.exports.zendesk import write_zendesk
from world.journeys import make_contacts, make_failures
from world.queueing import first_actions
from world.recovery import decide, facts_of, settle_churn
from world.scene import Scene, happening, make_repeats
from world.surveys import make_invitations
from world.text_grammar import Grammar
from world.truth import TruthStore, write_manifest
from world.workforce import make_workforce, owners

START = date(2026, 1, 5)


@dataclass(frozen=True)
class WorldSummary:
    """What was built. `sources` maps each file (relative to the sources folder) to its data rows; `truth` likewise."""

    company: str
    customers: int
    weeks: int
    seed: int
    start: str
    end: str
    sources: dict[str, int]
    truth: dict[str, int]

    @property
    def rows(self) -> int:
        """Data rows over all source files, broken and repeated ones included."""
        return sum(self.sources.values())

    def entity_rows(self) -> dict[str, int]:
        """Data rows by `source__entity`."""
        totals: dict[str, int] = {}
        for name, rows in self.sources.items():
            source, file = name.split("/")
            entity = f"{source}__{file.removesuffix('_resend.csv').rsplit('_', 1)[0]}"
            totals[entity] = totals.get(entity, 0) + rows
        return totals


def build_world(
    *,
    company: Literal["bank", "telecom"],
    customers: int,
    weeks: int,
    seed: int,
    out: Path,
    start: date = START,
    end: date | None = None,
    faults: bool = True,
    quiet: bool = False,
) -> WorldSummary:
    """Write a world's source files to `out/sources` and what is true of it to `out/truth`; the same arguments give the same bytes.

    `end` (exclusive) places the period by its end instead of its start: the world then covers the `weeks` weeks up to the
    Monday on or before it. A `quiet` world is the same company to which nothing happens: whatever is detected in it is
    false. Folders of an earlier world in `out` are replaced. Raises ValueError for an unknown company, fewer
    than 50 customers, fewer than four weeks, or a start that is not a Monday.
    """
    if company not in COMPANIES:
        raise ValueError(f"unknown company: {company}")
    if customers < 50:
        raise ValueError("a world needs at least fifty customers")
    first = start if end is None else end - timedelta(days=end.weekday()) - timedelta(weeks=weeks)
    if first.weekday() != 0:
        raise ValueError("a world starts on a Monday")
    for folder in ("sources", "truth"):
        shutil.rmtree(out / folder, ignore_errors=True)
    scene = draw_scene(
        COMPANIES[company], customers, horizon(first, weeks, COMPANIES[company].timezone), seed, faults=faults, quiet=quiet,
    )  # fmt: skip
    with TruthStore(out / "truth") as truth:
        sources = write_sources(scene, out / "sources", truth)
    summary = WorldSummary(
        company=company,
        customers=customers,
        weeks=weeks,
        seed=seed,
        start=first.isoformat(),
        end=datetime.fromtimestamp(scene.span.end, UTC).date().isoformat(),
        sources=dict(sorted(sources.items())),
        truth=dict(sorted(truth.rows.items())),
    )
    write_manifest(out / "truth", asdict(summary) | {"faults": faults} | ({"quiet": True} if quiet else {}))
    return summary


def draw_scene(
    company: Company, customers: int, span: Horizon, seed: int, *, faults: bool = True, quiet: bool = False
) -> Scene:
    """Draw everything of a world but its texts and orders (those are made block by block while writing)."""
    clock = local_clock(company.timezone, span.start, span.end)
    people = make_customers(company, customers, span, seed)
    planned = breakdowns.plan(company, span)
    planned = breakdowns.quiet(planned, span) if quiet else planned
    failures, plan = make_failures(company, people, span, planned, clock, seed)
    contacts = make_contacts(failures, span, clock, seed)
    region = failures.region[contacts.failure]
    force = make_workforce(company, np.bincount(region, minlength=len(company.regions)), span.weeks, plan, seed)
    owner = owners(force, region, seed)
    started = first_actions(
        contacts.at, region, failures.severity[contacts.failure], span, clock, plan.slow_queue, seed
    )
    facts = facts_of(company, people, failures, contacts, force.skill[owner], (started - contacts.at) / HOUR)
    outcomes = decide(company, facts, started, span, seed)
    churn = settle_churn(people, failures, contacts, outcomes, seed)
    failures, contacts, outcomes, churn, kept = happening(failures, contacts, outcomes, churn)
    return Scene(
        company=company,
        seed=seed,
        span=span,
        clock=clock,
        plan=plan,
        people=people,
        force=force,
        failures=failures,
        contacts=contacts,
        owner=owner[kept],
        outcomes=outcomes,
        churn=churn,
        repeats=make_repeats(failures, contacts, outcomes, churn, span, seed),
        invitations=make_invitations(people, failures, contacts, outcomes, churn, span, plan.dip, seed),
        grammar=Grammar(company, people, force),
        with_faults=faults,
    )


def write_sources(scene: Scene, root: Path, truth: TruthStore) -> dict[str, int]:
    """Write every source's files and the truth tables; returns data rows per file."""
    root.mkdir(parents=True, exist_ok=True)
    rows: dict[str, int] = {}
    writers = (
        write_crm,
        write_complaints,
        write_zendesk,
        write_qualtrics,
        write_resolutions,
        write_escalations,
        write_audits,
        write_reviews,
        write_org_chart,
        write_changes,
    )
    for write in writers:
        rows |= write(scene, root, truth)
    billed, margins = write_billing(scene, root, truth)
    write_truth_rows(scene, margins, truth)
    return rows | billed
