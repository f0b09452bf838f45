"""The words of the business: root causes, the codes systems use for them, and phrases people write.

Belongs here: the types of `taxonomy.yml` and the one meaning of a phrase. Not here: models that guess a cause
(`ml/root_cause`) or the severity attached to a phrase (`models/programme.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

FailureType = Literal["product", "process", "people", "policy", "third_party"]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,59}$")]

_PHRASE = re.compile(r"^[^\W_][\w'’.&/-]*\*?(?: [^\W_][\w'’.&/-]*\*?)*$")


def checked_phrase(value: str) -> str:
    """A phrase is words separated by single spaces; a word may end in `*` for any ending."""
    if len(value) > 120 or not _PHRASE.match(value):
        raise ValueError(f"'{value}' is not a phrase: words separated by one space, `*` only at the end of a word")
    return value


Phrase = Annotated[str, AfterValidator(checked_phrase)]

# A letter or digit of any script. RE2 (DuckDB) and Python disagree on \w for non-ASCII letters, so neither is used.
_LETTER = r"\p{L}\p{N}"


def phrase_pattern(phrases: Iterable[str]) -> str:
    """RE2 pattern that finds any of the phrases as whole words in lower-cased text.

    A trailing `*` lets a word go on (`anwalt*` finds `anwaltskanzlei`); blanks match any run of white space. The
    pattern needs no look-around, so matching stays linear in the length of the text.
    """
    ordered = sorted(set(phrases))
    whole = [_phrase_body(phrase) for phrase in ordered if not phrase.endswith("*")]
    begun = [_phrase_body(phrase[:-1]) for phrase in ordered if phrase.endswith("*")]
    if not whole and not begun:
        raise ValueError("a pattern needs at least one phrase")
    # A phrase that ends in `*` needs no test of what follows: fewer character classes, a fifth of the compile time.
    ends = [f"(?:{'|'.join(whole)})(?:$|[^{_LETTER}])"] if whole else []
    return rf"(?:^|[^{_LETTER}])(?:{'|'.join([*ends, *begun])})"


def _phrase_body(phrase: str) -> str:
    words = phrase.lower().split(" ")
    return r"\s+".join(
        re.escape(word[:-1]) + rf"[{_LETTER}]*" if word.endswith("*") else re.escape(word) for word in words
    )


class Cause(BaseModel):
    """One root cause: the id every table uses, the name a person reads, and where it belongs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Slug
    title: str = Field(min_length=3, max_length=80)
    failure_type: FailureType
    journey: Slug
    reason_codes: tuple[str, ...] = ()
    source_codes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    keywords: tuple[Phrase, ...] = ()


class Taxonomy(BaseModel):
    """All causes of one programme. Raises when an id or a code of a source means two things."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    causes: tuple[Cause, ...] = Field(min_length=1)
    # Systems that write the company's own reason codes; a code means nothing when another system sends it.
    code_sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _no_double_meaning(self) -> Taxonomy:
        ids = [cause.id for cause in self.causes]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"cause ids used twice: {', '.join(twice)}")
        seen: dict[tuple[str, str], str] = {}
        for source, code, cause_id in self.codes():
            if (source, code) in seen:
                raise ValueError(f"code '{code}' of {source} is given to {seen[source, code]} and to {cause_id}")
            seen[source, code] = cause_id
        return self

    def codes(self) -> list[tuple[str, str, str]]:
        """(source, code, cause_id), each (source, code) once, in file order; a code that is not here stays unmapped."""
        return [
            (source, code, cause.id)
            for cause in self.causes
            for source, codes in [
                *((source, cause.reason_codes) for source in self.code_sources),
                *sorted(cause.source_codes.items()),
            ]
            for code in codes
        ]
