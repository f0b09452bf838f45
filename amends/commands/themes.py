"""`amends themes`: what customers write about, how it changed, and what people decide about it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from amends.console import answer, console, fail
from amends.working import By, Json
from models.settings import load_settings

if TYPE_CHECKING:
    from ml.root_cause.themes import ThemeModel
    from ml.store import ModelStore

app = typer.Typer(no_args_is_help=True, help="Themes: list, history, names, candidates, merges, pending changes.")


def _store() -> ModelStore:
    from ml.store import ModelStore

    return ModelStore(load_settings().model_store)


def _model() -> ThemeModel:
    from ml.root_cause.theme_review import TOPICS
    from ml.root_cause.themes import load_theme_model

    stored = _store().active(TOPICS)
    if stored is None:
        fail("There are no themes yet: run the loop first (`amends run`).")
    return load_theme_model(stored)


@contextmanager
def _refusals() -> Iterator[None]:
    """A refused decision is a sentence and exit code 1."""
    from ml.root_cause.theme_review import DecisionRefused

    try:
        yield
    except DecisionRefused as error:
        fail(f"{str(error)[0].upper()}{str(error)[1:]}.")


def _who(by: str) -> dict[str, str]:
    return {"by": by or getpass.getuser(), "at": datetime.now(UTC).isoformat(timespec="seconds")}


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Retired, merged and rejected themes too.")] = False,
    json_: Json = False,
) -> None:
    """Themes of the model in force, largest first, candidates last."""
    from ml.root_cause.registry import MERGED, REJECTED, RETIRED

    model = _model()
    sizes = model.sizes()
    rows: list[dict[str, Any]] = [
        {
            "theme_id": theme.theme_id, "name": theme.name, "state": theme.state,
            "sample_texts": sizes.get(theme.theme_id, 0), "keywords": list(theme.keywords), "cause_id": theme.cause_id,
            "named_by": theme.named_by, "examples": list(theme.examples),
        }
        for theme in model.registry.themes
        if everything or theme.state not in (MERGED, REJECTED, RETIRED)
    ]  # fmt: skip
    rows.sort(key=lambda row: (row["state"] == "candidate", -row["sample_texts"], row["theme_id"]))
    document: dict[str, Any] = {
        "ok": True,
        "version": model.version,
        "topic_model_id": model.topic_model_id,
        "themes": rows,
    }

    def show(_: dict[str, Any]) -> None:
        table = Table("theme", "name", "state", "texts", "words", box=None, header_style="bold")
        table.columns[0].no_wrap = True
        for row in rows:
            table.add_row(
                row["theme_id"], row["name"], row["state"], str(row["sample_texts"]), ", ".join(row["keywords"][:5])
            )
        console.print(table)

    answer(document, json_, show=show)


@app.command()
def history(
    theme_id: Annotated[str | None, typer.Argument(help="Only this theme and its relations.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Fits that changed nothing too.")] = False,
    json_: Json = False,
) -> None:
    """Births, splits, merges, retirements and people's decisions, oldest first."""
    from ml.root_cause.theme_events import history as told

    rows = told(_model().registry, theme_id, everything=everything)

    def show(_: dict[str, Any]) -> None:
        for row in rows:
            when = row["at"][:16].replace("T", " ") if row["at"] else "at an unknown time"
            console.print(f"{when}  {row['topic_model_id']}  {row['sentence']}", soft_wrap=True, markup=False)
        if not rows:
            console.print("Nothing has happened yet.")

    answer({"ok": True, "events": rows}, json_, show=show)


@app.command("show")
def show_(theme_id: str, json_: Json = False) -> None:
    """One theme: its words, where it came from, examples of a candidate, and its history."""
    from ml.root_cause.theme_events import history as told

    model = _model()
    try:
        theme = model.registry.theme(theme_id)
    except KeyError:
        fail(f"There is no theme {theme_id}; `amends themes list` names them.")
    document: dict[str, Any] = {
        "ok": True, "theme_id": theme.theme_id, "name": theme.name, "state": theme.state,
        "keywords": list(theme.keywords), "cause_id": theme.cause_id, "named_by": theme.named_by,
        "parents": list(theme.parents), "merged_into": theme.merged_into, "examples": list(theme.examples),
        "sample_texts": model.sizes().get(theme_id, 0), "born_in": theme.born_in, "last_seen_in": theme.last_seen_in,
        "events": told(model.registry, theme_id),
    }  # fmt: skip

    def show(_: dict[str, Any]) -> None:
        console.print(f"{theme.theme_id}  {theme.name}  ({theme.state})", markup=False, soft_wrap=True)
        for label in ("keywords", "examples", "parents"):
            if document[label]:
                console.print(f"  {label}: {', '.join(document[label])}", markup=False, soft_wrap=True)
        for row in document["events"]:
            console.print(f"  {row['sentence']}", markup=False, soft_wrap=True)

    answer(document, json_, show=show)


