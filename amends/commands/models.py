"""`amends models`: which models are in use, what stands behind them, and changing it by a person's word."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from amends.console import answer, console, fail
from amends.working import By, Json
from models.settings import load_settings

if TYPE_CHECKING:
    from ml.champions import Decision
    from ml.store import ModelStore

app = typer.Typer(no_args_is_help=True, help="Models: list, show and compare them; put another one in use, or go back.")
Kind = Annotated[str, typer.Argument(help="Kind of model, such as root-cause; `list` names them.")]
Why = Annotated[str, typer.Option("--why", help="Reason, for the record.")]


@app.command("list")
def list_(json_: Json = False) -> None:
    """Every kind: the model in use, how many are saved, and the last decision about it."""
    store = _store()
    rows: list[dict[str, Any]] = [
        {"kind": kind, "active": next(iter(store.history(kind)), None), "saved": len(store.saved(kind)),
         "last_decision": next(reversed(store.decisions(kind)), None)} for kind in store.kinds() if store.saved(kind)
    ]  # fmt: skip

    def text(_: dict[str, Any]) -> None:
        table = Table("kind", "in use", "saved", "last decision", box=None, header_style="bold")
        for row in rows:
            last = row["last_decision"] or {}
            said = f"{last['action']} by {last['by']}: {last['why']}" if last else "none on record"
            table.add_row(row["kind"], row["active"] or "none", str(row["saved"]), said)
        console.print(table if rows else "No model yet: run the loop first (`amends run`).")

    answer({"ok": True, "models": rows}, json_, show=text)


@app.command()
def show(
    kind: Kind,
    model_id: Annotated[str | None, typer.Argument(help="Default: the one in use.")] = None,
    json_: Json = False,
) -> None:
    """One model: its files, what it says of itself, and the decisions about its kind."""
    store = _known(kind)
    wanted = model_id or next(iter(store.history(kind)), None)
    if wanted is None:
        fail(f"No model of kind {kind} is in use; `amends models list` shows what is saved.")
    with _refusals():
        found = store.load(kind, wanted)
    document: dict[str, Any] = {
        "ok": True, "kind": kind, "model_id": wanted, "is_active": store.history(kind)[:1] == [wanted],
        "files": {name: len(content) for name, content in found.files.items()}, "about": _about(store, kind, wanted),
        "history": store.history(kind), "decisions": store.decisions(kind),
    }  # fmt: skip

    def text(_: dict[str, Any]) -> None:
        console.print(f"{kind} {wanted}{' (in use)' if document['is_active'] else ''}")
        for name, value in document["about"].items():
            console.print(f"  {name}: {value}", markup=False)
        for said in document["decisions"]:
            console.print(
                f"  {said['at']} {said['action']} {said['model_id']} by {said['by']}: {said['why']}", markup=False
            )

    answer(document, json_, show=text)


@app.command()
def compare(kind: Kind, first: str, second: str, json_: Json = False) -> None:
    """What two saved models say of themselves, side by side, where they differ."""
    store = _known(kind)
    with _refusals():
        one, other = (_about(store, kind, name) for name in (first, second))
    apart = {
        name: [one.get(name), other.get(name)] for name in sorted({*one, *other}) if one.get(name) != other.get(name)
    }

    def text(_: dict[str, Any]) -> None:
        for name, (a, b) in apart.items():
            console.print(f"{name}: {a} -> {b}", markup=False)
        console.print("They say the same of themselves." if not apart else "")

    answer({"ok": True, "kind": kind, "first": first, "second": second, "differences": apart}, json_, show=text)


@app.command()
def promote(kind: Kind, model_id: str, why: Why, by: By = "", json_: Json = False) -> None:
    """Put a saved model in use by your word; the next run scores with it."""
    from ml import champions

    store = _known(kind)
    with _refusals():
        made = champions.promote(store, kind, model_id, by=by or getpass.getuser(), why=why, at=datetime.now(UTC))
    _told(kind, made, json_)


@app.command()
def rollback(
    kind: Kind,
    why: Why,
    to: Annotated[str | None, typer.Option(help="An earlier model; default: the one before.")] = None,
    by: By = "",
    json_: Json = False,
) -> None:
    """Put the model before the one in use back, in one step; the next run scores with it."""
    from ml import champions

    store = _known(kind)
    with _refusals():
        made = champions.roll_back(store, kind, by=by or getpass.getuser(), why=why, at=datetime.now(UTC), to=to)
    _told(kind, made, json_)


def _told(kind: str, made: Decision, as_json: bool) -> None:
    from ml.tracking import tracker_for

    followed = tracker_for(load_settings()).point_alias(made.model_id)
    text = f"{kind}: {made.model_id} is in use, instead of {made.before or 'none'}."
    text += "" if followed else " MLflow's alias did not follow: it holds no such version, or does not answer."
    answer({"ok": True, "kind": kind, "mlflow_alias_follows": followed, **asdict(made)}, as_json, text=text)


def _store() -> ModelStore:
    from ml.store import ModelStore

    return ModelStore(load_settings().model_store)


def _known(kind: str) -> ModelStore:
    store = _store()
    if kind not in store.kinds():
        fail(f"There is no kind {kind}; there are {', '.join(store.kinds()) or 'none yet'}.")
    return store


def _about(store: ModelStore, kind: str, model_id: str) -> dict[str, Any]:
    """Plain values of a model's JSON files at their first level, by file and name; longer ones only by their size."""
    found = store.load(kind, model_id)
    told: dict[str, Any] = {}
    for name in sorted(found.files):
        if name.endswith(".json"):
            said = json.loads(found.files[name])
            for key, value in said.items() if isinstance(said, dict) else ():
                short = isinstance(value, str | int | float | bool | None) or len(json.dumps(value)) <= 400
                told[f"{name.removesuffix('.json')}.{key}"] = value if short else f"{len(value)} entries"
    return told


@contextmanager
def _refusals() -> Iterator[None]:
    """A refusal is a sentence and exit code 1."""
    from ml.store import ModelRefused

    try:
        yield
    except (ModelRefused, ValueError) as error:
        fail(f"Refused: {error}.")
