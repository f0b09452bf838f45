"""What a source promises: the typed contract of one delivered entity.

Belongs here: the shape of a contract file and the rules that make one consistent. Not here: reading files, SQL, the
loading of YAML (`intake.contracts`) or anything about one delivery. Warehouse documentation and the suites at the door
are generated from the same contracts, so grain, owner and every description are required.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

ColumnType = Literal["text", "integer", "number", "money", "timestamp", "date", "boolean", "json_text"]
PiiKind = Literal["none", "text", "identity", "name"]
FileFormat = Literal["csv", "jsonl", "json", "parquet"]
RecordType = Literal[
    "complaint", "survey_response", "ticket", "review", "escalation", "qa_audit", "agent_note", "service_request"
]
SnakeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Sentence = Annotated[str, Field(min_length=8, max_length=2000)]

DEFAULT_MAX_LENGTH = 4_000
DEFAULT_TEXT_MAX_LENGTH = 100_000
NULL_SPELLINGS: tuple[str, ...] = ("",)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dialect(_Frozen):
    """How a delimited file is written; nothing is ever sniffed.

    `header_marker` is text the last heading row must begin with, so that an export with fewer heading rows than
    declared is refused instead of losing data rows.
    """

    delimiter: str = ","
    quote: str = '"'
    encoding: Literal["utf-8"] = "utf-8"
    fallback_encoding: Literal["latin-1", "cp1252"] | None = None
    header_rows: int = Field(default=1, ge=1, le=10)
    header_marker: str | None = None
    skip_lines: int = Field(default=0, ge=0, le=100)
    max_record_lines: int = Field(default=2_000, ge=1)
    max_record_bytes: int = Field(default=16 * 1024 * 1024, ge=1_024)

    @model_validator(mode="after")
    def _one_ascii_character_each(self) -> Self:
        for what, value in (("delimiter", self.delimiter), ("quote", self.quote)):
            if len(value) != 1 or not value.isascii() or value in "\r\n\0":
                raise ValueError(f"dialect {what} must be one ASCII character that is not a line break")
        if self.delimiter == self.quote:
            raise ValueError("dialect delimiter and quote must differ")
        return self


class Column(_Frozen):
    """One column of the landed table and how its source spells it.

    `source_names` are further headings meaning the same thing (the first non-empty one wins); the name itself always
    counts, and case, spaces and punctuation never matter. `max_future_days` overrides the contract's; `future_ok` lifts
    it (targets, planned ends).
    """

    name: SnakeName
    type: ColumnType
    description: Sentence
    source_names: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    timezone: str = "utc"
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = Field(default=None, ge=1)
    null_values: tuple[str, ...] = ()
    pii: PiiKind = "none"
    future_ok: bool = False
    max_future_days: int | None = Field(default=None, ge=0)

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value in ("utc", "programme"):
            return value
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"timezone {value!r} is neither 'utc', 'programme' nor a name of the zone database"
            ) from error
        return value

    @model_validator(mode="after")
    def _settings_fit_the_type(self) -> Self:
        if self.formats and self.type not in ("timestamp", "date"):
            raise ValueError(f"column {self.name}: formats only make sense for a timestamp or a date")
        if self.timezone != "utc" and self.type != "timestamp":
            raise ValueError(f"column {self.name}: a time zone only makes sense for a timestamp")
        numeric = self.type in ("integer", "number", "money")
        if (self.minimum is not None or self.maximum is not None) and not numeric:
            raise ValueError(f"column {self.name}: minimum and maximum need an integer, number or money column")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"column {self.name}: minimum is above maximum")
        if self.allowed and self.type != "text":
            raise ValueError(f"column {self.name}: a list of allowed values needs a text column")
        if self.pii != "none" and self.type != "text":
            raise ValueError(f"column {self.name}: personal data must be a text column")
        return self

    @property
    def longest(self) -> int:
        """Greatest number of characters a value may have."""
        if self.max_length is not None:
            return self.max_length
        return DEFAULT_TEXT_MAX_LENGTH if self.pii == "text" or self.type == "json_text" else DEFAULT_MAX_LENGTH

    @property
    def headings(self) -> tuple[str, ...]:
        """Every heading that feeds the column, the most specific first."""
        return (self.name, *self.source_names)

    @property
    def landed(self) -> str | None:
        """Name of the landed column: the same, `<name>_key` for a keyed identity, None for a name (vault only)."""
        if self.pii == "name":
            return None
        return f"{self.name}_key" if self.pii == "identity" else self.name


class ConditionalRange(_Frozen):
    """A range of one column that depends on another one, such as a score whose scale its survey decides."""

    column: SnakeName
    when: SnakeName
    ranges: dict[str, tuple[float, float]]


class SubjectLookup(_Frozen):
    """Whom a row is about when it does not say so itself: `column` of this row finds `key` in another landed entity."""

    column: SnakeName
    source: SnakeName
    entity: SnakeName
    key: SnakeName
    subject: SnakeName


class SourceContract(_Frozen):
    """Contract of one entity of one source; raises `pydantic.ValidationError` with a sentence per inconsistency."""

    source: SnakeName
    entity: SnakeName
    format: FileFormat
    also_accepts: tuple[FileFormat, ...] = ()
    dialect: Dialect = Dialect()
    grain: Annotated[str, Field(pattern=r"^[Oo]ne row per ")]
    description: Sentence
    owner: Annotated[str, Field(min_length=2)]
    columns: tuple[Column, ...] = Field(min_length=1)
    key: tuple[str, ...] = Field(min_length=1)
    version: str | None = None
    event_time: str | None = None
    record_types: tuple[RecordType, ...] = ()
    subject: str | None = None
    subject_kind: Literal["customer", "employee", "record"] = "customer"
    subject_lookups: tuple[SubjectLookup, ...] = ()
    names_land_as: SnakeName | None = None
    ranges: tuple[ConditionalRange, ...] = ()
    max_future_days: int = Field(default=2, ge=0)
    null_values: tuple[str, ...] = NULL_SPELLINGS

    @model_validator(mode="after")
    def _columns_are_unique(self) -> Self:
        names = [column.name for column in self.columns]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"{self.name}: column defined twice: {', '.join(doubled)}")
        seen: dict[str, str] = {}
        for column in self.columns:
            for heading in {fold_heading(h) for h in column.headings}:
                if seen.setdefault(heading, column.name) != column.name:
                    raise ValueError(f"{self.name}: heading {heading!r} feeds both {seen[heading]} and {column.name}")
        return self

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        known = {column.name: column for column in self.columns}
        wanted = {
            "key": self.key,
            "version": (self.version,),
            "event_time": (self.event_time,),
            "subject": (self.subject,),
        }
        for what, names in wanted.items():
            for name in names:
                if name is not None and name not in known:
                    raise ValueError(f"{self.name}: {what} names {name!r}, which is not a column")
        for rule in self.ranges:
            if rule.column not in known or rule.when not in known:
                raise ValueError(f"{self.name}: a conditional range names a column that does not exist")
            if known[rule.column].type not in ("integer", "number", "money"):
                raise ValueError(f"{self.name}: a conditional range needs a number, and {rule.column} is none")
        for lookup in self.subject_lookups:
            if lookup.column not in known:
                raise ValueError(f"{self.name}: subject lookup names {lookup.column!r}, which is not a column")
        for name in self.key:
            if not known[name].required or known[name].pii != "none":
                raise ValueError(f"{self.name}: key column {name} must be required and free of personal data")
        if self.event_time is not None and known[self.event_time].type not in ("timestamp", "date"):
            raise ValueError(f"{self.name}: event_time {self.event_time} is neither a timestamp nor a date")
        return self

    @model_validator(mode="after")
    def _people_can_be_found(self) -> Self:
        identities = [column.name for column in self.columns if column.pii in ("identity", "name")]
        if identities and self.subject is None:
            raise ValueError(
                f"{self.name}: {identities[0]} is personal data, so the contract must name its subject column"
            )
        if self.names_land_as and not any(column.pii == "name" for column in self.columns):
            raise ValueError(f"{self.name}: names_land_as is set but no column holds a name")
        return self

    @property
    def name(self) -> str:
        """`<source>__<entity>`, the name of folders, tables and the contract file."""
        return f"{self.source}__{self.entity}"

    @property
    def accepts(self) -> tuple[FileFormat, ...]:
        """Formats a delivery may come in."""
        return (self.format, *self.also_accepts)

    def column(self, name: str) -> Column:
        """The column of that name; raises `KeyError`."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def fold_heading(text: str) -> str:
    """Reduce a heading to what identifies it: letters and digits in lower case (`Timely response?` -> `timelyresponse`)."""
    return "".join(character for character in text.lower() if character.isalnum())
