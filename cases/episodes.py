"""The walk through triggers and resolutions in time order: which case takes a trigger, which one a resolution ends.

Belongs here: the episode rules, pure, over working copies of the cases concerned. Not here: tables. Because every item
is placed knowing only what came before it, a batch cut at any point in time gives the same cases as one batch.

A trigger goes to (1) the last episode of its key that began by then, if that was open at the time or, once settled, had
its last signal within the dedupe window; (2) an episode that begins within the window after it (late delivery);
(3) whatever episode of the key is open, because two may not be; (4) while its rule cools off, the nearest case that rule
opened for the subject, which stays ended if it has ended; otherwise it opens a case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from cases.rows import SYSTEM, Draft, Place, StandingRow, case_id_for, dedup_key, money
from models.case import (
    OPEN_STATES,
    SETTLED_STATES,
    Actor,
    CaseKind,
    EventKind,
    State,
    next_state,
)
from models.clocks import sla_payload
from models.facts import ResolutionFact, TriggerFact
from models.message import OutgoingMessage
from models.routing import ROUTING_FIELDS, RoutingTree, route
from models.sla import SlaPolicy

# What to do about a case that opens now (the payload of `playbook_recommended`), and whom to tell; None is nothing.
Recommend = Callable[[TriggerFact, str], Mapping[str, Any] | None]
Alert = Callable[[TriggerFact, str, str | None], OutgoingMessage | None]

RESOLVED, INFORMED = "resolved", "informed"
COOL_OFF = "cool_off"
NOWHERE = Place(None, None, False)


@dataclass(slots=True)
class Episode:
    """Working copy of one case during a walk."""

    case_id: str
    dedup_key: str
    kind: str
    customer_id: str | None
    cause_id: str | None
    started_at: datetime
    last_signal_at: datetime
    state: State
    seq: int
    severity: int
    dedupe: timedelta
    case_no: int = 0
    place: Place = NOWHERE
    team: str | None = None
    owner_role: str | None = None
    owner_id: str | None = None
    # What routing and targets may ask about the case, by name.
    facts: Mapping[str, Any] = field(default_factory=dict)
    last_event_at: datetime | None = None
    ended_at: datetime | None = None
    informed: bool = False
    merged_into: str | None = None
    refs: set[tuple[str, str]] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act."""
        return self.state in OPEN_STATES

    def standing(self) -> StandingRow:
        """Where the case stands now."""
        return StandingRow(
            self.case_no, self.case_id, self.kind, self.state.value, self.severity, self.seq, self.started_at,
            self.last_event_at or self.started_at, self.team, self.owner_role, self.owner_id, *self.place,
        )  # fmt: skip

    def takes(self, trigger: TriggerFact) -> bool:
        """Whether a trigger at or after the start of the episode belongs to it."""
        at = trigger.occurred_at
        if self.is_open or at == self.started_at or (self.ended_at is not None and at < self.ended_at):
            return True
        return self.state in SETTLED_STATES and at - self.last_signal_at <= trigger.dedupe_window


@dataclass(slots=True)
class View:
    """What the ledger already knows about the keys, subjects and resolutions of one batch."""

    by_key: dict[str, list[Episode]] = field(default_factory=dict)
    by_case: dict[str, Episode] = field(default_factory=dict)
    # Cases by the rule that opened them, their kind and subject: what a cool-off is about.
    by_rule: dict[tuple[str, str, str, str], list[Episode]] = field(default_factory=dict)
    by_ref: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    by_customer: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    applied: dict[tuple[str, str], str] = field(default_factory=dict)
    # Dedup keys whose ten-character case id belongs to another case already (1 in 10^15 per pair).
    clashing: frozenset[str] = frozenset()

    def add(self, key: str, episode: Episode, rule_subject: tuple[str, str, str, str]) -> None:
        """Make an episode known under its key, its customer, and its rule and subject."""
        self.by_case[episode.case_id] = episode
        self.by_key.setdefault(key, []).append(episode)
        self.by_rule.setdefault(rule_subject, []).append(episode)
        if episode.customer_id and episode.cause_id:
            self.by_customer.setdefault((episode.customer_id, episode.cause_id), []).append(episode.case_id)

    def add_ref(self, episode: Episode, ref: tuple[str, str]) -> bool:
        """Note what a case is about; False when that was known."""
        if ref in episode.refs:
            return False
        episode.refs.add(ref)
        self.by_ref.setdefault(ref, []).append(episode.case_id)
        return True

    def follow(self, episode: Episode) -> Episode:
        """The case a merged one went into."""
        while episode.merged_into and episode.merged_into in self.by_case:
            episode = self.by_case[episode.merged_into]
        return episode


