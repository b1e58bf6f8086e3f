"""Delivers noted mails to the mail server. Each is tried until it is taken or too old, by whichever worker is free.

A mail's token is made when the mail is sent, so the database never holds a valid token, only its digest.
"""

import asyncio
import contextlib
import random
import secrets
import smtplib
from time import monotonic
from typing import Final

import structlog

from app.api.mail import letters
from app.api.mail.server import MailServer, Refused
from app.api.metrics import Metrics
from app.database import failures
from app.database.queries import Database, account_mails
from app.database.queries.account_mails import Mail

log = structlog.get_logger(__name__)

LEASE_SECONDS: Final = 300.0
"""Longer than a mail takes where the server needs the whole time for each of its answers."""
IDLE_SECONDS: Final = 1.0
FIRST_RETRY_SECONDS: Final = 5.0
LONGEST_RETRY_SECONDS: Final = 600.0
MEASURED_SECONDS: Final = 5.0


class Postman:
    """Sends what is noted in `account_mails`, one mail after the other. `origin` is the shop's address for visitors."""

    def __init__(self, database: Database, server: MailServer, origin: str, metrics: Metrics) -> None:
        self._database = database
        self._server = server
        self._origin = origin
        self._metrics = metrics
        self._measured_at = float("-inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop`. Waits for a database that is away."""
        while not stop.is_set():
            sent = False
            try:
                sent = await self.send_one()
                await self._measure()
            except failures.ANY as error:
                log.warning("mails unreachable", error=type(error).__name__)
            if not sent:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_SECONDS):
                        await stop.wait()

    async def send_one(self) -> bool:
        """Send the mail that has waited longest. False if none waits, or the server doesn't take it now."""
        due = await account_mails.take(self._database, limit=1, lease_seconds=LEASE_SECONDS)
        if not due:
            return False
        mail = due[0]
        letter, valid_seconds = await self._letter(mail)
        if letter is None:
            await account_mails.delete(self._database, mail.id)
            return True
        message = letters.message(self._server.sender, mail.email, *letter)
        try:
            await asyncio.to_thread(self._server.deliver, message)
        except Refused as error:
            self._count(mail, "refused", str(error))
            await account_mails.delete(self._database, mail.id)
            return True
        except (OSError, smtplib.SMTPException) as error:
            reason = f"{type(error).__name__}: {error}"[:500]
            self._count(mail, "failed", reason)
            longest = min(FIRST_RETRY_SECONDS * 2 ** (mail.attempts - 1), LONGEST_RETRY_SECONDS)
            delay = longest * (0.5 + random.random() / 2)  # noqa: S311
            await account_mails.retry(self._database, mail.id, delay_seconds=delay, error=reason)
            return False
        self._count(mail, "sent")
        if valid_seconds:
            await account_mails.sent(self._database, mail.id, valid_seconds=valid_seconds)
        else:
            await account_mails.delete(self._database, mail.id)
        return True

    async def _letter(self, mail: Mail) -> tuple[tuple[str, str] | None, float]:
        """Subject and text, and the token's lifetime in seconds. None if there is nothing to send: asking for a new
        password doesn't tell whether the address has an account.
        """
        if mail.purpose == "sign-up" and mail.known_as is None:
            return letters.confirm(self._origin, await self._token(mail)), letters.SIGN_UP_SECONDS
        if mail.known_as is None:
            return None, 0.0
        if mail.purpose == "password-reset":
            return letters.reset(self._origin, mail.known_as, await self._token(mail)), letters.RESET_SECONDS
        tell = letters.has_account if mail.purpose == "sign-up" else letters.changed
        return tell(self._origin, mail.known_as), 0.0

    async def _token(self, mail: Mail) -> str:
        token = secrets.token_urlsafe(32)
        await account_mails.arm(self._database, mail.id, token)
        return token

    def _count(self, mail: Mail, result: str, reason: str | None = None) -> None:
        self._metrics.mails.labels(result).inc()
        told = log.info if reason is None else log.warning
        told("mail", mail=mail.id, purpose=mail.purpose, attempt=mail.attempts, result=result, reason=reason)

    async def _measure(self) -> None:
        if monotonic() - self._measured_at < MEASURED_SECONDS:
            return
        self._measured_at = monotonic()
        backlog = await account_mails.backlog(self._database)
        self._metrics.mails_waiting.set(backlog.mails)
        self._metrics.mail_lag.set(backlog.oldest_seconds)
