"""The stand-in for the mail server on this machine: keeps each mail as a file, and sends none."""

from collections.abc import Mapping, Sequence
from typing import Any

from local.images import Image, find
from local.plan import PlannedPod, of_this_machine
from local.spec import Container, Mount, Probe
from local.state import State
from stack.resource import Resource

NAME = "mailbox"
_PLACE = "/mail"
_HERE = "127.0.0.1"


def port(resources: Sequence[Resource]) -> int | None:
    """The port of this machine to which a pod of the stack sends mails; None if none does."""
    for container in (each for resource in resources if resource.is_workload for each in _containers(resource)):
        for variable in container.get("env") or []:
            host, _, number = str(variable.get("value") or "").rpartition(":")
            if variable["name"] == "MAIL_SERVER" and host == _HERE:
                return int(number)
    return None


def _containers(resource: Resource) -> Sequence[Mapping[str, Any]]:
    return resource.get("spec", "template", "spec", "containers") or []


def pod(listening: int, state: State, images: Mapping[str, Image]) -> PlannedPod:
    """aiosmtpd, which keeps what it gets as a Maildir in `.local/mail`: new mails are files in `new`."""
    image = find("aiosmtpd", images, NAME)
    handler = "aiosmtpd.handlers.Mailbox"
    container = Container(
        name=NAME,
        argv=("python", "-m", "aiosmtpd", "-n", "-l", f"{_HERE}:{listening}", "-c", handler, _PLACE),
        environment={"PATH": image.environment["PATH"], "HOME": "/tmp"},  # noqa: S108 - the pod's own
        uid=1000,
        gid=1000,
        mounts=(*image.mounts, Mount(source=str(state.mail), target=_PLACE, read_only=False)),
        readiness=Probe(host=_HERE, port=listening),
    )
    return of_this_machine(
        NAME,
        _HERE,
        container,
        state,
        kind="Mail",
        ports=((NAME, "smtp", listening),),
        directories=tuple(str(state.mail / name) for name in ("new", "cur", "tmp")),
    )