@app.command()
def pending(json_: Json = False) -> None:
    """The large change that waits for a person, and what it would do."""
    from ml.root_cause.theme_events import history as told
    from ml.root_cause.theme_review import pending_fit

    found = pending_fit(_store())
    if found is None:
        answer({"ok": True, "pending": None}, json_, text="No change is pending.")
        return
    model, about = found
    events = [row for row in told(model.registry) if row["topic_model_id"] == model.topic_model_id]
    document: dict[str, Any] = {
        "ok": True,
        "pending": {"topic_model_id": model.topic_model_id, **about, "events": events},
    }

    def show(_: dict[str, Any]) -> None:
        console.print(
            f"{model.topic_model_id} would move {about['moved']:.0%} of texts; {about['born']} of {about['before']} themes"
            f" would be new and {about['gone']} would go.", soft_wrap=True,
        )  # fmt: skip
        for row in events:
            console.print(f"  {row['sentence']}", markup=False, soft_wrap=True)
        console.print("`amends themes approve` puts it into force, `amends themes reject` gives it up.")

    answer(document, json_, show=show)


@app.command()
def approve(by: By = "", json_: Json = False) -> None:
    """Put the pending change into force; texts are assigned anew with the next run."""
    from ml.root_cause.theme_review import approve as approved

    with _refusals():
        model = approved(_store(), **_who(by))
    answer(
        {"ok": True, "version": model.version, "topic_model_id": model.topic_model_id}, json_,
        text=f"{model.topic_model_id} is in force from the next run on.",
    )  # fmt: skip


@app.command()
def reject(
    theme_id: Annotated[str | None, typer.Argument(help="A candidate; without it the pending change.")] = None,
    by: By = "",
    json_: Json = False,
) -> None:
    """Give up the pending change, or say that a candidate is no theme."""
    from ml.root_cause import theme_review

    with _refusals():
        if theme_id is None:
            given_up = theme_review.reject_fit(_store())
            answer({"ok": True, "given_up": given_up}, json_, text=f"{given_up} is given up; the model in force stays.")
            return
        model = theme_review.reject(_store(), theme_id, **_who(by))
    answer({"ok": True, "version": model.version}, json_, text=f"{theme_id} is no theme.")


@app.command()
def rename(theme_id: str, name: str, by: By = "", json_: Json = False) -> None:
    """Give a theme a name that no refit changes."""
    from ml.root_cause.theme_review import rename as renamed

    with _refusals():
        model = renamed(_store(), theme_id, name, **_who(by))
    new = model.registry.theme(theme_id).name
    answer({"ok": True, "version": model.version, "name": new}, json_, text=f"{theme_id} is now called “{new}”.")


@app.command()
def confirm(theme_id: str, by: By = "", json_: Json = False) -> None:
    """Make a candidate a theme."""
    from ml.root_cause.theme_review import confirm as confirmed

    with _refusals():
        model = confirmed(_store(), theme_id, **_who(by))
    answer({"ok": True, "version": model.version}, json_, text=f"{theme_id} is a theme.")


@app.command()
def merge(
    theme_id: str, into: Annotated[str, typer.Argument(help="The theme it becomes part of.")], by: By = "",
    json_: Json = False,
) -> None:  # fmt: skip
    """Make one theme part of another, for good."""
    from ml.root_cause.theme_review import merge as merged

    with _refusals():
        model = merged(_store(), theme_id, into, **_who(by))
    heir = model.registry.heir(theme_id)
    answer({"ok": True, "version": model.version, "into": heir}, json_, text=f"{theme_id} is part of {heir} now.")
