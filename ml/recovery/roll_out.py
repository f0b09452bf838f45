"""Which learned playbook policies are in force: kept in the model store, changed step by step, undone in one.

Belongs here: proposing a policy, putting it beside or in place of the champion, going back, and reading what is in force.
Not here: learning and judging (`policy.py`, `off_policy.py`), the choice for a case (`models/trial.py`), files and hashes
(`ml/store.py`). Every state of affairs is one immutable, hashed entry of the store that holds whole copies of its
policies; the pointer to it is replaced in one step, so a reader sees the old or the new, never half of either.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ml.store import ModelRefused, ModelStore, StoredModel, dump_json
from models.policy import Policy, PolicyFault
from models.trial import RULES_VERSION, RollOut

log = logging.getLogger(__name__)

KIND = "playbook_policy"
POLICY_FILE, ABOUT_FILE, HEAD_FILE, EVIDENCE_FILE = "policy.json", "about.json", "roll_out.json", "evidence.json"
FIRST_SHARE = 0.1


class Head(BaseModel):
    """roll_out.json: who is in force. None as champion: the rules. Policies lie beside it as `<side>.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    champion: str | None = None
    challenger: str | None = None
    share: float = Field(default=0.0, ge=0, le=1)


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of a roll-out: whether it holds, and why, in words."""

    name: str
    passed: bool
    why: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of what is in force, as it stands on record. `at` is UTC; `failed` gates were overruled by a person."""

    action: Literal["promoted", "rolled_back"]
    model_id: str
    before: str | None
    by: str
    why: str
    at: str
    champion: str | None
    challenger: str | None
    share: float
    failed: tuple[str, ...] = ()


class GateClosed(ValueError):
    """A policy may not be put in force; `gates` are those that failed."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        super().__init__("; ".join(f"{gate.name}: {gate.why}" for gate in gates))
        self.gates = tuple(gates)


def propose(store: ModelStore, policy: Policy, about: Mapping[str, Any]) -> str:
    """Save a learned policy and note that it waits for a person; its id. `about` is what is known of it, in JSON values
    (`policy_run.Report.about`); the champion it was judged against, the one in force, is noted with it.

    Raises `ModelRefused` for an id that is no safe name.
    """
    champion = in_force(store).champion
    known = dict(about) | {"against": champion.policy_id if champion is not None else None}
    files = {POLICY_FILE: policy.to_json().encode(), ABOUT_FILE: dump_json(known)}
    store.save(KIND, policy.policy_id, files)
    store.set_pending(KIND, policy.policy_id, known)
    return policy.policy_id


def known_of(store: ModelStore, policy_id: str) -> dict[str, Any]:
    """What was kept beside a policy when it was proposed. Raises `ModelRefused` as `saved_policy` does."""
    found = store.load(KIND, policy_id)
    return dict(found.json(ABOUT_FILE)) if ABOUT_FILE in found.files else {}


def saved_policy(store: ModelStore, policy_id: str) -> Policy:
    """A policy as it was proposed. Raises `ModelRefused` when there is none, it was changed, or it is no policy."""
    return _policy(store.load(KIND, policy_id), POLICY_FILE)


def in_force(store: ModelStore) -> RollOut:
    """What is in force. Never raises for what lies in the store: whatever cannot be read leaves the choice to the rules,
    with the reason as `fault` and in the log.
    """
    try:
        history = store.history(KIND)
        if not history:
            return RollOut()
        found = store.active(KIND)
        if found is None or found.model_id != history[0]:
            raise ModelRefused(f"the policy in force, {history[0]}, is not what was put in force")
        return _read(found)
    except (ModelRefused, OSError, ValueError, KeyError, TypeError) as error:
        # The pointer and the files are read from disk: anything may be in them.
        log.error("no learned policy is used: %s", error)
        return RollOut(fault=f"the learned policy cannot be read ({type(error).__name__})")


def _read(found: StoredModel) -> RollOut:
    """A state as saved by `promote`, or a policy alone (put in use by `amends models promote`)."""
    if HEAD_FILE not in found.files:
        return RollOut(found.model_id, champion=_policy(found, POLICY_FILE))
    try:
        head = Head.model_validate_json(found.files[HEAD_FILE])
    except ValidationError as error:
        raise ModelRefused(f"{found.model_id}: {HEAD_FILE} is not in order") from error
    champion = _policy(found, "champion.json") if head.champion is not None else None
    challenger = _policy(found, "challenger.json") if head.challenger is not None else None
    return RollOut(found.model_id, champion, challenger, head.share)


def _policy(found: StoredModel, name: str) -> Policy:
    if name not in found.files:
        raise ModelRefused(f"{found.model_id} holds no policy")
    try:
        return Policy.from_json(found.files[name])
    except PolicyFault as error:
        raise ModelRefused(f"{found.model_id}: {error}") from error


def promote(
    store: ModelStore, policy_id: str, *, share: float, gates: Sequence[Gate], force: bool = False,
    by: str, why: str, at: datetime, evidence: Mapping[str, Any] | None = None,
) -> Change:  # fmt: skip
    """Give a saved policy `share` of the cases as challenger, or all of them (1) as champion.

    Raises `GateClosed` when a gate failed and nobody insists, `ModelRefused` for a policy that cannot be read, and
    `ValueError` for a share outside (0, 1], a policy that is champion already, or a decision without name or reason.
    """
    _named(by, why)
    if not 0 < share <= 1:
        raise ValueError("the share of a policy is more than 0 and at most 1")
    if (failed := [gate for gate in gates if not gate.passed]) and not force:
        raise GateClosed(failed)
    policy, now = saved_policy(store, policy_id), in_force(store)
    if now.champion is not None and now.champion.policy_id == policy_id:
        raise ValueError(f"policy {policy_id} is the champion already")
    _begin_with_rules(store)
    champion, challenger = (policy, None) if share == 1 else (now.champion, policy)
    state = _save(store, champion, challenger, share if challenger else 0.0, at, evidence or {})
    change = _change(store, "promoted", state, by, why, at, tuple(gate.name for gate in failed))
    if (store.pending(KIND) or {}).get("model_id") == policy_id:
        store.drop_pending(KIND)
    return change


def roll_back(store: ModelStore, *, by: str, why: str, at: datetime, to_rules: bool = False) -> Change:
    """Put what was in force before the last promotion back in one step, else the rules.

    What was itself rolled back never returns this way, and a former state that no longer checks is passed over. Raises
    `ModelRefused` when nothing was ever promoted or the rules alone are in force.
    """
    _named(by, why)
    active = next(iter(store.history(KIND)), None)
    if active is None or active == RULES_VERSION:
        raise ModelRefused("the rules alone are in force: there is nothing to go back from")
    _save_rules(store)
    for state in () if to_rules else reversed(_standing(store)[:-1]):
        try:
            _read(store.load(KIND, state))
        except ModelRefused as error:
            log.error("passed over while rolling back: %s", error)
            continue
        return _change(store, "rolled_back", state, by, why, at)
    return _change(store, "rolled_back", RULES_VERSION, by, why, at)


def _standing(store: ModelStore) -> list[str]:
    """States promoted and not rolled back since, oldest first; the last one is in force."""
    stack = list[str]()
    for said in store.decisions(KIND):
        if said.get("action") == "promoted":
            stack.append(said["model_id"])
        elif said.get("action") == "rolled_back":
            while stack and stack[-1] != said["model_id"]:
                stack.pop()
    return stack


def _begin_with_rules(store: ModelStore) -> None:
    if not store.history(KIND):
        _save_rules(store)
        store.promote(KIND, RULES_VERSION)


def _save_rules(store: ModelStore) -> None:
    store.save(KIND, RULES_VERSION, {HEAD_FILE: dump_json(Head().model_dump())})


def _save(
    store: ModelStore, champion: Policy | None, challenger: Policy | None, share: float, at: datetime,
    evidence: Mapping[str, Any],
) -> str:  # fmt: skip
    """Save a state under a name of its own, so that no state is ever written over; the name."""
    sides = {"champion": champion, "challenger": challenger}
    ids = {side: policy.policy_id if policy else None for side, policy in sides.items()}
    files = {HEAD_FILE: dump_json(Head(share=share, **ids).model_dump())}
    files |= {f"{side}.json": policy.to_json().encode() for side, policy in sides.items() if policy is not None}
    digest = hashlib.sha256(b"\0".join(files[name] for name in sorted(files))).hexdigest()[:8]
    files[EVIDENCE_FILE] = dump_json(dict(evidence))
    name = f"{at.astimezone(UTC):%Y%m%dT%H%M%S}-{digest}"
    store.save(KIND, name, files)
    return name


def _change(
    store: ModelStore, action: Literal["promoted", "rolled_back"], state: str, by: str, why: str, at: datetime,
    failed: tuple[str, ...] = (),
) -> Change:  # fmt: skip
    before = next(iter(store.history(KIND)), None)
    now = _read(store.load(KIND, state))
    store.promote(KIND, state)
    change = Change(
        action, state, before, by, why, at.astimezone(UTC).isoformat(timespec="seconds"),
        now.champion.policy_id if now.champion else None, now.challenger.policy_id if now.challenger else None,
        now.share, failed,
    )  # fmt: skip
    store.record_decision(KIND, asdict(change))
    return change


def _named(by: str, why: str) -> None:
    if not by.strip() or not why.strip():
        raise ValueError("a decision has a name and a reason")
