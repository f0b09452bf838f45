"""One company's programme as a whole: everything the business decides, typed and frozen.

Belongs here: the types of `programme/<company>/*.yml` that no other module owns (company, surveys, severity rules) and
the `Programme` that holds all parts together. Not here: reading files (`intake/programme.py`), or the rules of
triggers, routing, SLA and playbooks, which have modules of their own.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from models.alerts import AlertPolicy
from models.business_time import Calendar, Interval, ScheduleMode, Weekday
from models.contact import ContactPolicy
from models.escalation import EscalationRules
from models.questionnaire import Questionnaire
from models.recommendation import RecommendationPolicy
from models.routing import Match, RoutingTree
from models.signal import MILDEST, ScoreMetric, Severity
from models.sla import Clock, Metric, OnReopen, SlaPolicy, SlaTarget
from models.staff import Teams
from models.taxonomy import Phrase, Slug, Taxonomy
from models.texts import REQUIRED_MESSAGES, MessageText, PlaybookText
from models.trigger import TriggerRule


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Company(_Frozen):
    """programme.yml: who this is, in which time zone its local times are, and when a signal is history."""

    name: Slug
    title: str = Field(min_length=2, max_length=80)
    timezone: str
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    historic_after_days: int = Field(ge=1, le=3650)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"'{value}' is not a time zone of the tz database") from error
        return value


class Survey(_Frozen):
    """One survey: what its score measures, its range, and whether a high number is good (`up`) or bad (`down`)."""

    survey_id: str = Field(pattern=r"^[A-Za-z0-9_]{2,60}$")
    title: str = ""
    metric: ScoreMetric
    min: float
    max: float
    direction: Literal["up", "down"]

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Survey:
        if self.min >= self.max:
            raise ValueError("min must be below max")
        return self


class Surveys(_Frozen):
    """surveys.yml."""

    surveys: tuple[Survey, ...] = ()

    @field_validator("surveys")
    @classmethod
    def _ids_once(cls, value: tuple[Survey, ...]) -> tuple[Survey, ...]:
        return _unique(value, "survey_id")


class PhraseRule(_Frozen):
    """Whoever writes one of these phrases gets at least this severity; no model can lower it."""

    id: Slug
    severity: Severity
    any_of: dict[Literal["en", "de", "es"], tuple[Phrase, ...]] = Field(min_length=1)

    @property
    def phrases(self) -> tuple[str, ...]:
        """Phrases of all languages, sorted; texts are matched in every language because a label may be wrong."""
        return tuple(sorted({phrase for phrases in self.any_of.values() for phrase in phrases}))


class EscalationRule(_Frozen):
    """Severity floor for escalations with one of these reason codes."""

    id: Slug
    severity: Severity
    reason_codes: tuple[str, ...] = Field(min_length=1)


class ScoreRule(_Frozen):
    """Severity for a normalised score (0..1, 1 is good) at or below a limit."""

    id: Slug
    severity: Severity
    at_most: float = Field(ge=0, le=1)


class SeverityRules(_Frozen):
    """severity.yml: rules that give a severity; the worst one that applies wins, else `default`."""

    default: Severity = MILDEST
    phrases: tuple[PhraseRule, ...] = ()
    escalations: tuple[EscalationRule, ...] = ()
    scores: tuple[ScoreRule, ...] = ()

    @model_validator(mode="after")
    def _ids_once(self) -> SeverityRules:
        _unique((*self.phrases, *self.escalations, *self.scores), "id")
        return self


ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class CalendarWeek(_Frozen):
    """One version of a calendar: opening hours per weekday as `["09:00", "17:30"]` (several a day for split shifts),
    closed days, and the day from which it holds.
    """

    timezone: str
    week: dict[Weekday, tuple[tuple[ClockTime, ClockTime], ...]] = Field(min_length=1)
    holidays: tuple[date, ...] = ()
    effective_from: date | None = None

    def calendar(self, code: str) -> Calendar:
        """The same as the business clock reads it."""
        weekly = tuple(
            (day, tuple(Interval(start=time.fromisoformat(a), end=time.fromisoformat(b)) for a, b in spans))
            for day, spans in self.week.items()
        )
        return Calendar(
            code=code, zone=self.timezone, weekly=weekly, holidays=frozenset(self.holidays),
            effective_from=self.effective_from,
        )  # fmt: skip


class Calendars(_Frozen):
    """calendars.yml. `changes` are later versions of a calendar: hours that were in force stay what they were."""

    calendars: dict[Slug, CalendarWeek] = Field(min_length=1)
    changes: dict[Slug, tuple[CalendarWeek, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _changes_are_dated(self) -> Calendars:
        unknown = sorted(set(self.changes) - set(self.calendars))
        if unknown:
            raise ValueError(f"changes of calendars that are not there: {', '.join(unknown)}")
        if any(week.effective_from is None for weeks in self.changes.values() for week in weeks):
            raise ValueError("a change of a calendar needs effective_from")
        return self

    def versions(self) -> tuple[Calendar, ...]:
        """Every version of every calendar, as the business clock reads them."""
        first = [week.calendar(code) for code, week in self.calendars.items()]
        return tuple(first + [week.calendar(code) for code, weeks in self.changes.items() for week in weeks])


class _Timed(_Frozen):
    """What every line of sla.yml says, in hours as people say them."""

    metric: Metric
    clock: Clock = "business"
    calendar: Slug = "default"
    hours: float = Field(gt=0, le=24 * 366)
    effective_from: date = date(1970, 1, 1)

    def _target(self, **more: Any) -> SlaTarget:
        start = datetime(self.effective_from.year, self.effective_from.month, self.effective_from.day, tzinfo=UTC)
        calendar = self.calendar if self.clock == "business" else None
        return SlaTarget(
            metric=self.metric, seconds=round(self.hours * 3600), clock=self.clock, calendar=calendar,
            effective_from=start, **more,
        )  # fmt: skip


class SlaRow(_Timed):
    """One promise of ours, by severity and segment."""

    severity: Severity
    segment: str | None = None
    on_reopen: OnReopen = "continue"

    def target(self) -> SlaTarget:
        """The same as the SLA clock reads it."""
        return self._target(severity=self.severity, segment=self.segment, on_reopen=self.on_reopen)


class RegulationRow(_Timed):
    """One deadline of the complaint rules, whatever the severity, for the cases that fit `applies`."""

    applies: Match

    def target(self) -> SlaTarget:
        """The same as the SLA clock reads it."""
        return self._target(applies=self.applies)


class SlaRows(_Frozen):
    """sla.yml."""

    targets: tuple[SlaRow, ...] = Field(min_length=1)
    regulation: tuple[RegulationRow, ...] = ()
    schedule: ScheduleMode = "cumulative"


class Programme(_Frozen):
    """All parts of one company's programme, checked against each other."""

    company: Company
    taxonomy: Taxonomy
    surveys: tuple[Survey, ...]
    severity: SeverityRules
    triggers: tuple[TriggerRule, ...]
    routing: RoutingTree
    teams: Teams
    escalation: EscalationRules
    sla: SlaPolicy
    playbooks: tuple[PlaybookText, ...]
    recommendation: RecommendationPolicy
    alerts: AlertPolicy = AlertPolicy()
    contact: ContactPolicy
    questionnaire: Questionnaire
    messages: tuple[MessageText, ...]

    @model_validator(mode="after")
    def _names_once(self) -> Programme:
        _unique(self.triggers, "id")
        _unique(self.playbooks, "code")
        _unique(self.messages, "code")
        codes = {item.code for item in self.messages}
        if missing := [code for code in REQUIRED_MESSAGES if code not in codes]:
            raise ValueError(f"messages/ lacks {', '.join(missing)}")
        known = {item.code for item in self.playbooks}
        if missing := sorted(self.recommendation.playbooks - known):
            raise ValueError(f"recommendation.yml names playbooks that are not there: {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _playbooks_fit(self) -> Programme:
        """A script for a cause nobody has would never be read, and silence is never tried on a customer by accident."""
        causes = {cause.id for cause in self.taxonomy.causes}
        for item in self.playbooks:
            if missing := sorted(item.scripts.causes - causes):
                raise ValueError(f"{item.code}.md has words for causes that taxonomy.yml lacks: {', '.join(missing)}")
        silent = {item.code for item in self.playbooks if not item.playbook.reaches_customer}
        for rule in self.recommendation.rules:
            if not rule.no_contact_may_be_tried and (tried := sorted(silent & set(rule.alternatives))):
                raise ValueError(
                    f"recommendation.yml: rule '{rule.name}' would try '{tried[0]}', which contacts nobody; if that is "
                    "meant, say no_contact_may_be_tried: true"
                )
        return self

    @model_validator(mode="after")
    def _teams_and_calendars_exist(self) -> Programme:
        known = {team.code for team in self.teams.teams}
        if missing := sorted(self.routing.teams - known):
            raise ValueError(f"routing.yml names teams that teams.yml does not have: {', '.join(missing)}")
        calendars = {calendar.code for calendar in self.sla.calendars}
        if missing := sorted({team.calendar for team in self.teams.teams} - calendars):
            raise ValueError(f"teams.yml names calendars that calendars.yml does not have: {', '.join(missing)}")
        return self

    def message(self, code: str) -> MessageText:
        """The message of that code. Raises `KeyError`."""
        found = {item.code: item for item in self.messages}
        return found[code]

    @property
    def live_rules(self) -> tuple[TriggerRule, ...]:
        """Trigger rules that may open cases."""
        return tuple(rule for rule in self.triggers if rule.status == "live")


def _unique(items: tuple[Any, ...], key: str) -> tuple[Any, ...]:
    names = [getattr(item, key) for item in items]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{key} used twice: {', '.join(twice)}")
    return items
