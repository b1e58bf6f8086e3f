"""Mails about accounts: what they say, the server that takes them, and the postman who brings them there."""

from app.api.mail.postman import Postman
from app.api.mail.server import MailServer

__all__ = ["MailServer", "Postman"]
