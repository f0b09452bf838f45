"""Mail over SMTP, with the one distinction that matters: was the server left before or after it had the words?

Belongs here: RFC 5321 answers as outcomes. Not here: retries. Until the server has been sent DATA nothing can have left;
once it has, a lost connection means that nobody knows.
"""

from __future__ import annotations

import smtplib
import ssl
from email import policy
from email.message import EmailMessage
from email.utils import formatdate

from messaging.envelope import Envelope, Outcome

# Lines end in CRLF (RFC 5321 2.3.8), and nothing needs a server that knows 8BITMIME.
_WIRE = policy.SMTP.clone(cte_type="7bit")


class SmtpTransport:
    """One server. With `starttls` the connection is encrypted before anything is said, and the certificate checked; a
    password needs it. An address without a domain (a team) gets the one of `sender`.

    Raises `ValueError` at set-up for a password without encryption, or a sender that is no address.
    """

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        *,
        user: str | None = None,
        password: str | None = None,
        starttls: bool = False,
        timeout_seconds: float = 20.0,
    ) -> None:
        if password and not starttls:
            raise ValueError("a password is only sent over an encrypted connection: set starttls")
        if "@" not in sender:
            raise ValueError("the sender of mail is an address with a domain")
        self.host, self.port, self.sender = host, port, sender
        self.user, self.password, self.starttls = user, password, starttls
        self.timeout = timeout_seconds

    def send(self, envelope: Envelope) -> Outcome:
        """Try once; see `Outcome`. An address or subject that could smuggle in a command or header is `refused`."""
        to = envelope.address if "@" in envelope.address else f"{envelope.address}@{self.sender.rpartition('@')[2]}"
        if not _is_one_word(to):
            return Outcome("refused", "the address is none")
        try:
            words = self._mail(envelope, to).as_bytes()
        except ValueError:
            return Outcome("refused", "the message makes no mail")
        try:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        except (OSError, smtplib.SMTPException) as error:
            return Outcome("failed", f"no connection: {type(error).__name__}")
        try:
            return self._talk(server, to, words)
        finally:
            server.close()

    def _talk(self, server: smtplib.SMTP, to: str, words: bytes) -> Outcome:
        try:
            self._greet(server)
            code = self._introduce(server, to)
        except (OSError, smtplib.SMTPException) as error:
            return Outcome("failed", f"before the words: {type(error).__name__}")
        return _answer(code) if code >= 400 else self._hand_over(server, words)

    def _greet(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if self.starttls:
            # smtplib's own default context checks no certificate.
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if self.user and self.password:
            server.login(self.user, self.password)

    def _introduce(self, server: smtplib.SMTP, to: str) -> int:
        """The first answer that is no yes, else the last one."""
        code, _ = server.mail(self.sender)
        return code if code >= 400 else server.rcpt(to)[0]

    def _hand_over(self, server: smtplib.SMTP, words: bytes) -> Outcome:
        try:
            code, _ = server.data(words)
        except smtplib.SMTPDataError as error:
            # The server declined the DATA command itself: it has none of the words.
            return _answer(error.smtp_code)
        except (OSError, smtplib.SMTPException) as error:
            return Outcome("unknown", f"after the words: {type(error).__name__}")
        return _answer(code)

    def _mail(self, envelope: Envelope, to: str) -> EmailMessage:
        mail = EmailMessage(policy=_WIRE)
        mail["Message-ID"] = f"<{envelope.message_id}>"
        mail["From"] = self.sender
        mail["To"] = to
        mail["Subject"] = envelope.subject
        mail["Date"] = formatdate(usegmt=True)
        mail.set_content(envelope.body)
        return mail


def _is_one_word(address: str) -> bool:
    """Plain ASCII without spaces, control characters or what separates addresses: anything else needs SMTPUTF8."""
    return address.isascii() and address.isprintable() and not set(address) & set(' ,;<>()[]\\"') and address[0] != "@"


def _answer(code: int) -> Outcome:
    if code < 400:
        return Outcome("sent", f"{code}")
    return Outcome("failed" if code < 500 else "refused", f"the server answered {code}")
