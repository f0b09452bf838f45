"""Starting and ending the services of an installation, on loopback only; one pid file and one log each."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from amends.console import console
from amends.home import apply_environment, prepare_home
from models.settings import ROOT, Settings

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Service:
    """One process `amends up` starts; `port` None means it serves nobody."""

    name: str
    command: list[str]
    port: int | None

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{LOOPBACK}:{self.port}" if self.port else ""


def services(settings: Settings) -> list[Service]:
    """Everything that runs beside the command line."""
    scripts, workspace = Path(sys.executable).parent, str(ROOT / "workspace.yaml")
    mlflow = [str(scripts / "mlflow"), "server", "--host", LOOPBACK, "--port", str(settings.mlflow_port),
              "--backend-store-uri", settings.mlflow_uri, "--workers", "1",
              "--artifacts-destination", str(settings.mlflow_dir / "artifacts")]  # fmt: skip
    webserver = [str(scripts / "dagster-webserver"), "-h", LOOPBACK, "-p", str(settings.dagster_port), "-w", workspace]
    return [
        Service("dagster-webserver", webserver, settings.dagster_port),
        Service("dagster-daemon", [str(scripts / "dagster-daemon"), "run", "-w", workspace], None),
        Service("mlflow", mlflow, settings.mlflow_port),
    ]


def start_all(settings: Settings, wait_seconds: float = 90.0) -> bool:
    """Start what is not running and wait until each port answers. Returns False when one never did."""
    prepare_home(settings)
    environment = {**os.environ, **apply_environment(settings)}
    ok = True
    for service in services(settings):
        if running_pid(settings, service.name):
            console.print(f"  {service.name} is running already {service.url}")
            continue
        if service.port and _answers(service.port):
            console.print(f"  [red]✗[/] port {service.port} is taken by another program (wanted by {service.name})")
            ok = False
            continue
        _start(settings, service, environment)
    deadline = time.monotonic() + wait_seconds
    for service in services(settings):
        up = _wait(settings, service, deadline)
        ok = ok and up
        log = settings.logs / f"{service.name}.log"
        console.print(f"  [green]✓[/] {service.name} {service.url}" if up else f"  [red]✗[/] {service.name}: see {log}")
    return ok


def stop_all(settings: Settings, wait_seconds: float = 20.0) -> None:
    """Ask every service to end, then end those that do not."""
    for service in reversed(services(settings)):
        pid = running_pid(settings, service.name)
        if pid is None:
            continue
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + wait_seconds
        while running_pid(settings, service.name) and time.monotonic() < deadline:
            time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        _pid_file(settings, service.name).unlink(missing_ok=True)
        console.print(f"  {service.name} ended")


def running_pid(settings: Settings, name: str) -> int | None:
    """Process id of a service that lives, else None (a stale pid file counts as not running)."""
    path = _pid_file(settings, name)
    if not path.exists():
        return None
    pid = int(path.read_text(encoding="utf-8"))
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return None
    return None if state == "Z" else pid


def _start(settings: Settings, service: Service, environment: dict[str, str]) -> None:
    path = _pid_file(settings, service.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with (settings.logs / f"{service.name}.log").open("ab") as log:
        process = subprocess.Popen(
            service.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment,
            cwd=settings.home, start_new_session=True,
        )  # fmt: skip
    path.write_text(str(process.pid), encoding="utf-8")


def _wait(settings: Settings, service: Service, deadline: float) -> bool:
    while time.monotonic() < deadline:
        if running_pid(settings, service.name) is None:
            return False
        if service.port is None or _answers(service.port):
            return True
        time.sleep(0.3)
    return False


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _pid_file(settings: Settings, name: str) -> Path:
    return settings.home / "run" / f"{name}.pid"
