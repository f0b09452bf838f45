"""The programme every stage of the loop works by: the one in force, from the ledger, whatever lies in the folder now.

Belongs here: that one question. Not here: applying a folder (`amends programme apply`). A stage that read the folder
would let a half-saved file stop the loop, and would make an edit count before anybody had said that it should.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.settings import Settings

if TYPE_CHECKING:
    from casework.programme import Active
    from casework.rules import RulesInForce


def in_force(settings: Settings) -> Active:
    """The programme in force now (`casework.moment`). Raises as `casework.programme.active_programme`."""
    from casework import moment
    from casework.programme import active_programme

    return active_programme(settings, moment.now(settings))


def rules_in_force(settings: Settings) -> RulesInForce:
    """Its live rules, each from the day its wording came into force, and the wordings before."""
    from casework import moment, rules

    return rules.rules_in_force(settings, moment.now(settings))
