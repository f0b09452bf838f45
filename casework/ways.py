"""Which way a message leaves: files, mail, a web hook or apprise, as the operator set it.

Belongs here: reading the settings into transports, and which one takes which message. Not here: the transports
(`messaging/`), addresses (`casework/addresses.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from messaging.envelope import Transport
from messaging.files import FileTransport
from models.message import Delivery
from models.settings import Settings


@dataclass(frozen=True, slots=True)
class Ways:
    """The transports of an installation. `mail` takes e-mails and every alert, `other` the rest."""

    mail: Transport
    other: Transport

    def way(self, channel: str, delivery: Delivery) -> Transport:
        """The transport for one message."""
        return self.mail if channel == "email" or delivery == "alert" else self.other


def ways_of(settings: Settings) -> Ways:
    """The ways messages leave this installation; files unless an operator has chosen another.

    With `smtp`, what is not mail goes by apprise if that is set up, else into files, for whoever sends texts or calls.
    Raises `ValueError` for a transport that lacks its settings.
    """
    files = FileTransport(settings.outgoing)
    match settings.transport:
        case "file":
            return Ways(files, files)
        case "smtp":
            return Ways(_smtp(settings), _apprise(settings) if settings.apprise_url else files)
        case "webhook":
            hook = _webhook(settings)
            return Ways(hook, hook)
        case "apprise":
            target = _apprise(settings)
            return Ways(target, target)


def _smtp(settings: Settings) -> Transport:
    from messaging.smtp import SmtpTransport

    if not settings.smtp_host or not settings.smtp_sender:
        raise ValueError("AMENDS_SMTP_HOST and AMENDS_SMTP_SENDER say where mail goes and from whom")
    return SmtpTransport(
        settings.smtp_host, settings.smtp_port, settings.smtp_sender, user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        starttls=settings.smtp_starttls,
    )  # fmt: skip


def _webhook(settings: Settings) -> Transport:
    from messaging.webhook import WebhookTransport

    if not settings.webhook_url or not settings.webhook_secret:
        raise ValueError("AMENDS_WEBHOOK_URL and AMENDS_WEBHOOK_SECRET say where to, and signed with what")
    secret = settings.webhook_secret.get_secret_value().encode()
    return WebhookTransport(settings.webhook_url, secret, allowed_hosts=settings.webhook_hosts)


def _apprise(settings: Settings) -> Transport:
    from messaging.chat import AppriseTransport

    if not settings.apprise_url:
        raise ValueError("AMENDS_APPRISE_URL says which service")
    return AppriseTransport(settings.apprise_url.get_secret_value())
