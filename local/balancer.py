"""haproxy in front of every Service with several pods, as kube-proxy is in a cluster.

Each launcher says on its pod's own address whether the pod is ready (haproxy's agent check), so a pod that
isn't gets no new connections, one that is stopping keeps those it has, and a connection that is refused goes
to another pod.
"""

import csv
import io
import urllib.request
from collections.abc import Iterable, Mapping

from local.images import Image, find
from local.plan import AGENT_PORT, PlannedPod, of_this_machine
from local.services import SERVICE_ADDRESS, Service
from local.spec import Container, Mount, Probe
from local.state import State
from local.volumes import VolumeFiles

NAME = "balancer"
CONFIGURATION = "/usr/local/etc/haproxy"
HEALTH_PORT = 10256  # kube-proxy's health port
FIGURES = "/figures"

_HEAD = """\
global
    maxconn 4000
    log stderr format raw local0 notice

defaults
    mode tcp
    log global
    option redispatch
    option dontlog-normal
    retries 3
    timeout connect 1s
    timeout client 1h
    timeout server 1h
    # A pod that isn't ready says so within half a second; a refused connection goes to another one at once.
    default-server agent-check agent-port {agent} agent-inter 500ms on-marked-down shutdown-sessions

frontend health
    mode http
    bind {address}:{health}
    monitor-uri /healthz
    stats enable
    stats uri {figures}
"""


def configuration(services: Iterable[Service], addresses: Mapping[str, str]) -> str:
    """haproxy.cfg. `addresses`: each pod's address by name."""
    parts = [_HEAD.format(agent=AGENT_PORT, address=SERVICE_ADDRESS, health=HEALTH_PORT, figures=FIGURES)]
    for service in services:
        if not service.balanced:
            continue
        for _, port, target in service.ports:
            servers = "".join(
                f"    server {pod} {addresses[pod]}:{target} agent-addr {addresses[pod]}\n"
                for pod in service.pods
                if pod in addresses
            )
            parts.append(
                f"listen {service.name}-{port}\n    bind {service.address}:{port}\n    balance leastconn\n{servers}"
            )
    return "\n".join(parts)


def serving() -> frozenset[str]:
    """The pods that the balancer sends new connections to; none if it doesn't answer.

    It learns of a ready pod up to half a second after the pod's launcher.
    """
    address = f"http://{SERVICE_ADDRESS}:{HEALTH_PORT}{FIGURES};csv"
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            rows = list(csv.DictReader(io.StringIO(answer.read().decode().removeprefix("# "))))
    except OSError:
        return frozenset()
    return frozenset(row["svname"] for row in rows if row["status"] == "no check" and _told(row))


def _told(row: Mapping[str, str]) -> bool:
    """Whether the pod's launcher has answered. An asterisk means that the check is running again."""
    return row["agent_status"].removeprefix("* ").startswith("L7OK")


def pod(
    services: tuple[Service, ...], addresses: Mapping[str, str], state: State, images: Mapping[str, Image]
) -> PlannedPod:
    """The balancer as one more pod."""
    image = find("haproxy", images, NAME)
    volume = VolumeFiles(
        directory=str(state.pod(NAME) / "volumes" / "config"),
        files={"haproxy.cfg": (configuration(services, addresses), 0o644)},
    )
    container = Container(
        name="haproxy",
        argv=image.argv((), ()),
        environment={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        uid=99,
        gid=99,
        user=image.user,
        read_only_root=True,
        mounts=(Mount(source=volume.directory, target=CONFIGURATION),),
        links=image.all_links(),
        readiness=Probe(http_path="/healthz", host=SERVICE_ADDRESS, port=HEALTH_PORT),
    )
    listening = tuple(
        ("haproxy", service.name, port)
        for service in services
        if service.balanced and service.address == SERVICE_ADDRESS
        for _, port, _ in service.ports
    )
    return of_this_machine(
        NAME,
        SERVICE_ADDRESS,
        container,
        state,
        kind="Balancer",
        ports=(*listening, ("haproxy", "health", HEALTH_PORT)),
        volumes=(volume,),
        packages=image.packages,
        missing=tuple(image.missing()),
    )
