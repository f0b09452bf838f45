"""The recovery study: every playbook and outcome, in all and by part of the cases, with what speaks for and against it.

Belongs here: which questions are asked and the tables their answers make. Not here: any estimate or check (the other
modules of this room), when it runs (`orchestration/recovery.py`), how it is shown (`amends/effect_page.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from ml.recovery import diagnostics as lines
from ml.recovery.attempts import MONEY, TOGETHER, Attempts, read_attempts, together
from ml.recovery.diagnostics import Line, key, known
from ml.recovery.drift import drift_lines
from ml.recovery.effect import Effect, effect, naive_difference
from ml.recovery.estimators import compare
from ml.recovery.heterogeneity import GroupEffect, group_effects, homogeneity, linear_predictor
from ml.recovery.learners import Learner, one_thread
from ml.recovery.nuisance import Nuisances, nuisances
from ml.recovery.overlap import overlap
from ml.recovery.pairs import make_pair
from ml.recovery.placebo import Placebo, placebo_outcome, placebo_treatment
from ml.recovery.ranking import curves
from ml.recovery.sensitivity import sensitivity
from ml.recovery.survival import stay
from ml.recovery.tables import CASE_EFFECT, EFFECT, EFFECT_DIAGNOSTIC
from ml.recovery.verdict import Unit, Verdict, amount, verdict

# Outcome -> unit of its effect, and what it is called in a sentence.
OUTCOMES: Mapping[str, tuple[Unit, str]] = {
    "net_margin_90d": ("usd", "net margin"),
    "retained_90d": ("share", "customers still there after 90 days"),
    "recovered": ("share", "customers who say it was put right"),
}
HORIZON_DAYS = 90
METHOD = "cross-fitted augmented inverse probability weighting"
LEVELS = (("severity",), ("segment",), ("cause",))
ASSUMPTIONS = (
    "Observational: nobody was drawn by lot. Two cases alike in all that was known before the decision are taken to have "
    "had the same prospects; something unseen that moved both the choice and the outcome would bias every estimate here. "
    "The sensitivity lines say how strong it would have to be.",
    "Covariates are as known strictly before the first action: severity as triaged (else by priority, else as "
    "classified), cause, segment, value, region, language, channel, wait, tenure, sentiment, earlier contacts, attempts and "
    "orders. What was written at resolution is none of them.",
    "Only attempts whose 90 days have passed count; what is unknown is weighted for, never counted as a failure.",
    "Attempts whose chance of the playbook, against nothing done, lay outside 2 to 98 % are left out and counted: the "
    "estimate is about the others alone.",
    "One customer's treatment is taken not to change another's outcome. Errors are by customer.",
    "Net margin is margin over 90 days less offers and handling (minutes at the programme's cost), not discounted: over "
    "90 days that is under the rounding.",
    "The naive difference stands beside every estimate to be seen failing; it is no finding.",
)
NOTHING: Literal["not enough data"] = "not enough data"
FALSE_DISCOVERY = 0.05
_DRAWS = 20


@dataclass(frozen=True, eq=False)
class Finding:
    """One effect: of a playbook on an outcome, for all attempts or one part of them. `q` is that of a part in its level."""

    outcome: str
    arm: str
    level: str
    subject: str
    effect: Effect
    q: float | None = None


@dataclass(frozen=True, eq=False)
class Study:
    """Tables by output name (`tables.py`), the findings in words, and what they rest on."""

    as_of: datetime
    tables: Mapping[str, pa.Table]
    sentences: tuple[str, ...]
    assumptions: tuple[str, ...] = ASSUMPTIONS


def study(table: pa.Table, *, as_of: datetime, seed: int = 0) -> Study:
    """All questions on the attempts of `int_recovery_attempt`; empty tables when there are none or only one playbook.

    Raises ValueError naming a column that is not in order.
    """
    effects: list[dict[str, Any]] = []
    checks: list[dict[str, Any]] = []
    saved: list[Finding] = []
    attempts = read_attempts(table) if table.num_rows else None
    with one_thread():
        questions = list(_questions(attempts, seed)) if attempts is not None else []
    for question in questions:
        judged = question.verdict()
        effects += question.rows(judged, as_of)
        checks += lines.rows(question.outcome, question.arm, [*question.lines, *_minds(judged)], as_of)
        if question.outcome == MONEY and question.arm != TOGETHER and judged.standing != NOTHING:
            saved.append(question.findings[0])
    told = [row["sentence"] for row in effects if row["level"] == "all"]
    tables = {
        "ml_recovery__effect": pa.Table.from_pylist(effects, schema=EFFECT),
        "ml_recovery__diagnostic": pa.Table.from_pylist(checks, schema=EFFECT_DIAGNOSTIC),
        "ml_recovery__case_effect": pa.Table.from_pylist(_case_rows(table, attempts, saved, as_of), schema=CASE_EFFECT),
    }
    return Study(as_of, tables, tuple(told))


def estimates(attempts: Attempts, *, seed: int = 0) -> list[Finding]:
    """The effects alone, without their diagnostics: the same numbers as the study tells."""
    return [finding for outcome, arm, pair in _asked(attempts) for finding in _findings(pair, outcome, arm, seed)[1]]


@dataclass(frozen=True, eq=False)
class _Question:
    """One outcome and playbook: findings (all first, then parts), lines of its diagnostics, what the verdict needs."""

    outcome: str
    arm: str
    attempts: Attempts
    findings: list[Finding]
    lines: list[Line]
    evidence: Mapping[str, Any]

    def verdict(self) -> Verdict:
        """What may be said of the whole."""
        unit, name = OUTCOMES[self.outcome]
        return verdict(self.findings[0].effect, **self.evidence, unit=unit, name=name)

    def rows(self, judged: Verdict, as_of: datetime) -> list[dict[str, Any]]:
        """Rows of `ml_recovery__effect`, all first, then the parts."""
        stretch = self.attempts.anchored_at[self.attempts.due(self.outcome)]
        ends = (stretch.min().item(), stretch.max().item()) if len(stretch) else (None, None)
        return [_effect_row(finding, judged, ends, as_of) for finding in self.findings]


def _asked(attempts: Attempts) -> Iterator[tuple[str, str, Attempts]]:
    """Outcome, playbook, and the attempts it is asked on; all together first."""
    if len(attempts.arms) < 2:
        return
    pooled = together(attempts)
    for outcome in OUTCOMES:
        yield outcome, TOGETHER, pooled
        for arm in attempts.arms[1:]:
            yield outcome, arm, attempts


def _questions(attempts: Attempts, seed: int) -> Iterator[_Question]:
    placebos: dict[str, Placebo] = {}
    for outcome, arm, own in _asked(attempts):
        fitted, findings = _findings(own, outcome, arm, seed)
        if arm not in placebos:
            placebos[arm] = placebo_outcome(own, arm, seed=seed)
        yield _question(own, outcome, arm, fitted, findings, placebos[arm], seed)


def _question(
    attempts: Attempts, outcome: str, arm: str, fitted: Nuisances, findings: list[Finding], before: Placebo, seed: int
) -> _Question:
    whole = findings[0].effect
    seen = overlap(attempts, outcome, arm, fitted)
    placebos = [before]
    if arm == TOGETHER:
        # Everything is fitted again for each draw: on all playbooks together it tries the method, and the rest share that.
        placebos.append(placebo_treatment(attempts, outcome, arm, draws=_DRAWS, seed=seed))
    hidden = sensitivity(attempts, whole, fitted)
    learners: tuple[Learner, ...] = ("logistic", "boosted") if arm == TOGETHER else ("logistic",)
    others = compare(attempts, outcome, arm, seed=seed, learners=learners) if whole.reason is None else ()
    told = [*lines.overlap_lines(seen), *map(lines.placebo_line, placebos),
            *lines.sensitivity_lines(hidden, whole), *lines.estimator_lines(others)]  # fmt: skip
    if whole.reason is None:
        told += [*_spread(attempts, outcome, arm, fitted), *drift_lines(attempts, outcome, arm, fitted)]
    if outcome == "retained_90d":
        told += lines.survival_lines(stay(attempts, arm, seed=seed))
    evidence = {"overlap": seen, "placebos": placebos, "sensitivity": hidden, "estimates": others}
    return _Question(outcome, arm, attempts, findings, told, evidence)


def _spread(attempts: Attempts, outcome: str, arm: str, fitted: Nuisances) -> Iterator[Line]:
    """Whether the effect differs between cases, and what choosing them by it would be worth."""
    groups = group_effects(attempts, outcome, arm, fitted, by=LEVELS)
    yield from lines.homogeneity_lines(homogeneity(groups))
    yield from lines.predictor_lines(linear_predictor(attempts, outcome, arm, fitted))
    pair = make_pair(attempts, outcome, fitted, arm=arm, reference=attempts.arms[0])
    if np.isfinite(pair.mu1).all() and np.isfinite(pair.mu0).all():
        yield from lines.ranking_lines(curves(pair, points=10))


def _findings(attempts: Attempts, outcome: str, arm: str, seed: int) -> tuple[Nuisances, list[Finding]]:
    fitted = nuisances(attempts, outcome, seed=seed, arms=(attempts.arms[0], arm))
    whole = effect(attempts, outcome, arm, fitted=fitted)
    parts = group_effects(attempts, outcome, arm, fitted, by=LEVELS)
    return fitted, [Finding(outcome, arm, "all", "all", whole), *(_part(attempts, whole, part) for part in parts)]


def _part(attempts: Attempts, whole: Effect, part: GroupEffect) -> Finding:
    """One part of the cases in the shape of an effect, with its own naive difference."""
    inside = attempts.groups[part.level] == part.subject
    one, zero = attempts.arm_index(whole.arm), attempts.arm_index(whole.reference)
    asked = inside & attempts.due(whole.outcome) & np.isin(attempts.arm, (one, zero))
    treated = attempts.arm[asked] == one
    naive = naive_difference(attempts.outcome(whole.outcome)[asked], treated, attempts.cluster[asked])
    per_case = np.full(len(attempts), np.nan)
    member = inside & ~np.isnan(whole.per_case)
    if part.reason is None:
        expected = whole.per_case[member]
        per_case[member] = expected + (part.point - expected.mean())
    found = replace(
        whole, point=part.point, low=part.low, high=part.high, se=part.se, n=int(asked.sum()),
        n_treated=int(member.sum()), n_reference=part.n_reference, n_trimmed=int(treated.sum()) - int(member.sum()),
        n_overlap=int(member.sum()) + part.n_reference,
        n_trimmed_treated=int(treated.sum()) - int(member.sum()),
        n_unknown=int(np.isnan(attempts.outcome(whole.outcome)[asked]).sum()),
        effective_reference=part.effective_reference, naive=naive[0], naive_low=naive[1], naive_high=naive[2],
        per_case=per_case, target="population", reason=part.reason,
    )  # fmt: skip
    return Finding(whole.outcome, whole.arm, part.level, part.subject, found, known(part.q_value))


def _effect_row(finding: Finding, judged: Verdict, ends: tuple[Any, Any], as_of: datetime) -> dict[str, Any]:
    found = finding.effect
    said = judged if finding.level == "all" else _of_part(finding, judged)
    told = ("point", "low", "high", "total", "total_low", "total_high")
    figures = {name: known(getattr(found, name)) if said.standing != NOTHING else None for name in told}
    return {
        "effect_id": key(finding.outcome, finding.arm, found.estimand, finding.level, finding.subject),
        "outcome": finding.outcome, "unit": OUTCOMES[finding.outcome][0], "arm": finding.arm,
        "reference": found.reference, "estimand": found.estimand, "level": finding.level, "subject": finding.subject,
        "n": found.n, "n_treated": found.n_treated + found.n_trimmed_treated,
        "n_reference": found.n - found.n_treated - found.n_trimmed_treated,
        "n_overlap": found.n_treated, "n_trimmed": found.n_trimmed_treated, "n_unknown": found.n_unknown, **figures,
        "naive": known(found.naive), "naive_low": known(found.naive_low), "naive_high": known(found.naive_high),
        "q": finding.q, "standing": said.standing, "reason": said.reason, "sentence": said.sentence, "method": METHOD,
        "horizon_days": HORIZON_DAYS, "from_at": ends[0], "until_at": ends[1], "as_of": as_of,
    }  # fmt: skip


def _of_part(finding: Finding, whole: Verdict) -> Verdict:
    """A part can be told no more surely than the whole; beyond that it must stand out among the parts of its level."""
    found, (unit, name) = finding.effect, OUTCOMES[finding.outcome]
    where = f"{finding.level} {finding.subject}"
    reason = found.reason or (whole.reason if whole.standing == NOTHING else None)
    if reason is not None:
        return Verdict(NOTHING, f"{where}: what {finding.arm} changes in {name} cannot be told: {reason}.", reason, ())
    sentence = (
        f"{where}: {finding.arm} {amount(found.point, unit)} an attempt ({amount(found.low, unit)} to "
        f"{amount(found.high, unit)}); the naive difference is {amount(found.naive, unit)}."
    )
    doubt = whole.reason
    if finding.q is None or finding.q > FALSE_DISCOVERY:
        doubt = f"among the parts by {finding.level} it does not stand out from no effect (q = {finding.q or 1:.2f})"
    return Verdict("suggestive" if doubt else "supported", sentence, doubt, ())


def _minds(judged: Verdict) -> Iterator[Line]:
    for number, sentence in enumerate(judged.would_change):
        yield Line("change_of_mind", str(number), None, sentence)


def _case_rows(
    table: pa.Table, attempts: Attempts | None, saved: Sequence[Finding], as_of: datetime
) -> list[dict[str, Any]]:
    """What each attempt with a playbook is expected to have saved; over a playbook these sum to its total."""
    if attempts is None:
        return []
    expected = np.full(len(attempts), np.nan)
    for finding in saved:
        told = ~np.isnan(finding.effect.per_case)
        expected[told] = finding.effect.per_case[told]
    case, customer = table.column("case_id").to_pylist(), table.column("customer_id").to_pylist()
    asked = np.flatnonzero((attempts.arm > 0) & attempts.due(MONEY))
    return [
        {
            "attempt_id": str(attempts.ids[row]), "case_id": case[row], "customer_id": customer[row],
            "arm": attempts.arms[attempts.arm[row]], "is_in_overlap": not np.isnan(expected[row]),
            "expected_usd": known(float(expected[row])), "as_of": as_of,
        }
        for row in asked
    ]  # fmt: skip
