"""Settings of the gateway."""

from collections.abc import Iterable
from typing import Annotated

from cryptography import x509
from pydantic import AfterValidator

from components.settings.pods import Resources
from components.settings.quantities import Bytes, Duration
from components.settings.section import Section, group, setting


def _ca_certificates(text: str) -> str:
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise ValueError(f"needs one or two certificates as PEM: {error}") from None
    if len(found) > 2:
        raise ValueError(f"holds {len(found)} certificates; one, or two while one replaces the other")
    return text


CaCertificates = Annotated[str, AfterValidator(_ca_certificates)]


class Limits(Section):
    """What one client may do. A visitor never notices; a script that hammers does."""

    requests_per_second: int = setting(
        50, unit="requests/s", why="a page and its images at once, several times over", ge=1, le=1_000_000
    )
    burst: int = setting(200, unit="requests", why="a first visit loads everything at once", ge=1, le=1_000_000)
    connections: int = setting(
        100, unit="connections", why="an address may stand for an office, not for an attack", ge=1, le=1_000_000
    )
    body: Bytes = setting("256KiB", unit="bytes", why="the largest request is a cart; uploads don't exist", ge=1024)
    header_timeout: Duration = setting("10s", unit="s", why="a client that dribbles its headers is cut off", ge=1)
    body_timeout: Duration = setting("10s", unit="s", why="for a request's whole body; dribbled, it is cut off", ge=1)
    send_timeout: Duration = setting("30s", unit="s", why="between two writes to a client that reads slowly", ge=1)


class Shield(Section):
    """The origin shield: nginx's cache in front of the API and the storefront."""

    size: Bytes = setting("2GiB", unit="bytes", why="all pages, images and hot answers; the least used go first")
    keys: Bytes = setting("32MiB", unit="bytes", why="nginx's index: about 8,000 answers for each MiB", ge=2**20)
    records: Bytes = setting("32MiB", unit="bytes", why="which version of an answer counts: about 250 B each", ge=2**20)
    purges: Bytes = setting("16MiB", unit="bytes", why="purged tags: about 130 B each, for as long as it matters")
    lock_timeout: Duration = setting("5s", unit="s", why="how long others wait for the one fetch of a missing answer")


class GatewaySettings(Section):
    """nginx between Cloudflare and the shop: origin shield, limits, one door."""

    pods: int = setting(
        2,
        unit="pods",
        why="one can be lost; each has a Service of its own, because a purge must reach every one. nginx serves "
        "thousands of requests/s from one core, so the number is fixed instead of scaled",
        ge=1,
        le=16,
    )
    workers: int = setting(2, unit="processes", why="one for each core that the pod may use", ge=1, le=64)
    resources: Resources = setting({"cpu": "500m", "memory": "512MiB"}, why="nginx, its tables and hot files")
    hosts: list[str] = setting([], why="names that the shop answers to; others get 421. Empty: any, for one machine")
    tls: bool = setting(
        False, why="serve TLS on 8443 behind a LoadBalancer, to clients with the edge's certificate only"
    )
    edge_ca: CaCertificates | None = setting(
        None,
        why="PEM of the CA that signs the edge's client certificate, of two while one replaces the other; tls needs it",
    )
    default_country: str = setting(
        "DE", why="prices for visitors whose country the edge doesn't say", pattern="[A-Z]{2}"
    )
    limits: Limits = group(Limits, why="what one client may do")
    shield: Shield = group(Shield, why="the origin shield")
    connect_timeout: Duration = setting("1s", unit="s", why="a pod that takes no connection is gone", ge=1, le=60)
    read_timeout: Duration = setting("10s", unit="s", why="the slowest answer of API and storefront", ge=1, le=55)
    grace_period: Duration = setting("30s", unit="s", why="the slowest answer, after the drain", ge=5, le=600)
    drain: Duration = setting("5s", unit="s", why="load balancers notice that a pod is leaving", ge=0, le=60)

    def contradictions(self) -> Iterable[str]:
        if self.tls and not self.edge_ca:
            yield ("tls is on, so edge_ca must hold the PEM of the CA that signs the edge's client certificate")
