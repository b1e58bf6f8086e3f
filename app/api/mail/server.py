"""The mail server (SMTP, RFC 5321) that takes the shop's mails."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final, Literal

from pydantic import SecretStr

from app.api.settings import Settings, SettingsError

PASSWORD_FILE: Final = "mail-password"  # noqa: S105 - a name
ANSWER_SECONDS: Final = 10.0
"""Seconds for connecting, and for each reply of the server."""
_PERMANENT: Final = 500
"""Replies from here on won't change when the same mail is offered again (RFC 5321, section 4.2.1)."""


class Refused(Exception):
    """The server will never take this mail."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails go. `security`: TLS from the start, TLS by STARTTLS (RFC 3207), or none."""

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    sender: str
    username: str
    password: SecretStr | None

    @classmethod
    def of(cls, settings: Settings) -> "MailServer | None":
        """The mail server of the settings. None: this shop sends no mail. Raises SettingsError."""
        if settings.mail_server is None:
            return None
        if not settings.mail_sender:
            raise SettingsError("MAIL_SENDER='': MAIL_SERVER is set, so give the address that mails come from")
        if settings.mail_username and settings.mail_security == "none":
            raise SettingsError(
                f"MAIL_USERNAME={settings.mail_username!r}: its password would travel unencrypted; "
                "set MAIL_SECURITY to starttls or tls"
            )
        password = settings.required_secret(PASSWORD_FILE) if settings.mail_username else None
        host, port = settings.mail_server
        return cls(host, port, settings.mail_security, settings.mail_sender, settings.mail_username, password)

    def deliver(self, message: EmailMessage) -> None:
        """Deliver a mail; blocks. Raises Refused, or OSError or SMTPException if another attempt may succeed."""
        context = ssl.create_default_context()
        connection = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=ANSWER_SECONDS, context=context)
            if self.security == "tls"
            else smtplib.SMTP(self.host, self.port, timeout=ANSWER_SECONDS)
        )
        with connection as server:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.password is not None:
                server.login(self.username, self.password.get_secret_value())
            try:
                server.send_message(message)
            except smtplib.SMTPRecipientsRefused as error:
                status, reason = next(iter(error.recipients.values()))
                if status >= _PERMANENT:
                    raise Refused(f"{status} {reason.decode(errors='replace')}") from None
                raise
