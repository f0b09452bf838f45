"""One small company through the whole loop, shared by the tests of this folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.loop.canaries import plant
from tests.support import ROOT


@dataclass(frozen=True)
class Installation:
    """A home and the means to run `amends` in it, with outside look-ups trapped."""

    home: Path
    lookups: Path
    truth: Path
    said: list[str] = field(default_factory=list)

    def amends(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command; with `ok` a non-zero exit fails the test with what was printed."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AMENDS_")}
        environment |= {
            "AMENDS_HOME": str(self.home),
            "AMENDS_LOOKUP_LOG": str(self.lookups),
            "PYTHONPATH": str(Path(__file__).parent / "trap"),
        }
        done = subprocess.run(
            [str(Path(sys.executable).with_name("amends")), *arguments],
            env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.said.extend((done.stdout, done.stderr))
        if ok and done.returncode != 0:
            pytest.fail(f"amends {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *arguments: str) -> dict[str, Any]:
        """Run one command with --json and parse its answer."""
        return json.loads(self.amends(*arguments, "--json").stdout)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A company of 1,000 customers over 20 weeks, with canaries in its files, run once.

    The truth lies outside the home, where nobody finds it.
    """
    base = tmp_path_factory.mktemp("loop")
    here = Installation(home=base / "home", lookups=base / "lookups.log", truth=base / "hidden" / "truth")
    world = base / "world"
    here.amends("world", "build", "--customers", "1000", "--weeks", "20", "--seed", "7", "--out", str(world))
    here.truth.parent.mkdir()
    (world / "truth").rename(here.truth)
    here.amends("setup")
    shutil.copytree(world / "sources", here.home / "inbox", dirs_exist_ok=True)
    plant(here.home / "inbox")
    here.amends("run", "--json")
    yield here
