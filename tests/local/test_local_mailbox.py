"""Mails of the shop on this machine: kept as files, sent to nobody."""

import smtplib
import sys
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from local import mailbox
from local.images import catalogue
from local.state import State
from stack.render import Rendered
from testing.servers import process
from testing.waits import eventually, free_port


def test_the_stack_s_mails_go_to_this_machine_s_mailbox(rendered: Callable[[str], Rendered]) -> None:
    assert mailbox.port(rendered("local").resources) == 5525
    assert mailbox.port(rendered("prod").resources) is None, "that one is a real mail server"


def test_a_mail_is_a_file(tmp_path: Path) -> None:
    state, port = State(tmp_path), free_port()
    planned = mailbox.pod(port, state, catalogue())
    for directory in planned.directories:
        Path(directory).mkdir(parents=True)
    (container,) = planned.pod.containers
    place = {mount.target: mount.source for mount in container.mounts}
    command = [sys.executable, *(place.get(word, word) for word in container.argv[1:])]
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@shop.example", "ada@new.example", "Hello"
    mail.set_content("A link.")

    def send() -> bool:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
            return not server.send_message(mail)

    with process(command, {}, tmp_path / "log"):
        eventually(send, "the mailbox takes a mail", failing=(OSError, smtplib.SMTPException))
    (kept,) = (state.mail / "new").iterdir()
    assert "To: ada@new.example" in kept.read_text()
