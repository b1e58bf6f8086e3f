"""The texts of the mails. None repeats a text that a stranger could have typed: the shop would carry it to anybody."""

from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final

SIGN_UP_SECONDS: Final = 24 * 60 * 60
RESET_SECONDS: Final = 60 * 60
"""An hour: OWASP's Forgot Password Cheat Sheet asks for a short one, and mail may take minutes."""

_CONFIRM = """\
Welcome!

Someone, hopefully you, asked for an account with this e-mail address. To
finish signing up, open this page within 24 hours and enter the password you
chose:

{origin}/account/confirm#{token}

If this wasn't you, you can ignore this e-mail: no account will be created.
"""
_HAS_ACCOUNT = """\
Hello {name},

Someone, hopefully you, tried to sign up with this e-mail address. You already
have an account, so you can simply sign in:

{origin}/login

If you don't remember your password, choose a new one here:

{origin}/account/forgot

If this wasn't you, you can ignore this e-mail.
"""
_RESET = """\
Hello {name},

Someone, hopefully you, asked for a new password for your account. Choose it on
this page within an hour. The link works once:

{origin}/account/reset#{token}

If this wasn't you, you can ignore this e-mail: your password stays the same.
"""
_CHANGED = """\
Hello {name},

The password of your account has just been changed, and all your other devices
have been signed out.

If this wasn't you, choose a new password right away:

{origin}/account/forgot
"""


def confirm(origin: str, token: str) -> tuple[str, str]:
    """Subject and text that confirm a sign-up. The token is behind `#`, where no server and no log sees it."""
    return "Confirm your e-mail address", _CONFIRM.format(origin=origin, token=token)


def has_account(origin: str, name: str) -> tuple[str, str]:
    """Subject and text for a sign-up with the address of an account."""
    return "You already have an account", _HAS_ACCOUNT.format(origin=origin, name=name)


def reset(origin: str, name: str, token: str) -> tuple[str, str]:
    """Subject and text of a password reset."""
    return "Choose a new password", _RESET.format(origin=origin, name=name, token=token)


def changed(origin: str, name: str) -> tuple[str, str]:
    """Subject and text after a password was changed."""
    return "Your password was changed", _CHANGED.format(origin=origin, name=name)


def message(sender: str, recipient: str, subject: str, text: str) -> EmailMessage:
    """The mail as it travels (RFC 5322). No machine answers it (RFC 3834, section 5)."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, recipient, subject
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].strip("> ") or None)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    return mail
