"""`amends world score text`: run the figures on a home and show them.

Belongs here: putting stores, truth and model together, and the tables for people. Not here: any figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from amends.console import answer, console, fail
from amends.scoring.joined import NoTruth, joined, truth_folder, world_of
from amends.scoring.noise import noise_curve
from amends.scoring.text import text_scores, told
from models.settings import Settings, load_settings

_CAUSE = ("texts", "accuracy", "answered", "precision", "macro_f1")


def score_text(home: Path | None, truth: Path | None, *, noise: bool, seed: int, as_json: bool) -> None:
    """Score a home against its truth and print the figures; ends the command with a sentence where that cannot be done."""
    from ml.outputs import read_output

    settings = load_settings()
    if home is not None:
        settings = settings.model_copy(update={"home": home.expanduser().resolve()})
    if not (settings.handoff / "fct_signal.parquet").exists():
        fail(f"No signal is classified in {settings.home} yet; `amends demo` does that.")
    try:
        folder = truth_folder(settings, truth)
        rows = joined(settings, folder)
    except NoTruth as error:
        fail(f"{str(error)[0].upper()}{str(error)[1:]}.")
    document = {"ok": True, "world": world_of(folder)}
    document |= text_scores(rows, read_output(settings.ml_outputs, "ml_root_cause__miscoding").to_pandas(), seed=seed)
    if noise:
        document["noise"] = noise_curve(rows, _active_model(settings), seed=seed)
    answer(document, as_json, show=_show)


def _active_model(settings: Settings) -> Callable[[Sequence[str]], Sequence[str | None]]:
    from amends.home import apply_environment
    from ml.root_cause.classifier import KIND, load_cause_model
    from ml.store import ModelStore
    from ml.text.tiers import embedder_for

    store = ModelStore(settings.model_store)
    stored = store.active(KIND)
    if stored is None:
        fail("No cause model is trained here yet; it needs 200 coded texts of two causes.")
    apply_environment(settings)
    # No texts yet: the encoder in use, the same one the model was trained with.
    model, embedder = load_cause_model(stored), embedder_for(store, settings.embeddings, [])
    return lambda texts: model.predict(texts, embedder.encode(texts))[0]


def _show(document: dict[str, Any]) -> None:
    world = document["world"]
    console.print(
        f"{document['signals']:,} signals with a known truth"
        + (f" ({', '.join(f'{name} {value}' for name, value in world.items())})" if world else "")
    )
    cause = document["cause"]
    lines = [("model", cause["model"]), ("  texts it never learned from", cause["model_unseen"])]
    lines += [(f"  language {name}", figures) for name, figures in cause["by_language"].items()]
    lines += [
        (f"  {name if name != 'none' else 'plain'} texts", figures) for name, figures in cause["by_noise"].items()
    ]
    lines += [("code", cause["code"]), ("code, else model", cause["code_else_model"])]
    _cause_table("Cause: value (95 % interval); an abstention counts as wrong in accuracy", lines)
    console.print(f"praise and the like given a cause: {told(cause['invented'])}\n")
    for name in ("severity", "tone", "themes", "miscoding"):
        _list(name, document[name])
    if "noise" in document:
        lines = [(f"{point['rate']:.0%} of words misspelt", point) for point in document["noise"]]
        _cause_table("Cause of the same texts with typing errors", lines)


def _cause_table(title: str, lines: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    table = Table(title=title, title_justify="left")
    for heading in ("", *_CAUSE):
        table.add_column(heading.replace("_", "-"), justify="left" if not heading else "right")
    for name, figures in lines:
        table.add_row(name, f"{figures['texts']:,}", *(told(figures[column]) for column in _CAUSE[1:]))
    console.print(table)


def _list(name: str, figures: Mapping[str, Any]) -> None:
    console.print(f"[bold]{name}[/]")
    for what, value in figures.items():
        if what == "confusion":
            console.print(
                "  confusion (rows true 1 to 4, columns given): " + "; ".join(" ".join(map(str, r)) for r in value)
            )
        elif value is None or isinstance(value, dict):
            console.print(f"  {what.replace('_', ' ')}: {told(value)}")
        else:
            console.print(f"  {what.replace('_', ' ')}: {value}")
