"""The text files of a programme: playbooks and messages, each a typed head and words that are checked when saved.

Belongs here: binding head and words, and what must hold between them. Not here: what a playbook may do
(`models/playbook.py`), what a template may say (`models/template.py`), reading files (`intake/programme.py`). A fault in
the words names its line, which the reader turns into the line of the file.
"""

from __future__ import annotations

import hashlib
from typing import Self

from pydantic import Field, field_validator, model_validator

from models.contact import Purpose
from models.message import Delivery
from models.playbook import Playbook, Scripts
from models.routing import Strict
from models.taxonomy import Slug
from models.template import TemplateFault, check_template

# What the engine itself says; a programme without one of these could not run.
REQUIRED_MESSAGES = (
    "assigned",
    "opened",
    "reminder",
    "escalation",
    "digest",
    "approval_needed",
    "outcome_told",
    "closure",
)


class PlaybookText(Strict):
    """One file of playbooks/: what to do (front matter) and the words to say (Markdown sections below it)."""

    playbook: Playbook
    script: str

    @model_validator(mode="after")
    def _every_channel_has_words(self) -> Self:
        scripts = self.scripts
        for script in scripts.scripts:
            try:
                check_template(script.text)
            except TemplateFault as fault:
                raise TemplateFault(script.line + fault.line - 1, fault.reason) from fault
        spoken = {step.channel for step in self.playbook.steps if step.channel}
        if missing := sorted(spoken - scripts.channels):
            raise ValueError(f"a step uses {missing[0]}, but there is no section `## {missing[0]}`")
        return self

    @property
    def scripts(self) -> Scripts:
        """The words by channel and scenario."""
        return Scripts(self.script)

    @property
    def code(self) -> str:
        """The playbook's code."""
        return self.playbook.code

    @property
    def version_hash(self) -> str:
        """sha256 (hex) over everything that matters to who uses it: steps, offers, eligibility and script."""
        return hashlib.sha256(f"{self.playbook.model_dump_json()}\n{self.script}".encode()).hexdigest()


class MessageHead(Strict):
    """Front matter of a file in messages/: what the message is for, and where it may go."""

    code: Slug
    title: str = Field(min_length=2, max_length=120)
    delivery: Delivery
    purpose: Purpose
    channel: str
    subject: str = Field(min_length=2, max_length=200)

    @field_validator("subject")
    @classmethod
    def _one_line(cls, value: str) -> str:
        check_template(value)
        if not value.isprintable():
            raise ValueError("a subject is one line without control characters")
        return value

    @model_validator(mode="after")
    def _purpose_fits(self) -> Self:
        if (self.delivery == "alert") != (self.purpose == "internal"):
            raise ValueError("an alert, and only an alert, has the purpose internal")
        return self


class MessageText(Strict):
    """One file of messages/: its head and the words."""

    head: MessageHead
    body: str = Field(min_length=2)

    @model_validator(mode="after")
    def _words_are_allowed(self) -> Self:
        check_template(self.body)
        return self

    @property
    def code(self) -> str:
        """The message's code."""
        return self.head.code

    @property
    def version_hash(self) -> str:
        """sha256 (hex) over subject and words."""
        return hashlib.sha256(f"{self.head.model_dump_json()}\n{self.body}".encode()).hexdigest()
