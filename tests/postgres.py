"""A PostgreSQL of the tests' own: started from the system's binaries, reached by a socket only, gone afterwards.

Belongs here: starting, naming databases, stopping. Not here: what is tested on it (`tests/unit/cases`). It runs as an
ordinary user, as PostgreSQL insists; only the owner of its folder can reach the socket, so it asks for no password.
`fsync` is off: the tests kill clients, not the machine, and nothing here outlives the run.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SUPERUSER = "postgres"
_OPTIONS = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=60"


class NoPostgres(RuntimeError):
    """There are no PostgreSQL binaries on this machine, or nobody to run them as."""


def binaries() -> Path:
    """Folder with `initdb` and `pg_ctl`, the newest version first. Raises `NoPostgres`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise NoPostgres("PostgreSQL is not installed here (Debian: apt-get install postgresql)")
    return Path(on_path).resolve().parent


def _owner() -> str:
    """The user the server runs as: root may not."""
    if os.geteuid() != 0:
        return getpass.getuser()
    try:
        pwd.getpwnam(SUPERUSER)
    except KeyError as error:
        raise NoPostgres("started by root, and there is no user postgres to run the server as") from error
    return SUPERUSER


@dataclass(frozen=True)
class Server:
    """A running server; `folder` holds its data and its socket."""

    folder: Path
    owner: str
    bin: Path

    def url(self, database: str) -> str:
        """What `AMENDS_LEDGER_URL` has to be for one of its databases."""
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self.folder), safe='')}"

    def create(self, database: str, *, template: str | None = None) -> str:
        """A new database, empty or a copy; returns its URL."""
        self._sql(f"CREATE DATABASE {database}" + (f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""))
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database whoever is still connected to it."""
        self._sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def stop(self) -> None:
        """End the server and remove everything it wrote."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder)

    def _sql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.bin / program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/",
            user=self.owner if os.geteuid() == 0 else None,
        )  # fmt: skip


def start() -> Server:
    """Start a server in a new temporary folder. Raises `NoPostgres` when it cannot be had here."""
    bin_ = binaries()
    owner = _owner()
    # Not pytest's own folder: that one is closed to everybody but root. A socket's path may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="amends-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, owner)
    server = Server(folder, owner, bin_)
    data = str(folder / "data")
    server._run("initdb", "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
    options = f"{_OPTIONS} -c unix_socket_directories={folder}"
    server._run("pg_ctl", "-D", data, "-w", "-l", str(folder / "server.log"), "-o", options, "start")
    return server
