"""`amends policy`: the learned playbook policies: what is in force, what past cases say, roll out, roll back."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amends.console import answer, console, fail
from amends.working import By, Json
from models.settings import Settings, load_settings

if TYPE_CHECKING:
    from ml.recovery.roll_out import Gate
    from ml.recovery.roll_out_gates import Split
    from ml.store import ModelStore
    from models.policy import Policy

app = typer.Typer(
    no_args_is_help=True, help="Learned playbook policies: look, judge, roll out step by step, roll back."
)
PolicyId = Annotated[str | None, typer.Argument(help="A saved policy. Default: the one that waits, else on trial.")]
Why = Annotated[str, typer.Option("--why", help="Reason, for the record.")]


@app.command()
def show(json_: Json = False) -> None:
    """What is in force: champion, challenger and its share, each leaf's values, and who decided so."""
    from amends.policy_view import roll_out_document
    from amends.policy_view import show as text
    from ml.recovery import roll_out

    store = _store(load_settings())
    document: dict[str, Any] = {
        "ok": True, "in_force": roll_out_document(roll_out.in_force(store)), "waiting": store.pending(roll_out.KIND),
        "saved": store.saved(roll_out.KIND), "decisions": store.decisions(roll_out.KIND),
    }  # fmt: skip
    answer(document, json_, show=text)


@app.command()
def evaluate(policy_id: PolicyId = None, json_: Json = False) -> None:
    """What past cases say of a policy: every estimator with interval, support and verdict, the naive figure beside.

    Exit code 1 when the policy may not be put in force.
    """
    from amends.policy_view import show_evidence

    settings = load_settings()
    with _refusals():
        store = _store(settings)
        evidence = _evidence(settings, store, _wanted(store, policy_id))
    answer({"ok": evidence["passed"], **evidence}, json_, show=show_evidence)
    raise typer.Exit(0 if evidence["passed"] else 1)


@app.command()
def promote(
    policy_id: PolicyId = None,
    share: Annotated[
        float | None, typer.Option(help="Share of the cases, 0 to 1; 1 makes it champion. Default: a tenth.")
    ] = None,
    why: Why = "",
    force: Annotated[
        bool, typer.Option("--force/--no-force", help="Although a gate is closed; goes on record.")
    ] = False,
    by: By = "",
    json_: Json = False,
) -> None:
    """Give a policy a share of the new cases, or all; refused while a gate is closed."""
    from amends.policy_view import show_gates
    from ml.recovery import roll_out

    settings = load_settings()
    store, part = _store(settings), roll_out.FIRST_SHARE if share is None else share
    if force and not why.strip():
        fail("Refused: who overrules a gate says why (--why).")
    with _refusals():
        policy = _wanted(store, policy_id)
        evidence = _evidence(settings, store, policy)
        gates = [*_gates_of(evidence), *_trial_gates(settings, store, policy, part)]
        made = roll_out.promote(
            store, policy.policy_id, share=part, gates=gates, force=force, by=by or getpass.getuser(),
            why=why or "gates passed", at=datetime.now(UTC), evidence=evidence,
        )  # fmt: skip
    document = {"ok": True, **asdict(made), "gates": [asdict(gate) for gate in gates]}

    def text(_: dict[str, Any]) -> None:
        show_gates(document["gates"])
        standing = "is the champion" if made.champion == policy.policy_id else f"gets {made.share:g} of the cases"
        console.print(f"{policy.policy_id} {standing} from the next case on, instead of {made.before}.", markup=False)
        console.print("`amends policy rollback` undoes it.")

    answer(document, json_, show=text)


@app.command()
def rollback(
    why: Why = "rolled back by hand",
    to_rules: Annotated[bool, typer.Option("--to-rules", help="Not to the former state but to the rules.")] = False,
    by: By = "",
    json_: Json = False,
) -> None:
    """Undo the last promotion at once: the former champion and challenger are back, else the rules."""
    from ml.recovery import roll_out

    store = _store(load_settings())
    with _refusals():
        made = roll_out.roll_back(
            store, by=by or getpass.getuser(), why=why, at=datetime.now(UTC), to_rules=to_rules
        )  # fmt: skip
    beside = f", challenger {made.challenger} with {made.share:g} of the cases" if made.challenger else ""
    text = f"From the next case on: champion {made.champion or 'the rules'}{beside}, instead of {made.before}."
    answer({"ok": True, **asdict(made)}, json_, text=text)


def _store(settings: Settings) -> ModelStore:
    from ml.store import ModelStore

    return ModelStore(settings.model_store)


def _wanted(store: ModelStore, policy_id: str | None) -> Policy:
    """The policy named, else the one that waits, else the one on trial."""
    from ml.recovery import roll_out

    waiting = (store.pending(roll_out.KIND) or {}).get("model_id")
    now = roll_out.in_force(store)
    named = policy_id or waiting or (now.challenger.policy_id if now.challenger else None)
    if named is None:
        fail("No policy waits and none is on trial; the weekly learning proposes one where the data bear it out.")
    return roll_out.saved_policy(store, named)


def _evidence(settings: Settings, store: ModelStore, policy: Policy) -> dict[str, Any]:
    from amends.policy_evidence import evidence

    return evidence(settings, store, policy)


def _gates_of(evidence: dict[str, Any]) -> list[Gate]:
    from ml.recovery.roll_out import Gate

    return [Gate(**gate) for gate in evidence["gates"]]


def _trial_gates(settings: Settings, store: ModelStore, policy: Policy, share: float) -> tuple[Gate, ...]:
    from ml.recovery import roll_out
    from ml.recovery.roll_out_gates import trial_gates

    now = roll_out.in_force(store)
    return trial_gates(now, policy.policy_id, share=share, split=_split(settings, now.version))


def _split(settings: Settings, version: str) -> Split | None:
    """Cases of the trial in force by side; None where there is no ledger."""
    from ml.recovery.roll_out_gates import Split

    if not settings.ledger_url and not settings.ledger_path.exists():
        return None
    from cases import conf

    conf.setup(settings)
    from cases.recommendations import sides_of

    sides = sides_of(version)
    return Split(sides.champion, sides.challenger, sides.expected_challenger)


@contextmanager
def _refusals() -> Iterator[None]:
    """A refusal is a sentence and exit code 1."""
    from ml.recovery.roll_out import GateClosed

    try:
        yield
    except GateClosed as closed:
        words = "; ".join(f"{gate.name} ({gate.why})" for gate in closed.gates)
        fail(f"Refused, closed gates: {words}. --force overrules them, on record.")
    except (ValueError, LookupError) as error:
        fail(f"Refused: {error}.")
