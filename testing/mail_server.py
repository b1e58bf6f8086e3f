"""A mail server for tests: keeps the mails that it gets, and refuses them on request."""

from collections.abc import Generator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from testing.waits import free_port

TAKEN = "250 taken"


class Inbox:
    """All mails, oldest first. `reply` is the response to a recipient: with any but `TAKEN` the mail is refused."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self.mails: list[EmailMessage] = []
        self.reply = TAKEN
        self.offered = 0

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.offered += 1
        if self.reply == TAKEN:
            envelope.rcpt_tos.append(address)
        return self.reply

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content: Any = envelope.content
        mail = message_from_bytes(content, policy=default)
        assert [mail["To"]] == envelope.rcpt_tos
        self.mails.append(mail)
        return TAKEN

    def to(self, recipient: str) -> list[EmailMessage]:
        """The mails to an address."""
        return [mail for mail in self.mails if mail["To"] == recipient]

    @contextmanager
    def open(self) -> Generator[None]:
        """Take mails."""
        host, _, port = self.address.rpartition(":")
        controller = Controller(self, hostname=host, port=int(port))
        controller.start()
        try:
            yield
        finally:
            controller.stop()


def inbox() -> Inbox:
    """An inbox whose server isn't started yet."""
    return Inbox(free_port())
