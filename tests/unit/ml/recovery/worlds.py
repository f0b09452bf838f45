"""Worlds with a planted truth: who gets which playbook depends on severity and value, and so does what comes after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.recovery.attempts import Attempts

Floats = NDArray[np.float64]

ARMS = ("none", "refund", "callback", "escalate")
# Pull of severity (worst = high) and value towards each arm, and what each arm adds at most to the log odds.
_SEVERITY_PULL = np.array([0.0, 0.7, 0.1, 0.9])
_VALUE_PULL = np.array([0.0, 0.3, 0.5, -0.2])
_LIFT = np.array([0.0, 0.8, 0.5, 0.15])
_GAIN_USD = np.array([0.0, 30.0, 18.0, 0.0])


@dataclass(frozen=True, eq=False)
class Truth:
    """What nobody sees: every attempt's outcome under each arm (n, arms), and the chances of the arms."""

    potential: dict[str, Floats]
    propensity: Floats

    def att(self, attempts: Attempts, outcome: str, arm: str, kept: NDArray[np.bool_] | None = None) -> float:
        """Mean effect on those who got the arm (of those kept)."""
        place = attempts.arm_index(arm)
        chosen = (attempts.arm == place) & (True if kept is None else kept)
        return float((self.potential[outcome][chosen, place] - self.potential[outcome][chosen, 0]).mean())


def planted(
    n: int,
    seed: int,
    *,
    arms: int = 4,
    per_customer: int = 2,
    answer_rate: float | None = None,
    confounding: float = 1.0,
    effect: float = 1.0,
) -> tuple[Attempts, Truth]:
    """A world of n attempts. With `answer_rate` some outcomes are unknown, the more the worse the case was."""
    random = np.random.default_rng(seed)
    cluster = random.integers(0, max(n // per_customer, 1), n)
    severity = random.integers(1, 5, n)
    badness = (2.5 - severity) / 1.118
    wealth = random.normal(size=cluster.max() + 1)[cluster]
    theme = random.integers(0, 3, n)
    propensity = _chances(badness, wealth, theme, arms, confounding)
    arm = (random.random((n, 1)) > propensity.cumsum(axis=1)[:, :-1]).sum(axis=1).astype(np.int64)
    shared = random.normal(size=cluster.max() + 1)[cluster]
    potential = _outcomes(random, badness, wealth, theme, shared, arms, effect)
    seen = {name: values[np.arange(n), arm] for name, values in potential.items()}
    if answer_rate is not None:
        odds = np.log(answer_rate / (1 - answer_rate)) - 0.8 * badness + 0.4 * (arm > 0)
        seen["recovered"] = np.where(random.random(n) < 1 / (1 + np.exp(-odds)), seen["recovered"], np.nan)
    covariates = np.column_stack(
        [*((severity == level) for level in (1, 2, 3, 4)), wealth, *((theme == level) for level in (0, 1, 2))]
    ).astype(np.float64)
    attempts = Attempts(
        ids=np.array([f"a{place}" for place in range(n)]),
        cluster=cluster.astype(np.int64),
        arms=ARMS[:arms],
        arm=arm,
        covariates=covariates,
        names=(
            "severity=1",
            "severity=2",
            "severity=3",
            "severity=4",
            "annual_value_usd",
            "cause=0",
            "cause=1",
            "cause=2",
        ),
        outcomes=seen,
        groups={
            "severity": severity.astype(np.str_),
            "segment": np.where(wealth > 0, "large", "small"),
            "cause": theme.astype(np.str_),
        },
        anchored_at=np.datetime64("2026-01-01") + random.integers(0, 180, n).astype("timedelta64[D]"),
    )
    return attempts, Truth(potential, propensity)


def _chances(badness: Floats, wealth: Floats, theme: Floats, arms: int, confounding: float) -> Floats:
    logits = confounding * (badness[:, None] * _SEVERITY_PULL[:arms] + wealth[:, None] * _VALUE_PULL[:arms])
    logits[:, 1:] += 0.2 * confounding * (theme == 1)[:, None] - 0.4
    chances = np.exp(logits)
    return chances / chances.sum(axis=1, keepdims=True)


def _outcomes(
    random: np.random.Generator,
    badness: Floats,
    wealth: Floats,
    theme: Floats,
    shared: Floats,
    arms: int,
    effect: float,
) -> dict[str, Floats]:
    n = len(badness)
    lift = effect * _LIFT[:arms] * (1 + 0.4 * badness[:, None])
    gain = effect * _GAIN_USD[:arms] * (1 + 0.4 * badness[:, None] + 0.5 * (wealth[:, None] > 0))
    base = -0.2 - 0.7 * badness + 0.4 * wealth - 0.3 * (theme == 1) + 0.3 * shared
    odds = base[:, None] + lift
    luck = random.random((n, 1))
    margin = 100 + 60 * wealth - 35 * badness + 20 * shared
    noise = random.normal(scale=40, size=n)
    return {
        "recovered": (luck < 1 / (1 + np.exp(-odds))).astype(np.float64),
        "retained_90d": (luck < 1 / (1 + np.exp(-odds - 1))).astype(np.float64),
        "margin_90d": (margin + noise)[:, None] + gain,
        "net_margin_90d": (margin + noise)[:, None] + gain - 6.0 * (np.arange(arms) > 0),
        "placebo": np.repeat((margin + random.normal(scale=40, size=n))[:, None], arms, axis=1),
    }
