"""Alerts to teams as the outbox holds them: what was sent, what was withheld and why, and how often a rule was right.

Belongs here: those questions. Not here: deciding (`casework/alerting.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from cases.models import Case, CaseTrigger, OutboxMessage, Standing
from models.case import OPEN_STATES, State
from models.message import WITHHELD

DIGEST_KEY = "withheld|"
_TEMPLATE = "opened"
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Sent:
    """One alert to a team: when, about which case of which rule and cause, and what became of it."""

    at: datetime
    team: str
    case_id: str | None
    severity: int
    state: str
    reason: str | None
    rule_id: str | None = None
    cause_id: str | None = None

    @property
    def is_withheld(self) -> bool:
        """Whether it did not leave by itself."""
        return self.state in WITHHELD


def sent_to(team: str, *, since: datetime) -> list[Sent]:
    """Alerts one team was sent since a moment, oldest first, with rule and cause; not those that were withheld."""
    return _told(_rows(since).filter(recipient_id=team).exclude(state__in=WITHHELD))


def all_since(since: datetime) -> list[Sent]:
    """Alerts to every team since a moment, oldest first, with rule and cause."""
    return _told(_rows(since))


def withheld(*, since: datetime) -> list[Sent]:
    """Alerts since a moment that did not leave by themselves."""
    return _told(_rows(since).filter(state__in=WITHHELD))


def last_held(*, since: datetime) -> list[tuple[str, str | None, datetime]]:
    """Team, reason and moment of the last alert held for each reason since a moment."""
    rows = _rows(since).filter(state="held").order_by("recipient_id", "last_error")
    return list(rows.values_list("recipient_id", "last_error").annotate(last=Max("created_at")))


def held(*, since: datetime) -> list[Sent]:
    """Alerts held in a flood since a moment, oldest first."""
    return _told(_rows(since).filter(state="held"))


def last_digests(teams: Iterable[str]) -> dict[str, datetime]:
    """When the last summary of withheld alerts was written to each of these teams; those without any are left out."""
    rows = OutboxMessage.objects.filter(recipient_id__in=list(teams), recipient_type="team", key__startswith=DIGEST_KEY)
    return dict(rows.values_list("recipient_id").annotate(last=Max("created_at")).order_by("recipient_id"))


def moments(*, since: datetime, newest: int) -> list[datetime]:
    """When alerts left, to any team, since a moment; of more than `newest` the latest, in order."""
    rows = OutboxMessage.objects.filter(template=_TEMPLATE, recipient_type="team").exclude(state__in=WITHHELD)
    # By number, not by moment: the newest few are found without looking through all there ever were.
    found = rows.order_by("-message_no").values_list("created_at", flat=True)[:newest]
    return sorted(at for at in found if at >= since)


def ended_by_rule() -> dict[str, tuple[int, int]]:
    """Rule -> (cases that ended otherwise, cases a person marked invalid), by the rule that opened them.

    Cases that were merged into another say nothing of their own.
    """
    invalid = set(Standing.objects.filter(state=State.INVALID).values_list("case_id", flat=True))
    silent = [*OPEN_STATES, State.MERGED]
    still = set(Standing.objects.filter(state__in=silent).values_list("case_id", flat=True))
    counts: dict[str, list[int]] = {}
    seen: set[str] = set()
    for case_id, rule_id in CaseTrigger.objects.order_by("id").values_list("case_id", "rule_id"):
        if case_id in seen or case_id in still:
            continue
        seen.add(case_id)
        counts.setdefault(rule_id, [0, 0])[case_id in invalid] += 1
    return {rule: (valid, wrong) for rule, (valid, wrong) in counts.items()}


def _rows(since: datetime):  # type: ignore[no-untyped-def]
    return OutboxMessage.objects.filter(
        template=_TEMPLATE, recipient_type="team", created_at__gte=since
    ).order_by("created_at", "message_no")  # fmt: skip


def _told(rows: Iterable[OutboxMessage]) -> list[Sent]:
    found = list(rows)
    rules, causes = _about([row.case_id for row in found if row.case_id])
    return [
        Sent(row.created_at, row.recipient_id, row.case_id, row.severity, row.state,
             row.last_error if row.state in WITHHELD else None, rules.get(row.case_id or ""), causes.get(row.case_id or ""))
        for row in found
    ]  # fmt: skip


def _about(case_ids: list[str]) -> tuple[dict[str, str], dict[str, str | None]]:
    """Opening rule and cause of each case."""
    rules: dict[str, str] = {}
    causes: dict[str, str | None] = {}
    for begin in range(0, len(case_ids), _CHUNK):
        part = case_ids[begin : begin + _CHUNK]
        for case_id, rule_id in (
            CaseTrigger.objects.filter(case_id__in=part).order_by("id").values_list("case_id", "rule_id")
        ):
            rules.setdefault(case_id, rule_id)
        causes.update(Case.objects.filter(case_id__in=part).values_list("case_id", "cause_id"))
    return rules, causes
