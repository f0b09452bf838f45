"""What an item of feedback may say.

Belongs here: its shape and limits, which are those of the contract `feedback__item`, so that what is accepted lands. Not
here: what makes no sense (a day in 1850): the door says that, and the receipt tells it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from desk.auth import wall_clock
from desk.schemas import Code, Id, Line, Strict

MOST_ITEMS = 500
# What the contract calls the usual scale of a metric.
SCALES = {"nps": (0, 10), "csat": (1, 5), "rating": (1, 5)}
_CLOCKS_APART = timedelta(minutes=5)
Said = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^[^\x00]*$")]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,2}$", max_length=16)]


class FeedbackIn(Strict):
    """One complaint, answer, review, note or request: words, a score, or both."""

    source_key: Id
    kind: Literal["complaint", "survey_response", "review", "agent_note", "service_request"]
    channel: Code
    occurred_at: AwareDatetime | None = None
    customer_id: Id | None = None
    survey_id: Id | None = None
    metric: Literal["nps", "csat", "rating"] | None = None
    score: float | None = Field(default=None, ge=-1e6, le=1e6, allow_inf_nan=False)
    text: Said | None = None
    language: Language | None = None
    product: Line | None = None
    branch_id: Id | None = None
    region: Line | None = None
    reason_code: Id | None = Field(default=None, max_length=64)
    related_type: Literal["ticket", "complaint"] | None = None
    related_id: Id | None = None

    @model_validator(mode="after")
    def _says_something_that_can_be_read(self) -> Self:
        if self.score is None and not (self.text or "").strip():
            raise PydanticCustomError("says_nothing", "an item has words or a score")
        if self.score is not None and (self.survey_id is None) == (self.metric is None):
            raise PydanticCustomError("one_scale", "a score belongs to a survey or to a metric, to one of them")
        if self.score is not None and self.metric is not None:
            lowest, highest = SCALES[self.metric]
            if not lowest <= self.score <= highest:
                raise PydanticCustomError("off_scale", "the score is not on the scale of its metric")
        if (self.related_type is None) != (self.related_id is None):
            raise PydanticCustomError("half_a_matter", "a matter has a type and a number")
        if self.occurred_at is not None and self.occurred_at > wall_clock() + _CLOCKS_APART:
            raise PydanticCustomError("in_the_future", "what happened lies in the past")
        return self

    def row(self, sender: str, at: datetime) -> dict[str, object]:
        """The item as the contract has it; without a time of its own it happened when it was received."""
        said = self.model_dump(exclude_none=True, exclude={"occurred_at"})
        when = (self.occurred_at or at).astimezone(UTC)
        stated = self.occurred_at is not None
        return {"sender": sender, **said, "occurred_at": when.isoformat(), "is_time_stated": stated}


def _listed(body: object) -> object:
    return [body] if isinstance(body, dict) else body


def _numbered_once(items: list[FeedbackIn]) -> list[FeedbackIn]:
    if len({item.source_key for item in items}) < len(items):
        raise PydanticCustomError("same_source_key", "each item of a request has a number of its own")
    return items


# One item alone is a request of one.
Items = Annotated[
    list[FeedbackIn],
    Field(min_length=1, max_length=MOST_ITEMS),
    AfterValidator(_numbered_once),
    BeforeValidator(_listed),
]
