"""Chat, text messages and everything else apprise speaks to.

Belongs here: one apprise target as a transport. Not here: which targets (`AMENDS_APPRISE_URL`). apprise answers yes or
no only, so a no of a message to a customer is `unknown`: some services take a message and then fail.
"""

from __future__ import annotations

from urllib.parse import quote

from messaging.envelope import Envelope, Outcome


class AppriseTransport:
    """One target URL of apprise; `{address}` in it is filled with the address of the recipient.

    Raises `ValueError` at set-up for a URL that apprise does not understand (the message never repeats it: it may hold
    a token).
    """

    def __init__(self, url: str) -> None:
        self.url = url
        if not self._target("nobody"):
            raise ValueError("apprise does not understand AMENDS_APPRISE_URL")

    def _target(self, address: str) -> object:
        # Half a second to import, and only who sends needs it.
        from apprise import Apprise

        target = Apprise()
        # Quoted, or an address with a slash or a question mark would change where the message goes.
        return target if target.add(self.url.replace("{address}", quote(address, safe=""))) else None

    def send(self, envelope: Envelope) -> Outcome:
        """Try once; see `Outcome`."""
        target = self._target(envelope.address)
        if target is None:
            return Outcome("refused", "the address makes no target")
        done = target.notify(title=envelope.subject, body=envelope.body)  # type: ignore[attr-defined]
        return Outcome("sent") if done else Outcome("unknown", "the service did not say yes")
