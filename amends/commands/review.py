"""`amends review`: signals the models want to be told about, and what people say they are about."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from amends.console import answer, console, fail
from amends.working import By, Json, actor, engine, refusals

if TYPE_CHECKING:
    from casework.engine import Engine

app = typer.Typer(
    no_args_is_help=True, help="Review: say what signals are about, so that the models learn and are judged."
)
Asked = Annotated[str, typer.Option("--question", help="cause, severity, sentiment, kind, theme or is_valid.")]
REASONS = {
    "audit": "picked by chance, to judge the model", "unsure": "the model cannot decide", "miscoded": "code and words disagree",
    "uncertain": "close to a border", "diverse": "unlike the rest",
}  # fmt: skip


@app.command("list")
def list_(
    question: Annotated[str | None, typer.Option(help="Only items that ask this.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 20,
    by: By = "",
    json_: Json = False,
) -> None:
    """What waits for you, most urgent first. What the model thinks is told after your answer, not before."""
    working = engine()
    from casework import review

    items = [asdict(item) for item in review.waiting(working, actor(by).id, question=question, limit=limit)]

    def text(_: dict[str, Any]) -> None:
        table = Table("signal", "asks", "why", "people", "words", box=None, header_style="bold")
        table.columns[0].no_wrap = True
        for item in items:
            words = " ".join(item["words"]["text"].split())[:90]
            people = f"{item['people']}/{item['wanted']}"
            table.add_row(
                item["signal_id"], item["question"], REASONS.get(item["reason"], item["reason"]), people, words
            )
        console.print(table if items else "Nothing waits for you.")

    answer({"ok": True, "items": items}, json_, show=text)


@app.command("show")
def show_(signal_id: str, question: Asked = "cause", json_: Json = False) -> None:
    """The whole text of a signal (redacted), what is known beside it, and what may be answered."""
    working = engine()
    from casework import review

    words = _words(working, signal_id)
    allowed = list(review.answers_allowed(working, question))

    def text(_: dict[str, Any]) -> None:
        console.print(words["text"], markup=False)
        console.print(
            ", ".join(f"{k} {v}" for k, v in words.items() if k not in ("text", "text_hash") and v is not None)
        )
        console.print(f"answers to {question}: {', '.join(allowed) or 'a theme id'}")

    answer({"ok": True, "signal": words, "question": question, "answers": allowed}, json_, show=text)


@app.command("label")
def label_(
    signal_id: str,
    value: Annotated[str, typer.Argument(help="Your answer; `show` lists what is allowed.")],
    question: Asked = "cause",
    by: By = "",
    json_: Json = False,
) -> None:
    """Say what a signal is about; another answer of yours replaces the first, and both stay on record."""
    _keep(signal_id, question, value, by, json_)


@app.command()
def skip(signal_id: str, question: Asked = "cause", by: By = "", json_: Json = False) -> None:
    """Say that you cannot tell; somebody else is asked."""
    _keep(signal_id, question, None, by, json_)


@app.command("stats")
def stats_(json_: Json = False) -> None:
    """What waits, what was answered, and how far people agree, with intervals and by week."""
    working = engine()
    from casework import review

    found = {"ok": True, **review.stats(working), "agreement": _agreement()}

    def text(_: dict[str, Any]) -> None:
        for name in ("waiting", "answers"):
            console.print(f"{name}: " + (", ".join(f"{k} {v}" for k, v in found[name].items()) or "none"))
        console.print(
            f"{found['people']} people, {found['audit_answers']} audit answers, {found['could_not_say']} skipped"
        )
        for question, said in found["agreement"].items():
            console.print(f"agreement on {question}: {_in_words(said['all'])}")
            for week in said["weeks"]:
                console.print(f"  week of {week['week']}: {_in_words(week['alpha'])}")

    answer(found, json_, show=text)


def _agreement() -> dict[str, Any]:
    from cases import labels
    from ml.root_cause.agreement import kappas, krippendorff, ratings_of, weekly

    given = labels.standing(labels.reviewed())
    found: dict[str, Any] = {}
    for question in sorted({item.question for item in given}):
        ratings = ratings_of(given, question)
        pairs = [{"between": list(pair), **asdict(k)} for pair, k in kappas(ratings, min_items=10).items()]
        weeks = [asdict(week) for week in weekly(given, question)]
        found[question] = {"all": asdict(krippendorff(ratings)), "weeks": weeks, "pairs": pairs}
    return found


def _in_words(alpha: dict[str, Any]) -> str:
    if alpha["alpha"] is None:
        return f"unknown ({alpha['items']} items answered by two people)"
    between = "" if alpha["low"] is None else f" ({alpha['low']:.2f} to {alpha['high']:.2f})"
    return f"alpha {alpha['alpha']:.2f}{between} on {alpha['items']} items"


def _words(working: Engine, signal_id: str) -> dict[str, Any]:
    from casework import review

    try:
        return review.show(working, signal_id)
    except review.UnknownSignal:
        fail("There is no such signal with a text; `amends review list` names what waits.")


def _keep(signal_id: str, question: str, value: str | None, by: str, as_json: bool) -> None:
    working = engine()
    from typing import cast

    from casework import review
    from models.label import Question

    _words(working, signal_id)
    with refusals():
        told = review.label(working, signal_id, cast(Question, question), value, who=actor(by).id)
    model = {None: "", True: " The model had said the same.", False: f" The model had said {told.model_value}."}
    text = f"Kept.{model[told.model_agrees]}" if value is not None else "Kept: you could not say."
    answer({"ok": True, **asdict(told)}, as_json, text=text)
