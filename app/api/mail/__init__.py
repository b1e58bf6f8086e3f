"""Mails about accounts: their texts, the mail server, and the postman who delivers them."""

from app.api.mail.postman import Postman
from app.api.mail.server import MailServer

__all__ = ["MailServer", "Postman"]
