"""Recovery attempts in memory: who was treated how, what was known before, what came after.

Belongs here: the arrays every estimate of this room reads, and making them from `int_recovery_attempt`. Not here: how
the table comes about (dbt), or any model (`nuisance.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.recovery.encoding import FLAGS, LEVELS, NUMBERS, encode, numeric
from ml.recovery.encoding import MONEY as AMOUNTS

Floats = NDArray[np.float64]

REFERENCE = "none"
# The outcome revenue saved is told in, and the name of all playbooks but the reference as one.
MONEY, TOGETHER = "net_margin_90d", "any playbook"
# Name of an outcome in memory -> column of the table. Unknown stays NaN: it is never counted as a failure.
OUTCOMES = {
    "recovered": "is_recovered",
    "retained_90d": "is_retained_90d",
    "margin_90d": "margin_90d_usd",
    "net_margin_90d": "net_margin_90d_usd",
    "revenue_90d": "revenue_90d_usd",
    "placebo": "margin_placebo_usd",
    "days_to_churn": "days_to_churn",
    "days_observed": "days_observed_after",
}
MATURITY = {
    "recovered": "is_outcome_mature",
    "retained_90d": "is_mature_90d",
    "margin_90d": "is_mature_90d",
    "net_margin_90d": "is_mature_90d",
    "revenue_90d": "is_mature_90d",
}
SURE = {"recovered": "is_recontacted"}
GROUPS = {"severity": "severity", "segment": "segment", "cause": "cause_id"}
UNKNOWN = "unknown"
_KEYS = ("attempt_id", "customer_id", "playbook_code", "first_action_at")
_COSTS = ("offer_usd", "effort_cost_usd")


@dataclass(frozen=True, eq=False)
class Attempts:
    """n attempts at recovery; every array has n rows in the same order.

    `cluster` is the customer as a code (errors are clustered by it), `arm` an index into `arms` whose first is the
    reference, `covariates` (n, d) what was known strictly before the decision, finite throughout, and `outcomes` what
    came after, NaN where unknown. `propensity` (n, arms) are logged probabilities, where choices were randomised, and
    `mature` says by outcome whose window is over: an attempt too young to tell is left out, not guessed at. `sure` says
    by outcome whose is known without an answer: who came back has not recovered, whether or not they say so.
    """

    ids: NDArray[np.str_]
    cluster: NDArray[np.int64]
    arms: tuple[str, ...]
    arm: NDArray[np.int64]
    covariates: Floats
    names: tuple[str, ...]
    outcomes: Mapping[str, Floats]
    groups: Mapping[str, NDArray[np.str_]]
    anchored_at: NDArray[np.datetime64]
    propensity: Floats | None = None
    cost: Floats | None = None
    mature: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    sure: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.arm)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Attempts:
        """The attempts at these places, or where a mask holds; arms and column names stay as they are."""
        return replace(
            self,
            ids=self.ids[index],
            cluster=self.cluster[index],
            arm=self.arm[index],
            covariates=self.covariates[index],
            outcomes={name: values[index] for name, values in self.outcomes.items()},
            groups={name: values[index] for name, values in self.groups.items()},
            anchored_at=self.anchored_at[index],
            propensity=None if self.propensity is None else self.propensity[index],
            cost=None if self.cost is None else self.cost[index],
            mature={name: due[index] for name, due in self.mature.items()},
            sure={name: told[index] for name, told in self.sure.items()},
        )

    def outcome(self, name: str) -> Floats:
        """One outcome (n,), NaN where unknown; raises ValueError naming it when it is not there."""
        if name not in self.outcomes:
            raise ValueError(f"unknown outcome {name!r}: known are {', '.join(self.outcomes)}")
        return self.outcomes[name]

    def due(self, name: str) -> NDArray[np.bool_]:
        """Attempts whose window for this outcome is over, (n,): all of them where nothing is said about it."""
        return self.mature.get(name, np.ones(len(self), dtype=np.bool_))

    def told(self, name: str) -> NDArray[np.bool_]:
        """Attempts whose outcome is known without an answer, (n,): none of them where nothing is said about it."""
        return self.sure.get(name, np.zeros(len(self), dtype=np.bool_)) & ~np.isnan(self.outcome(name))

    def arm_index(self, arm: str) -> int:
        """Place of a playbook among the arms; raises ValueError naming it when nobody ever used it."""
        if arm not in self.arms:
            raise ValueError(f"unknown playbook {arm!r}: known are {', '.join(self.arms)}")
        return self.arms.index(arm)


def read_attempts(table: pa.Table, *, reference: str = REFERENCE) -> Attempts:
    """Attempts of `int_recovery_attempt`, in the order of the table.

    The reference comes first among the arms, also when nobody was left alone. Logged probabilities are read where a
    column `propensity_<playbook>` exists for every arm. Raises ValueError naming the column that is missing, empty
    where it must not be, doubled, or no number where one is due.
    """
    _check(table)
    codes = _texts(table, "playbook_code")
    arms = (reference, *sorted(set(codes.tolist()) - {reference}))
    covariates, names = encode(table)
    return Attempts(
        ids=_texts(table, "attempt_id"),
        cluster=np.unique(_texts(table, "customer_id"), return_inverse=True)[1].astype(np.int64),
        arms=arms,
        arm=_places(codes, arms),
        covariates=covariates,
        names=names,
        outcomes={name: numeric(table, column) for name, column in OUTCOMES.items()},
        groups={name: _texts(table, column) for name, column in GROUPS.items()},
        anchored_at=table.column("first_action_at").cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]"),
        propensity=_propensities(table, arms),
        cost=np.add.reduce([np.nan_to_num(numeric(table, name)) for name in _COSTS]),
        mature={name: numeric(table, column) == 1.0 for name, column in MATURITY.items()},
        sure={name: numeric(table, column) == 1.0 for name, column in SURE.items() if column in table.column_names},
    )


def together(attempts: Attempts) -> Attempts:
    """The same attempts with all playbooks but the reference as one."""
    return replace(
        attempts, arms=(attempts.arms[0], TOGETHER), arm=(attempts.arm > 0).astype(np.int64), propensity=None
    )


def _check(table: pa.Table) -> None:
    needed = (
        *_KEYS,
        *OUTCOMES.values(),
        *GROUPS.values(),
        *_COSTS,
        *MATURITY.values(),
        *LEVELS,
        *AMOUNTS,
        *NUMBERS,
        *FLAGS,
    )
    for name in needed:
        if name not in table.column_names:
            raise ValueError(f"column {name} is missing from the table of attempts")
    for name in _KEYS:
        if table.column(name).null_count:
            raise ValueError(f"column {name} of the attempts has {table.column(name).null_count} empty values")
    if pc.count_distinct(table.column("attempt_id")).as_py() < table.num_rows:
        raise ValueError("column attempt_id of the attempts has doubled values")


def _texts(table: pa.Table, name: str) -> NDArray[np.str_]:
    values = table.column(name).cast(pa.string()).fill_null(UNKNOWN).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.str_)


def _places(codes: NDArray[np.str_], arms: tuple[str, ...]) -> NDArray[np.int64]:
    order = np.argsort(np.asarray(arms, dtype=np.str_))
    found = np.searchsorted(np.asarray(arms, dtype=np.str_)[order], codes)
    return np.asarray(order[found], dtype=np.int64)


def _propensities(table: pa.Table, arms: tuple[str, ...]) -> Floats | None:
    columns = [f"propensity_{arm}" for arm in arms]
    if not set(columns) <= set(table.column_names):
        return None
    logged = np.column_stack([numeric(table, name) for name in columns])
    if np.isnan(logged).any() or not np.allclose(logged.sum(axis=1), 1.0, atol=1e-6):
        raise ValueError(f"columns {', '.join(columns)} must be known and sum to 1 in every row")
    return logged
