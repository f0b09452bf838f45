"""Mail against a real server that accepts, declines, breaks down and hangs up at every point of the conversation."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from messaging.envelope import Envelope
from messaging.smtp import SmtpTransport

LETTER = Envelope(
    "abc123@amends", "email", "kim@x.example", "Über Ihren Fall", "Liebe Kundin,\n.\n..zwei Punkte\nça va?\n"
)


class Server:
    """Handlers of aiosmtpd that answer as told, and keep what they took."""

    def __init__(self, *, rcpt: str = "250 OK", data: str | None = "250 OK") -> None:
        self.rcpt, self.data = rcpt, data
        self.taken: list[Any] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope)
        if self.data is None:
            # The server has every word and then its cable is cut.
            server.transport.abort()
            await asyncio.sleep(0)
            return "250 nobody hears this"
        if self.data == "silence":
            await asyncio.sleep(30)
        return self.data


Start = Callable[[Server], SmtpTransport]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a server on a free loopback port; the transport to it."""
    running: list[Controller] = []

    def begin(handler: Server) -> SmtpTransport:
        controller = Controller(handler, hostname="127.0.0.1", port=_free_port())
        controller.start()
        running.append(controller)
        return SmtpTransport("127.0.0.1", controller.port, "care@bank.example", timeout_seconds=2)

    yield begin
    for controller in running:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _mail(taken: Any) -> EmailMessage:
    parsed = message_from_bytes(taken.original_content, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_a_mail_arrives_with_every_character(start: Start) -> None:
    server = Server()
    assert start(server).send(LETTER).result == "sent"
    mail = _mail(server.taken[0])
    assert (mail["Subject"], mail["To"], mail["Message-ID"]) == (LETTER.subject, "kim@x.example", "<abc123@amends>")
    assert mail.get_content().replace("\r\n", "\n") == LETTER.body
    assert server.taken[0].rcpt_tos == ["kim@x.example"]


def test_what_goes_over_the_wire_is_seven_bits_with_line_ends_of_the_standard(start: Start) -> None:
    server = Server()
    start(server).send(LETTER)
    raw = server.taken[0].original_content
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_a_mail_that_is_tried_again_has_the_same_message_id(start: Start) -> None:
    server = Server()
    way = start(server)
    way.send(LETTER)
    way.send(LETTER)
    assert {_mail(taken)["Message-ID"] for taken in server.taken} == {"<abc123@amends>"}


def test_a_team_without_an_address_has_one_in_the_senders_domain(start: Start) -> None:
    server = Server()
    start(server).send(Envelope("i@amends", "chat", "service-desk", "s", "b"))
    assert server.taken[0].rcpt_tos == ["service-desk@bank.example"]


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (Server(rcpt="450 later"), "failed"),
        (Server(rcpt="550 no such user"), "refused"),
        (Server(data="451 later"), "failed"),
        (Server(data="554 spam"), "refused"),
        (Server(data=None), "unknown"),
        (Server(data="silence"), "unknown"),
    ],
    ids=["rcpt 4xx", "rcpt 5xx", "data 4xx", "data 5xx", "hangs up after the words", "silent after the words"],
)
def test_the_answer_of_the_server_is_the_outcome(start: Start, server: Server, expected: str) -> None:
    outcome = start(server).send(LETTER)
    assert outcome.result == expected
    assert "kim" not in outcome.detail


def test_no_server_is_a_failure_because_nothing_can_have_left() -> None:
    assert SmtpTransport("127.0.0.1", _free_port(), "care@bank.example").send(LETTER).result == "failed"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (["421 go away"], "failed"),
        ([None], "failed"),
        (["220 hi", None], "failed"),
        (["220 hi", "250 ok", None], "failed"),
        (["220 hi", "250 ok", "250 sender ok", None], "failed"),
        (["220 hi", "250 ok", "250 sender ok", "250 rcpt ok", "452 disk full"], "failed"),
        (["220 hi", "250 ok", "250 sender ok", "250 rcpt ok", None], "unknown"),
        (["220 hi", "250 ok", "250 sender ok", "250 rcpt ok", "354 go on", None], "unknown"),
    ],
)
def test_a_connection_that_breaks_is_told_by_when_it_broke(script: list[str | None], expected: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_play, args=(listener, script))
        thread.start()
        way = SmtpTransport("127.0.0.1", listener.getsockname()[1], "care@bank.example", timeout_seconds=2)
        outcome = way.send(LETTER)
        thread.join(10)
    assert outcome.result == expected


def _play(listener: socket.socket, script: list[str | None]) -> None:
    """A server of few words: one answer after each thing it reads, None hangs up."""
    connection, _ = listener.accept()
    with connection:
        for number, line in enumerate(script):
            if number and not connection.recv(65_536):
                return
            if line is None:
                return
            connection.sendall(line.encode() + b"\r\n")


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(start: Start) -> None:
    server = Server()
    plain = start(server)
    # This one offers no STARTTLS at all, as a man in the middle would have it.
    way = SmtpTransport(plain.host, plain.port, plain.sender, user="u", password="p", starttls=True, timeout_seconds=2)
    assert way.send(LETTER).result == "failed"
    assert server.taken == []


def test_a_certificate_nobody_vouches_for_gets_no_password(tmp_path: Path) -> None:
    server = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path))
    controller = Controller(server, hostname="127.0.0.1", port=_free_port(), tls_context=context, require_starttls=True)
    controller.start()
    try:
        way = SmtpTransport(
            "127.0.0.1", controller.port, "care@bank.example", user="u", password="p", starttls=True, timeout_seconds=2
        )
        outcome = way.send(LETTER)
    finally:
        controller.stop()
    assert (outcome.result, outcome.detail) == ("failed", "before the words: SSLCertVerificationError")
    assert server.taken == []


def _self_signed(folder: Path) -> Path:
    """A key and a certificate for this machine, by nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )  # fmt: skip
    path = folder / "self.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + built.public_bytes(Encoding.PEM))
    return path
