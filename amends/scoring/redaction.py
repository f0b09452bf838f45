"""How well personal data was taken out at the door, held against what the world planted.

Belongs here: counting in landing what went, what stayed and what should have stayed. Not here: the patterns
(`ml/text/`), texts marked by hand (`tests/unit/ml/fixtures`). It looks at what landed, not at the redactor: whatever
happens between the two counts as well.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from amends.scoring.joined import NoTruth
from intake.contracts import load_contracts
from models.outcome import Ratio
from models.settings import Settings

_KIND_OF = {
    "email": "EMAIL", "phone": "PHONE", "card": "CARD", "iban": "IBAN", "person_name": "NAME", "employee_name": "NAME",
}  # fmt: skip
_MASK = re.compile(r"\[([A-Z][A-Z_]*)\]")
Place = tuple[str, str, str, str]


@dataclass
class _Tally:
    """Planted values and masks of one kind: how many went, under their own name, and how many masks nobody planted."""

    planted: int = 0
    gone: int = 0
    named: int = 0
    masks: int = 0
    languages: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))


def redaction_scores(settings: Settings, truth: Path) -> dict[str, Any]:
    """Recall and precision per kind of personal data, recall per language, and the share of decoys that stayed.

    Every share comes with its 95 % Wilson interval. A planted value counts as found when it is no longer in the landed
    text; a mask counts as right when a value of its kind was planted in that text. Raises `NoTruth` when nothing of
    this truth landed.
    """
    languages = _languages(truth)
    landed = _landed(settings, languages)
    if not landed:
        raise NoTruth("none of the texts of this truth landed: was it made from another world?")
    planted = _spans(truth / "pii_span.parquet", landed)
    decoys = _spans(truth / "pii_decoy.parquet", landed)
    tallies = _tallies(landed, planted, languages)
    return {
        "texts": len(landed),
        "entities": {kind: _figures(tally) for kind, tally in sorted(tallies.items())},
        "customer_names": _share(_found(landed, planted, "person_name")),
        "employee_names": _share(_found(landed, planted, "employee_name")),
        "decoys": {kind: _share(_kept(landed, decoys, kind)) for kind in sorted({kind for _, kind, _ in decoys})},
    }


def _languages(truth: Path) -> dict[Place, str]:
    query = 'SELECT source, entity, "column", key, language FROM read_parquet($file)'
    with duckdb.connect() as connection:
        rows = connection.execute(query, {"file": str(truth / "text_truth.parquet")}).fetchall()
    return {(source, entity, column, key): language for source, entity, column, key, language in rows}


def _landed(settings: Settings, wanted: Mapping[Place, str]) -> dict[Place, str]:
    """Landed texts by their place; of a row that was corrected, the last version."""
    contracts = load_contracts()
    found: dict[Place, str] = {}
    for source, entity, column in sorted({place[:3] for place in wanted}):
        files = [str(path) for path in sorted((settings.landing / f"{source}__{entity}").glob("*.parquet"))]
        contract = contracts.get((source, entity))
        if not files or contract is None or len(contract.key) != 1:
            continue
        query = f'SELECT "{contract.key[0]}"::VARCHAR, "{column}" FROM read_parquet($files, union_by_name = true)'
        with duckdb.connect() as connection:
            rows = connection.execute(query + " ORDER BY _batch_id, _line", {"files": files}).fetchall()
        found |= {
            place: text for key, text in rows if text is not None and (place := (source, entity, column, key)) in wanted
        }
    return found


def _spans(path: Path, landed: Mapping[Place, str]) -> list[tuple[Place, str, str]]:
    """Planted (place, kind, value) of texts that landed."""
    with duckdb.connect() as connection:
        query = 'SELECT source, entity, "column", key, kind, "value" FROM read_parquet($file)'
        rows = connection.execute(query, {"file": str(path)}).fetchall()
    places = (((source, entity, column, key), kind, value) for source, entity, column, key, kind, value in rows)
    return [(place, kind, value) for place, kind, value in places if place in landed]


def _tallies(
    landed: Mapping[Place, str], planted: Sequence[tuple[Place, str, str]], languages: Mapping[Place, str]
) -> dict[str, _Tally]:
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    due: dict[Place, Counter[str]] = defaultdict(Counter)
    for place, kind, value in planted:
        tally, is_gone = tallies[_KIND_OF[kind]], _is_gone(value, kind, landed[place])
        tally.planted += 1
        tally.gone += is_gone
        by_language = tally.languages[languages[place]]
        by_language[0] += is_gone
        by_language[1] += 1
        due[place][_KIND_OF[kind]] += 1
    for place, text in landed.items():
        for kind, masks in Counter(_MASK.findall(text)).items():
            tallies[kind].masks += masks
            tallies[kind].named += min(masks, due[place][kind]) if place in due else 0
    return tallies


def _figures(tally: _Tally) -> dict[str, Any]:
    recall, precision = Ratio(tally.gone, tally.planted), Ratio(tally.named, tally.masks)
    return {
        "planted": tally.planted,
        "recall": recall.value,
        **_bounds(recall),
        "masks": tally.masks,
        "precision": precision.value,
        "precision_low": _bounds(precision)["low"],
        "languages": {name: _share(Ratio(*counts)) for name, counts in sorted(tally.languages.items())},
    }


def _found(landed: Mapping[Place, str], planted: Sequence[tuple[Place, str, str]], kind: str) -> Ratio:
    mine = [(place, value) for place, of, value in planted if of == kind]
    return Ratio(sum(_is_gone(value, kind, landed[place]) for place, value in mine), len(mine))


def _is_gone(value: str, kind: str, text: str) -> bool:
    """Whether nothing is left of a planted value: of a name, not even one of its words."""
    if _KIND_OF[kind] != "NAME":
        return value not in text
    return not any(re.search(rf"\b{re.escape(word)}\b", text) for word in value.split() if len(word) > 2)


def _kept(landed: Mapping[Place, str], decoys: Sequence[tuple[Place, str, str]], kind: str) -> Ratio:
    mine = [(place, value) for place, of, value in decoys if of == kind]
    return Ratio(sum(value in landed[place] for place, value in mine), len(mine))


def _share(ratio: Ratio) -> dict[str, Any]:
    return {"of": ratio.denominator, "share": ratio.value, **_bounds(ratio)}


def _bounds(ratio: Ratio) -> dict[str, float | None]:
    low, high = ratio.wilson() or (None, None)
    return {"low": low, "high": high}


def show(document: Mapping[str, Any]) -> None:
    """The figures for a person."""
    from rich.table import Table

    from amends.console import console

    table = Table("kind", "planted", "found", "at least", "masks", "right", box=None, header_style="bold")
    for kind, row in document["entities"].items():
        table.add_row(
            kind, str(row["planted"]), _percent(row["recall"]), _percent(row["low"]), str(row["masks"]),
            _percent(row["precision"]),
        )  # fmt: skip
    console.print(table)
    for kind, row in document["decoys"].items():
        console.print(
            f"{kind}: {_percent(row['share'])} of {row['of']} stayed readable, at least {_percent(row['low'])}"
        )


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.1f} %"
