"""The gate: a build may be published only when every blocking check of that build was seen to pass.

Belongs here: the verdict over check results, whoever made them. Not here: how a check is run (`expectations/`, dbt).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CheckStatus:
    """How one check of this build ended. `blocking` false means a warning that is recorded and stops nothing."""

    asset: str
    name: str
    passed: bool
    blocking: bool = True

    @property
    def label(self) -> str:
        """`asset:check`, the form used in messages and manifests."""
        return f"{self.asset}:{self.name}"


class ChecksNotGreen(RuntimeError):
    """Publication refused; `failed` names the blocking checks that did not pass (empty: none was reported at all)."""

    def __init__(self, failed: Sequence[str]) -> None:
        self.failed = tuple(failed)
        told = ", ".join(self.failed) or "no check of this build was reported, and an unchecked build is not published"
        super().__init__(f"not published: {told}")


def require_green(checks: Sequence[CheckStatus]) -> None:
    """Raise `ChecksNotGreen` unless at least one check is given and all blocking ones passed."""
    red = sorted(check.label for check in checks if check.blocking and not check.passed)
    if red or not checks:
        raise ChecksNotGreen(red)


def summary(checks: Sequence[CheckStatus]) -> dict[str, object]:
    """What the manifest keeps of the checks: counts, and the warnings by name."""
    warnings = sorted(check.label for check in checks if not check.blocking and not check.passed)
    return {"passed": sum(check.passed for check in checks), "total": len(checks), "warnings": warnings}
