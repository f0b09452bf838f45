"""What every command that works on cases needs: the ledger, the engine, who is asking, and refusals in plain words.

Belongs here: those four. Not here: any command (`amends/commands/`).
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amends.console import fail
from models.settings import load_settings

if TYPE_CHECKING:
    from casework.engine import Engine
    from models.case import Actor

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
By = Annotated[str, typer.Option("--by", envvar="AMENDS_ACTOR", help="Who does it; default: your login name.")]


def ledger() -> Any:
    """`cases.services` on the ledger of this installation; ends the command when there is none."""
    from cases import services

    settings = load_settings()
    if not settings.ledger_url and not settings.ledger_path.exists():
        fail(f"There is no ledger in {settings.home} yet; `amends setup` makes one, `amends demo` fills one.")
    if not services.ledger_ready(settings):
        fail("The ledger lacks tables of this version, or cannot be reached; `amends setup` brings it up to date.")
    return services


def engine() -> Engine:
    """The case engine at its moment, see `casework.moment`."""
    from casework.engine import start

    ledger()
    return start(load_settings())


def actor(by: str) -> Actor:
    """The person named, else whoever is logged in."""
    from models.case import Actor

    return Actor("person", by or getpass.getuser())


@contextmanager
def refusals() -> Iterator[None]:
    """A refusal is a sentence and exit code 1, never a traceback."""
    from cases.errors import StaleVersion, UnknownCase
    from models.case import IllegalMove

    try:
        yield
    except UnknownCase as error:
        fail(f"There is no case {error}; `amends case list` names the newest.")
    except StaleVersion as error:
        fail(f"The case has moved on: {error}. Look again with `amends case show {error.case_id}`.")
    except (IllegalMove, ValueError) as error:
        fail(f"Refused: {error}.")