@dataclass(slots=True)
class Tally:
    """What a walk did."""

    opened: int = 0
    attached: int = 0
    resolved: int = 0
    unmatched: int = 0


@dataclass(slots=True)
class Walk:
    """One pass in time order. Call `trigger` and `resolution` for each item; the rows gather in `draft`."""

    view: View
    draft: Draft
    routing: RoutingTree | None = None
    sla: SlaPolicy | None = None
    recommend: Recommend | None = None
    alert: Alert | None = None
    policy_version: str | None = None
    tally: Tally = field(default_factory=Tally)
    touched: dict[int, Episode] = field(default_factory=dict)

    @property
    def needs_facts(self) -> bool:
        """Whether anything will ask about a case beyond its key: collecting the facts is a tenth of opening one."""
        return self.routing is not None or self.sla is not None

    def finish(self) -> Draft:
        """The draft with the standing of every case the walk touched."""
        self.draft.standings = [episode.standing() for episode in self.touched.values()]
        return self.draft

    def trigger(self, trigger: TriggerFact) -> None:
        """Attach the trigger to the episode it belongs to, or open a case for it."""
        key = trigger.episode_key
        if (episode := self._home(trigger, key)) is not None:
            self._attach(episode, trigger)
        elif (episode := self._cooling(trigger)) is not None:
            self._attach(episode, trigger, held_by=COOL_OFF)
        else:
            self._open(trigger, key)

    def resolution(self, resolution: ResolutionFact) -> None:
        """End the open case the resolution is about, or note that the customer of an ended one was told."""
        known = self.view.applied.get((resolution.resolution_id, RESOLVED))
        episode = self.view.by_case[known] if known else self._match(resolution)
        if episode is None:
            self.tally.unmatched += 1
            return
        if known is None:
            self._resolve(episode, resolution)
        if resolution.customer_informed_at is not None:
            self._inform(episode, resolution, resolution.customer_informed_at)
        if known is None:
            self._reopen_if_late(episode, resolution)

    def _home(self, trigger: TriggerFact, episode_key: str) -> Episode | None:
        episodes = self.view.by_key.get(episode_key)
        if not episodes:
            return None
        known = [self.view.follow(item) for item in episodes]
        at = trigger.occurred_at
        before = max((e for e in known if e.started_at <= at), key=lambda e: e.started_at, default=None)
        if before is not None and before.takes(trigger):
            return before
        after = min((e for e in known if e.started_at > at), key=lambda e: e.started_at, default=None)
        if after is not None and after.started_at - at <= trigger.dedupe_window:
            return after
        if (still_open := next((e for e in known if e.is_open), None)) is not None:
            return still_open
        # The case that began with this very trigger was merged away: it cannot be opened a second time.
        key = dedup_key(trigger, episode_key)
        return next((self.view.follow(e) for e in episodes if e.dedup_key == key), None)

    def _cooling(self, trigger: TriggerFact) -> Episode | None:
        """The case that keeps the rule from opening another: the last before the trigger, else the first after it."""
        if not trigger.cool_off_days:
            return None
        at, quiet = trigger.occurred_at, timedelta(days=trigger.cool_off_days)
        near = [e for e in self.view.by_rule.get(trigger.rule_subject, ()) if abs(e.started_at - at) < quiet]
        before = max((e for e in near if e.started_at <= at), key=lambda e: (e.started_at, e.case_id), default=None)
        found = before or min(near, key=lambda e: (e.started_at, e.case_id), default=None)
        return None if found is None else self.view.follow(found)

    def _open(self, trigger: TriggerFact, episode_key: str) -> None:
        key = dedup_key(trigger, episode_key)
        case_id = case_id_for(key)
        if case_id in self.view.by_case or key in self.view.clashing:
            case_id = case_id_for(key, length=20)
        head = self.draft.add_case(case_id, key, episode_key, trigger)
        episode = Episode(
            case_id, key, trigger.kind, trigger.customer_id, trigger.cause_id, trigger.occurred_at,
            trigger.occurred_at, State.NEW, 0, trigger.severity, trigger.dedupe_window, head.case_no,
            Place(trigger.branch_id, trigger.region, trigger.is_historic), facts=facts_of(trigger) if self.needs_facts else {},
        )  # fmt: skip
        self.view.add(episode_key, episode, trigger.rule_subject)
        payload = _opening(trigger)
        payload["head_hash"] = head.digest()
        payload |= self._take_in(episode, trigger)
        episode.seq = 1
        self.draft.add_event(
            case_id, 1, EventKind.OPENED, at=trigger.occurred_at, after=State.NEW, payload=payload,
            actor=trigger.opened_by or SYSTEM,
        )  # fmt: skip
        self.touched[episode.case_no] = episode
        self.tally.opened += 1
        self._route(episode, trigger)
        self._apply_sla(episode, trigger.occurred_at, "opened")
        self._advise(episode, trigger)

    def _attach(self, episode: Episode, trigger: TriggerFact, held_by: str | None = None) -> None:
        payload = {"severity": trigger.severity, "rule_id": trigger.rule_id} | self._take_in(episode, trigger)
        if held_by is not None:
            payload["held_by"] = held_by
        self._event(episode, EventKind.SIGNAL_ATTACHED, trigger.occurred_at, payload)
        # What is held starts no dedupe window anew: else a daily signal would outlast any cool-off.
        if held_by is None:
            episode.last_signal_at = max(episode.last_signal_at, trigger.occurred_at)
        self.tally.attached += 1
        if trigger.severity < episode.severity and episode.is_open:
            change = {"severity": trigger.severity, "previous": episode.severity, "reason": "a worse signal"}
            self._event(episode, EventKind.SEVERITY_CHANGED, trigger.occurred_at, change)
            episode.severity = trigger.severity
            self._apply_sla(episode, trigger.occurred_at, "severity_changed")

    def _take_in(self, episode: Episode, trigger: TriggerFact) -> dict[str, Any]:
        """Write the trigger and its references down; what the event says about them."""
        row = self.draft.add_trigger(episode.case_id, trigger)
        refs = [list(ref) for ref in trigger.subject_refs if self.view.add_ref(episode, ref)]
        for ref_type, ref_id in refs:
            self.draft.add_ref(episode.case_id, ref_type, ref_id)
        said: dict[str, Any] = {
            "trigger_id": trigger.trigger_id,
            "trigger_hash": row.digest(),
            "evidence": orjson.loads(trigger.evidence),
        }
        return said | {"refs": refs} if refs else said

    def _route(self, episode: Episode, trigger: TriggerFact) -> None:
        if self.routing is None:
            return
        decision = route(self.routing, episode.facts)
        payload = {
            "team": decision.team, "owner_role": decision.owner_role, "path": list(decision.path),
            "reasons": list(decision.reasons),
        }  # fmt: skip
        if self.policy_version is not None:
            payload["policy_version"] = self.policy_version
        self._event(episode, EventKind.ROUTED, trigger.occurred_at, payload)
        episode.team, episode.owner_role = decision.team, decision.owner_role

    def _apply_sla(self, episode: Episode, at: datetime, reason: str) -> None:
        """Put the case under the targets in force; praise is never under any."""
        if self.sla is None or episode.kind == CaseKind.EXCELLENCE:
            return
        said = sla_payload(
            self.sla, severity=episode.severity, segment=episode.facts.get("segment"), at=at, reason=reason,
            facts=episode.facts,
        )  # fmt: skip
        if said is not None:
            self._event(episode, EventKind.SLA_APPLIED, at, said)

    def _advise(self, episode: Episode, trigger: TriggerFact) -> None:
        """What the engine thinks should be done, and the first word to the team; history is told to nobody."""
        if self.recommend is not None and (said := self.recommend(trigger, episode.case_id)) is not None:
            self._event(episode, EventKind.PLAYBOOK_RECOMMENDED, trigger.occurred_at, dict(said))
        if self.alert is None or trigger.is_historic:
            return
        if (message := self.alert(trigger, episode.case_id, episode.team)) is not None:
            self.draft.messages.append(message)

    def _match(self, resolution: ResolutionFact) -> Episode | None:
        ids = self.view.by_ref.get((resolution.subject_type, resolution.subject_id))
        if not ids and resolution.customer_id and resolution.cause_id:
            ids = self.view.by_customer.get((resolution.customer_id, resolution.cause_id))
        found = [self.view.follow(self.view.by_case[case_id]) for case_id in ids or ()]
        fitting = [
            e for e in found if e.is_open and e.kind != CaseKind.EXCELLENCE and e.started_at <= resolution.resolved_at
        ]
        return max(fitting, key=lambda e: (e.started_at, e.case_id), default=None)

    def _resolve(self, episode: Episode, resolution: ResolutionFact) -> None:
        actor = Actor("source", resolution.source)
        first, done = resolution.first_action_at, resolution.resolved_at
        origin = {"resolution_id": resolution.resolution_id}
        if resolution.owner_id:
            assigned = origin | {"owner_id": resolution.owner_id}
            self._event(episode, EventKind.ASSIGNED, first or done, assigned, actor)
            episode.owner_id = resolution.owner_id
        if first is not None:
            self._event(episode, EventKind.CONTACTED, first, origin, actor)
        self._event(episode, EventKind.RESOLVED, done, origin | _said_about(resolution), actor)
        comment = f"imported from {resolution.source}"
        closing = origin | {"outcome_code": resolution.outcome, "comment": comment}
        self._event(episode, EventKind.CLOSED, done, closing, actor)
        episode.ended_at = done
        self._note_applied(episode, resolution, RESOLVED)
        self.tally.resolved += 1

    def _inform(self, episode: Episode, resolution: ResolutionFact, at: datetime) -> None:
        if (resolution.resolution_id, INFORMED) in self.view.applied:
            return
        actor, origin = Actor("source", resolution.source), {"resolution_id": resolution.resolution_id}
        if episode.is_open or episode.state in SETTLED_STATES:
            self._event(episode, EventKind.CUSTOMER_INFORMED, at, origin, actor)
            episode.informed = True
        if episode.state is State.CLOSED:
            self._event(episode, EventKind.LOOP_CLOSED, max(at, resolution.resolved_at), origin, actor)
        self._note_applied(episode, resolution, INFORMED)

    def _reopen_if_late(self, episode: Episode, resolution: ResolutionFact) -> None:
        """A resolution that arrives after later signals must not bury them: they keep the case open."""
        last = episode.last_signal_at
        if last - resolution.resolved_at > episode.dedupe:
            self._event(episode, EventKind.REOPENED, last, {"reason": "a signal came after this late resolution"})
            episode.ended_at = episode.owner_id = None
            self._apply_sla(episode, last, "reopened")

    def _note_applied(self, episode: Episode, resolution: ResolutionFact, aspect: str) -> None:
        self.view.applied[(resolution.resolution_id, aspect)] = episode.case_id
        self.draft.add_applied(episode.case_id, resolution.resolution_id, aspect)

    def _event(
        self, episode: Episode, kind: EventKind, at: datetime, payload: dict[str, Any], actor: Actor = SYSTEM
    ) -> None:
        after = next_state(episode.state, kind)
        episode.seq += 1
        episode.state = after
        episode.last_event_at = max(at, episode.last_event_at or at)
        self.touched[episode.case_no] = episode
        self.draft.add_event(episode.case_id, episode.seq, kind, at=at, after=after, payload=payload, actor=actor)


def facts_of(trigger: TriggerFact) -> dict[str, Any]:
    """What routing, targets and playbooks may ask about a trigger, by name; unknown things are None."""
    return {name: getattr(trigger, name) for name in ROUTING_FIELDS}


def _opening(trigger: TriggerFact) -> dict[str, Any]:
    """What the opening event says besides the head; unknown things are left out."""
    said: dict[str, Any] = {
        "case_kind": trigger.kind,
        "severity": trigger.severity,
        "rule_hash": trigger.rule_hash,
        "dedupe_days": trigger.dedupe_days,
    }
    for name in ("branch_id", "source", "segment"):
        if (value := getattr(trigger, name)) is not None:
            said[name] = value
    if trigger.is_historic:
        said["outreach_suppressed"] = True
    return said


def _said_about(resolution: ResolutionFact) -> dict[str, Any]:
    offer = money(resolution.offer_usd)
    said = {
        "outcome": resolution.outcome,
        "owner_id": resolution.owner_id,
        "playbook_code": resolution.playbook_code,
        "offer_usd": None if offer is None else str(offer),
        "handling_minutes": resolution.handling_minutes,
    }
    return {key: value for key, value in said.items() if value is not None}
