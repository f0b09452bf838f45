"""A way out that is set up wrongly says so before anything is sent, and never repeats a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.chat import AppriseTransport
from messaging.envelope import Envelope
from messaging.smtp import SmtpTransport
from messaging.webhook import AddressNotAllowed, WebhookTransport


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://hooks.example/x", []),
        ("https://hooks.example/x", ["other.example"]),
        ("https://hooks.example.evil.test/x", ["hooks.example"]),
        ("https://hooks.example@evil.test/x", ["hooks.example"]),
        ("http://hooks.example/x", ["hooks.example"]),
        ("ftp://hooks.example/x", ["hooks.example"]),
        ("file:///etc/passwd", [""]),
        ("https://169.254.169.254/latest/meta-data", ["hooks.example"]),
        ("nonsense", ["nonsense"]),
    ],
)
def test_a_web_hook_goes_only_where_somebody_allowed(url: str, hosts: list[str]) -> None:
    with pytest.raises(AddressNotAllowed) as refused:
        WebhookTransport(url, b"s", allowed_hosts=hosts)
    assert url not in str(refused.value)


def test_a_password_needs_an_encrypted_connection() -> None:
    with pytest.raises(ValueError, match="encrypted") as refused:
        SmtpTransport("mail.example", 25, "care@bank.example", user="u", password="hunter2", starttls=False)
    assert "hunter2" not in str(refused.value)


def test_a_sender_is_an_address() -> None:
    with pytest.raises(ValueError, match="sender"):
        SmtpTransport("mail.example", 25, "care")


def test_a_target_apprise_does_not_know_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValueError, match="apprise") as refused:
        AppriseTransport("nonsense-s3cr3t")
    assert "s3cr3t" not in str(refused.value)


@given(
    bad=st.sampled_from(list('\r\n\x00 ,;<>"\\()\u2028é')),
    before=st.text("abc@.", max_size=5),
    after=st.text("abc@.", max_size=5),
)
def test_an_address_that_could_be_a_command_is_refused_without_a_connection(bad: str, before: str, after: str) -> None:
    # Nothing listens on port 1, so any attempt to connect would be `failed`.
    way = SmtpTransport("127.0.0.1", 1, "care@bank.example", timeout_seconds=1)
    assert way.send(Envelope("i@amends", "email", f"a{before}{bad}{after}@x.example", "s", "b")).result == "refused"


@pytest.mark.parametrize("subject", ["Hello\r\nBcc: all@x.example", "a\nb", "a\rb"])
def test_a_subject_that_could_be_a_header_is_refused(subject: str, tmp_path: Path) -> None:
    way = SmtpTransport("127.0.0.1", 1, "care@bank.example", timeout_seconds=1)
    assert way.send(Envelope("i@amends", "email", "a@x.example", subject, "b")).result == "refused"
