"""One request's view of the installation: the engine at this moment, and the cases as the principal sees them.

Belongs here: putting both together, cheaply. Not here: any route.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.http import HttpRequest

from cases import people
from cases.scope import CaseRepository
from casework.engine import Engine, start
from desk.auth import wall_clock
from desk.conf import served
from models.access import Principal
from models.case import Actor
from models.staff import OrgChart


@dataclass(frozen=True, slots=True)
class Desk:
    """Who asks, the engine, and the only way to the cases."""

    principal: Principal
    engine: Engine
    cases: CaseRepository

    @property
    def actor(self) -> Actor:
        """Who does it, as events say it."""
        return Actor("system" if self.principal.role == "service" else "person", self.principal.id)


def enter(request: HttpRequest) -> Desk:
    """The desk of a request that has shown its token."""
    principal: Principal = request.auth  # type: ignore[attr-defined]
    engine = start(served())
    org = _chart(str(engine.settings.home), engine.settings.ledger_url, people.chart_version())
    cases = CaseRepository(principal, org, engine.at, teams=engine.programme.teams, sla=engine.programme.sla)
    return Desk(principal, engine, cases)


# A chart of thousands of positions is read again only after somebody recorded a change.
@lru_cache(maxsize=4)
def _chart(home: str, ledger_url: str | None, version: tuple[int, int]) -> OrgChart:
    return people.org_chart(wall_clock())
