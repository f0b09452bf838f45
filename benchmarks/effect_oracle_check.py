"""Our scores and effects on the oracle's table, beside EconML's and DoubleML's answers.

Belongs here: asking a python that has them where there is one, and the distances. Not here: their side (`effect_oracle.py`).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from ml.recovery.attempts import Attempts
from ml.recovery.effect import effect, scores
from ml.recovery.nuisance import Nuisances
from models.settings import ROOT

STORED = ROOT / "tests" / "unit" / "ml" / "fixtures" / "effect_oracle.json"


def fixture() -> tuple[dict[str, Any], bool]:
    """The table with the oracles' answers, and whether they were asked now."""
    python = os.environ.get("AMENDS_ORACLE_PYTHON")
    if not python:
        return json.loads(STORED.read_text(encoding="utf-8")), False
    script = Path(__file__).with_name("effect_oracle.py")
    done = subprocess.run([python, str(script)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout), True


def distances(found: dict[str, Any]) -> dict[str, float]:
    """How far our answers are from theirs, given the same nuisances and folds.

    The average effect is the mean of our scores to rounding. Our effect on the treated scales its weights to sum to the
    treated (Hajek), DoubleML's does not: they differ by less than the third decimal.
    """
    attempts, fitted = _ours(found)
    told = scores(attempts, "outcome", fitted, floor=1e-6)
    average = float((told[:, 1] - told[:, 0]).mean())
    att = effect(attempts, "outcome", "treated", target="population", trim=(0.0, 1.0), fitted=fitted)
    answers = found["answers"]
    return {
        "EconML average": abs(average - answers["econml_ate"]),
        "DoubleML average": abs(average - answers["doubleml_ate"][0]),
        "DoubleML on the treated": abs(att.point - answers["doubleml_att"][0]),
    }


def _ours(found: dict[str, Any]) -> tuple[Attempts, Nuisances]:
    table = {name: np.asarray(values) for name, values in found.items() if name != "answers"}
    n, chance = len(table["outcome"]), table["chance"]
    attempts = Attempts(
        ids=np.arange(n).astype(np.str_), cluster=np.arange(n, dtype=np.int64), arms=("none", "treated"),
        arm=table["treated"].astype(np.int64), covariates=table["x"], names=("x0", "x1", "x2"),
        outcomes={"outcome": table["outcome"]}, groups={}, anchored_at=np.full(n, np.datetime64("2026-01-01")),
    )  # fmt: skip
    fitted = Nuisances(
        np.column_stack([table["mu0"], table["mu1"]]), np.column_stack([1 - chance, chance]),
        table["fold"].astype(np.int64), np.ones((n, 2)),
    )  # fmt: skip
    return attempts, fitted
