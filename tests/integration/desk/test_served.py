"""The desk as a process of its own: started, asked over a socket, and edited by eight people at once."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT

EDITORS, EDITS = 8, 50

EDITOR = """
import json, sys
from http.client import HTTPConnection
port, token, case_id, edits = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
connection = HTTPConnection("127.0.0.1", port, timeout=120)
headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}

def ask(method, path, body=None, **more):
    connection.request(method, path, body, headers | more)
    answer = connection.getresponse()
    return answer.status, answer.headers.get("ETag"), answer.read()

seen, tally = None, {}
for n in range(edits):
    if seen is None:
        _, seen, _ = ask("GET", "/api/cases/" + case_id)
    body = json.dumps({"kind": "note_added", "payload": {"note": f"{token[:6]}-{n}"}})
    status, tag, said = ask("POST", f"/api/cases/{case_id}/events", body, **{"If-Match": seen})
    tally[status] = tally.get(status, 0) + 1
    if status == 200:
        seen = '"' + str(json.loads(said)["version"]) + '"'
    else:
        # The refusal names the difference and the version to look at.
        assert status == 412 and json.loads(said)["changes"], (status, said)
        seen = tag
print(json.dumps(tally))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """`amends api serve` on a free loopback port over a fresh installation; its port and home."""
    home = tmp_path_factory.mktemp("served")
    environment = {**os.environ, "AMENDS_HOME": str(home), "PYTHONPATH": str(ROOT)}
    make = "from cases import services; from models.settings import load_settings; services.migrate(load_settings())"
    subprocess.run([sys.executable, "-c", make], env=environment, check=True, cwd=ROOT)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "amends.cli", "api", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        _wait_until_up(port, process)
        yield port, home
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_up(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended by itself"
        with closing(socket.socket()) as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not come up")


def _token(home: Path, who: str, role: str) -> str:
    words = [sys.executable, "-m", "amends.cli", "api", "token", "create", who, role, "--json"]
    environment = {**os.environ, "AMENDS_HOME": str(home), "PYTHONPATH": str(ROOT)}
    made = subprocess.run(words, env=environment, check=True, cwd=ROOT, capture_output=True)
    return str(json.loads(made.stdout)["token"])


def _ask(port: int, method: str, path: str, token: str | None = None, body: object = None, **more: str) -> Any:
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {}), **more}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    return connection.getresponse()


def _opened(port: int, token: str, key: str) -> str:
    body = {"reason": "x", "severity": 3, "customer_id": key}
    answer = _ask(port, "POST", "/api/cases", token, body, **{"Idempotency-Key": key})
    assert answer.status == 201
    return str(json.loads(answer.read())["case_id"])


def test_the_served_desk_is_healthy_closed_and_says_nothing_about_itself(server: tuple[int, Path]) -> None:
    port, _ = server
    healthy = _ask(port, "GET", "/healthz")
    assert (healthy.status, json.loads(healthy.read())) == (200, {"ok": True})
    assert healthy.headers.get("Server") is None
    assert _ask(port, "GET", "/api/cases").status == 401
    assert _ask(port, "GET", "/healthz", Host="evil.example").status == 400


def test_a_body_without_a_stated_length_is_cut_off(server: tuple[int, Path]) -> None:
    port, _ = server
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    pieces = (b"x" * 65_536 for _ in range(8))
    try:
        connection.request("POST", "/api/cases", pieces, {"Content-Type": "application/json"}, encode_chunked=True)
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # Cut off while still sending is cut off all the same.
    assert _ask(port, "GET", "/healthz").status == 200


def test_eight_people_editing_one_case_lose_nothing_and_overwrite_nothing(server: tuple[int, Path]) -> None:
    port, home = server
    tokens = [_token(home, f"editor-{n}", "service") for n in range(EDITORS)]
    case_id = _opened(port, tokens[0], "race-customer-1")
    start = json.loads(_ask(port, "GET", f"/api/cases/{case_id}", tokens[0]).read())["state"]["version"]
    command = [sys.executable, "-c", EDITOR, str(port)]
    editors = [
        subprocess.Popen([*command, token, case_id, str(EDITS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for token in tokens
    ]
    tallies = []
    for editor in editors:
        out, err = editor.communicate(timeout=500)
        assert editor.returncode == 0, err.decode()
        tallies.append({int(status): n for status, n in json.loads(out).items()})
    accepted = sum(tally.get(200, 0) for tally in tallies)
    refused = sum(tally.get(412, 0) for tally in tallies)
    found = json.loads(_ask(port, "GET", f"/api/cases/{case_id}", tokens[0]).read())
    notes = [
        event["payload"]["note"]
        for event in found["events"]
        if re.match(r".{6}-\d+$", event["payload"].get("note", ""))
    ]
    assert accepted + refused == EDITORS * EDITS and accepted > 0
    assert found["state"]["version"] - start == accepted == len(notes) == len(set(notes))


def test_racing_requests_under_one_key_open_one_case(server: tuple[int, Path]) -> None:
    port, home = server
    token = _token(home, "machine", "service")
    script = (
        "import json,sys\nfrom http.client import HTTPConnection\n"
        "c=HTTPConnection('127.0.0.1',int(sys.argv[1]),timeout=120)\n"
        "c.request('POST','/api/cases',json.dumps({'reason':'x','severity':3,'customer_id':'K-race'}),"
        "{'Authorization':'Bearer '+sys.argv[2],'Content-Type':'application/json','Idempotency-Key':'one-key-000'})\n"
        "a=c.getresponse();print(a.status,a.read().decode())"
    )
    racers = [
        subprocess.Popen([sys.executable, "-c", script, str(port), token], stdout=subprocess.PIPE) for _ in range(6)
    ]
    answers = {racer.communicate(timeout=200)[0] for racer in racers}
    assert len(answers) == 1 and answers.pop().startswith(b"201")
    listed = json.loads(_ask(port, "GET", "/api/cases?search=K-race", token).read())["items"]
    assert len(listed) == 1


def test_the_feed_is_read_by_a_strict_reader(server: tuple[int, Path]) -> None:
    from icalendar import Calendar

    port, home = server
    token = _token(home, "machine-2", "service")
    case_id = _opened(port, token, "calendar-customer")
    wish = {"subject_type": "case", "subject_id": case_id, "title": "Call again",
            "starts_at": (datetime.now(UTC) + timedelta(days=3)).isoformat()}  # fmt: skip
    planned = json.loads(_ask(port, "POST", "/api/followups", token, wish).read())
    path = json.loads(_ask(port, "POST", "/api/calendar", token, {}).read())["path"]
    (event,) = Calendar.from_ical(_ask(port, "GET", path).read()).walk("VEVENT")
    assert str(event["UID"]) == planned["uid"] and int(event["SEQUENCE"]) == 0
    assert event.decoded("DTSTART") == datetime.fromisoformat(planned["starts_at"])
