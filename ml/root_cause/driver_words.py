"""The sentence of a driver: how many alerts, how much of the score, what to do now and what to change.

Belongs here: words made from figures. Not here: the figures. Nothing is told that the data does not hold: a place is
named only when the subject is clearly more frequent there, and the remedies are those of the failure type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml.root_cause.driver_answers import Contrast, Level
from models.outcome import Ratio
from models.taxonomy import Cause, FailureType, Taxonomy

if TYPE_CHECKING:
    import duckdb

PLACES = ("region", "branch_id", "channel", "product")
_CALLED = {"nps": "NPS", "csat": "satisfaction", "ces": "ease", "rating": "ratings", "qa": "quality"}
# Forty places are looked at for each subject: at 99.9 % one in twenty-five would stand out by chance alone.
_CLEARLY, _FEWEST = 0.999, 10


@dataclass(frozen=True, slots=True)
class Remedy:
    """What is usually done about a type of failure: for those concerned now, and for everybody after them."""

    tactical: str
    strategic: str


REMEDIES: Mapping[FailureType, Remedy] = {
    "people": Remedy("coach those concerned on this subject", "put it into onboarding and regular refreshers"),
    "policy": Remedy("explain the rule at the point where it bites", "review the rule itself"),
    "process": Remedy("clear what is waiting and tell customers where they stand", "redesign the step that gets stuck"),
    "product": Remedy("give out the work-around and say when it will be mended", "mend the fault in the product"),
    "third_party": Remedy("agree with the supplier whom to call", "write the level of service into the contract"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Figures of one driver; None where unknown. `below` is the highest score compared when better ones were left out."""

    metric: str
    contrast: Contrast
    scale: tuple[float, float]
    share: float
    customers: int
    needed: int
    effect: float | None
    low: float | None
    high: float | None
    impact: tuple[float, float, float] | None
    verdict: str
    below: float | None
    contact_days: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of a theme or cause besides scores: its name, type, alerts, where it stands out, months it was heard."""

    name: str | None
    failure_type: FailureType | None
    alerts: Ratio
    place: str | None
    months: int
    of_months: int


class Surroundings:
    """Looks up subjects in the database of an analysis (`driver_answers.opened`)."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, taxonomy: Taxonomy, theme_names: Mapping[str, str], alert_days: int
    ) -> None:
        self.alert_days = alert_days
        self._connection = connection
        self._causes: dict[str, Cause] = {cause.id: cause for cause in taxonomy.causes}
        self._names = theme_names
        self._seen: dict[tuple[Level, str], Subject] = {}

    def of(self, level: Level, subject: str) -> Subject:
        """Everything about one subject; looked up once, because each metric and contrast asks again."""
        if (level, subject) not in self._seen:
            self._seen[level, subject] = self._looked_up(level, subject)
        return self._seen[level, subject]

    def _looked_up(self, level: Level, subject: str) -> Subject:
        cause = self._causes.get(subject if level == "cause" else self._top_cause(subject) or "")
        name = self._names.get(subject) if level == "theme" else cause.title if cause else None
        months, of_months = self._months(level, subject)
        return Subject(
            name=name,
            failure_type=cause.failure_type if cause else None,
            alerts=self._alerts(level, subject),
            place=self._place(level, subject),
            months=months,
            of_months=of_months,
        )

    def _top_cause(self, theme: str) -> str | None:
        found = self._connection.execute(
            "SELECT cause_id FROM signal WHERE theme_id = ? AND cause_id IS NOT NULL "
            "GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
            [theme],
        ).fetchone()
        return str(found[0]) if found else None

    def _alerts(self, level: Level, subject: str) -> Ratio:
        found = self._connection.execute(
            f"SELECT count(*) FILTER (WHERE {level}_id = ?), count(*) FROM alert", [subject]
        ).fetchone()
        return Ratio(int(found[0]), int(found[1])) if found else Ratio(0, 0)

    def _months(self, level: Level, subject: str) -> tuple[int, int]:
        """Months of the data with the subject, and all its months from the first one on."""
        found = self._connection.execute(
            f"SELECT count(DISTINCT date_trunc('month', happened_at)) FILTER (WHERE {level}_id = ?), "
            "count(DISTINCT date_trunc('month', happened_at)) FROM signal",
            [subject],
        ).fetchone()
        return (int(found[0]), int(found[1])) if found else (0, 0)

    def _place(self, level: Level, subject: str) -> str | None:
        """The region, branch, channel or product that has clearly more of the subject than of everything, in words."""
        best: tuple[float, str] | None = None
        for column in PLACES:
            for value, own, own_all, everything, all_ in self._spread(level, subject, column):
                bounds = Ratio(own, own_all).wilson(_CLEARLY)
                if own < _FEWEST or bounds is None or not everything or bounds[0] <= everything / all_:
                    continue
                words = (
                    f"{column.removesuffix('_id')} {value}: {own} of {own_all} signals "
                    f"({own / own_all:.0%}; {everything / all_:.0%} of all signals come from there)"
                )
                best = max(best or (0.0, ""), (bounds[0] / (everything / all_), words))
        return best[1] if best else None

    def _spread(self, level: Level, subject: str, column: str) -> list[tuple[str, int, int, int, int]]:
        return self._connection.execute(
            f"SELECT {column}, count(*) FILTER (WHERE {level}_id = $subject) AS own, "
            f"sum(own) OVER ()::BIGINT, count(*), (sum(count(*)) OVER ())::BIGINT FROM recent "
            f"WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1",
            {"subject": subject},
        ).fetchall()


