"""`amends text`: what the models and rules make of a pasted text. It is redacted first and never written anywhere."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amends.console import answer, console, fail
from models.settings import Settings, load_settings

if TYPE_CHECKING:
    from ml.root_cause.reading import Reader, Reading
    from ml.text.names import NameIndex
    from ml.text.redact import Redaction
    from models.programme import Programme

app = typer.Typer(no_args_is_help=True, help="What is read off a text: cause, severity, sentiment, evidence.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
_MOST = 20_000
# Possible causes told to a person; the JSON document has all.
_SHOWN = 4


@app.callback()
def _group() -> None:
    """Keeps `try` a command of its own while it is the only one."""


@app.command("try")
def try_(
    text: Annotated[str, typer.Argument(help="The text, or `-` to read it from standard input.")],
    score: Annotated[float | None, typer.Option(help="The score given beside the text; needs --metric.")] = None,
    metric: Annotated[str, typer.Option(help="What the score measures: nps, csat, ces, rating.")] = "nps",
    channel: Annotated[str, typer.Option(help="How it came in, such as phone or email.")] = "",
    name: Annotated[list[str] | None, typer.Option(help="A name of the customer; may be given more than once.")] = None,
    json_: Json = False,
) -> None:
    """Redact a text, then tell theme, cause, severity, sentiment, urgency, kind, aspects and the words that decided."""
    from intake.programme import ProgrammeError, load_programme
    from ml.root_cause.reading import encoder_of, open_reader
    from ml.store import ModelStore
    from ml.text.redact import redact

    settings = load_settings()
    try:
        programme = load_programme(settings.programme_dir)
    except ProgrammeError as error:
        fail(str(error))
    given = sys.stdin.read(_MOST + 1) if text == "-" else text
    if not given.strip() or len(given) > _MOST:
        fail(f"A text has 1 to {_MOST:,} characters; this one has {len(given.strip()):,}.")
    redacted = redact(given, name or (), _employees(settings))
    store = ModelStore(settings.model_store)
    reader = open_reader(store, programme)
    normalised = _normalised(programme, score, metric)
    reading = reader.read([redacted.text], encoder_of(store).encode, scores=[normalised], channels=[channel or None])[0]
    answer(_document(redacted, reading, reader), json_, show=_show)


def _employees(settings: Settings) -> NameIndex | None:
    """Names of the staff, as they came with the org chart; None before there is one."""
    from intake.session import employee_names
    from ml.text.names import NameIndex

    files = sorted(str(path) for path in (settings.landing / "hr__org_chart").glob("*.parquet"))
    return NameIndex(employee_names(files)) if files else None


# Ranges of metrics for which the programme has no survey.
_RANGES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "rating": (1, 5), "qa": (0, 100)}


def _normalised(programme: Programme, score: float | None, metric: str) -> float | None:
    """A score on 0..1 with 1 good, in the range of the programme's survey of this metric, else the usual one."""
    if score is None:
        return None
    if metric not in _RANGES:
        fail(f"There is no metric '{metric}'; known are {', '.join(_RANGES)}.")
    own = next((survey for survey in programme.surveys if survey.metric == metric), None)
    low, high = (own.min, own.max) if own else _RANGES[metric]
    if not low <= score <= high:
        fail(f"A score of {metric} lies between {low:g} and {high:g}.")
    share = (score - low) / (high - low)
    return 1 - share if own is not None and own.direction == "down" else share


def _document(redacted: Redaction, reading: Reading, reader: Reader) -> dict[str, Any]:
    """The reading as plain data, with the quoted words beside every place."""
    words = redacted.text
    titles = {cause.id: cause.title for cause in reader.programme.taxonomy.causes}
    document: dict[str, Any] = {"ok": True, "text": words, **asdict(reading)}
    cause = document["cause"]
    cause.pop("places")
    cause["title"] = titles.get(reading.cause.cause_id or "")
    for aspect in cause["aspects"]:
        aspect["quote"] = words[aspect["start"] : aspect["end"]]
    document["evidence"] = {
        decision: [{"start": start, "end": end, "quote": words[start:end]} for start, end in places]
        for decision, places in reading.evidence.items()
    }
    document["redactions"] = [{"kind": span.kind, "start": span.start, "end": span.end} for span in redacted.spans]
    document["missing"] = list(reader.missing)
    return document


def _show(found: dict[str, Any]) -> None:
    from rich.markup import escape

    def line(label: str, value: str) -> None:
        console.print(f"[bold]{label:<10}[/] {escape(value)}", soft_wrap=True)

    line("text", found["text"])
    kinds = [redaction["kind"].lower() for redaction in found["redactions"]]
    line("redacted", ", ".join(kinds) or "nothing")
    line("theme", found["theme"] or "unknown")
    line("cause", _cause_words(found["cause"], "root-cause" in found["missing"]))
    if found["cause"]["failure_type"]:
        line("failure", found["cause"]["failure_type"])
    line("severity", f"{found['severity']} of 4 (1 is worst), by {found['severity_reason'] or 'the default'}")
    if found["sentiment"] is None:
        line("sentiment", "unknown")
    else:
        line(
            "sentiment",
            f"{found['sentiment_label']} {found['sentiment']:+.2f} (confidence {found['sentiment_confidence']:.2f}, "
            f"by {found['sentiment_basis']})",
        )
    reasons = ", ".join(found["urgency_reasons"]).replace("_", " ")
    line("urgency", f"{found['urgency']:.2f}" + (f": {reasons}" if reasons else "") + f" (by {found['urgency_basis']})")
    line("kind", found["feedback_kind"] or "unknown")
    for aspect in found["cause"]["aspects"]:
        mood = "mood unknown" if aspect["sentiment"] is None else f"mood {aspect['sentiment']:+.2f}"
        line(
            f"aspect {aspect['aspect_no']}",
            f"{aspect['cause_id']} ({aspect['confidence']:.2f}, {mood}): {aspect['quote']}",
        )
    for decision, places in found["evidence"].items():
        for place in places:
            line("because", f"{decision}: “{place['quote']}” [{place['start']}:{place['end']}]")
    if found["missing"]:
        line("not yet", f"no model of {', '.join(found['missing'])}: unknown, or by rules, until people gave labels")


def _cause_words(cause: dict[str, Any], is_missing: bool) -> str:
    if is_missing:
        return "unknown: no model yet"
    reasons = {"none": "no cause fits", "several": "several causes fit", "low_confidence": "confidence is low"}
    doubt = f"; unsure ({reasons[cause['unsure']]}): goes to review" if cause["unsure"] else ""
    possible = cause["cause_set"]
    more = f" and {len(possible) - _SHOWN} more" if len(possible) > _SHOWN else ""
    fits = f"; possible: {', '.join(possible[:_SHOWN])}{more}" if len(possible) > 1 else ""
    named = f"{cause['title']} ({cause['cause_id']})" if cause["cause_id"] else "unknown"
    return f"{named}, confidence {cause['confidence']:.2f}{fits}{doubt}"
