"""Small tables about the company itself: the org chart with its re-organisation, and the change log.

Belongs here: hr__org_chart, changes__change_log. Not here: who answers which contact (workforce.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from world.clock import DAY, HOUR, day_text, zulu_text
from world.customers import FIRST_NAMES, LAST_NAMES
from world.delivery import Delivery, Layout
from world.draws import Ints, stream
from world.exports.complaints import branch_ids
from world.rendering import constant, names, number
from world.scene import Scene
from world.truth import TruthStore
from world.workforce import ROLES, employee_ids, team_ids

ORG = Layout(
    source="hr",
    entity="org_chart",
    key="employee_id",
    texts=frozenset({"first_name", "last_name"}),
    overlaps=False,
    columns=(
        "employee_id",
        "first_name",
        "last_name",
        "email",
        "role",
        "team_id",
        "manager_id",
        "branch_id",
        "region",
        "skills",
        "capacity_units",
        "valid_from",
        "valid_to",
        "updated_at",
    ),
)
CHANGE = Layout(
    source="changes",
    entity="change_log",
    key="change_id",
    texts=frozenset({"title"}),
    overlaps=False,
    columns=("change_id", "kind", "title", "product", "region", "started_at", "ended_at", "updated_at"),
)


def write_org_chart(scene: Scene, root: Path, truth: TruthStore) -> dict[str, int]:
    """Write the first org chart and, in the month of the re-organisation, the rows it ended and began."""
    out = Delivery(root, ORG, scene.span, truth, faults=scene.with_faults)
    everybody = np.arange(len(scene.force))
    moved = np.flatnonzero(scene.force.moved)
    at = scene.plan.reorganisation.start
    month = int(scene.span.month_of(np.array([at]))[0])
    first = _org_rows(scene, everybody, ends=None, begins=None)
    second = [_org_rows(scene, moved, ends=at, begins=None), _org_rows(scene, moved, ends=None, begins=at)]
    later = {name: pa.concat_arrays([part[name] for part in second]) for name in ORG.columns}
    out.write(0, first)
    if not scene.plan.is_quiet:
        out.write(month, later)
    out.close()
    truth.add(
        "employee",
        {
            "employee_id": employee_ids(everybody),
            "role": names(ROLES, scene.force.role),
            "region": names(scene.company.regions, scene.force.region),
            "skill_logit": pa.array(scene.force.skill),
            "moved_team": pa.array(scene.force.moved),
        },
    )
    return out.rows


def _org_rows(scene: Scene, index: Ints, ends: int | None, begins: int | None) -> dict[str, pa.Array]:
    force, n = scene.force, len(index)
    after = begins is not None
    since = begins if begins is not None else scene.span.start - 400 * DAY
    stamp = scene.span.start - DAY if ends is None and not after else scene.plan.reorganisation.start - 6 * HOUR
    first, last = FIRST_NAMES.take(pa.array(force.first[index])), LAST_NAMES.take(pa.array(force.last[index]))
    plain = pc.replace_substring(pc.utf8_lower(last), "'", "")
    branch = np.where(
        force.role[index] < 2, force.region[index].astype(np.int64) * scene.company.branches_per_region, -1
    )
    skills = [";".join(sorted({c.journey for c in scene.company.causes[k::3]})) for k in range(3)]
    local = pc.binary_join_element_wise(pc.utf8_lower(first), plain, number(index), ".")
    return {
        "employee_id": employee_ids(index),
        "first_name": first,
        "last_name": last,
        "email": pc.binary_join_element_wise(local, f"{scene.company.name}.example", "@"),
        "role": names(ROLES, force.role[index]),
        "team_id": team_ids((force.team_after if after else force.team)[index]),
        "manager_id": employee_ids((force.boss_after if after else force.boss)[index]),
        "branch_id": branch_ids(branch if scene.company.branches_per_region else np.full(n, -1)),
        "region": names(scene.company.regions, force.region[index]),
        "skills": names(tuple(skills), np.where(force.role[index] == 0, index % 3, -1)),
        "capacity_units": number(np.where(force.role[index] == 0, 8 + index % 5, 0)),
        "valid_from": day_text(np.full(n, since)),
        "valid_to": constant(None, n) if ends is None else day_text(np.full(n, ends)),
        "updated_at": zulu_text(np.full(n, stamp)),
    }


def write_changes(scene: Scene, root: Path, truth: TruthStore) -> dict[str, int]:
    """Write the change log: the planted events and a release now and then that changes nothing."""
    out = Delivery(root, CHANGE, scene.span, truth, faults=scene.with_faults)
    rows = sorted(_planted(scene) + _harmless(scene), key=lambda row: row[4])
    ids = [f"CHG-{k + 1:04d}" for k in range(len(rows))]
    started = np.array([row[4] for row in rows], dtype=np.int64)
    ended = np.array([row[5] or 0 for row in rows], dtype=np.int64)
    table = {
        "change_id": pa.array(ids),
        "kind": pa.array([r[0] for r in rows]),
        "title": pa.array([r[1] for r in rows]),
        "product": pa.array([r[2] for r in rows], pa.string()),
        "region": pa.array([r[3] for r in rows], pa.string()),
        "started_at": zulu_text(started),
        "ended_at": zulu_text(ended, ended == 0),
        "updated_at": zulu_text(np.maximum(started, ended)),
    }
    month = scene.span.month_of(started)
    for m in np.unique(month):
        take = pa.array(np.flatnonzero(month == m))
        out.write(int(m), {name: column.take(take) for name, column in table.items()})
    out.close()
    return out.rows


_Change = tuple[str, str, str | None, str | None, int, int | None]


def _planted(scene: Scene) -> list[_Change]:
    plan, company = scene.plan, scene.company
    if plan.is_quiet:
        return []
    product = {
        kind: company.causes[event.cause].products[0]
        for kind, event in (("outage", plan.outage), ("surge", plan.surge), ("fix", plan.fix))
    }
    return [
        (
            "outage",
            "Service interruption, regional",
            product["outage"],
            company.regions[plan.outage.region],
            plan.outage.start,
            plan.outage.end,
        ),
        ("price", "New price list in force", product["surge"], None, plan.surge.start, None),
        ("fix", "Process fix rolled out", product["fix"], None, plan.fix.start, None),
        (
            "staffing",
            "Reduced staffing, holiday cover",
            None,
            company.regions[plan.slow_queue.region],
            plan.slow_queue.start,
            plan.slow_queue.end,
        ),
        (
            "staffing",
            "Temporary closure of service points",
            None,
            company.regions[plan.dip.region],
            plan.dip.start,
            plan.dip.end,
        ),
        ("reorg", "Teams merged", None, company.regions[plan.reorganisation.region], plan.reorganisation.start, None),
    ]


def _harmless(scene: Scene) -> list[_Change]:
    rng = stream(scene.seed, "changes")
    count = max(3, scene.span.weeks // 3)
    days = np.sort(rng.integers(0, scene.span.days, count))
    product = rng.integers(0, len(scene.company.products), count)
    kinds = rng.choice(["release", "release", "policy"], count)
    return [
        (
            str(kind),
            f"{'Release' if kind == 'release' else 'Policy wording'} {k + 1}",
            scene.company.products[int(p)],
            None,
            scene.span.start + int(d) * DAY + 9 * HOUR,
            None,
        )
        for k, (kind, p, d) in enumerate(zip(kinds, product, days, strict=True))
    ]
