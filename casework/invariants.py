"""Invariants that need more than the ledger: deliveries and their files, scopes, and what was left lying about.

Belongs here: I7 (every row accounted for), I12 (nobody sees more than their role reaches), the intake's and the
outbox's share of I13 (leftovers), and the ledger's own with what they need of the programme. Not here: the ledger's
tables (`cases/invariants.py`), models and published builds (`amends/invariants.py`). Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from cases import conf, feed
from casework.engine import Engine, start
from casework.programme import active_programme
from intake import registry
from models.access import Principal, Role, reaches
from models.invariant import Verdict, verdict
from models.playbook import Offer
from models.settings import Settings

# One principal of each role HR knows, of as many places as this, and every case of the ledger for each of them.
PRINCIPALS_PER_ROLE = 5
_HR_ROLES: tuple[Role, ...] = ("agent", "team_lead", "manager", "director", "qa")
# A sender settles within its lease; one that ran out this long ago waits for a sender that never came.
_LEASE_FORGOTTEN = timedelta(days=1)


def of_engine(settings: Settings) -> dict[str, Verdict]:
    """The invariants of ledger, intake and scope by number. Raises what `casework.engine.start` raises."""
    conf.setup(settings)
    from cases.invariants import of_ledger

    engine = start(settings)
    triggers = feed.iter_triggers(settings.ml_outputs, settings.handoff)
    return {
        **of_ledger(triggers=triggers, terms=lambda at: offers_at(settings, at)),
        "I7": rows_accounted_for(settings),
        "I12": nobody_sees_more(engine),
    }


@lru_cache(maxsize=512)
def offers_at(settings: Settings, at: datetime) -> Mapping[str, Offer]:
    """The offers of the programme in force at a moment, by code."""
    playbooks = active_programme(settings, at).programme.playbooks
    return {offer.code: offer for item in playbooks for offer in item.playbook.offers}


def rows_accounted_for(settings: Settings) -> Verdict:
    """I7: rows of a file = loaded + quarantined + known already, and as many landed as were counted."""
    what = "rows of every file = loaded + quarantined + duplicates, and what was loaded lies in landing"
    if not settings.intake_db.exists():
        return verdict(what, 0, (), ["nothing was taken in yet"])
    with registry.reading(settings.intake_db) as register:
        deliveries = register.deliveries()
    problems = [f"delivery {d.batch_id} ({d.file}) {fault}" for d in deliveries for fault in _faults_of(settings, d)]
    told = f"{sum(d.rows for d in deliveries):,} rows in {len(deliveries)} deliveries"
    return verdict(what, len(deliveries), problems, [told])


def _faults_of(settings: Settings, delivery: registry.Delivery) -> Iterator[str]:
    import pyarrow.parquet as pq

    counted = delivery.loaded + delivery.quarantined + delivery.duplicates
    if delivery.rows != counted:
        yield f"has {delivery.rows} rows, {counted} are accounted for"
    path = settings.landing / f"{delivery.source}__{delivery.entity}" / f"{delivery.stem}.parquet"
    landed = pq.read_metadata(path).num_rows if path.exists() else 0
    if landed != delivery.loaded:
        yield f"says {delivery.loaded} rows were loaded, {landed} lie in landing"


def nobody_sees_more(engine: Engine) -> Verdict:
    """I12: for a sample of people of every role, the cases a query shows are exactly those the rule allows."""
    from cases.models import Standing
    from cases.scope import CaseRepository

    org, teams, at = engine.org, engine.programme.teams, engine.at
    columns = ("case_id", "owner_id", "team", "branch_id", "region", "opened_at")
    rows = list(Standing.objects.order_by("case_no").values_list(*columns))
    problems: list[str] = []
    sample = list(_sample(engine))
    for principal in sample:
        found = reaches(principal, org, teams, at)
        allowed = {
            case_id for case_id, owner, team, branch, region, opened in rows
            if any(r.covers(owner=owner, team=team, branch=branch, region=region, opened_at=opened) for r in found)
        } if principal.may("read") else set()  # fmt: skip
        repository = CaseRepository(principal, org, at, teams=teams)
        seen = repository.visible(row[0] for row in rows) if principal.may("read") else frozenset()
        if seen != allowed:
            more, less = len(seen - allowed), len(allowed - seen)
            problems.append(f"{principal.role} {principal.id} sees {more} cases too many, {less} too few")
    told = f"{len(sample)} people and {len(rows)} cases"
    return verdict("what a query shows is within what the role reaches", len(sample) * len(rows), problems, [told])


def _sample(engine: Engine) -> Iterator[Principal]:
    """People spread evenly over the chart, in every HR role and in more than theirs, and somebody HR does not know."""
    by_role: dict[str, list[str]] = {}
    for employee, position in sorted(engine.org.on(engine.at).items()):
        by_role.setdefault(position.role, []).append(employee)
    for role in _HR_ROLES:
        known = by_role.get(role, [])
        for employee in known[:: max(1, len(known) // PRINCIPALS_PER_ROLE)][:PRINCIPALS_PER_ROLE]:
            yield Principal(employee, role)
            yield Principal(employee, "manager")
        yield Principal("nobody-hr-knows", role)
    yield Principal("analyst-1", "analyst")


def left_lying(settings: Settings, now: datetime) -> list[str]:
    """The intake's and the outbox's share of I13: deliveries never ended, leases nobody came back for."""
    from cases.models import OutboxMessage

    found: list[str] = []
    if settings.intake_db.exists():
        with registry.reading(settings.intake_db) as register:
            found += [f"delivery {d.batch_id} ({d.file}) was begun and never ended" for d in register.unfinished()]
    forgotten = OutboxMessage.objects.filter(state="leased", lease_until__lt=now - _LEASE_FORGOTTEN)
    return [
        *found,
        *(f"message {key} is under a lease nobody holds" for key in forgotten.values_list("key", flat=True)),
    ]