def sentence(finding: Finding, subject: Subject, alert_days: int) -> str:
    """Alerts, effect with interval, tactical and strategic solution; says so where something is unknown."""
    name = subject.name or "This subject"
    parts = [_alerts(name, subject, alert_days), _effect(finding), _tactical(subject, alert_days), _strategic(subject)]
    return " ".join(part for part in parts if part)


def _alerts(name: str, subject: Subject, days: int) -> str:
    bounds = subject.alerts.wilson()
    if bounds is None:
        return f"{name}:"
    share = subject.alerts.value or 0.0
    return (
        f"{share:.0%} (95 % interval {bounds[0]:.0%} to {bounds[1]:.0%}) of the {subject.alerts.denominator} alerts of the "
        f"last {days} days relate to: {name}."
    )


def _effect(finding: Finding) -> str:
    metric = _CALLED.get(finding.metric, finding.metric)
    if finding.effect is None or finding.low is None or finding.high is None or finding.impact is None:
        return (
            f"Not enough data to say how it goes with {metric}: {finding.customers} customers on the rarer side, "
            f"{finding.needed} needed."
        )
    lead = {"lowers": "It goes with significantly lower", "raises": "It goes with significantly higher"}
    told = lead.get(finding.verdict, "It has no clear effect on")
    return (
        f"{told} {metric}: answers {_who(finding)} score {_signed(finding.effect)} points "
        f"({_signed(finding.low)} to {_signed(finding.high)}) on a scale of {finding.scale[0]:g} to {finding.scale[1]:g}, "
        f"compared with the other answers{_limit(finding)} of like segment, channel, region, month and language; "
        f"over all of them, {finding.share:.0%} having it, that is {_signed(finding.impact[0])} points of the mean "
        f"({_signed(finding.impact[1])} to {_signed(finding.impact[2])}). An association, not a proof of cause."
    )


def _who(finding: Finding) -> str:
    if finding.contrast == "mentioned":
        return "that mention it"
    return f"of customers who contacted us about it in the {finding.contact_days} days before"


def _limit(finding: Finding) -> str:
    return f" below {finding.below:g} (better ones are given no theme)" if finding.below is not None else ""


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−").replace("−0.00", "0.00").replace("+0.00", "0.00")


def _tactical(subject: Subject, days: int) -> str:
    steps = [f"start with {subject.place} in the last {days} days"] if subject.place else []
    steps += [REMEDIES[subject.failure_type].tactical] if subject.failure_type else []
    return f"Tactical: {'; '.join(steps)}." if steps else ""


def _strategic(subject: Subject) -> str:
    if subject.failure_type is None:
        return ""
    kind = subject.failure_type.replace("_", " ")
    heard = f"heard in {subject.months} of {subject.of_months} months"
    return f"Strategic: a {kind} failure, {heard}; {REMEDIES[subject.failure_type].strategic}."
